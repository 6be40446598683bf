"""What cameras reported is kept, found by time, and bounded."""

from __future__ import annotations

import pytest

from luytre.archive.keys import Span
from luytre.base.clock import US_PER_S, ManualClock
from luytre.base.db import Database
from luytre.base.secrets import Secrets
from luytre.cameras import events as events_module
from luytre.cameras.events import KEEP_DAYS, DeviceEvent, Events
from luytre.cameras.registry import NewCamera, Registry

ALWAYS = Span(0, 1 << 62)


def test_events_of_a_camera_in_order_of_time(database: Database) -> None:
    clock = ManualClock()
    registry, events = Registry(database, Secrets(b"k" * 32), clock), Events(database, clock)
    one, two = (registry.add(NewCamera(code, "", "rtsp://10.0.0.5/")).id for code in "AB")
    now = clock.wall_us()
    mine = [
        DeviceEvent(one, "motion", True, now + 5, "a"),
        DeviceEvent(one, "input", None, now, "b"),
        DeviceEvent(one, "tamper", False, now + 9, ""),
    ]
    events.append(
        [*mine, DeviceEvent(two, "motion", True, now, "x"), DeviceEvent("gone", "motion", True, now, "")]
    )
    assert list(events.between(one, ALWAYS)) == [mine[1], mine[0], mine[2]]
    assert list(events.between(one, Span(now + 5, now + 9))) == [mine[0]]
    assert len(events.between(one, ALWAYS, most=2)) == 2
    assert events.between("gone", ALWAYS) == []


@pytest.mark.parametrize("batch", [2, 500])
def test_the_table_is_bounded_in_days_and_rows(
    database: Database, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(events_module, "BATCH", batch)
    clock = ManualClock()
    camera = Registry(database, Secrets(b"k" * 32), clock).add(NewCamera("A", "", "rtsp://10.0.0.5/")).id
    events = Events(database, clock, keep_rows=3)
    now = clock.wall_us()
    day_us = 86_400 * US_PER_S
    events.append(
        DeviceEvent(camera, "motion", True, now - days * day_us, "") for days in (0, 1, 2, 3, KEEP_DAYS + 1)
    )
    assert list(events.trim()) == [1, 1]
    assert [(now - one.at_us) // day_us for one in events.between(camera, ALWAYS)] == [2, 1, 0]
    clock.advance(KEEP_DAYS * 86_400 + 1)
    assert list(events.trim()) == ([2, 1] if batch == 2 else [3])
    assert events.between(camera, ALWAYS) == []


def test_a_mad_camera_drives_out_only_its_own_events(database: Database) -> None:
    clock = ManualClock()
    registry, events = Registry(database, Secrets(b"k" * 32), clock), Events(database, clock, keep_rows=3)
    calm, mad = (registry.add(NewCamera(code, "", "rtsp://10.0.0.5/")).id for code in "AB")
    now = clock.wall_us()
    events.append(DeviceEvent(calm, "motion", True, now - number, "") for number in (1, 2, 3))
    # All at the same moment.
    events.append(DeviceEvent(mad, "motion", True, now, str(number)) for number in range(10))
    assert sum(events.trim()) == 7
    assert len(events.between(calm, ALWAYS)) == 3
    assert len(events.between(mad, ALWAYS)) == 3


def test_others_write_between_two_batches(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "BATCH", 1)
    clock = ManualClock()
    camera = Registry(database, Secrets(b"k" * 32), clock).add(NewCamera("A", "", "rtsp://10.0.0.5/")).id
    events = Events(database, clock, keep_rows=1)
    now = clock.wall_us()
    events.append(DeviceEvent(camera, "motion", True, now + number, "") for number in range(3))
    for written, removed in enumerate(events.trim()):
        assert removed == 1
        if written == 0:
            events.append([DeviceEvent(camera, "input", True, now + 9, "")])
    assert [one.at_us - now for one in events.between(camera, ALWAYS)] == [9]
