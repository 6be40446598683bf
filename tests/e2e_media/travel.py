"""A clip's way from the simulated camera through RTSP, recorder and archive, in no more time than the work takes.

Promises   the simulator's own packets and description, our client's and server's RTSP, the recorder's ingest, a real
           volume on disk; the clock is simulated, the bytes are not.
Does not   use sockets (tests/recorder and tests/peers do).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import pytest
from av.bitstream import BitStreamFilterContext

from luytre.archive.export import movie
from luytre.archive.keys import Cause
from luytre.base.errors import Error
from luytre.media.nal import nal_spans, split_annexb
from luytre.media.rtsp.client import ClientSession, Playing
from luytre.media.rtsp.server import Play, Presentation, ServerSession
from luytre.simulator.clips import Footage, read
from luytre.simulator.lanes import Lane
from luytre.simulator.reels import Reel
from luytre.simulator.sources import (
    TICKS,
    Picture,
    Unit,
    VideoName,
    is_key,
    parameter_sets,
    video_media,
)
from tests.recorder.camera import KEY, Bench

TICK_S = 0.04
# A loop and a little, so that its end is passed too.
MORE_S = 2.0
_RAW_STEP = TICKS // 25

Nals = tuple[bytes, ...]


def codec_of(path: Path) -> VideoName | None:
    """H.264 or H.265 as libav names it, None for anything else."""
    try:
        with av.open(str(path)) as container:
            streams = container.streams.video
            name = streams[0].codec_context.name if streams else ""
    except (av.FFmpegError, ValueError):
        return None
    names: dict[str, VideoName] = {"h264": "h264", "hevc": "h265"}
    return names.get(name)


def footage_of(path: Path, codec: VideoName) -> Footage:
    """The clip's own access units. A bare stream, and what libav breaks off in, gets 25 pictures a second."""
    try:
        return _plain(path, codec) if path.suffix == ".264" else read(path, codec)
    except Error:
        return _plain(path, codec)


def _plain(path: Path, codec: VideoName) -> Footage:
    """As far as libav comes."""
    units: list[Unit] = []
    sets: Nals = ()
    for data in _annexb(path, codec):
        nals = tuple(split_annexb(data))
        sets = parameter_sets(codec, nals) or sets
        key = is_key(codec, nals)
        if key and not parameter_sets(codec, nals):
            nals = (*sets, *nals)
        if nals and (units or key):
            at = len(units) * _RAW_STEP
            units.append(Unit(at, at, key, nals))
    if not units:
        pytest.skip(f"{path.name}: NO KEYFRAME before libav gives up")
    first = parameter_sets(codec, units[0].nals)
    return Footage(units, Picture(codec, first or sets, 25.0), len(units) * _RAW_STEP, 0)


def _annexb(path: Path, codec: VideoName) -> Iterator[bytes]:
    with av.open(str(path)) as container, suppress(av.FFmpegError):
        stream = container.streams.video[0]
        convert = BitStreamFilterContext(
            "hevc_mp4toannexb" if codec == "h265" else "h264_mp4toannexb", stream
        )
        for packet in container.demux(stream):
            if packet.size:
                yield from (bytes(piece) for piece in convert.filter(packet))


def agreed(footage: Footage) -> tuple[Playing, Play]:
    """What client and server come to after DESCRIBE, SETUP and PLAY."""
    media = (video_media(footage.picture, sprop=True),)
    server = ServerSession(lambda path: Presentation(media) if path == "/cam1/main" else 404)
    client = ClientSession("rtsp://camera/cam1/main")
    sent, plays = client.start(), []
    while True:
        plays += [event for event in server.receive(sent) if isinstance(event, Play)]
        for event in client.receive(server.data_to_send()):
            if isinstance(event, Playing):
                return event, plays[0]
        sent = client.data_to_send()
        assert sent


@dataclass(frozen=True)
class Travelled:
    """`sent`, `recorded`: access units in their order; `runs`: how many the recorder made of them."""

    sent: list[Unit]
    recorded: list[Nals]
    runs: int
    movie: bytes


def travel(bench: Bench, footage: Footage) -> Travelled:
    playing, play = agreed(footage)
    (track,) = play.tracks
    reel = Reel(footage.units, footage.picture, footage.length)
    lane = Lane(track.channel, track.ssrc, track.seq, track.rtptime, TICKS)
    cursor, ingest = reel.open(0.0), bench.ingest(*playing.tracks)
    now_s, end_s = 0.0, footage.length / TICKS + MORE_S
    while now_s < end_s:
        now_s += TICK_S
        bench.clock.advance(TICK_S)
        ingest.feed(b"".join(cursor.take(now_s, lane)))
    ingest.end(Cause.NODE_STOPPED)
    bench.settle()
    parts = bench.parts()
    recorded = [tuple(s.data[a:b] for a, b in nal_spans(s.data)) for s in bench.recorded()]
    span = bench.coverage().spans
    made = movie(bench.archive, KEY, span[0].start_us, span[-1].end_us)
    return Travelled(
        _due(footage, round(now_s * TICKS)),
        recorded,
        len({part.found.row.run_id for part in parts}),
        b"".join(made.read(0, made.size)),
    )


def _due(footage: Footage, until: int) -> list[Unit]:
    """All that was to be sent until then, times going on over the end of the loop."""
    found: list[Unit] = []
    shift = 0
    while True:
        for unit in footage.units:
            if unit.send + shift > until:
                return found
            found.append(Unit(unit.send + shift, unit.pts + shift, unit.key, unit.nals))
        shift += footage.length
