"""Which of a camera's streams a viewer is shown, and in which form.

Promises   what can be decoded as it is comes first, another stream that can be next, a conversion last.
Does not   ask anybody: what is known of the streams is handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from luytre.cameras.renditions.form import ORIGINAL, Codecs, Form, form_of


class Choice(NamedTuple):
    """`instead`: another stream than the wanted one."""

    stream: str
    form: Form = ORIGINAL
    instead: bool = False


def choose(
    wanted: str, streams: Sequence[str], known: Mapping[str, Sequence[str]], decodable: Codecs | None
) -> Choice:
    """`known`: the codecs of the streams that send now; one that is not in it is tried as it is."""
    if decodable is None or wanted not in known:
        return Choice(wanted, form_of((), decodable))
    form = form_of(known[wanted], decodable)
    if form.video == "keep":
        return Choice(wanted, form)
    for other in streams:
        if other != wanted and other in known:
            instead = form_of(known[other], decodable)
            if instead.video == "keep":
                return Choice(other, instead, instead=True)
    return Choice(wanted, form)
