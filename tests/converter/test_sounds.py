"""Sound that is encoded: what changes in it costs no picture."""

from __future__ import annotations

from typing import Any

import av
import numpy as np

from luytre.converter.sounds import EncodedSound
from luytre.converter.tracks import Incoming

RATE = 48_000
FRAME = 1152


def mp2(layout: str, first: int, frames: int) -> list[Any]:
    """Packets of MPEG audio, as MPEG-TS carries it."""
    made: Any = av.CodecContext.create("mp2", "w")
    made.sample_rate, made.layout, made.format = RATE, layout, "s16"
    made.open()
    packets = []
    for number in range(frames):
        channels = 1 if layout == "mono" else 2
        noise = np.random.default_rng(number).integers(-9000, 9000, (1, FRAME * channels), dtype=np.int16)
        frame = av.AudioFrame.from_ndarray(noise, format="s16", layout=layout)
        frame.sample_rate, frame.pts = RATE, (first + number) * FRAME
        packets += made.encode(frame)
    return packets


def test_sound_that_changes_its_channels_goes_on() -> None:
    before, after = mp2("stereo", 0, 20), mp2("mono", 20, 20)
    decoder: Any = av.CodecContext.create("mp2", "r")
    decoder.decode(before[0])
    decoder.flush_buffers()
    sound = EncodedSound(Incoming("mp2", b"", decoder))
    told = [sum(len(sound.put(packet)) for packet in packets) for packets in (before, after)]
    # An AAC frame has 1024 samples.
    assert told[0] >= 15
    assert told[1] >= 15
