"""A whole camera out of any bytes: pictures, sound, reports and time itself, into the recorder's ingest."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from luytre.archive.keys import Cause, StreamKey
from luytre.archive.open_segment import Part, RunHandle
from luytre.base.clock import ManualClock
from luytre.media.fmp4.read import parse_init, part_samples, scan_parts
from luytre.media.rtp import packetizer, rtcp
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtsp.tracks import ClientTrack, choose_tracks
from luytre.media.sdp import parse
from luytre.recorder.gate import OpenGate
from luytre.recorder.ingest import Ingest
from luytre.recorder.run import Target
from tests.fuzz import seeds
from tests.fuzz.nets import refusing

_SOUNDS = (
    "m=audio 0 RTP/AVP 8",
    "m=audio 0 RTP/AVP 97\na=rtpmap:97 opus/48000/2",
    "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 config=1408",
)
_TYPES = (8, 97, 97)
_PICTURE, _SOUND, _REPORT, _TIME = range(4)


@dataclass
class Parts:
    """A Sink that looks at each part as a player would."""

    parts: list[Part] = field(default_factory=list)
    size: int = 0
    floor_us: int = 0
    trouble: str = ""

    def accepts_runs(self) -> bool:
        return True

    def write(self, run: RunHandle, part: Part) -> None:
        data = b"".join(part.buffers)
        tracks = {track.track_id for track in parse_init(run.init).tracks}
        (found,) = scan_parts(lambda offset, size: data[offset : offset + size], len(data))
        assert found.size == len(data)
        samples = part_samples(data[found.moof_offset : found.moof_offset + found.moof_size])
        assert set(samples) <= tracks
        assert all(sample.duration > 0 for sample in samples.get(2, ()))
        assert part.end_us > part.start_us
        self.size += len(data)
        self.parts.append(part)

    def end(self, run: RunHandle, cause: str, detail: str = "") -> None: ...

    def must_leave(self, run: RunHandle) -> str | None:
        return None

    def goes_home(self, run: RunHandle) -> bool:
        return False

    def fell_behind(self, run: RunHandle) -> None: ...

    def gap(self, at_us: int, cause: str, detail: str = "") -> None: ...


def camera(data: bytes) -> Parts:
    """What came to the archive.

    First byte: which sound. Then records: kind and flags, 8 bits that say how timestamps or the clock go on, 8 bits of
    length, payload.
    """
    kind = data[0] % len(_SOUNDS) if data else 0
    clock, sink = ManualClock(), Parts()
    target = Target(StreamKey("c", "main"), "GATE-1", sink, 0, OpenGate())
    ingest = Ingest(_tracks(kind), target, clock)
    fed = 0
    with refusing("bad_media"):
        for packet in _records(data[1:], kind, clock):
            fed += len(packet)
            ingest.feed(packet)
        ingest.end(Cause.CLOSED_BY_CAMERA)
    # Headers of parts and samples come on top.
    assert sink.size <= 8 * fed + 400 * len(sink.parts)
    starts = [part.start_us for part in sink.parts]
    assert starts == sorted(starts)
    return sink


@cache
def _tracks(kind: int) -> tuple[ClientTrack, ...]:
    text = f"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n{_SOUNDS[kind]}"
    return tuple(choose_tracks(parse(text), "rtsp://camera/", want_audio=True))


def _records(data: bytes, sound: int, clock: ManualClock) -> Iterator[bytes]:
    """Frames as they come from the socket; records of time move the clock between them."""
    at = 0
    seq, stamp = [0, 0], [0xFFFF_F000, 0xFFFF_FF00]
    while at + 3 <= len(data):
        head, step, size = data[at : at + 3]
        payload = data[at + 3 : at + 3 + size]
        at += 3 + size
        kind = head & 3
        if kind == _TIME:
            clock.advance(step / 50)
            if head & 0x80:
                clock.step_wall(step - 128)
            continue
        if kind == _REPORT:
            body = (
                payload
                if head & 0x40
                else rtcp.build(rtcp.SenderReport(1, step << 56, stamp[0] + step, 0, 0))
            )
            yield struct.pack(">BBH", 0x24, 1, len(body)) + body
            continue
        track = kind == _SOUND
        seq[track] += 2 if head & 0x40 else 1
        # 40 ms of pictures, 20 ms of sound for each 16; a high step goes far, or back.
        forth = step * (225 if not track else 10)
        stamp[track] += forth if not head & 0x20 else -(forth << step % 20)
        number = _TYPES[sound] if track else 96
        packet = build(Packet(number, bool(head & 0x80), seq[track], stamp[track], 7, payload))
        yield struct.pack(">BBH", 0x24, 2 if track else 0, len(packet)) + packet


def usual() -> list[bytes]:
    """Two seconds of small pictures with sound, every 40 ms."""
    found = []
    sounds = (b"\xd5" * 160, b"\xf8" + bytes(20), b"\x00\x10\x00\x18abc")
    for kind, sound in enumerate(sounds):
        data = bytes((kind,))
        for number in range(50):
            key = number % 10 == 0
            nals = [b"\x65\x88\x80abc"] if key else [b"\x41\x9a\x80abc"]
            sets = seeds.small_sets() if key else []
            payloads = packetizer.h264([*sets, *nals])
            for place, payload in enumerate(payloads):
                last = place == len(payloads) - 1
                data += bytes((last << 7 | _PICTURE, 16 if place == 0 else 0, len(payload))) + payload
            for _ in range(2):
                data += bytes((0x80 | _SOUND, 16, len(sound))) + sound
            data += bytes((_TIME, 2, 0))
        found.append(data + bytes((_REPORT, 1, 0)))
    return found
