"""The daily certificates on real volumes: days that add up, pictures that were opened, pages that stay."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest

from luytre.app import daybook
from luytre.archive.segment import FileReader, parse_opening
from luytre.cameras.registry import CameraChange, NewCamera
from tests.app.noted import DAY_S, Maker, Node, us
from tests.archive.builder import KEEP_ALL, keep


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
        assert us(oldest["at"]) < us(oldest["plays_from"]) <= us(oldest["at"]) + 5_400_000

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
