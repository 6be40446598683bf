"""Small clips, encoded on the spot."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream


def make_clip(
    path: Path, *, codec: str = "libx264", seconds: float = 1.0, fps: int = 20, bframes: int = 0
) -> Path:
    """A small clip: noise that moves, a keyframe every half second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        stream.gop_size, stream.max_b_frames = fps // 2, bframes
        quiet = (
            {"x265-params": f"log-level=error:bframes={bframes}:keyint={fps // 2}"}
            if codec == "libx265"
            else {}
        )
        stream.options = {"preset": "ultrafast", **quiet}
        noise = np.random.default_rng(1).integers(0, 255, (180, 320), dtype=np.uint8)
        for number in range(round(seconds * fps)):
            picture = np.ascontiguousarray(np.roll(noise, 4 * number, axis=1)[:, :160])
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
