from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.archive import recover
from luytre.archive import segment as fmt
from luytre.archive.check import check
from luytre.archive.disk import OsDisk
from luytre.archive.keys import Clocks
from luytre.archive.segment import GapNote, Header, PartEntry, Tail
from luytre.base.errors import Error
from luytre.media.fmp4.write import init_segment
from tests.archive.builder import KEY, OTHER, Ward, audio, video
from tests.media import clips

NUMBER = st.integers(-(1 << 61), 1 << 61)
UNSIGNED = st.integers(0, (1 << 63) - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
GAPS = st.lists(st.builds(GapNote, NUMBER, NUMBER, TEXT, TEXT), max_size=5).map(tuple)
HASH = st.binary(min_size=32, max_size=32)
HEADERS = st.builds(Header, TEXT, TEXT, TEXT, TEXT, NUMBER, NUMBER, NUMBER, HASH.map(bytes.hex), TEXT, GAPS)
ENTRIES = st.builds(
    PartEntry,
    UNSIGNED,
    st.integers(0, (1 << 32) - 1),
    UNSIGNED,
    st.integers(0, (1 << 32) - 1),
    NUMBER,
    st.booleans(),
)
CLOCKS = st.builds(Clocks, st.none() | NUMBER, st.none() | NUMBER)
TAILS = st.lists(ENTRIES, max_size=20).flatmap(
    lambda parts: st.builds(
        Tail,
        NUMBER,
        st.just(tuple(parts)),
        st.binary(min_size=32 * len(parts), max_size=32 * len(parts)),
        CLOCKS,
    )
)
INIT = init_segment([video().track])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["gaps", "run", "seq", "x"]), inner)
    ),
)


def reading(data: bytes) -> Callable[[int, int], bytes]:
    return lambda offset, size: data[offset : offset + size]


@given(HEADERS)
def test_an_opening_comes_back(header: Header) -> None:
    data = INIT + fmt.header_box(header)
    opening = fmt.parse_opening(reading(data + b"more"), len(data) + 4)
    assert opening is not None
    assert opening == fmt.Opening(INIT, header, len(data))


@given(TAILS)
def test_a_tail_comes_back(tail: Tail) -> None:
    assert fmt.parse_tail(fmt.tail_box(tail)) == tail


@given(TAILS, st.data())
def test_a_cut_tail_is_none(tail: Tail, data: st.DataObject) -> None:
    box = fmt.tail_box(tail)
    with pytest.raises(Error) as caught:
        fmt.parse_tail(box[: data.draw(st.integers(0, len(box) - 1))])
    assert caught.value.hint


@given(st.binary(max_size=300), st.integers(0, len(INIT)))
def test_garbage_is_no_opening(garbage: bytes, kept: int) -> None:
    data = INIT[:kept] + garbage
    opening = fmt.parse_opening(reading(data), len(data))
    assert opening is None or opening.parts_offset <= len(data)


@given(JSON)
def test_a_header_of_other_json_is_no_header(value: object) -> None:
    payload = json.dumps(value).encode()
    box = fmt._BOX.pack(24 + len(payload), b"uuid", fmt.HEADER_TYPE) + payload
    assert fmt.parse_opening(reading(INIT + box), len(INIT) + len(box)) is None


@pytest.mark.parametrize(
    "change",
    [
        {"seq": "1"},
        {"seq": True},
        {"start_us": 1 << 70},
        {"camera": 7},
        {"code": "\ud800"},
        {"gaps": [{"start_us": 1, "end_us": 1e300, "cause": "x", "detail": ""}]},
        {"gaps": [{"start_us": 1, "end_us": 2, "cause": None, "detail": ""}]},
        {"gaps": 5},
        {"more": 1},
        {"prev": "0g" * 32},
        {"prev": "00" * 31},
        {"prev": None},
        {"retention": 3},
    ],
    ids=str,
)
def test_a_header_with_wrong_fields_is_no_header(change: dict[str, object]) -> None:
    good = {
        "camera": "a",
        "code": "b",
        "stream": "main",
        "run": "r",
        "seq": 1,
        "start_us": 1,
        "start_ticks": 0,
        "prev": "00" * 32,
        "retention": "standard",
        "gaps": [],
    }
    for fields, wanted in ((good, True), (good | change, False)):
        payload = json.dumps(fields).encode()
        box = fmt._BOX.pack(24 + len(payload), b"uuid", fmt.HEADER_TYPE) + payload
        found = fmt.parse_opening(reading(INIT + box), len(INIT) + len(box))
        assert (found is not None) is wanted


