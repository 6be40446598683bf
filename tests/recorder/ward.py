"""A small ward for the recorder: a directory with a volume and a plan, cameras to record, and an ear on its socket."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from luytre.archive.catalog import Archive
from luytre.archive.check import Finding, check
from luytre.archive.disk import Disk, OsDisk
from luytre.archive.health import HANG_S
from luytre.archive.keys import Coverage, StreamKey
from luytre.archive.volume import create_volume
from luytre.base.clock import SYSTEM, Clock, ManualClock
from luytre.media.nal import nal_spans
from luytre.media.rtsp.server import Play, Presentation, ServerSession, ServerTrack
from luytre.media.sdp import Media
from luytre.media.tracks import Track, VideoTrack
from luytre.recorder.drain import Patience
from luytre.recorder.plan import Plan, StreamPlan, VolumePlan, save
from luytre.recorder.process import RecorderProcess
from luytre.recorder.state import StreamState
from luytre.recorder.stream import Pace
from luytre.recorder.subscribe import RecorderLink
from luytre.recorder.wire import WireSample
from luytre.simulator.reels import Reel
from luytre.simulator.sources import Picture, Sound, Unit
from tests.media.clips import Coded, encode_video
from tests.recorder.camera import Sender, in_band

DEADLINE_S = 25.0
# Nobody waits ten seconds in a test for what a limit of one second shows as well.
QUICK = Pace(
    first_s=0.3,
    longest_s=0.6,
    good_s=3.0,
    handshake_s=2.0,
    patience=Patience(stall_s=1.5, first_s=2.5, keyframe_s=5.0, look_s=0.2),
)
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Media_ = Callable[[asyncio.StreamWriter, ServerTrack], Awaitable[None]]


def reel(coded: Coded, sound: Sound | None = None) -> Reel:
    """An encoded clip as the simulator shows it, for ever."""
    assert isinstance(coded.track, VideoTrack)
    pictures = in_band(coded)
    begin = min(sample.pts for sample in pictures)
    units = [
        Unit(
            number * coded.frame_ticks, s.pts - begin, s.key, tuple(s.data[a:b] for a, b in nal_spans(s.data))
        )
        for number, s in enumerate(pictures)
    ]
    shown = Picture(coded.track.codec, coded.track.parameter_sets, 90_000 / coded.frame_ticks)
    return Reel(units, shown, len(units) * coded.frame_ticks, sound)


def clip(**how: int) -> Coded:
    return encode_video("h264", frames=50, gop=how.pop("gop", 25))


@dataclass
class Ear:
    """What the recorder tells on its socket; `until` waits for it."""

    states: list[StreamState] = field(default_factory=list)
    tracks: list[tuple[StreamKey, str, list[Track]]] = field(default_factory=list)
    samples: list[tuple[StreamKey, WireSample]] = field(default_factory=list)
    downs: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def on_state(self, link: RecorderLink, state: StreamState) -> None:
        self.states.append(state)
        self._news.set()

    def on_tracks(self, key: StreamKey, run_id: str, tracks: list[Track]) -> None:
        self.tracks.append((key, run_id, tracks))
        self._news.set()

    def on_sample(self, key: StreamKey, sample: WireSample) -> None:
        self.samples.append((key, sample))
        self._news.set()

    def on_down(self, link: RecorderLink) -> None:
        self.downs += 1
        self._news.set()

    def of(self, camera: str) -> list[StreamState]:
        return [state for state in self.states if state.camera == camera]

    def last(self, camera: str) -> StreamState | None:
        return next((state for state in reversed(self.states) if state.camera == camera), None)

    async def until(self, condition: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                while not condition():
                    self._news.clear()
                    with suppress(TimeoutError):
                        # Not everything that is waited for is told on the socket.
                        await asyncio.wait_for(self._news.wait(), 0.1)
        assert condition(), f"not within {deadline_s} s: {what}; last states: {self.states[-4:]}"

    async def recording(self, *cameras: str) -> None:
        for camera in cameras:
            await self.until(lambda c=camera: self.is_state(c, "recording"), f"{camera} records")  # type: ignore[misc]

    def is_state(self, camera: str, state: str, cause: str | None = None) -> bool:
        last = self.last(camera)
        return last is not None and last.state == state and (cause is None or last.cause == cause)


class Ward:
    """The node's directory. Streams are "main" of cameras whose id and code are the same word."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.volume = folder / "volume"
        create_volume(self.volume)
        self.streams: dict[str, StreamPlan] = {}
        # What volumes are written through, by their path in the plan.
        self.disks: dict[str, Disk] = {}
        self.ear = Ear()
        self.process: RecorderProcess | None = None

    def add(self, camera: str, url: str, user: str = "", password: str = "", *, audio: bool = False) -> None:
        self.streams[camera] = StreamPlan(camera, camera, "main", url, user, password, audio, "volume")

    def write(
        self, volumes: Sequence[VolumePlan] = (VolumePlan("volume"),), segment_s: float = 300.0
    ) -> None:
        plan = Plan(tuple(self.streams.values()), tuple(volumes), segment_s)
        save(plan, self.folder / "run" / "plan.json")

    @property
    def socket(self) -> Path:
        return self.folder / "run" / "recorder-0.sock"

    @asynccontextmanager
    async def recording(
        self, pace: Pace = QUICK, volume_retry_s: float = 0.5, hang_s: float = HANG_S, clock: Clock = SYSTEM
    ) -> AsyncIterator[Ear]:
        """The recorder in this event loop until the end of the block, stopped as SIGTERM would."""
        self.process = RecorderProcess(
            self.folder,
            0,
            1,
            clock,
            pace=pace,
            volume_retry_s=volume_retry_s,
            hang_s=hang_s,
            disk_of=lambda volume: self.disks.get(volume.path) or OsDisk(),
        )
        task = asyncio.create_task(self.process.run())
        listening = asyncio.create_task(RecorderLink(self.socket, self.ear).run())
        try:
            yield self.ear
        finally:
            listening.cancel()
            self.process.stop()
            await asyncio.wait([task], timeout=30)
            task.result()

    def coverage(self, camera: str) -> Coverage:
        # A last picture lasts a little beyond now, and so the gap behind it begins there.
        soon = ManualClock(SYSTEM.wall_us() + 60_000_000)
        return Archive([self.volume], soon).coverage(StreamKey(camera, "main"), 0, 1 << 62)

    def causes(self, camera: str) -> list[str]:
        return [gap.cause for gap in self.coverage(camera).gaps]

    def check(self) -> list[Finding]:
        return check(self.volume)


