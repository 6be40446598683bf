"""`luytre archive certificate`."""

from __future__ import annotations

import re
import sys
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from luytre.app import daybook
from luytre.base import config as settings
from luytre.base.clock import to_us
from luytre.base.errors import Error, Kind
from luytre.cameras.reasons import words
from luytre.cli.language import language, say
from luytre.cli.moments import show as moment
from luytre.cli.output import number, print_json, print_table

_LOCAL = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", re.ASCII)
_COLUMNS = ("code", "streams", "percent", "gaps", "longest", "main_cause", "plays_from", "held")


def show(day: str | None, directory: Path, as_json: bool) -> None:
    """The certificate of a day, or the newest. Raises Error(NOT_FOUND, cause="no_certificate")."""
    settings.load(directory)
    found = daybook.read(directory, _newest(directory) if day is None else _date(day))
    if as_json:
        print_json(found)
        return
    zone = ZoneInfo(found["zone"])
    lines = [(camera, stream) for camera in found["cameras"] for stream in camera["streams"]]
    made, when = _moment(found["made_at"], zone), date.fromisoformat(found["date"]).strftime("%d/%m/%Y")
    count = number(len(found["cameras"]))
    print(say("certificate.title", node=found["node"], date=when, cameras=count, made=made))
    print_table([say(f"col.{name}") for name in _COLUMNS], [_row(*line, zone) for line in lines])
    for note in _notes(found["volumes"], lines):
        print(note, file=sys.stderr)


def _newest(directory: Path) -> date:
    written = daybook.dates(directory)
    if not written:
        raise Error(
            Kind.NOT_FOUND,
            "there is no certificate yet",
            hint="The first is made within half an hour after the first midnight.",
            cause="no_certificate",
        )
    return written[-1]


def _date(text: str) -> date:
    """Raises Error(INVALID, cause="bad_date")."""
    local = _LOCAL.fullmatch(text.strip())
    try:
        if local is None:
            return date.fromisoformat(text.strip())
        day, month, year = map(int, local.groups())
        return date(year, month, day)
    except ValueError:
        raise Error(Kind.INVALID, f'"{text[:60]}"', cause="bad_date") from None


def _row(camera: dict[str, Any], stream: dict[str, Any], zone: ZoneInfo) -> list[str]:
    # What was left out on purpose is no gap to anybody who reads this.
    gaps = [gap for gap in stream["gaps"] if not gap["intended"]]
    by_cause: Counter[str] = Counter()
    for gap in gaps:
        by_cause[gap["cause"]] += gap["seconds"]
    percent, oldest = stream["percent"], stream["oldest"]
    plays = oldest["plays_from"] if oldest else None
    unseen = say("certificate.plays_none") if oldest else ""
    return [
        camera["code"],
        stream["stream"],
        say("certificate.nothing_due") if percent is None else f"{number(percent, 3)} %",
        number(len(gaps)) if gaps else "",
        _duration(max(gap["seconds"] for gap in gaps)) if gaps else "",
        _reason(by_cause.most_common(1)[0][0]) if gaps else "",
        unseen if plays is None else _moment(plays, zone),
        f"{number(stream['held_days'], 1)} / {number(stream['promised_days'])}",
    ]


def _notes(volumes: list[dict[str, Any]], lines: list[tuple[dict[str, Any], dict[str, Any]]]) -> list[str]:
    """What a person has to know beside the table."""
    notes = [
        say("certificate.volume_away", path=volume["path"], problem=volume["problem"])
        for volume in volumes
        if volume["problem"]
    ]
    for camera, stream in lines:
        names = {"code": camera["code"], "stream": stream["stream"]}
        # Less than half a second is the rounding of clocks, not an event.
        if abs(stream["unexplained_s"]) >= 0.5:
            notes.append(say("certificate.unexplained", **names, seconds=number(stream["unexplained_s"], 1)))
        if stream["oldest"] and not stream["oldest"]["ok"]:
            notes.append(say("certificate.damaged", **names, problem=stream["oldest"]["problem"]))
    return notes


def _reason(cause: str) -> str:
    known = words(cause, language())
    return cause if known is None else known.reason


def _duration(seconds: float) -> str:
    for unit, name, digits in ((3600, "h", 1), (60, "min", 1)):
        if seconds >= unit:
            return say(f"certificate.duration_{name}", value=number(seconds / unit, digits))
    return say("certificate.duration_s", value=number(seconds, 1))


def _moment(text: str, zone: ZoneInfo) -> str:
    return moment(to_us(datetime.fromisoformat(text)), zone)
