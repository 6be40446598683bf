"""From the bytes of one playing connection to runs (design/time.md, "A jump ends the run").

HOT: `feed` runs once per tick and camera.

Does not   read sockets (drain.py), reconnect (stream.py), assemble parts (run.py).
"""

from __future__ import annotations

from luytre.archive.keys import Cause
from luytre.base.clock import Clock, from_ntp
from luytre.base.errors import Error, Kind
from luytre.base.timekeeping import NODE_CLOCK, STEP_US, NodeClock, StepWatch
from luytre.media import h264, h265
from luytre.media.rtp import rtcp
from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.g711 import G711Receiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.interleaved import deliver, missing
from luytre.media.rtp.opus import OpusReceiver
from luytre.media.rtp.receiver import NalReceiver, Receiver
from luytre.media.rtsp.tracks import ClientTrack, has_donl, parameter_sets
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Sample, VideoTrack
from luytre.recorder.run import OnSample, Run, Target
from luytre.recorder.sound_clock import SoundClock, told_origin
from luytre.recorder.wall import WallMapping

# A connection that sent this much without one usable picture sends no video that we understand.
HOPELESS_BYTES = 8 << 20
# After these the same connection goes on in a new run, with no picture lost between the two.
CONTINUED = frozenset({Cause.PARAMETERS_CHANGED, Cause.CLOCK_STEPPED, Cause.ELSEWHERE})


