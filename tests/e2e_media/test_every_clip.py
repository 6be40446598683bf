"""Every clip there is, from the simulated camera to the exported movie: the same access units, the same pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from luytre.simulator.sources import Unit, VideoName, is_key
from tests.e2e_media.travel import Nals, codec_of, footage_of, travel
from tests.recorder.camera import Bench

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
CLIPS = sorted(path for folder in ("video", "traps") for path in (DATA / folder).glob("*") if path.is_file())
# Pictures compared after decoding, for the access units are compared all.
DECODED = 120


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    if made.writer.is_alive():
        made.close()


def sent_nals(unit: Unit, codec: VideoName) -> Nals:
    """Without NAL unit types that RTP has no place for (Dolby Vision's 62 in hevc_main10_gops.mp4)."""
    return tuple(nal for nal in unit.nals if codec == "h264" or nal[0] >> 1 & 0x3F < 48)


def one_by_one(units: Sequence[Unit], codec: VideoName) -> list[Unit]:
    """Access units with one picture each, as the standards want them (ITU-T H.264 section 7.4.1.2.3, ITU-T H.265 section
    7.4.2.4.4): a file may put two into one sample (two_first_slice.mp4).
    """
    found = []
    for unit in units:
        nals = sent_nals(unit, codec)
        firsts = [number for number, nal in enumerate(nals) if begins_picture(nal, codec)][1:]
        borders = []
        for first in firsts:
            while not is_slice(nals[first - 1], codec):
                first -= 1
            borders.append(first)
        for begin, end in pairwise([0, *borders, len(nals)]):
            found.append(Unit(unit.send, unit.pts, is_key(codec, nals[begin:end]), nals[begin:end]))
    return found


def is_slice(nal: bytes, codec: VideoName) -> bool:
    return nal[0] >> 1 & 0x3F < 32 if codec == "h265" else 1 <= nal[0] & 0x1F <= 5


def begins_picture(nal: bytes, codec: VideoName) -> bool:
    """first_slice_segment_in_pic_flag; first_mb_in_slice of 0."""
    body = 2 if codec == "h265" else 1
    return is_slice(nal, codec) and len(nal) > body and nal[body] >= 0x80


def missing(sent: Sequence[Unit], recorded: Sequence[Nals], codec: VideoName) -> list[Unit]:
    """What was sent and is not in the archive. Fails where the archive has what was not sent, or another order."""
    left = iter(recorded)
    wanted = next(left, None)
    lost = []
    for unit in sent:
        if wanted == sent_nals(unit, codec):
            wanted = next(left, None)
        else:
            lost.append(unit)
    assert wanted is None, f"recorded, but not sent at this place: {[nal[:8].hex() for nal in wanted]}"
    return lost


def leading(units: Sequence[Unit]) -> set[int]:
    """`send` of pictures that are shown before the keyframe they follow: a run that begins there has no use for them."""
    found, key = set(), None
    for unit in units:
        if unit.key:
            key = unit
        elif key is not None and unit.pts < key.pts:
            found.add(unit.send)
    return found


def decoded(codec: VideoName, packets: Iterator[bytes]) -> list[str]:
    """Hashes of the pictures in the order in which they are shown."""
    decoder: Any = av.CodecContext.create("hevc" if codec == "h265" else "h264", "r")
    decoder.thread_count = 1
    found: list[str] = []
    for data in packets:
        try:
            frames = decoder.decode(av.Packet(data))
        except av.FFmpegError:
            frames = []
        found += [sha256(frame.to_ndarray().tobytes()).hexdigest() for frame in frames]
        if len(found) >= DECODED:
            break
    return found[:DECODED]


def annexb(nals: Nals) -> bytes:
    return b"".join(b"\0\0\0\1" + nal for nal in nals)


def of_movie(file: bytes, codec: VideoName) -> Iterator[bytes]:
    """The movie's access units as libav demuxes them, with the movie's own parameter sets."""
    opened: Any = av.open(io.BytesIO(file))
    with opened as container:
        stream = container.streams.video[0]
        convert: Any = av.bitstream.BitStreamFilterContext(
            "hevc_mp4toannexb" if codec == "h265" else "h264_mp4toannexb", stream
        )
        for packet in container.demux(stream):
            if packet.size:
                yield from (bytes(piece) for piece in convert.filter(packet))


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.parametrize("path", CLIPS, ids=lambda path: path.name)
def test_a_clip_comes_out_as_it_went_in(bench: Bench, path: Path) -> None:
    codec = codec_of(path)
    if codec is None:
        pytest.skip(f"{path.name}: libav sees no H.264 and no H.265 in it")
    footage = footage_of(path, codec)
    travelled = travel(bench, footage)
    sent = one_by_one(travelled.sent, codec)
    lost = missing(sent, travelled.recorded, codec)
    assert {unit.send for unit in lost} <= leading(sent)
    assert len(lost) <= 16 * travelled.runs
    kept = [unit for unit in sent if unit not in lost]
    wanted = decoded(codec, (annexb(sent_nals(unit, codec)) for unit in kept))
    assert len(kept) >= min(len(footage.units), 3)
    assert wanted
    assert decoded(codec, of_movie(travelled.movie, codec)) == wanted
    assert bench.close() == []


def test_the_comparison_can_fail() -> None:
    units = [Unit(n, n, n == 0, (bytes((0x65, n)),)) for n in range(4)]
    nals = [unit.nals for unit in units]
    assert missing(units, nals, "h264") == []
    assert missing(units, [*nals[:2], nals[3]], "h264") == [units[2]]
    for wrong in ([nals[1], nals[0]], [*nals, nals[0]], [(b"\x65",)]):
        with pytest.raises(AssertionError):
            missing(units, wrong, "h264")


def test_there_are_clips() -> None:
    if not CLIPS:
        pytest.skip("TEST DATA ABSENT: no clip is compared")
    assert len(CLIPS) >= 30
