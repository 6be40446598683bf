"""Which language the command line speaks.

$LUYTRE_LANG, else the locale ($LC_ALL, $LC_MESSAGES, $LANG): Vietnamese for vi*, else English.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from luytre.cli.texts_en import EN
from luytre.cli.texts_vi import VI

Language = Literal["vi", "en"]
TEXTS: Mapping[Language, Mapping[str, str]] = {"vi": VI, "en": EN}


def language(environment: Mapping[str, str] | None = None) -> Language:
    """The language of this process, or of another environment."""
    known = os.environ if environment is None else environment
    for name in ("LUYTRE_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = known.get(name, "")
        if value:
            return "vi" if value.lower().startswith("vi") else "en"
    return "en"


def say(key: str, chosen: Language | None = None, **values: object) -> str:
    """A sentence. Raises KeyError for a key that is in no table (a test walks all keys)."""
    text = TEXTS[chosen or language()][key]
    return text.format(**values) if values else text


def find(key: str, chosen: Language | None = None) -> str | None:
    """A sentence, or None when the table of this language has none for the key."""
    return TEXTS[chosen or language()].get(key)