class Ingest:
    """pictures   complete pictures so far: the watchdog's food; messages: RTSP text found between frames, for
    the session
    unused     pictures since the last one that began or continued a run
    camera_us  the camera's clock minus the node's, by its last sender report: whatever it says is told, never followed
    blocked    why the archive takes nothing although the camera sends; None while it does
    """

    def __init__(
        self,
        tracks: tuple[ClientTrack, ...],
        target: Target,
        clock: Clock,
        on_sample: OnSample | None = None,
        node: NodeClock = NODE_CLOCK,
    ) -> None:
        self._target = target
        self._clock = clock
        self._node = node
        self._watch = StepWatch(clock)
        self._on_sample = on_sample
        self._video_client = tracks[0]
        self._video = nal_receiver(tracks[0])
        self._audio: Receiver | None = None
        self._audio_client: ClientTrack | None = None
        self._audio_track: AudioTrack | None = None
        self._receivers: dict[int, Receiver] = {tracks[0].channel: self._video}
        self._rtcp: dict[int, ClientTrack] = {tracks[0].rtcp_channel: tracks[0]}
        for track in tracks[1:]:
            # A camera that puts sound on the pictures' channel is recorded without it.
            if isinstance(track.track, AudioTrack) and track.channel not in self._receivers:
                self._add_audio(track, track.track)
        self._carry = b""
        self.run: Run | None = None
        self.messages: list[bytes] = []
        self.pictures = 0
        self.unused = 0
        self.bytes_received = 0
        self.camera_us: int | None = None
        self.blocked: str | None = None
        self.floor_us = target.floor_us
        self._known_sets = -1
        self._track: VideoTrack | None = None
        self._sound_clock: SoundClock | None = None

    @property
    def has_media(self) -> bool:
        """Whether anything came on the channels that were agreed."""
        return any(receiver.packets or receiver.invalid for receiver in self._receivers.values())

    @property
    def clock_offset_ms(self) -> int | None:
        return None if self.camera_us is None else round(self.camera_us / 1000)

    @property
    def lost(self) -> int:
        return self._video.lost + self._video.damaged

    @property
    def video_track(self) -> VideoTrack | None:
        return self._track

    @property
    def audio_codec(self) -> str | None:
        return None if self._audio_track is None else self._audio_track.codec

    @property
    def is_recording(self) -> bool:
        """A run goes on; after a failure of the disk only once something of it is really written."""
        handle = self.run.handle if self.run is not None else None
        if handle is None or handle.failure is not None:
            return False
        return self.blocked is None or handle.written > 0

    @property
    def standby(self) -> str | None:
        """Why nothing is kept although all is well: what does not move, or the hour. None while something is."""
        run = self.run
        if run is None or run.handle is not None or not self._target.writer.accepts_runs():
            return None
        return run.tape.shut

    def _add_audio(self, client: ClientTrack, track: AudioTrack) -> None:
        self._audio = sound_receiver(client, track)
        self._audio_client, self._audio_track = client, track
        self._receivers[client.channel] = self._audio
        self._rtcp[client.rtcp_channel] = client

    def feed(self, data: bytes) -> None:
        """Bytes as they came from the socket. Raises Error(bad_media) when they make no sense."""
        self.bytes_received += len(data)
        start = 0
        if self._carry:
            lacks = missing(self._carry)
            if lacks is not None and lacks <= len(data):
                # Only the frame that was cut is put together; the rest is not copied.
                self._deliver(self._carry + data[:lacks], 0)
                start = lacks
            else:
                data = self._carry + data
        self._carry = self._deliver(data, start)
        if self._video.samples:
            samples, new_from = self._video.take()
            received_us = self._look()
            for number, sample in enumerate(samples):
                self._picture(sample, received_us, number >= new_from)
        elif self.pictures == 0 and self.bytes_received > HOPELESS_BYTES:
            raise self.no_pictures()
        if self._audio is not None and self._audio.samples:
            sounds, self._audio.samples = self._audio.samples, []
            self._sounds(sounds)

    def _deliver(self, data: bytes, at: int) -> bytes:
        """Packets to their receivers, reports and messages to where they belong; what is not whole yet is returned."""
        frames, messages, rest = deliver(data, self._receivers, at)
        for channel, start, end in frames:
            if channel in self._rtcp:
                self._report(channel, data[start:end])
        if messages:
            self.messages += [data[start:end] for start, end in messages]
        return data[rest:]

    def _look(self) -> int:
        """Wall time now. A clock that was set is not followed before the next keyframe: no picture is lost for it."""
        wall_us, step_us = self._watch.look()
        if step_us and self.run is not None:
            stepped_us = self.run.stepped_us + step_us
            # Set forth and back again: what remains is for the mapping to follow.
            self.run.stepped_us = stepped_us if abs(stepped_us) > STEP_US else 0
        return wall_us

    def end(self, cause: str, detail: str = "") -> None:
        """The connection is over."""
        self._video.flush()
        if self.run is not None:
            samples, new_from = self._video.take()
            received_us = self._look()
            for number, sample in enumerate(samples):
                self._picture(sample, received_us, number >= new_from)
        self._end_run(cause, detail)

    def _end_run(self, cause: str, detail: str = "", end_pts: int | None = None) -> None:
        if self.run is not None:
            self.run.end(cause, detail, end_pts)
            self.floor_us = max(self.floor_us, self.run.end_us)
            self.run = None

    def _picture(self, sample: Sample, received_us: int, has_new_sets: bool) -> None:
        self.pictures += 1
        self.unused += 1
        run = self.run
        mapping = None
        if run is not None:
            cause = self._reason_to_end(run, sample, has_new_sets)
            if cause is None and run.add_video(sample, received_us):
                self.unused = 0
                if self.blocked is not None and (self.is_recording or self.standby):
                    self.blocked = None
                self._tell(run, 0, sample, received_us)
                return
            if cause in CONTINUED and run.mapping.observe(sample.pts, received_us - run.stepped_us):
                mapping = run.mapping
                self._end_run(cause, f"{run.stepped_us / 1e6:+.3f} s" if run.stepped_us else "", sample.pts)
                mapping.step(sample.pts, run.stepped_us, self.floor_us)
            else:
                self._end_run(cause or Cause.TIMESTAMP_JUMP)
        if sample.key and has_new_sets:
            self._begin(sample, received_us, mapping)

    def _reason_to_end(self, run: Run, sample: Sample, has_new_sets: bool) -> str | None:
        failure = run.failure
        if failure is not None:
            self.blocked = failure
            if failure == Cause.DISK_SLOW and run.handle is not None:
                self._target.writer.fell_behind(run.handle)
            return failure
        if sample.key and has_new_sets and run.stepped_us:
            return Cause.CLOCK_STEPPED
        if sample.key and has_new_sets and self._video.parameter_sets_version != self._known_sets:
            track = self._current_track()
            if track is not None and track != run.video_track:
                return Cause.PARAMETERS_CHANGED
        handle = run.handle
        if sample.key and has_new_sets and handle is not None and self._target.writer.goes_home(handle):
            return Cause.ELSEWHERE
        return None

    def _tell(self, run: Run, track: int, sample: Sample, received_us: int) -> None:
        if self._on_sample is not None:
            self._on_sample(run, track, sample, received_us)

    def _may_begin(self, received_us: int) -> bool:
        """A disk is there that is not left alone after a failure, and has caught up. Else the ledger is told why nothing
        of this camera is kept, whatever it says as yet.
        """
        sink = self._target.writer
        if not sink.accepts_runs():
            self.blocked = sink.trouble
            self.floor_us = max(self.floor_us, received_us)
            sink.gap(self.floor_us, self.blocked)
            return False
        return True

    def _begin(self, sample: Sample, received_us: int, mapping: WallMapping | None) -> None:
        track = self._current_track()
        if track is None or not self._may_begin(received_us):
            return
        target = self._target
        run = Run(
            target,
            track,
            self._audio_track,
            max(self.floor_us, target.writer.floor_us),
            self._clock,
            sample,
            received_us,
            mapping,
            self._node,
        )
        run.camera_us = self.camera_us
        self.run = run
        self.unused = 0
        if mapping is None:
            self._sound_clock = None
        run.add_video(sample, received_us)
        self._tell(run, 0, sample, received_us)

    def _current_track(self) -> VideoTrack | None:
        """The track of the parameter sets known now; None while they are missing or make no sense."""
        if self._video.parameter_sets_version != self._known_sets:
            self._known_sets = self._video.parameter_sets_version
            try:
                self._track = video_track(self._video)
            except Error:
                self._track = None
        return self._track

    def _sounds(self, samples: list[Sample]) -> None:
        run, track = self.run, self._audio_track
        if run is None or track is None or self._audio_client is None:
            return
        # A clock that was set is noticed with whatever comes next, and that may be sound.
        received_us = self._look()
        if self._sound_clock is None:
            video_rtptime, audio_rtptime = self._video_client.rtptime, self._audio_client.rtptime
            told = told_origin(run.first_pts, video_rtptime, audio_rtptime, track.rate)
            self._sound_clock = SoundClock(track, told)
        arriving = run.mapping.arriving(received_us - run.stepped_us)
        self._sound_clock.place(samples, arriving * track.rate // VIDEO_TIMESCALE)
        begin = run.first_pts * track.rate // VIDEO_TIMESCALE
        for sample in samples:
            sample.pts -= begin
        run.add_audio(samples)
        for sample in samples:
            self._tell(run, 1, sample, received_us)

    def no_pictures(self) -> Error:
        """Why nothing could be recorded of all that came."""
        if self.pictures and self._current_track() is not None:
            return Error(
                Kind.UNAVAILABLE,
                "the camera sends no picture that a decoder could begin with",
                hint="Set a keyframe interval of 1 or 2 s in the camera's pages.",
                cause=Cause.BAD_MEDIA,
            )
        return _no_pictures(self._video, self._current_track())

    def _report(self, channel: int, data: bytes) -> None:
        """A sender report pairs RTP time with the camera's clock (RFC 3550 section 6.4.1)."""
        run = self.run
        if self._rtcp[channel] is not self._video_client or run is None:
            return
        for report in rtcp.parse(data):
            # 0 says that the camera does not know the time (RFC 3550 section 6.4.1).
            if not isinstance(report, rtcp.SenderReport) or report.ntp == 0:
                continue
            newest = run.mapping.newest
            ahead = (report.rtp_time - newest + (1 << 31) & 0xFFFF_FFFF) - (1 << 31)
            node_us = run.mapping.received(newest + ahead) + run.stepped_us
            self.camera_us = run.camera_us = from_ntp(report.ntp) - node_us


def nal_receiver(client: ClientTrack) -> NalReceiver:
    media = client.media
    if client.codec == "h264":
        return H264Receiver(media.payload_type, parameter_sets(media))
    return H265Receiver(media.payload_type, parameter_sets(media), has_donl(media))


def sound_receiver(client: ClientTrack, track: AudioTrack) -> Receiver:
    media, payload_type = client.media, client.media.payload_type
    if track.codec == "opus":
        return OpusReceiver(payload_type)
    if track.codec != "aac":
        return G711Receiver(payload_type, track.channels)
    size, index = media.number("sizelength", 13), media.number("indexlength", 3)
    return AacReceiver(payload_type, size, index, track.samples_per_frame)


def video_track(receiver: NalReceiver) -> VideoTrack:
    """Raises Error while parameter sets are missing or make no sense."""
    if isinstance(receiver, H264Receiver):
        return h264.video_track(receiver.parameter_sets)
    return h265.video_track(receiver.parameter_sets)


def _no_pictures(video: NalReceiver, track: VideoTrack | None) -> Error:
    if video.packets > video.invalid and track is None:
        return Error(
            Kind.UNAVAILABLE,
            "the camera sends video, but never its parameter sets",
            hint="Restart the camera; choose H.264 Main or High in its pages.",
            cause=Cause.NO_PARAMETERS,
        )
    return Error(
        Kind.UNAVAILABLE,
        "what the camera sends is no video that can be understood",
        hint="Restart the camera; if it happens again, update its firmware.",
        cause=Cause.BAD_MEDIA,
    )
