"""The shapes of readers and their keys (see shapes.py)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from luytre.api.shapes import Answer, Ask, Time


class RtspDoor(Answer):
    """Where readers come to. `state`: `listening`, `off`, `port_taken`, `not_running`. `address` is a pattern with CODE in
    it, null while it is off; `stream` names follow as in it.
    """

    state: str
    port: int
    address: str | None


class Reader(Answer):
    """A program with a key. `user` is the name it logs in with; `cameras` are codes, null for all."""

    id: str
    name: str
    user: str
    cameras: list[str] | None
    created: Time
    created_by: str
    expires: Time | None
    used: Time | None


class Readers(Answer):
    rtsp: RtspDoor
    readers: list[Reader]


class ReaderAsk(Ask):
    """`cameras`: codes, null for all. `days`: how long the key is good for, null for no end."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    cameras: Annotated[list[Annotated[str, Field(max_length=64)]] | None, Field(max_length=1000)] = None
    days: Annotated[float | None, Field(gt=0, le=3660)] = None


class NewReader(Reader):
    """`secret` is shown this once. `url`: where it reads, without credentials; null while RTSP is off."""

    secret: str
    url: str | None
