"""Secrets at rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error, Kind
from luytre.base.secrets import Secrets, create_key, load_key


@given(st.text(), st.text())
def test_what_is_sealed_opens_and_is_not_readable(text: str, purpose: str) -> None:
    secrets = Secrets(b"k" * 32)
    sealed = secrets.seal(text, purpose)
    assert secrets.open(sealed, purpose) == text
    assert sealed != secrets.seal(text, purpose)
    assert len(text) < 4 or text not in sealed


@pytest.mark.parametrize("spoil", ["key", "purpose", "bytes", "version", "cut", "empty"])
def test_nothing_else_opens_it(spoil: str) -> None:
    secrets = Secrets(b"k" * 32)
    sealed = secrets.seal("mật khẩu", "camera/1")
    purpose = "camera/2" if spoil == "purpose" else "camera/1"
    spoiled = {
        "bytes": sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:],
        "version": "v9." + sealed[3:],
        "cut": sealed[:10],
        "empty": "",
    }.get(spoil, sealed)
    opener = Secrets(b"x" * 32) if spoil == "key" else secrets
    with pytest.raises(Error) as caught:
        opener.open(spoiled, purpose)
    assert (caught.value.kind, caught.value.cause) == (Kind.DATA_LOSS, "wrong_key")
    assert "mật khẩu" not in caught.value.message + caught.value.hint


def test_the_key_file_is_private_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    create_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    before = path.read_bytes()
    sealed = load_key(path).seal("a", "b")
    with pytest.raises(Error) as caught:
        create_key(path)
    assert caught.value.kind is Kind.CONFLICT
    assert path.read_bytes() == before
    assert load_key(path).open(sealed, "b") == "a"


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    create_key(path)
    path.chmod(0o640)
    with pytest.raises(Error) as caught:
        load_key(path)
    assert caught.value.cause == "key_not_private"


@pytest.mark.parametrize("text", [b"", b"not base64!", b"c2hvcnQ="])
def test_a_file_that_is_no_key(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "node.key"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(Error):
        load_key(path)


def test_the_key_is_in_no_repr() -> None:
    assert "kkkk" not in repr(Secrets(b"k" * 32))
