"""Both languages say everything; errors of the rooms have Vietnamese words."""

from __future__ import annotations

import ast
import inspect
import re
import string
from pathlib import Path

import pytest

import luytre
from luytre.archive.keys import Cause
from luytre.base.errors import Error, Kind
from luytre.cli import failures
from luytre.cli.language import TEXTS, Language, language, say
from luytre.cli.reference import commands, reference

ROOT = Path(inspect.getfile(luytre)).parent
# Said only on the pages, to somebody who logs in there, or asks for a ticket.
ELSEWHERE = {
    "wrong_password",
    "logged_out",
    "too_many_tickets",
    "outside_ticket",
    "no_such_day",
    "no_fresh_picture",
}
ROOMS = ("app", "base", "cameras", "people")


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_tables_have_the_same_keys_and_fields() -> None:
    english, vietnamese = TEXTS["en"], TEXTS["vi"]
    # English errors come from the rooms.
    said = {key for key in vietnamese if not key.startswith(("error.", "hint."))}
    assert said == {key for key in english if not key.startswith(("error.", "hint."))}
    assert all(fields(english[key]) == fields(vietnamese[key]) for key in said)
    assert {key for key in english if key not in said} <= set(vietnamese)


def test_every_error_has_a_hint() -> None:
    for table in TEXTS.values():
        causes = {key.removeprefix("error.") for key in table if key.startswith("error.")}
        assert causes == {key.removeprefix("hint.") for key in table if key.startswith("hint.")}


def test_every_cause_that_a_room_raises_is_said_in_vietnamese() -> None:
    raised = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if (
                    isinstance(node, ast.keyword)
                    and node.arg == "cause"
                    and isinstance(node.value, ast.Constant)
                    and node.value.value is not None
                ):
                    raised.add(str(node.value.value))
    assert len(raised) > 20
    missing = {
        cause
        for cause in raised - ELSEWHERE
        if f"error.{cause}" not in TEXTS["vi"] and cause not in set(Cause)
    }
    assert missing == {"exists"}  # create_key, which init only calls where there is no key


def test_every_key_that_the_code_says_is_in_the_tables() -> None:
    pattern = re.compile(r'\bsay\("([a-z_.]+)"')
    used = {
        key
        for path in (ROOT / "cli").glob("*.py")
        for key in pattern.findall(path.read_text(encoding="utf-8"))
    }
    assert len(used) > 20
    assert used <= set(TEXTS["en"])


@pytest.mark.parametrize("chosen", ["vi", "en"])
def test_every_command_and_argument_has_help(chosen: Language) -> None:
    for path, command in commands(chosen).items():
        texts = [command.help, *(parameter.help for parameter in command.params)]
        assert all(text in TEXTS[chosen].values() for text in texts), path


def test_the_reference_documents_every_command() -> None:
    page = reference()
    for path, command in commands().items():
        assert f"## `{path} " in page
        for parameter in command.params:
            assert all(f"`{name}`" in page for name in parameter.opts if name.startswith("-"))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "en"),
        ({"LANG": "vi_VN.UTF-8"}, "vi"),
        ({"LANG": "vi_VN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C", "LUYTRE_LANG": "vi"}, "vi"),
        ({"LANG": "vi_VN", "LUYTRE_LANG": "en"}, "en"),
    ],
)
def test_the_language(environment: dict[str, str], expected: Language) -> None:
    assert language(environment) == expected


@pytest.mark.parametrize("chosen", ["vi", "en"])
def test_an_error_is_one_line_and_a_hint(
    chosen: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LUYTRE_LANG", chosen)
    address = "rtsp://a:{}@h/x".format("hunter2")
    code = failures.expected(Error(Kind.INVALID, f"bad\nthing {address}", hint="do this", cause="bad_config"))
    first, second, *rest = capsys.readouterr().err.splitlines()
    assert (code, rest) == (1, [])
    assert "bad thing rtsp://***@h/x" in first
    assert second == (
        say("hint", hint="do this") if chosen == "en" else say("hint", hint=TEXTS["vi"]["hint.bad_config"])
    )
