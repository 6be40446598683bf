"""Links in our own pages lead somewhere: a link to a file that is not there is a promise not kept."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.shape import tree

LINK = re.compile(r"!?\[[^\]\n]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
FENCED = re.compile(r"^(`{3,}|~{3,}).*?^\1", re.MULTILINE | re.DOTALL)
INLINE_CODE = re.compile(r"`[^`\n]*`")


def local_links(text: str) -> list[str]:
    """Targets of a page's links into this repository: no scheme, no bare anchor, code left out."""
    prose = INLINE_CODE.sub("", FENCED.sub("", text))
    targets = [
        target
        for target in LINK.findall(prose)
        if "://" not in target and not target.startswith(("#", "mailto:"))
    ]
    return [target.split("#")[0] for target in targets]


def pages() -> list[Path]:
    return [path for path in tree.files() if path.suffix == ".md"]


def test_there_is_a_readme_with_both_commands() -> None:
    readme = tree.text_of(Path("README.md")) or ""
    assert "make demo" in readme
    assert "make test" in readme


def test_every_link_of_every_page_resolves() -> None:
    known = {tree.ROOT / path for path in tree.files()}
    folders = {parent for path in known for parent in path.parents}
    broken = [
        f"{page}: {target}"
        for page in pages()
        for target in local_links(tree.text_of(page) or "")
        if (tree.ROOT / page.parent / target).resolve() not in known | folders
    ]
    assert not broken


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ('[a](b.md#c) ![d](e/f.png "title") [g](#h)', ["b.md", "e/f.png"]),
        ("[a](https://example.org/x.md)", []),
        ("```\n[a](b.md)\n```\n`[c](d.md)`", []),
    ],
)
def test_links_are_read_as_a_reader_would(text: str, targets: list[str]) -> None:
    assert local_links(text) == targets
