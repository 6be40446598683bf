"""The book of daily certificates: what is done to a page is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from luytre.app import daybook
from luytre.base.errors import Error
from luytre.base.secrets import create_key
from luytre.base.signing import Signer, load_signer

DAYS = [f"2026-11-{day}" for day in range(20, 24)]


def signer(folder: Path, name: str = "node.key") -> Signer:
    if not (folder / name).exists():
        create_key(folder / name)
    return load_signer(folder / name)


def add(folder: Path, day: str, who: Signer | None = None, **more: Any) -> bool:
    who = who or signer(folder)
    return daybook.add(folder, {"date": day, "node": "Phường thử", **more}, who.sign, who.public_key)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    assert all(add(tmp_path, day) for day in DAYS)
    return tmp_path


def page(book: Path, day: str) -> Path:
    return book / daybook.FOLDER / f"{day}.json"


def problems(book: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for problem in daybook.verify_days(book, signer(book).public_key):
        found.setdefault(problem.date, []).append(problem.message)
    return found


def test_a_whole_book(book: Path) -> None:
    assert [day.isoformat() for day in daybook.dates(book)] == DAYS
    assert problems(book) == {}
    assert daybook.read(book, date(2026, 11, 20))["before"] == daybook.NOTHING_BEFORE
    (book / daybook.FOLDER / "2026-11-24.json.new").write_text("a notary was killed here")
    (book / daybook.FOLDER / "2026-99-99.json").write_text("no day")
    assert len(daybook.dates(book)) == 4
    assert add(book, "2026-11-24")
    assert not list((book / daybook.FOLDER).glob("*.new"))
    assert problems(book) == {}


def test_no_book() -> None:
    assert daybook.dates(Path("/nowhere")) == []
    assert daybook.verify_days(Path("/nowhere")) == []
    with pytest.raises(Error) as caught:
        daybook.read(Path("/nowhere"), date(2026, 11, 22))
    assert caught.value.cause == "no_certificate"


def test_a_page_is_written_once(book: Path) -> None:
    before = page(book, DAYS[-1]).read_bytes()
    assert not add(book, DAYS[-1], node="another")
    assert page(book, DAYS[-1]).read_bytes() == before
    with pytest.raises(Error, match="written up to"):
        add(book, "2026-11-01")


def edit(path: Path) -> None:
    path.write_text(path.read_text().replace("thử", "thật"))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def exchange(path: Path) -> None:
    path.write_bytes(page(path.parent.parent, DAYS[0]).read_bytes())


def remake(path: Path) -> None:
    """As its own node would have made it, at another time."""
    content = json.loads(path.read_text())
    path.unlink()
    others = [path.with_name(f"{day}.json") for day in DAYS if f"{day}.json" > path.name]
    for other in others:
        other.rename(other.with_suffix(".away"))
    add(path.parent.parent, content["date"], made_at="later")
    for other in others:
        other.with_suffix(".away").rename(other)


def unsign(path: Path) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), "signature": None}))


@pytest.mark.parametrize(
    ("harm", "at", "where", "words"),
    [
        (edit, 1, DAYS[1], "signature is not right"),
        (edit, 1, DAYS[2], "changed or is missing"),
        (edit, 3, DAYS[3], "signature is not right"),
        (cut, 1, DAYS[1], "cannot be read"),
        (exchange, 2, DAYS[2], "certificate of 2026-11-20"),
        (remake, 1, DAYS[2], "changed or is missing"),
        (unsign, 3, DAYS[3], "no signature"),
        (Path.unlink, 1, DAYS[2], "changed or is missing"),
        (Path.unlink, 0, DAYS[1], "changed or is missing"),
    ],
)
def test_what_is_done_to_a_page_is_found(
    book: Path, harm: Callable[[Path], None], at: int, where: str, words: str
) -> None:
    harm(page(book, DAYS[at]))
    assert any(words in text for text in problems(book)[where]), problems(book)


def test_a_page_of_another_key(book: Path) -> None:
    add(book, "2026-11-24", signer(book, "other.key"))
    assert problems(book) == {"2026-11-24": ["it is signed with the key of another node"]}
    assert daybook.verify_days(book) == []


def test_a_disk_that_does_not_take_it(book: Path) -> None:
    (book / daybook.FOLDER).rename(book / "away")
    (book / daybook.FOLDER).write_text("not a folder")
    with pytest.raises(Error) as caught:
        add(book, "2026-11-25")
    assert caught.value.cause == "disk_error"


def test_pages_of_days_to_come_do_not_end_the_book(book: Path) -> None:
    """They were made by a clock that was ahead; what is done to the pages beside them is found all the same."""
    ahead = ("2031-01-01", "2031-01-02")
    assert all(add(book, day) for day in ahead)
    who = signer(book)
    today = date(2026, 11, 26)
    for day in ("2026-11-24", "2026-11-25"):
        assert daybook.add(book, {"date": day}, who.sign, who.public_key, today)
    (problem,) = daybook.verify_days(book, who.public_key)
    assert (problem.date, problem.is_note) == (ahead[0], True)
    page(book, "2026-11-24").unlink()
    assert set(problems(book)) == {"2026-11-25", ahead[0]}
    page(book, "2026-11-23").unlink()
    found = [one for one in daybook.verify_days(book, who.public_key) if one.date == ahead[0]]
    assert [one.is_note for one in found] == [False]
