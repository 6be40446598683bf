"""Times as people write them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from luytre.base.clock import rfc3339, to_us
from luytre.base.errors import Error
from luytre.cli.moments import parse, show

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = "2026-11-22T07:05:00Z"


def at(text: str, now: str = NOW, zone: ZoneInfo = VIETNAM) -> str:
    return rfc3339(parse(text, zone, parse(now, VIETNAM, 0)))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T14:05:00+07:00", "2026-11-22T07:05:00Z"),
        ("2026-11-22T07:05:00.250Z", "2026-11-22T07:05:00.250Z"),
        ("2026-11-22T14:05:00", "2026-11-22T07:05:00Z"),
        ("22/11/2026 14:05:07", "2026-11-22T07:05:07Z"),
        ("22/11/2026 14:05:07.5", "2026-11-22T07:05:07.500Z"),
        ("22/11/2026 14:05", "2026-11-22T07:05:00Z"),
        ("22/11 14:05", "2026-11-22T07:05:00Z"),
        ("1/2 3:04", "2026-01-31T20:04:00Z"),
        ("23/11 0:00", "2026-11-22T17:00:00Z"),
        ("31/12 23:00", "2025-12-31T16:00:00Z"),
        ("29/2 12:00", "2024-02-29T05:00:00Z"),
        ("14:05", "2026-11-22T07:05:00Z"),
        ("14h05", "2026-11-22T07:05:00Z"),
    ],
)
def test_times(text: str, moment: str) -> None:
    assert at(text) == moment


def test_today_is_the_nodes_today() -> None:
    assert at("1:00", "2026-11-21T20:00:00Z") == "2026-11-21T18:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "32/1 10:00",
        "31/02/2026 10:00",
        "22/11 25:00",
        "22/11",
        "2026-13-01T00:00:00Z",
        "1e9",
        "0/0 0:00",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Error) as caught:
        at(text)
    assert caught.value.cause == "bad_time"


def test_a_time_is_shown_in_the_nodes_zone() -> None:
    assert show(to_us(datetime.fromisoformat(NOW)), VIETNAM) == "22/11/2026 14:05:00"
