"""The book of daily certificates: DIR/certificates/YYYY-MM-DD.json, one per day of the ward (design/certificates.md).

Promises   a page is written once, whole, and never again; each is signed, and tells the hash of the page before it.
Does not   know what a day is (daily.py does), nor keep the key.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from luytre.archive.disk import sync_folder
from luytre.base.errors import Error, Kind, from_os
from luytre.base.signing import verify

FOLDER: Final = "certificates"
# What stands before the first page.
NOTHING_BEFORE: Final = "0" * 64
_AHEAD: Final = "it was made by a clock that was ahead: days before it were certified after it"


@dataclass(frozen=True, slots=True)
class PageProblem:
    """What is wrong with the page of a day; a note: what is only worth knowing."""

    date: str
    message: str
    is_note: bool = False


def dates(directory: Path) -> list[date]:
    """The days that have a page, ascending."""
    found = []
    for path in (directory / FOLDER).glob("????-??-??.json"):
        with suppress(ValueError):
            found.append(date.fromisoformat(path.stem))
    return sorted(found)


def page(directory: Path, day: date) -> bytes:
    """The file of a day, as it was signed. Raises Error(NOT_FOUND, cause="no_certificate")."""
    path = _path(directory, day)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Error(
            Kind.NOT_FOUND,
            f"there is no certificate of {day.isoformat()}",
            hint="It is made within half an hour after the day has ended.",
            cause="no_certificate",
        ) from None
    except OSError as error:
        raise from_os(error, f"read {path}") from error


def read(directory: Path, day: date) -> dict[str, Any]:
    """What the page says. Raises Error(NOT_FOUND, cause="no_certificate"), Error(DATA_LOSS)."""
    return _parsed(page(directory, day), day.isoformat())


def add(
    directory: Path,
    content: Mapping[str, Any],
    sign: Callable[[bytes], bytes],
    public_key: bytes,
    today: date = date.max,
) -> bool:
    """Write the page of `content["date"]`, after the last one. False when that day has one. Pages after `today` were made
    by a clock that was ahead: they stay, and do not end the book. Raises Error.
    """
    folder = directory / FOLDER
    day = date.fromisoformat(content["date"])
    written = [one for one in dates(directory) if one <= today]
    if written and day < written[-1]:
        raise Error(
            Kind.CONFLICT,
            f"the book is written up to {written[-1].isoformat()} already",
            hint="A day that was left out stays out.",
            cause="exists",
        )
    if day in written:
        return False
    before = sha256(page(directory, written[-1])).hexdigest() if written else NOTHING_BEFORE
    whole = {**content, "before": before, "public_key": public_key.hex()}
    whole["signature"] = sign(_signed(whole)).hex()
    text = json.dumps(whole, ensure_ascii=False, indent=1) + "\n"
    try:
        folder.mkdir(mode=0o750, exist_ok=True)
        return _write_once(_path(directory, day), text.encode())
    except OSError as error:
        raise from_os(error, f"write the certificate of {day.isoformat()}") from error


def verify_days(directory: Path, public_key: bytes | None = None) -> list[PageProblem]:
    """What is wrong with the book of a node's directory, by date: pages changed, exchanged or taken out. Without
    `public_key` (32 bytes, the node's) each page's own is believed.
    """
    problems: list[PageProblem] = []
    expected = NOTHING_BEFORE
    earlier = {NOTHING_BEFORE}
    for day in dates(directory):
        name = day.isoformat()
        try:
            data = page(directory, day)
            found = _parsed(data, name)
            before = str(found.get("before"))
            if expected and before != expected and before in earlier:
                problems.append(PageProblem(name, _AHEAD, is_note=True))
                expected = before
            problems += [PageProblem(name, text) for text in _wrong(found, name, expected, public_key)]
            expected = sha256(data).hexdigest()
            earlier.add(expected)
        except Error as error:
            problems.append(PageProblem(name, error.message))
            # Unreadable: whatever the next page says of it cannot be held against that one.
            expected = ""
    return problems


def _wrong(found: Mapping[str, Any], name: str, before: str, public_key: bytes | None) -> list[str]:
    wrong = []
    if found.get("date") != name:
        wrong.append(f"it is the certificate of {found.get('date')}")
    if before and found.get("before") != before:
        wrong.append("the page before it was changed or is missing")
    try:
        key = bytes.fromhex(str(found.get("public_key")))
        signature = bytes.fromhex(str(found.get("signature")))
    except ValueError:
        return [*wrong, "it has no signature"]
    if public_key is not None and key != public_key:
        wrong.append("it is signed with the key of another node")
    if not verify(key, signature, _signed(found)):
        wrong.append("its signature is not right: it was changed after it was made")
    return wrong


def _signed(content: Mapping[str, Any]) -> bytes:
    """What the signature is over: the canonical JSON of everything else."""
    rest = {name: value for name, value in content.items() if name != "signature"}
    return json.dumps(rest, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _parsed(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = json.loads(data)
        if not isinstance(found, dict):
            raise ValueError(name)
    except ValueError:
        raise Error(
            Kind.DATA_LOSS,
            f"the certificate of {name} cannot be read",
            hint="Restore the file from a backup.",
            cause="bad_certificate",
        ) from None
    return found


def _path(directory: Path, day: date) -> Path:
    return directory / FOLDER / f"{day.isoformat()}.json"


def _write_once(path: Path, data: bytes) -> bool:
    """Durable, and whole or not at all; False when there is one already: it stays as it is."""
    # One name: what a notary that was killed left behind goes with the next page of that day.
    fresh = path.with_name(f"{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # Unlike a rename, a link never takes the place of another file.
        os.link(fresh, path)
    except FileExistsError:
        return False
    finally:
        fresh.unlink()
    sync_folder(path.parent)
    return True
