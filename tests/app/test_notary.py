"""The notary on real volumes: days that add up, pictures that were opened, pages that stay."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from luytre.app import daybook, notary
from luytre.app.foundation import init
from luytre.app.store import Store
from luytre.archive import seals
from luytre.archive.keys import StreamKey
from luytre.archive.segment import FileReader, parse_opening
from luytre.base.clock import ManualClock, to_us
from luytre.base.config import NodeConfig, VolumeConfig
from luytre.cameras.days import bounds
from luytre.cameras.registry import CameraChange, NewCamera
from tests.archive import builder
from tests.archive.builder import KEEP_ALL, Ward, keep

DAY_S = 86_400.0
SETTLED = 5 * 60 + 1


def us(text: str) -> int:
    return to_us(datetime.fromisoformat(text))


@dataclass
class Node:
    """A node with one camera, whose writer is at work on its first volume."""

    directory: Path
    clock: ManualClock
    key: StreamKey
    ward: Ward
    synchronised: bool = True

    def turn(self, day: str | None = None) -> bool:
        """The notary comes, right after `day` has settled if one is given."""
        if day is not None:
            self.until(day)
        return notary.take_turn(self.directory, self.clock, synchronised=lambda: self.synchronised)

    def until(self, day: str) -> None:
        """The clock goes to the moment from which `day`, a local day, is certified."""
        with closing(self.store()) as store:
            end = bounds(date.fromisoformat(day), store.zone)[1]
        self.clock.advance((end - self.clock.wall_us()) / 1e6 + SETTLED)

    def store(self) -> Store:
        return Store.open(self.directory, self.clock)

    def read(self, day: str) -> dict[str, Any]:
        return daybook.read(self.directory, date.fromisoformat(day))

    def stream(self, day: str, code: str = "DK-01") -> dict[str, Any]:
        """The one stream of a camera on a day."""
        (camera,) = [one for one in self.read(day)["cameras"] if one["code"] == code]
        (stream,) = camera["streams"]
        found: dict[str, Any] = stream
        return found

    def dates(self) -> list[str]:
        return [day.isoformat() for day in daybook.dates(self.directory)]


Maker = Callable[..., Node]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    nodes = []

    def node(start: str, zone: str = "Asia/Ho_Chi_Minh", volumes: int = 1) -> Node:
        clock = ManualClock(us(start))
        places = tuple(VolumeConfig(path=Path(f"volumes/{n}")) for n in range(1, volumes + 1))
        directory = init(
            tmp_path / "node", NodeConfig(name="Phường thử", zone=zone, volumes=places)
        ).directory
        with closing(Store.open(directory, clock)) as store:
            camera = store.registry.add(NewCamera("DK-01", "Ngã tư chợ", "rtsp://10.0.0.5/main"))
        key = StreamKey(camera.id, "main")
        # The ward's own camera, which it takes up whenever it waits.
        monkeypatch.setitem(builder.CODES, key, "DK-01")
        monkeypatch.setattr(builder, "KEY", key)
        ward = Ward(directory / "volumes/1", clock, segment_s=5.0)
        ward.take_up(key)
        nodes.append(Node(directory, clock, key, ward))
        return nodes[-1]

    yield node
    for one in nodes:
        one.ward.stop()


def adds_up(stream: dict[str, Any]) -> bool:
    gaps = sum(gap["seconds"] for gap in stream["gaps"])
    known = stream["recorded_s"] + gaps + stream["expired_s"] + stream["unexplained_s"]
    return bool(abs(known - stream["expected_s"]) < 1e-5)


def test_a_day_of_the_ward_is_recorded_plus_gaps(make: Maker) -> None:
    node = make("2026-11-22T23:59:50+07:00")
    node.ward.record(50, key=node.key)
    node.ward.record(50, key=node.key, pause_s=600, cause="stalled")
    assert node.turn("2026-11-22")
    first = node.stream("2026-11-22")
    assert (first["expected_s"], first["recorded_s"], first["percent"]) == (10.0, 10.0, 100.0)
    assert (first["gaps"], first["unexplained_s"], first["intended_s"]) == ([], 0.0, 0.0)
    assert node.turn("2026-11-23")
    assert node.dates() == ["2026-11-22", "2026-11-23"]
    second = node.stream("2026-11-23")
    assert (second["expected_s"], second["recorded_s"], second["unexplained_s"]) == (DAY_S, 30.0, 0.0)
    assert [(gap["cause"], gap["seconds"]) for gap in second["gaps"]] == [
        ("closed_by_camera", 600.0),
        ("stalled", DAY_S - 630),
    ]
    assert second["gaps"][0]["start"] == "2026-11-22T17:00:10Z"
    assert second["percent"] == 0.034  # 30 s of 86,400, rounded down
    assert adds_up(second)
    page = node.read("2026-11-23")
    assert (page["node"], page["zone"], page["made_at"]) == (
        "Phường thử",
        "Asia/Ho_Chi_Minh",
        "2026-11-23T17:05:01Z",
    )
    assert [(c["code"], c["name"], c["state"]) for c in page["cameras"]] == [
        ("DK-01", "Ngã tư chợ", "enabled")
    ]
    assert page["volumes"][0]["problem"] == ""


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-24", 24)])
def test_a_day_has_the_hours_of_its_zone(make: Maker, day: str, hours: int) -> None:
    node = make(f"{day}T00:00:00+00:00".replace(day, f"{day[:8]}{int(day[8:]) - 1}"), zone="Europe/Berlin")
    node.ward.record(10, key=node.key)
    assert node.turn(day)
    stream = node.stream(day)
    assert stream["expected_s"] == hours * 3600
    assert stream["unexplained_s"] == 0
    assert adds_up(stream)


def test_the_day_is_certified_once_it_has_settled_and_never_again(make: Maker) -> None:
    node = make("2026-11-22T23:59:50+07:00")
    node.ward.record(50, key=node.key)
    node.clock.advance(280)
    assert node.turn()
    assert node.dates() == []
    assert node.turn("2026-11-22")
    page = node.directory / "certificates/2026-11-22.json"
    before = (page.read_bytes(), page.stat())
    assert before[1].st_mode & 0o777 == 0o640
    node.clock.advance(60)
    assert node.turn()
    assert (page.read_bytes(), page.stat().st_mtime_ns) == (before[0], before[1].st_mtime_ns)
    assert [path.name for path in page.parent.iterdir()] == ["2026-11-22.json"]


def test_missed_days_are_made_up_for_a_week_and_the_chain_goes_over_holes(make: Maker) -> None:
    node = make("2026-11-01T12:00:00+07:00")
    node.ward.record(10, key=node.key)
    assert node.turn("2026-11-01")
    assert node.turn("2026-11-20")
    assert node.dates() == ["2026-11-01", *(f"2026-11-{day}" for day in range(14, 21))]
    assert daybook.verify_days(node.directory) == []
    # One that somebody took out is not made again: it would hide that.
    (node.directory / "certificates/2026-11-19.json").unlink()
    assert node.turn()
    assert "2026-11-19" not in node.dates()
    (problem,) = daybook.verify_days(node.directory)
    assert problem.date == "2026-11-20"


def test_gaps_of_intended_causes_are_no_failure(make: Maker) -> None:
    node = make("2026-11-22T23:59:50+07:00")
    node.ward.record(75, key=node.key, cause="no_motion")
    assert node.turn("2026-11-23")
    stream = node.stream("2026-11-23")
    assert (stream["recorded_s"], stream["intended_s"], stream["percent"]) == (20.0, DAY_S - 20, 100.0)
    assert [gap["intended"] for gap in stream["gaps"]] == [True]


def test_disabled_and_removed_cameras_are_in_it_while_they_have_something(make: Maker) -> None:
    node = make("2026-11-22T23:59:50+07:00")
    node.ward.record(75, key=node.key, cause="camera_disabled")
    with closing(node.store()) as store:
        store.registry.change("DK-01", CameraChange(enabled=False))
    assert node.turn("2026-11-22")
    assert node.read("2026-11-22")["cameras"][0]["state"] == "disabled"
    with closing(node.store()) as store:
        store.registry.remove("DK-01")
    assert node.turn("2026-11-23")
    (camera,) = node.read("2026-11-23")["cameras"]
    assert (camera["state"], camera["code"], camera["name"]) == ("removed", "DK-01", "DK-01")
    # Nothing is left to say of the day after.
    assert node.turn("2026-11-24")
    assert node.dates() == ["2026-11-22", "2026-11-23"]


def test_a_camera_that_no_recorder_ever_took_up_is_not_forgotten(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    with closing(node.store()) as store:
        store.registry.add(NewCamera("DK-02", "Cổng làng", "rtsp://10.0.0.6/main"))
    assert node.turn("2026-11-22")
    stream = node.stream("2026-11-22", "DK-02")
    assert (stream["expected_s"], stream["unexplained_s"]) == (DAY_S / 2, DAY_S / 2)
    assert (stream["percent"], stream["oldest"]) == (0.0, None)


def test_what_the_ledger_does_not_explain_is_told(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(10, key=node.key)
    node.ward.record(10, key=node.key, pause_s=100)
    with node.ward.index() as index:
        index.db.execute("DELETE FROM gap WHERE end_us IS NOT NULL")
    assert node.turn("2026-11-22")
    stream = node.stream("2026-11-22")
    assert stream["unexplained_s"] == 100.0
    assert adds_up(stream)


def test_what_retention_deleted_is_told_apart(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(100, key=node.key)
    node.ward.flush()
    node.until("2026-11-22")
    assert node.ward.sweep(keep(days=0.25)).segments > 0
    assert node.turn()
    stream = node.stream("2026-11-22")
    assert stream["expired_s"] == 40.0
    assert (stream["unexplained_s"], stream["oldest"]) == (0.0, None)
    assert adds_up(stream)


class TestOldest:
    def recorded(self, make: Maker) -> Node:
        node = make("2026-11-22T12:00:00+07:00")
        node.ward.record(100, key=node.key)
        node.ward.sweep(KEEP_ALL)
        return node

    def test_it_is_opened(self, make: Maker) -> None:
        node = self.recorded(make)
        assert node.turn("2026-11-23")
        stream = node.stream("2026-11-23")
        at = "2026-11-22T05:00:00Z"
        assert stream["oldest"] == {"at": at, "ok": True, "problem": "", "plays_from": at}
        assert (stream["promised_days"], stream["held_days"]) == (30.0, 1.5)

    @pytest.mark.parametrize("harm", ["flipped", "emptied", "deleted", "zeroed"])
    def test_a_damaged_one_is_told_and_the_next_one_is_found(self, make: Maker, harm: str) -> None:
        node = self.recorded(make)
        path = node.ward.files()[0]
        data = bytearray(path.read_bytes())
        with FileReader(path) as reader:
            opening = parse_opening(reader.read, reader.size)
        assert opening is not None
        if harm == "flipped":
            data[data.index(b"mdat", opening.parts_offset) + 20] ^= 1
        elif harm == "zeroed":
            data[opening.parts_offset :] = bytes(len(data) - opening.parts_offset)
        path.write_bytes(b"" if harm == "emptied" else data)
        if harm == "deleted":
            path.unlink()
        assert node.turn("2026-11-22")
        oldest = node.stream("2026-11-22")["oldest"]
        assert (oldest["at"], oldest["ok"]) == ("2026-11-22T05:00:00Z", False)
        assert path.name in oldest["problem"]
        assert us(oldest["at"]) < us(oldest["plays_from"]) <= us(oldest["at"]) + 5_000_000

    def test_nothing_that_plays_is_told(self, make: Maker) -> None:
        node = self.recorded(make)
        for path in node.ward.files():
            path.write_bytes(b"")
        assert node.turn("2026-11-22")
        stream = node.stream("2026-11-22")
        assert (stream["oldest"]["ok"], stream["oldest"]["plays_from"], stream["held_days"]) == (
            False,
            None,
            0.0,
        )


def test_a_volume_that_is_away_is_noted_and_costs_nothing_else(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00", volumes=2)
    node.ward.record(10, key=node.key)
    shutil.rmtree(node.directory / "volumes/2")
    assert not node.turn("2026-11-22")
    here, away = node.read("2026-11-22")["volumes"]
    assert (here["problem"], away["id"]) == ("", None)
    assert "volume.json" in away["problem"]
    assert node.stream("2026-11-22")["recorded_s"] == 4.0
    assert not (node.directory / "volumes/2").exists()


def test_the_only_volume_away_leaves_the_day_unexplained(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.stop()
    (node.directory / "volumes/1").rename(node.directory / "elsewhere")
    assert not node.turn("2026-11-22")
    stream = node.stream("2026-11-22")
    assert (stream["expected_s"], stream["unexplained_s"], stream["oldest"]) == (DAY_S / 2, DAY_S / 2, None)


def test_a_certificate_that_cannot_be_written_costs_no_seal_and_is_tried_again(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(20, key=node.key)
    folder = node.directory / daybook.FOLDER
    folder.write_text("in the way")
    assert not node.turn("2026-11-22")
    assert list((node.directory / "seals").iterdir())
    folder.unlink()
    assert node.turn()
    assert node.dates() == ["2026-11-22"]


def test_volumes_are_sealed_and_the_seal_is_remembered(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(20, key=node.key)
    assert node.turn()
    remembered = node.directory / "seals" / f"{node.ward.volume.id}.json"
    first = json.loads(remembered.read_text())
    assert node.turn()
    assert json.loads(remembered.read_text()) == first
    node.ward.record(20, key=node.key)
    # The next one in its time.
    assert node.turn()
    assert json.loads(remembered.read_text()) == first
    node.clock.advance(seals.EVERY_US / 1e6)
    assert node.turn()
    assert json.loads(remembered.read_text())["seq"] == first["seq"] + 1
    assert [line.seal is not None for line in seals.lines(node.ward.volume)] == [True, True]


def run(directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "luytre.app.notary", str(directory)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_as_a_process(make: Maker, tmp_path: Path) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(20, key=node.key)
    # Where nobody synchronises the machine, its keeper tells the time.
    node.ward.sweep(KEEP_ALL)
    lock = notary.alone(node.directory)
    assert lock is not None
    assert notary.alone(node.directory) is None
    busy = run(node.directory)
    assert (busy.returncode, "another notary" in busy.stderr) == (0, True)
    os.close(lock)
    done = run(node.directory)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line)["event"] for line in done.stderr.splitlines()]
    assert "volume sealed" in events
    nowhere = run(tmp_path / "nowhere")
    assert nowhere.returncode == 1
    assert "Traceback" not in nowhere.stderr
    assert not (tmp_path / "nowhere").exists()


def test_days_wait_for_an_index_that_is_being_read_in(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00", volumes=2)
    node.ward.record(50, key=node.key)
    node.until("2026-11-22")
    node.ward.stop()
    node.ward.volume.index_path.unlink()
    node.ward.restart()
    assert not node.turn()
    assert node.dates() == []
    node.ward.sweep(KEEP_ALL)
    node.clock.advance(DAY_S)
    assert not node.turn(), "the other volume has no index yet"
    assert node.dates() == ["2026-11-22", "2026-11-23"]
    assert node.stream("2026-11-22")["recorded_s"] == 20.0


def test_a_clock_that_is_ahead_ends_no_book(make: Maker) -> None:
    """Nobody synchronises the node: the keeper of its volume knows what time has surely passed."""
    node = make("2026-11-22T12:00:00+07:00")
    node.synchronised = False
    node.ward.record(50, key=node.key)
    assert not node.turn("2026-11-22"), "nobody tells the time"
    node.ward.sweep(KEEP_ALL)
    assert node.turn()
    assert node.dates() == ["2026-11-22"]
    node.clock.step_wall(1000 * DAY_S)
    assert node.turn()
    assert node.dates() == ["2026-11-22"]
    node.clock.step_wall(-1000 * DAY_S)
    node.until("2026-11-23")
    node.ward.sweep(KEEP_ALL)
    assert node.turn()
    assert node.dates() == ["2026-11-22", "2026-11-23"]


def test_a_book_with_pages_of_days_to_come_goes_on(make: Maker) -> None:
    node = make("2026-11-22T12:00:00+07:00")
    node.ward.record(50, key=node.key)
    assert node.turn("2026-11-22")
    node.clock.step_wall(100 * DAY_S)
    assert node.turn()
    ahead = node.dates()[1:]
    assert len(ahead) == 7
    node.clock.step_wall(-100 * DAY_S)
    assert node.turn("2026-11-24")
    assert node.dates() == ["2026-11-22", "2026-11-23", "2026-11-24", *ahead]
    (problem,) = daybook.verify_days(node.directory)
    assert (problem.date, problem.is_note) == (ahead[0], True)


class TestHangingDisk:
    @pytest.fixture
    def node(self, make: Maker) -> Node:
        node = make("2026-11-22T12:00:00+07:00", volumes=2)
        node.ward.record(50, key=node.key)
        node.until("2026-11-22")
        return node

    @pytest.fixture
    def hung(self, node: Node) -> Iterator[Path]:
        """Whoever reads the marker of the second volume waits until somebody writes it."""
        marker = node.directory / "volumes/2/volume.json"
        marker.unlink()
        os.mkfifo(marker)
        yield marker
        marker.unlink()

    def test_it_costs_no_other_volume_anything(self, node: Node, hung: Path) -> None:
        def turn() -> bool:
            return notary.take_turn(node.directory, node.clock, synchronised=lambda: True, visit_s=1.0)

        assert not turn()
        assert len(list(seals.lines(node.ward.volume))) == 1
        assert [volume["problem"] for volume in node.read("2026-11-22")["volumes"]] == [
            "",
            "its disk does not answer",
        ]
        assert node.stream("2026-11-22")["recorded_s"] == 20.0
        # The visit that hangs is the only one, until the disk answers.
        before = threading.active_count()
        assert not turn()
        assert threading.active_count() == before
        handle = os.open(hung, os.O_WRONLY)
        os.close(handle)

    def test_the_process_ends_and_lets_the_next_one_begin(
        self, node: Node, hung: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        node.ward.sweep(KEEP_ALL)
        code = (
            "import sys; from functools import partial; from luytre.app import notary;"
            "notary.take_turn = partial(notary.take_turn, visit_s=1.0);"
            f"sys.argv = ['notary', {str(node.directory)!r}]; notary.main()"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stderr
        assert "volume does not answer" in done.stderr
        assert "volume sealed" in done.stderr
        assert notary.alone(node.directory) is not None
