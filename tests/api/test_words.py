"""Whatever goes wrong, there are words for it, in both languages, and something to do."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from luytre.api.languages import preferred
from luytre.api.problems import CLOSE, STATUS, CameraRefusal, Refusal, problem
from luytre.api.shapes import Problem
from luytre.api.words import RIGHTS, WORDS, duration
from luytre.archive.keys import Cause
from luytre.base.errors import Error, Kind
from luytre.cameras.reasons import LANGUAGES, REASONS, Language
from luytre.cameras.viewing import NothingRecorded
from luytre.people.actor import ROLES

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SOURCE = Path(__file__).resolve().parent.parent.parent / "src" / "luytre"
# What a request can meet; causes of the command line and of starting a node have their words elsewhere.
REACHED = [
    "api",
    "cameras",
    "people/sessions.py",
    "people/lockout.py",
    "people/readers.py",
    "people/actor.py",
    "archive/playback.py",
    "archive/export.py",
]


def causes_in_source() -> Iterator[tuple[str, str]]:
    """(cause, file) of every error raised with a literal cause in what a request reaches."""
    for name in REACHED:
        where = SOURCE / name
        for path in sorted(where.rglob("*.py")) if where.is_dir() else [where]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                    continue
                if node.func.id == "Error":
                    values = [k.value for k in node.keywords if k.arg == "cause"]
                elif node.func.id == "Refusal":
                    values = node.args[2:3]
                else:
                    continue
                for value in values:
                    if isinstance(value, ast.Constant):
                        yield str(value.value), str(path.relative_to(SOURCE))


def test_every_cause_a_request_can_meet_has_words() -> None:
    found = list(causes_in_source())
    assert len(found) > 20
    known = set(WORDS["vi"]) | set(Cause)
    missing = {(cause, path) for cause, path in found if cause not in known}
    assert not missing, "add words for these to api/words.py"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_cause_of_a_stream_has_a_reason_and_a_hint(language: Language) -> None:
    assert set(REASONS[language]) == set(Cause)
    for said in [*REASONS[language].values(), *WORDS[language].values()]:
        assert said.reason
        assert said.hint.endswith(".")
        assert "!" not in said.reason + said.hint
        assert not said.reason.endswith(".")


def test_both_languages_say_the_same_things() -> None:
    assert set(get_args(Language)) == set(WORDS) == set(REASONS) == set(RIGHTS)
    assert set(WORDS["vi"]) == set(WORDS["en"])
    for cause, said in WORDS["vi"].items():
        facts = [
            {name for _, name, _, _ in string.Formatter().parse(" ".join(words)) if name}
            for words in (said, WORDS["en"][cause])
        ]
        assert facts[0] == facts[1], cause
        assert said != WORDS["en"][cause]
    for cause in Cause:
        assert REASONS["vi"][cause] != REASONS["en"][cause]


def test_kinds_and_rights_are_all_known() -> None:
    assert set(STATUS) == set(Kind)
    assert set(Kind) <= set(WORDS["vi"])
    assert set(CLOSE) <= set(Kind)
    assert set(RIGHTS["vi"]) == set(RIGHTS["en"]) == set(ROLES["admin"])


def test_an_error_without_words_still_says_something() -> None:
    error = Error(Kind.CONFLICT, "the {braces} are taken", hint="Free {them}.", cause="strange")
    assert problem(error, "en", ZONE) == Problem(
        kind="conflict", cause="strange", message="the {braces} are taken", hint="Free {them}."
    )
    assert problem(error, "vi", ZONE).message == WORDS["vi"]["conflict"].reason


def test_facts_are_told() -> None:
    right = Refusal(Kind.FORBIDDEN, "no", "missing_right", right="export")
    assert problem(right, "vi", ZONE).message == "Bạn chưa được cấp quyền trích xuất hình"
    untold = Error(Kind.INVALID, "no", cause="bad_time")
    assert problem(untold, "vi", ZONE).message == "Thời điểm “…” chưa đúng"
    never = NothingRecorded(None)
    assert problem(never, "en", ZONE).cause == "nothing_recorded"
    assert problem(never, "en", ZONE).message == WORDS["en"]["never_recorded"].reason


def test_not_found_is_another_thing_when_a_camera_says_it() -> None:
    error = Error(Kind.NOT_FOUND, "404", cause="not_found")
    assert problem(error, "vi", ZONE).message == WORDS["vi"]["not_found"].reason
    assert problem(CameraRefusal(error), "vi", ZONE).message == REASONS["vi"][Cause.NOT_FOUND].reason


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "vi"),
        ("fr", "vi"),
        ("en", "en"),
        ("en-US,en;q=0.9,vi;q=0.8", "en"),
        ("en;q=0.3, vi-VN;q=0.7", "vi"),
        ("vi;q=0,en;q=0.1", "en"),
        ("en;q=x", "vi"),
        ("en;q=nan", "vi"),
        (";;;,,,=", "vi"),
    ],
)
def test_languages(accept: str, language: str) -> None:
    assert preferred(accept) == language


def test_durations_are_rounded_up() -> None:
    assert [duration(s, "vi") for s in (0.2, 59.1, 61, 300)] == ["1 giây", "1 phút", "2 phút", "5 phút"]
    assert duration(5, "en") == "5 s"
