"""Watching live: the wanted picture in a form that the viewer decodes, and another one when that changes.

Promises   the look is written down before the first byte of each stream that is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import Clock
from luytre.cameras.channel import LiveFragment, LiveInit, LiveMessage, LiveShown, LiveState
from luytre.cameras.live import LiveHub
from luytre.cameras.lookbook import Lookbook
from luytre.cameras.permits import AUTO, check_scope, no_stream
from luytre.cameras.registry import MAIN, Camera, Registry
from luytre.cameras.renditions.choice import Choice, choose
from luytre.cameras.renditions.form import ORIGINAL, Codecs
from luytre.cameras.renditions.live import LiveRenditions
from luytre.cameras.statuses import StreamStatus, stream_status
from luytre.people.actor import Actor

LiveView = StreamStatus | LiveInit | LiveFragment | LiveShown
# A stream in these sends pictures.
_SENDING = ("recording", "standby")


class Watching:
    """For asyncio."""

    def __init__(
        self, registry: Registry, hub: LiveHub, renditions: LiveRenditions, lookbook: Lookbook, clock: Clock
    ) -> None:
        self._registry = registry
        self._hub = hub
        self._renditions = renditions
        self._lookbook = lookbook
        self._clock = clock

    async def watch(
        self, actor: Actor, code: str, stream: str, codecs: Codecs | None
    ) -> AsyncGenerator[LiveView, None]:
        """As `Viewing.live`."""
        wanted = MAIN if stream == AUTO else stream
        camera = await asyncio.to_thread(self._open, actor, code, wanted)
        # What the streams turned out to send, where no recorder has said it yet.
        learned: dict[str, tuple[str, ...]] = {}
        looked = {wanted}
        choice = self._choose(camera, wanted, codecs, learned, actor)
        while True:
            if choice.stream not in looked:
                await asyncio.to_thread(self._open, actor, code, choice.stream)
                looked.add(choice.stream)
            messages = self._messages(StreamKey(camera.id, choice.stream), choice)
            async with aclosing(messages):
                async for message in messages:
                    # An original's init says what it is; what a rendition is made of, it tells.
                    if isinstance(message, LiveInit) and choice.form == ORIGINAL:
                        learned[choice.stream] = message.codecs
                    elif isinstance(message, LiveShown) and message.codec is not None:
                        sounds = () if message.sound is None else (message.sound,)
                        learned[choice.stream] = (message.codec, *sounds)
                    if codecs is not None and not isinstance(message, LiveFragment):
                        better = self._choose(camera, wanted, codecs, learned, actor, choice.stream)
                        if better != choice:
                            choice = better
                            break
                    if isinstance(message, LiveState):
                        camera = await asyncio.to_thread(self._registry.get, code)
                        shown = next((known for known in camera.streams if known.name == choice.stream), None)
                        if shown is None:
                            raise no_stream(code, choice.stream)
                        yield stream_status(camera.enabled, shown, message.state)
                    elif isinstance(message, LiveInit) and codecs is not None and choice.form == ORIGINAL:
                        yield _original(choice, message)
                        yield message
                    elif isinstance(message, LiveShown):
                        yield replace(message, instead=choice.instead)
                    else:
                        yield message

    def _messages(self, key: StreamKey, choice: Choice) -> AsyncGenerator[LiveMessage, None]:
        if choice.form == ORIGINAL:
            return self._hub.watch(key)
        return self._renditions.watch(key, choice.form)

    def _choose(
        self,
        camera: Camera,
        wanted: str,
        codecs: Codecs | None,
        learned: dict[str, tuple[str, ...]],
        actor: Actor,
        current: str = "",
    ) -> Choice:
        known: dict[str, tuple[str, ...]] = {}
        streams = [stream.name for stream in camera.streams]
        for name in streams:
            state = self._hub.state(StreamKey(camera.id, name))
            if name == current and name in learned:
                known[name] = learned[name]
            elif state is not None and state.state in _SENDING and state.codec is not None:
                known[name] = tuple(codec for codec in (state.codec, state.audio_codec) if codec is not None)
            elif name == wanted and name in learned:
                known[name] = learned[name]
        # A ticket opens its own stream only.
        return choose(wanted, [wanted] if actor.scope else streams, known, codecs)

    def _open(self, actor: Actor, code: str, stream: str) -> Camera:
        actor.require("live")
        camera = self._registry.get(code)
        if all(known.name != stream for known in camera.streams):
            raise no_stream(code, stream)
        key = StreamKey(camera.id, stream)
        now_us = self._clock.wall_us()
        check_scope(actor, key, Span(now_us, now_us))
        self._lookbook.live(actor, key)
        return camera


def _original(choice: Choice, init: LiveInit) -> LiveShown:
    codec = next((name for name in init.codecs if name in ("h264", "h265")), None)
    sound = next((name for name in init.codecs if name != codec), None)
    return LiveShown(choice.stream, choice.instead, codec, sound, width=init.width, height=init.height)