@asynccontextmanager
async def port_that(speaks: Speak) -> AsyncIterator[int]:
    """A port where something answers that need not be a camera."""
    async with serving(speaks, lambda serve: asyncio.start_server(serve, "127.0.0.1", 0)) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def serving(
    speaks: Speak, start: Callable[[Speak], Awaitable[asyncio.Server]]
) -> AsyncIterator[asyncio.Server]:
    """What `start` opens, with nothing left of it afterwards."""
    tasks: set[asyncio.Task[object]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with suppress(ConnectionError):
                await speaks(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)
            writer.close()

    server = await start(serve)
    try:
        yield server
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        if tasks:
            await asyncio.wait(list(tasks), timeout=5)


def description(coded: Coded, *, sprop: bool = True) -> Media:
    assert isinstance(coded.track, VideoTrack)
    sets = ",".join(base64.b64encode(nal).decode() for nal in coded.track.parameter_sets)
    fmtp = {"packetization-mode": "1"} | ({"sprop-parameter-sets": sets} if sprop else {})
    return Media("video", payload_type=96, encoding="H264", clock_rate=90_000, fmtp=fmtp, control="track0")


def camera_that(sends: Media_, media: Media, heard: list[bytes] | None = None) -> Speak:
    """A camera that talks RTSP as it should, and then sends what the test wants."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = ServerSession(lambda path: Presentation((media,)) if path == "/cam" else 404)
        sending: asyncio.Task[None] | None = None
        try:
            while data := await reader.read(65_536):
                if heard is not None:
                    heard.append(data)
                if sending is not None and data.startswith(b"RTSP/"):
                    continue
                for event in session.receive(data):
                    if isinstance(event, Play):
                        writer.write(session.data_to_send())
                        sending = asyncio.create_task(_sending(sends, writer, event.tracks[0]))
                writer.write(session.data_to_send())
        finally:
            if sending is not None:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending

    return speak


async def _sending(sends: Media_, writer: asyncio.StreamWriter, track: ServerTrack) -> None:
    with suppress(ConnectionError):
        await sends(writer, track)


def sender_for(track: ServerTrack) -> Sender:
    return Sender(seq=track.seq, rtp_base=track.rtptime, channel=track.channel)


async def at_25_fps(
    coded: Coded, writer: asyncio.StreamWriter, track: ServerTrack, between: Callable[[int], bytes]
) -> None:
    """The clip in a loop; `between(number)` gives what else is sent before picture `number`."""
    sender, pictures, number = sender_for(track), in_band(coded), 0
    while True:
        sample = pictures[number % len(pictures)]
        # Loops go on in time.
        sample.pts = number * coded.frame_ticks
        writer.write(between(number) + sender.picture(sample))
        await writer.drain()
        number += 1
        await asyncio.sleep(coded.frame_ticks / 90_000)
