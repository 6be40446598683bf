"""Probe: what a camera sends, measured over a few seconds without recording it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from luytre.archive.keys import Cause
from luytre.base.clock import SYSTEM, Clock, from_ntp
from luytre.base.errors import Error, Kind
from luytre.media.rtp import rtcp
from luytre.media.rtp.interleaved import split
from luytre.media.rtp.receiver import NalReceiver
from luytre.media.rtsp.url import address
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Sample, VideoTrack
from luytre.recorder.connection import Approach, Connection, Trusting, connect, from_socket
from luytre.recorder.ingest import nal_receiver, video_track
from luytre.recorder.pipe import RECEIVE_BYTES
from luytre.recorder.plan import Transport

# A camera may send a keyframe only every 10 s; longer than this nobody wants to wait.
LONGEST_S = 15.0
LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class ProbedVideo:
    """fps and bit rate as delivered, not as declared; gop_s None when fewer than two keyframes were seen."""

    codec: str
    codec_string: str
    width: int
    height: int
    fps: float
    gop_s: float | None
    bitrate_bps: int


@dataclass(frozen=True, slots=True)
class ProbedAudio:
    codec: str
    rate: int
    channels: int


@dataclass(frozen=True, slots=True)
class ProbedPicture:
    """The first keyframe. `data`: NAL units with 4-byte lengths."""

    track: VideoTrack
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """clock_offset_ms  the camera's clock minus this machine's, from its sender report; None when it sent none
    transport        how RTP came: "tcp", "udp" or "http", "+tls" behind it where it was encrypted
    certificate      SHA-256 of the camera's, in hexadecimal; None where it showed none. Nothing was asked of it.
    """

    video: ProbedVideo
    audio: ProbedAudio | None
    clock_offset_ms: int | None
    server: str | None
    picture: ProbedPicture
    transport: str = "tcp"
    certificate: str | None = None


async def probe(
    url: str,
    user: str = "",
    password: str = "",
    *,
    seconds: float = 4.0,
    clock: Clock = SYSTEM,
    transport: Transport = "auto",
    trust: Trusting | None = None,
) -> ProbeResult:
    """Raises Error with a cause of design/api.md. Credentials may stand in the URL or beside it. Without `trust` any
    certificate will do, and is told.
    """
    approach = Approach(transport, trust, clock=clock)
    connection = await connect(url, user, password, audio=True, approach=approach)
    try:
        listening = _Listening(connection, clock)
        try:
            await listening.run(seconds)
        except OSError as error:
            if not listening.has_enough:
                raise from_socket(error, address(connection.session.url)) from error
        return listening.result()
    finally:
        connection.close()


class _Listening:
    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._client = connection.playing.tracks[0]
        self._video: NalReceiver = nal_receiver(self._client)
        self._pictures: list[Sample] = []
        self._bytes = 0
        self._carry = b""
        self._first_us: int | None = None
        self._offset_ms: int | None = None

    async def run(self, seconds: float) -> None:
        """Until `seconds` of pictures from the first keyframe on were seen."""
        begin = self._clock.monotonic_s()
        intake, session = self._connection.intake, self._connection.session
        data = self._connection.early
        while True:
            if data:
                self._take(data)
            elapsed = self._clock.monotonic_s() - begin
            if elapsed >= LONGEST_S or (self._track() is not None and self._seen_s() >= seconds):
                return
            try:
                data = intake.recv(RECEIVE_BYTES)
            except BlockingIOError:
                data = b""
                await asyncio.sleep(LOOK_S)
                # A camera may want to hear from us within its session's timeout.
                intake.maintain()
                intake.send(session.keepalive(self._clock.monotonic_s()))
            else:
                if not data:
                    raise ConnectionResetError

    @property
    def has_enough(self) -> bool:
        """Two pictures and their parameters: a camera that then closed has told what it is."""
        return self._track() is not None and len(self._pictures) > 1

    def _take(self, data: bytes) -> None:
        data = self._carry + data
        frames, _, rest = split(data)
        self._carry = data[rest:]
        for channel, start, end in frames:
            if channel == self._client.channel:
                self._bytes += end - start
                self._video.push(data, start, end)
            elif channel == self._client.rtcp_channel:
                self._report(data[start:end])
        for sample in self._video.samples:
            if self._pictures or sample.key:
                self._pictures.append(sample)
            if self._first_us is None:
                self._first_us = self._clock.wall_us() - sample.pts * 1_000_000 // VIDEO_TIMESCALE
        self._video.samples.clear()

    def _report(self, data: bytes) -> None:
        for report in rtcp.parse(data):
            if isinstance(report, rtcp.SenderReport) and report.ntp:
                newest = self._pictures[-1].pts if self._pictures else report.rtp_time
                ahead = (report.rtp_time - newest + (1 << 31) & 0xFFFF_FFFF) - (1 << 31)
                if self._first_us is None:
                    node_us = self._clock.wall_us()
                else:
                    node_us = self._first_us + (newest + ahead) * 1_000_000 // VIDEO_TIMESCALE
                self._offset_ms = round((from_ntp(report.ntp) - node_us) / 1000)

    def _seen_s(self) -> float:
        if len(self._pictures) < 2:
            return 0.0
        times = [sample.pts for sample in self._pictures]
        return (max(times) - min(times)) / VIDEO_TIMESCALE

    def _track(self) -> VideoTrack | None:
        try:
            return video_track(self._video)
        except Error:
            return None

    def result(self) -> ProbeResult:
        track = self._track()
        if track is None or not self.has_enough:
            raise _nothing_seen(track, self._bytes)
        seen = max(self._seen_s(), 1 / VIDEO_TIMESCALE)
        keys = [sample.pts for sample in self._pictures if sample.key]
        gop = (keys[-1] - keys[0]) / (len(keys) - 1) / VIDEO_TIMESCALE if len(keys) > 1 else None
        size = sum(len(sample.data) for sample in self._pictures[:-1])
        sound = next(
            (t.track for t in self._connection.playing.tracks if isinstance(t.track, AudioTrack)), None
        )
        return ProbeResult(
            ProbedVideo(
                track.codec,
                track.codec_string,
                track.width,
                track.height,
                round((len(self._pictures) - 1) / seen, 2),
                None if gop is None else round(gop, 2),
                round(size * 8 / seen),
            ),
            None if sound is None else ProbedAudio(sound.codec, sound.rate, sound.channels),
            self._offset_ms,
            self._connection.server or None,
            # Nothing is kept before the first keyframe.
            ProbedPicture(track, self._pictures[0].data),
            self._connection.intake.transport,
            self._connection.intake.certificate,
        )


def _nothing_seen(track: VideoTrack | None, size: int) -> Error:
    if size == 0:
        return Error(
            Kind.UNAVAILABLE,
            "the camera agreed to play, but sent nothing",
            hint="Restart the camera.",
            cause=Cause.STALLED,
        )
    if track is None:
        return Error(
            Kind.UNAVAILABLE,
            "the camera never sent its parameter sets",
            hint="Restart the camera.",
            cause=Cause.NO_PARAMETERS,
        )
    return Error(
        Kind.UNAVAILABLE,
        "no picture could be put together from what the camera sent",
        hint="Restart the camera.",
        cause=Cause.BAD_MEDIA,
    )
