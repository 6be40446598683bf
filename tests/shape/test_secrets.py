"""What must not be committed: passwords in addresses, package registries, paths of somebody's machine.

The patterns are written so that they do not match themselves.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.shape import tree

# Placeholders ({user}, $USER, <user>) and the stars of a redacted log do not match.
CREDENTIALS = re.compile(r"rtsps?://[^\s/@:'\"`{}<>$*]+:[^\s/@'\"`{}<>$*]+@", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.~$})-])/(?:work|root|home)/\w")
REGISTRY = re.compile(
    r"registry\.(?:npmjs|yarnpkg)|registry\.npmmirror|pypi\.(?:org|python)|pythonhosted\.(?:org)|npm\.pkg\.github",
    re.IGNORECASE,
)
INDEX_OPTION = re.compile(r"^\s*(?:-i|-f|--(?:extra-)?index-url|--find-links|--trusted-host)\b", re.MULTILINE)


def finds(pattern: re.Pattern[str]) -> list[str]:
    """`file:line` of every match in our texts. The matched words are not repeated: they may be secret."""
    return [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        for path, text in tree.texts()
        for match in pattern.finditer(text)
    ]


def requirement_files() -> list[Path]:
    return [path for path in tree.files() if path.parts[0] == "requirements"]


def test_no_address_carries_a_password() -> None:
    assert not finds(CREDENTIALS), "write the address with an f-string, or leave the password out"


def test_no_path_of_a_machine() -> None:
    assert not finds(MACHINE_PATH), (
        "write the path relative to the repository, or take it from the environment"
    )


def test_no_package_registry_is_named() -> None:
    assert not finds(REGISTRY), "machines bring their own registry"


def test_requirements_name_no_host() -> None:
    assert len(requirement_files()) >= 8
    for path in requirement_files():
        text = tree.text_of(path) or ""
        assert "://" not in text, f"{path} names a host"
        assert not INDEX_OPTION.search(text), f"{path} names an index"


def test_every_pin_has_a_hash() -> None:
    for path in requirement_files():
        if path.suffix == ".txt":
            text = (tree.text_of(path) or "").replace("\\\n", " ")
            pins = [line for line in text.splitlines() if line and not line.startswith("#")]
            assert pins, f"{path} pins nothing"
            assert not [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin], path


def test_the_npm_lock_names_no_host() -> None:
    lock = tree.ROOT / "web/package-lock.json"
    if not lock.is_file():
        pytest.skip("NO web/package-lock.json: there are no pages in this checkout")
    packages = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    resolved = [name for name, entry in packages.items() if "://" in entry.get("resolved", "")]
    assert not resolved, "web/.npmrc wants omit-lockfile-registry-resolved=true"
    unhashed = [name for name, entry in packages.items() if name and not entry.get("integrity")]
    assert not unhashed, "a locked package without a hash"


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (CREDENTIALS, "rtsp://{}:{}@10.0.0.1/main".format("admin", "12345"), True),
        (CREDENTIALS, "rtsp://10.0.0.1:554/main", False),
        (CREDENTIALS, "rtsp://{user}:{password}@10.0.0.1/main", False),
        (CREDENTIALS, "rtsp://***:***@10.0.0.1/main", False),
        (MACHINE_PATH, "open('{}x/y')".format("/home/"), True),
        (MACHINE_PATH, "see design/home/x and ../root/y", False),
        (REGISTRY, "https://{}.org/simple".format("pypi"), True),
        (REGISTRY, "a registry of cameras", False),
        (INDEX_OPTION, "--extra-index-url somewhere", True),
        (INDEX_OPTION, "numpy==2 --hash=sha256:00", False),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern: re.Pattern[str], text: str, found: bool) -> None:
    assert bool(pattern.search(text)) is found
