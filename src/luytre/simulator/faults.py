"""What can go wrong with a simulated camera's packets and answers, as data.

Promises   the same seed does the same to the same packets; what was done is counted.
Does not   send anything (player.py, connection.py do).
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from random import Random
from typing import Literal

# Frame of 4 bytes, then the RTP header: marker and type, sequence number, timestamp, source.
_FRAME = struct.Struct(">BBH")
_FIELDS = struct.Struct(">xBHII")
_RTP_AT = _FRAME.size
_MARKER = 0x80


@dataclass(frozen=True, slots=True)
class PacketFaults:
    """Of RTP packets; RTCP is left alone.

    loss, duplicate, late  share of the packets that are left out, sent twice, sent later (0 to 1)
    depth                  how many packets later at most
    marker                 set in every packet, or in none
    every                  pictures from one of these to the next, 0 never:
    new_ssrc, seq_jump, time_jump, twins   another source; numbers added to sequence and timestamp; the time of the
                                           picture before
    """

    loss: float = 0.0
    duplicate: float = 0.0
    late: float = 0.0
    depth: int = 4
    marker: Literal["", "always", "never"] = ""
    every: int = 0
    new_ssrc: bool = False
    seq_jump: int = 0
    time_jump: int = 0
    twins: bool = False
    seed: int = 1


@dataclass(frozen=True, slots=True)
class AnswerFaults:
    """Of RTSP answers.

    cseq            none, always 0, always 1 or one more than was asked
    bare_lf         lines end without CR
    content_length  added to the length of a description
    early_media     media begin before the answer to PLAY
    """

    cseq: Literal["", "none", "zero", "one", "ahead"] = ""
    bare_lf: bool = False
    content_length: int = 0
    early_media: bool = False


@dataclass(frozen=True, slots=True)
class Faults:
    """All of a camera's. `first`: seq and rtptime that a session begins with; None: by chance. `bytes_per_s`: so slowly do
    media come over TCP, 0: as they are made. `declared_fps`: what the description says, 0: the truth.
    """

    packets: PacketFaults = field(default_factory=PacketFaults)
    answers: AnswerFaults = field(default_factory=AnswerFaults)
    first: tuple[int, int] | None = None
    bytes_per_s: int = 0
    declared_fps: float = 0.0


HEALTHY = Faults()
# Of these nothing can be recorded; all others are to be recorded all the same.
HOPELESS = frozenset({"drip"})
CATALOGUE: dict[str, Faults] = {
    "loss": Faults(PacketFaults(loss=0.05)),
    "duplicates": Faults(PacketFaults(duplicate=0.02)),
    "late": Faults(PacketFaults(late=0.02)),
    "new ssrc": Faults(PacketFaults(every=20, new_ssrc=True)),
    "number jumps": Faults(PacketFaults(every=40, seq_jump=5000)),
    "time jumps": Faults(PacketFaults(every=60, time_jump=90_000 * 3600)),
    "time jumps back": Faults(PacketFaults(every=60, time_jump=-90_000 * 3600)),
    "marker always": Faults(PacketFaults(marker="always")),
    "marker never": Faults(PacketFaults(marker="never")),
    "twins": Faults(PacketFaults(every=10, twins=True)),
    "wrap": Faults(first=(0xFFF8, 0xFFFF_FFFF - 45_000)),
    "drip": Faults(bytes_per_s=1),
    "untrue rate": Faults(declared_fps=25.0),
    "no cseq": Faults(answers=AnswerFaults(cseq="none")),
    "cseq 0": Faults(answers=AnswerFaults(cseq="zero")),
    "cseq 1": Faults(answers=AnswerFaults(cseq="one")),
    "cseq ahead": Faults(answers=AnswerFaults(cseq="ahead")),
    "bare lf": Faults(answers=AnswerFaults(bare_lf=True)),
    "short body": Faults(answers=AnswerFaults(content_length=-7)),
    "long body": Faults(answers=AnswerFaults(content_length=400)),
    "early media": Faults(answers=AnswerFaults(early_media=True)),
}


@dataclass(slots=True)
class Tally:
    """What was done to a camera's packets: `pictures` that passed, of them `hurt` (a packet was left out), packets
    `lost`, `doubled`, `late`; `breaks` in numbers, times or sources.
    """

    pictures: int = 0
    hurt: int = 0
    lost: int = 0
    doubled: int = 0
    late: int = 0
    breaks: int = 0


class _Track:
    """What is remembered of one channel. Numbers as 32 bits, before and after the fault."""

    __slots__ = ("held", "hurt", "pictures", "sent_time", "seq", "source", "time", "true_time", "twin")

    def __init__(self) -> None:
        self.pictures = 0
        self.true_time = -1
        self.sent_time = 0
        self.hurt = False
        self.twin = False
        self.seq = self.time = self.source = 0
        # [packets to wait for, frame]
        self.held: list[tuple[int, bytes]] = []


class Mangler:
    """One client's packets on their way out. Channel 0 is the one whose pictures are counted."""

    def __init__(self, faults: PacketFaults, tally: Tally) -> None:
        self._faults = faults
        self._tally = tally
        self._random = Random(faults.seed)
        self._tracks: dict[int, _Track] = {}

    def mangle(self, data: bytes | bytearray) -> bytes:
        """Whole interleaved frames in and out."""
        out: list[bytes] = []
        at, size = 0, len(data)
        while at + _RTP_AT <= size:
            _, channel, length = _FRAME.unpack_from(data, at)
            frame = bytearray(data[at : at + _RTP_AT + length])
            at += len(frame)
            if channel & 1:
                out.append(bytes(frame))
            else:
                self._packet(self._tracks.setdefault(channel, _Track()), channel, frame, out)
        return b"".join(out)

    def _packet(self, track: _Track, channel: int, frame: bytearray, out: list[bytes]) -> None:
        faults, tally, random = self._faults, self._tally, self._random
        self._change(track, channel, frame)
        if random.random() < faults.loss:
            tally.lost += 1
            if channel == 0 and not track.hurt:
                track.hurt = True
                tally.hurt += 1
            return
        waiting, track.held = track.held, []
        if random.random() < faults.late:
            tally.late += 1
            track.held.append((random.randint(1, faults.depth), bytes(frame)))
        else:
            out.append(bytes(frame))
            if random.random() < faults.duplicate:
                tally.doubled += 1
                out.append(bytes(frame))
        for left, held in waiting:
            if left > 1:
                track.held.append((left - 1, held))
            else:
                out.append(held)

    def _change(self, track: _Track, channel: int, frame: bytearray) -> None:
        """Header fields."""
        faults = self._faults
        marked, seq, time, source = _FIELDS.unpack_from(frame, _RTP_AT)
        if time != track.true_time:
            self._picture(track, channel, time)
        if faults.marker:
            marked = marked | _MARKER if faults.marker == "always" else marked & ~_MARKER
        if not track.twin:
            track.sent_time = time + track.time & 0xFFFF_FFFF
        sent = (marked, seq + track.seq & 0xFFFF, track.sent_time, source ^ track.source)
        _FIELDS.pack_into(frame, _RTP_AT, *sent)
        frame[_RTP_AT] = 0x80

    def _picture(self, track: _Track, channel: int, time: int) -> None:
        """Another timestamp: a picture begins."""
        faults = self._faults
        track.true_time, track.hurt, track.twin = time, False, False
        track.pictures += 1
        self._tally.pictures += channel == 0
        if channel or not faults.every or track.pictures % faults.every:
            return
        self._tally.breaks += 1
        track.seq += faults.seq_jump
        track.time += faults.time_jump
        track.source ^= 0x5A5A_5A5A if faults.new_ssrc else 0
        track.twin = faults.twins


_CSEQ = re.compile(rb"CSeq: (\d+)\r\n")
_LENGTH = re.compile(rb"Content-Length: (\d+)")


def spoil(answer: bytes, faults: AnswerFaults) -> bytes:
    """One RTSP answer as a camera with these faults gives it."""
    head, border, body = answer.partition(b"\r\n\r\n")
    head += b"\r\n"
    match = _CSEQ.search(head)
    if faults.cseq and match is not None:
        told = {
            "none": b"",
            "zero": b"CSeq: 0\r\n",
            "one": b"CSeq: 1\r\n",
            "ahead": b"CSeq: %d\r\n" % (int(match.group(1)) + 1),
        }[faults.cseq]
        head = head[: match.start()] + told + head[match.end() :]
    if faults.content_length:
        head = _LENGTH.sub(
            lambda found: b"Content-Length: %d" % max(0, int(found.group(1)) + faults.content_length), head
        )
    border = border[2:]
    if faults.bare_lf:
        head, border = head.replace(b"\r\n", b"\n"), b"\n"
    return head + border + body
