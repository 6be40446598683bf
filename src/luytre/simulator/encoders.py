"""PyAV's H.264 and H.265 encoders, set up as a camera's: no B-frames, one thread, parameter sets in band."""

from __future__ import annotations

from fractions import Fraction

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from luytre.media.nal import split_annexb
from luytre.simulator.sources import TICKS, Unit, VideoName, is_key

_NAMES: dict[VideoName, str] = {"h264": "libx264", "h265": "libx265"}


class VideoEncoder:
    """Frames in, access units out; `send` equals `pts`, since nothing is reordered."""

    def __init__(
        self,
        codec: VideoName,
        width: int,
        height: int,
        fps: float,
        *,
        gop_s: float,
        preset: str = "ultrafast",
        crf: int = 25,
    ) -> None:
        self.codec = codec
        self.width, self.height = width, height
        self._keyint = max(1, round(fps * gop_s))
        context = av.CodecContext.create(_NAMES[codec], "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate = Fraction(fps).limit_denominator(1001)
        context.time_base = Fraction(1, TICKS)
        context.gop_size = self._keyint
        context.max_b_frames = 0
        context.thread_count = 1
        context.options = self._options(preset, crf)
        context.open()
        self._context = context

    def _options(self, preset: str, crf: int) -> dict[str, str]:
        options = {"preset": preset, "tune": "zerolatency", "crf": str(crf), "forced-idr": "1"}
        if self.codec == "h264":
            return options | {
                "x264-params": f"scenecut=0:keyint={self._keyint}:min-keyint=1:repeat-headers=1"
            }
        # Its own thread pool would cost more than it gains at a camera's rate.
        extra = f"scenecut=0:keyint={self._keyint}:min-keyint=1:repeat-headers=1:open-gop=0:bframes=0"
        return options | {"x265-params": f"{extra}:pools=none:frame-threads=1:wpp=0:log-level=error"}

    def encode(self, frame: VideoFrame, pts: int, *, key: bool = False) -> list[Unit]:
        """`pts` in 1/90000 s, rising. `key` asks for a keyframe now."""
        frame.pts = pts
        frame.time_base = Fraction(1, TICKS)
        frame.pict_type = PictureType.I if key else PictureType.NONE
        return [unit for packet in self._context.encode(frame) if (unit := self._unit(packet))]

    def finish(self) -> list[Unit]:
        """What the encoder still held back."""
        return [unit for packet in self._context.encode(None) if (unit := self._unit(packet))]

    def _unit(self, packet: Packet[VideoStream]) -> Unit | None:
        nals = tuple(split_annexb(bytes(packet)))
        if not nals or packet.pts is None:
            return None
        return Unit(packet.pts, packet.pts, is_key(self.codec, nals), nals)