def test_json_without_bottom_is_no_header() -> None:
    payload = b"[" * 200_000
    box = fmt._BOX.pack(24 + len(payload), b"uuid", fmt.HEADER_TYPE) + payload
    assert fmt.parse_opening(reading(INIT + box), len(INIT) + len(box)) is None


def test_a_damaged_file_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(1 << 33)
    with fmt.FileReader(path) as reader, pytest.raises(Error):
        fmt.read_tail(reader, 0)


@pytest.fixture
def closed(ward: Ward) -> Path:
    """One closed segment of four parts with sound."""
    ward.segment_s = 100.0
    ward.restart()
    ward.take_up(KEY, OTHER)
    ward.record(4, coded=(video(b_frames=2), audio()))
    (path,) = ward.files()
    return path


def test_cut_at_every_byte_of_its_last_two_parts(closed: Path, tmp_path: Path) -> None:
    data = closed.read_bytes()
    whole = recover.contents(closed)
    assert whole is not None
    assert whole.whole
    path = tmp_path / "cut.mp4"
    path.write_bytes(data)
    begin = whole.parts[-2].offset
    for size in range(len(data) - 1, begin - 1, -1):
        with path.open("r+b") as file:
            file.truncate(size)
        found = recover.contents(path)
        assert found is not None
        assert found.parts == tuple(p for p in whole.parts if p.offset + p.size <= size)
        assert not found.whole
        assert recover.closed_contents(path) == found


def cuts(path: Path) -> list[int]:
    """A place in each piece of the last two parts, and the borders between them."""
    found = recover.contents(path)
    assert found is not None
    sizes = []
    for part in found.parts[-2:]:
        sizes += [
            part.offset,
            part.offset + 20,
            part.offset + 60,
            part.offset + part.size // 2,
            part.offset + part.size - 1,
        ]
    return [*sizes, found.parts_end, found.parts_end + 12, found.size - 1]


@pytest.mark.parametrize("number", range(13))
def test_a_cut_file_plays_and_is_healed(number: int, closed: Path, ward: Ward) -> None:
    size = cuts(closed)[number]
    with closed.open("r+b") as file:
        file.truncate(size)
    with ward.index() as index:
        index.db.execute("UPDATE segment SET state = 'open', end_us = NULL, end_ticks = NULL, bytes = NULL")
        index.db.execute("DELETE FROM gap WHERE end_us IS NULL")
    assert pictures(closed.read_bytes())
    ward.restart()
    ward.take_up(KEY, OTHER)
    assert check(ward.path, clock=ward.clock) == []
    found = recover.contents(closed)
    assert found is not None
    assert found.whole
    assert len(pictures(closed.read_bytes())) == 10 * len(found.parts)
    assert ward.causes()[-1] == "node_crashed"


def pictures(file: bytes) -> list[object]:
    with clips.reading(file) as container:
        return list(container.decode(video=0))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not on this machine")
@pytest.mark.parametrize("cut", [0, 1000])
def test_ffprobe_opens_it(closed: Path, cut: int, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    data = closed.read_bytes()
    path.write_bytes(data[: len(data) - cut])
    found = recover.contents(path)
    assert found is not None
    if cut:
        recover.finish_file(path, OsDisk(), found, found.tail)
    answer = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)],
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert answer.stderr == b""
    frames = json.loads(answer.stdout)["streams"][0]["nb_read_frames"]
    assert int(frames) == 10 * len(found.parts)
