"""Tries a foreign source out in a worker of its own: what it sends, what is done to it, what that costs.

    python -m luytre.converter.probe < order        (this module starts it, and reads what it prints)

Promises   nothing is recorded; the source is let go of after the seconds asked for; no password in arguments or errors.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from luytre.archive.keys import Cause
from luytre.base.clock import SYSTEM, Clock
from luytre.base.errors import Error, Kind
from luytre.base.orphans import end_with_parent
from luytre.converter import launch
from luytre.converter.conversion import VIDEO, Converting
from luytre.converter.failures import failure
from luytre.converter.order import Order
from luytre.converter.plan import ForeignStream
from luytre.converter.source import OPEN_S
from luytre.converter.state import Conversion
from luytre.converter.tracks import Unit
from luytre.media import h264, h265
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtsp.tracks import media_track
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, VideoTrack

MODULE: Final = "luytre.converter.probe"
# A process must start and a source be opened, before the seconds that were asked for.
MORE_S: Final = OPEN_S + 20.0
LONGEST_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class ForeignProbe:
    """The pictures as they would be recorded. `picture`: the first keyframe, NAL units with 4-byte lengths. `audio`: codec,
    rate, channels; None without sound.
    """

    track: VideoTrack
    picture: bytes = field(repr=False)
    fps: float
    gop_s: float | None
    bitrate_bps: int
    audio: tuple[str, int, int] | None
    conversion: Conversion


async def probe(stream: ForeignStream, seconds: float) -> ForeignProbe:
    """Raises Error with a cause of archive.keys."""
    # No place among the encodes: it is only for a moment, and for a person who waits.
    process = await launch.start(MODULE, None, stream, Path(), 0, seconds)
    try:
        async with asyncio.timeout(seconds + MORE_S):
            out, _ = await process.communicate()
    except TimeoutError:
        raise failure(Cause.TIMEOUT, "the source does not answer in time") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        told: dict[str, Any] = json.loads(out)
    except ValueError:
        raise failure(Cause.CONVERTER_FAILED, f"the worker crashed ({process.returncode})") from None
    if "cause" in told:
        raise Error(Kind.UNAVAILABLE, told["message"], hint=told["hint"], cause=told["cause"])
    return _from_json(told)


def _to_json(found: ForeignProbe) -> dict[str, Any]:
    coded = {
        "codec": found.track.codec,
        "sets": [b64encode(nal).decode() for nal in found.track.parameter_sets],
        "picture": b64encode(found.picture).decode(),
    }
    figures = {name: getattr(found, name) for name in ("fps", "gop_s", "bitrate_bps", "audio")}
    return {**coded, **figures, "conversion": asdict(found.conversion)}


def _from_json(told: dict[str, Any]) -> ForeignProbe:
    sets = tuple(b64decode(nal) for nal in told["sets"])
    return ForeignProbe(
        track=h264.video_track(sets) if told["codec"] == "h264" else h265.video_track(sets),
        picture=b64decode(told["picture"]),
        fps=told["fps"],
        gop_s=told["gop_s"],
        bitrate_bps=told["bitrate_bps"],
        audio=None if told["audio"] is None else tuple(told["audio"]),
        conversion=Conversion(**told["conversion"]),
    )


def look(order: Order, clock: Clock = SYSTEM) -> ForeignProbe:
    """Converts for so long, and says what came of it. Raises Error."""
    converting = Converting(order.stream, Path(order.run_folder), order.max_encodes, clock)
    pictures: list[Unit] = []
    began_s = clock.monotonic_s()
    try:
        for number, unit in converting.units():
            if number == VIDEO:
                pictures.append(unit)
                if _seen_s(pictures) >= order.seconds or clock.monotonic_s() - began_s >= LONGEST_S:
                    break
    except Error:
        # A source that ends after it showed what it is has shown it.
        if len(pictures) < 2:
            raise
    track = media_track(converting.media[VIDEO])
    if not isinstance(track, VideoTrack):
        raise failure(Cause.NO_PARAMETERS, "the source never sent its parameter sets")
    if len(pictures) < 2:
        raise failure(Cause.STALLED, "the source sends no pictures")
    return _result(converting, track, pictures)


def _seen_s(pictures: list[Unit]) -> float:
    times = [picture.ticks for picture in pictures]
    return (max(times) - min(times)) / VIDEO_TIMESCALE


def _result(converting: Converting, track: VideoTrack, pictures: list[Unit]) -> ForeignProbe:
    seen_s = max(_seen_s(pictures), 1 / VIDEO_TIMESCALE)
    keys = [picture.ticks for picture in pictures if picture.key]
    gop_s = (keys[-1] - keys[0]) / (len(keys) - 1) / VIDEO_TIMESCALE if len(keys) > 1 else None
    size = sum(len(payload) for picture in pictures[:-1] for payload in picture.payloads)
    sound = media_track(converting.media[1]) if len(converting.media) > 1 else None
    return ForeignProbe(
        track=track,
        picture=_first_key(track, pictures),
        fps=round((len(pictures) - 1) / seen_s, 2),
        gop_s=None if gop_s is None else round(gop_s, 2),
        bitrate_bps=round(size * 8 / seen_s),
        audio=(sound.codec, sound.rate, sound.channels) if isinstance(sound, AudioTrack) else None,
        conversion=converting.told(),
    )


def _first_key(track: VideoTrack, pictures: list[Unit]) -> bytes:
    """Out of its RTP payloads again; b"" where there is none."""
    kind = H264Receiver if track.codec == "h264" else H265Receiver
    receiver = kind(0, track.parameter_sets)
    for unit in pictures:
        if unit.key:
            for payload in unit.payloads:
                receiver.payload(payload, 0, len(payload), unit.ticks & 0xFFFF_FFFF, False)
            receiver.flush()
            return b"".join(sample.data for sample in receiver.samples)
    return b""


def main() -> None:
    order = Order.from_json(sys.stdin.buffer.read())
    end_with_parent(order.parent, signal.SIGKILL)
    try:
        told = _to_json(look(order))
    except Error as error:
        told = {"cause": error.cause, "message": error.message, "hint": error.hint}
    sys.stdout.write(json.dumps(told))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
