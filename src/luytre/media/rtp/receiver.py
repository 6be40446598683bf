"""From RTP packets of one track to access units: header, order, timestamp (RFC 3550 section 5.1).

HOT: `push` runs for each packet. A codec's class (h264.py, h265.py, aac.py) implements `payload`.
"""

from __future__ import annotations

import struct
from functools import lru_cache

from luytre.media.nal import nal_spans
from luytre.media.rtp.sequence import MAX_DROPOUT, TimestampUnwrapper, lost_between
from luytre.media.tracks import Sample

_RTP = struct.Struct(">BBHI")
_U16 = struct.Struct(">H")


class Receiver:
    """Feed it packets in order; completed samples gather in `samples` (the caller takes and clears them).

    lost           packets missing by sequence number; damaged: samples that miss some of their data
    invalid        packets that are no RTP of this track
    next_sequence  that of the packet that should come next; None before the first
    """

    def __init__(self, payload_type: int) -> None:
        self.payload_type = payload_type
        self.samples: list[Sample] = []
        self.lost = 0
        self.invalid = 0
        self.packets = 0
        self.next_sequence: int | None = None
        self._clock = TimestampUnwrapper()

    def push(self, buffer: bytes, start: int, end: int) -> None:
        """One RTP packet: `buffer[start:end]`."""
        if end - start < 12:
            self.invalid += 1
            return
        flags, marked_type, sequence, timestamp = _RTP.unpack_from(buffer, start)
        at = start + 12
        if flags != 0x80:
            bounds = _payload_bounds(buffer, start, end, flags)
            if bounds is None:
                self.invalid += 1
                return
            at, end = bounds
        if marked_type & 0x7F != self.payload_type:
            self.invalid += 1
            return
        expected = self.next_sequence
        if expected is not None and sequence != expected:
            self._out_of_order(expected - 1 & 0xFFFF, sequence)
        self.next_sequence = sequence + 1 & 0xFFFF
        self.packets += 1
        if at < end:
            self.payload(buffer, at, end, timestamp, marked_type >= 0x80)

    def _out_of_order(self, previous: int, sequence: int) -> None:
        missing = lost_between(previous, sequence)
        if 0 < missing < MAX_DROPOUT:
            self.lost += missing
        self.discontinuity()

    def payload(self, buffer: bytes, start: int, end: int, timestamp: int, marker: bool) -> None:
        raise NotImplementedError

    def discontinuity(self) -> None:
        """Data is missing: what was being put together cannot be finished."""
        raise NotImplementedError

    def alike(self, buffer: bytes, at: int, step: int) -> int:
        """Take packets that follow the one just pushed and differ from it in sequence number and payload only.

        They lie interleaved in `buffer` from `at` on, each `step` bytes long with its frame header. Returns where the
        first packet that is not alike begins; `at` where there is none.
        """
        return at

    def flush(self) -> None:
        """The connection ended: an access unit that waits for its end is complete."""


def _payload_bounds(buffer: bytes, start: int, end: int, flags: int) -> tuple[int, int] | None:
    """Past CSRCs and extension, before padding; None when the packet is not RTP version 2 or its lengths do not fit."""
    if flags >> 6 != 2:
        return None
    at = start + 12 + 4 * (flags & 0x0F)
    if flags & 0x10:
        if at + 4 > end:
            return None
        at += 4 + 4 * int(_U16.unpack_from(buffer, at + 2)[0])
    if flags & 0x20:
        end -= buffer[end - 1]
    return (at, end) if at <= end else None


@lru_cache(maxsize=1024)
def _middles(count: int, header: int, step: int) -> struct.Struct:
    """Sequence number and payload of `count` interleaved packets."""
    return struct.Struct(">" + f"6xH{header - 8}x{step - header}s" * count)


class NalReceiver(Receiver):
    """What H.264 and H.265 share: NAL units become access units.

    An access unit ends with the marker bit, with a new timestamp, or where a NAL unit can only belong to the next picture.
    A marker that turns out to be set in mid-picture is not believed again. A picture that lost data is never a key
    picture, and one that lost all of its slices is no picture.

    fragment_header         bytes before the payload of a fragment's middle: RTP header and what the codec puts there
    parameter_sets_version  grows when a parameter set appears or changes; the caller compares
    new_sets_from           index in `samples` of the first picture that the newest parameter sets belong to
    """

    fragment_header = 12

    def __init__(self, payload_type: int, parameter_sets: tuple[bytes, ...]) -> None:
        super().__init__(payload_type)
        self.parameter_sets_version = 0
        self.new_sets_from = 0
        self._sets: dict[tuple[int, int], bytes] = {}
        self.damaged = 0
        self._pieces: list[bytes] = []
        self._timestamp: int | None = None
        self._has_picture = False
        self._key = False
        # Index in _pieces from which on everything may belong to the next picture, -1 when nothing does.
        self._border = -1
        self._key_ahead = False
        # Index in _pieces of the length of the fragmented NAL unit being put together, -1 when none is.
        self._fragment = -1
        self._fragment_size = 0
        self._is_damaged = False
        self._trust_marker = True
        self._ended_by_marker: int | None = None
        for nal in parameter_sets:
            self.learn(nal)

    @property
    def parameter_sets(self) -> tuple[bytes, ...]:
        """In the order of their kinds (VPS, SPS, PPS), then of their ids."""
        return tuple(self._sets[key] for key in sorted(self._sets))

    def learn(self, nal: bytes) -> None:
        """A parameter set, in band or from the SDP."""
        key = self.set_key(nal)
        if key is not None and self._sets.get(key) != nal:
            self._sets[key] = bytes(nal)
            self.parameter_sets_version += 1
            self.new_sets_from = len(self.samples) + self._has_picture

    def set_key(self, nal: bytes) -> tuple[int, int] | None:
        """(order of kind, id) of a parameter set; None when it is none or cannot be read."""
        raise NotImplementedError

    def is_slice(self, nal: bytes) -> bool:
        raise NotImplementedError

    def take(self) -> tuple[list[Sample], int]:
        """The pictures gathered so far, and `new_sets_from` among them."""
        taken = self.samples, self.new_sets_from
        self.samples, self.new_sets_from = [], 0
        return taken

    def at_timestamp(self, timestamp: int) -> None:
        """Each packet passes here first: a new timestamp ends the access unit before."""
        if timestamp != self._timestamp:
            if self._pieces:
                self.finish()
            self._timestamp = timestamp
            self._ended_by_marker = None

    def may_precede(self, key: bool = False) -> None:
        """A NAL unit that usually begins the next picture (parameter sets, SEI). Some cameras repeat them between the
        slices of one picture, so only the next slice tells: see next_picture and continued.
        """
        if not self._has_picture:
            self._key = self._key or key
            return
        if self._border < 0:
            self._drop_fragment()
            self._border = len(self._pieces)
        self._key_ahead = self._key_ahead or key

    def next_picture(self) -> None:
        """The NAL unit that begins now cannot belong to the picture being put together."""
        if self._has_picture:
            border = self._border if self._border >= 0 else len(self._pieces)
            ahead, key = self._pieces[border:], self._key_ahead
            del self._pieces[border:]
            self.finish()
            self._pieces, self._key = ahead, key

    def continued(self) -> None:
        """A slice that is not a picture's first: where none came before, the marker lied, or the beginning is lost."""
        self._border, self._key_ahead = -1, False
        if not self._has_picture:
            self._is_damaged = True
            if self._ended_by_marker == self._timestamp:
                self._trust_marker = False

    def whole(self, buffer: bytes, start: int, end: int) -> None:
        """A NAL unit that came in one piece."""
        raise NotImplementedError

    def aggregate(self, buffer: bytes, at: int, end: int, smallest: int = 1) -> None:
        """NAL units with 2-byte lengths, one after the other (RFC 6184 section 5.7.1, RFC 7798 section 4.4.2)."""
        while at + 2 < end:
            size = buffer[at] << 8 | buffer[at + 1]
            at += 2
            if size < smallest or at + size > end:
                self.invalid += 1
                return
            self.whole(buffer, at, at + size)
            at += size

    def whole_nal(self, buffer: bytes, start: int, end: int) -> None:
        if self._fragment >= 0:
            self._drop_fragment()
        self._pieces.append((end - start).to_bytes(4, "big"))
        self._pieces.append(buffer[start:end])

    def fragment_begins(self, header: bytes, buffer: bytes, start: int, end: int) -> None:
        self._drop_fragment()
        self._fragment = len(self._pieces)
        self._fragment_size = len(header) + end - start
        self._pieces += (b"", header, buffer[start:end])

    def fragment_goes_on(self, buffer: bytes, start: int, end: int, last: bool) -> None:
        if self._fragment < 0:
            return
        self._pieces.append(buffer[start:end])
        self._fragment_size += end - start
        if last:
            self.fragment_ends()

    def alike(self, buffer: bytes, at: int, step: int) -> int:
        """HOT: the middle of a fragmented NAL unit is many packets of one size: cut by one call in C, compared whole.

        A middle packet's header is the one before without start bit; everything but its sequence number must be equal.
        """
        if self._fragment < 0:
            return at
        header = 4 + self.fragment_header
        before = at - step
        front = buffer[before : before + 6]
        back = buffer[before + 8 : before + header - 1] + bytes((buffer[before + header - 1] & 0x7F,))
        end = at
        while buffer[end : end + 6] == front and buffer[end + 8 : end + header] == back:
            end += step
        count = (min(end, len(buffer)) - at) // step
        if count < 2:
            return at
        fields = _middles(count, header, step).unpack_from(buffer, at)
        first = self.next_sequence or 0
        numbers = tuple(range(first, first + count))
        if first + count > 0x10000:
            numbers = tuple(number & 0xFFFF for number in numbers)
        if fields[0::2] != numbers:
            return at
        self._pieces += fields[1::2]
        self._fragment_size += count * (step - header)
        self.next_sequence = first + count & 0xFFFF
        self.packets += count
        return at + count * step

    def fragment_ends(self) -> None:
        self._pieces[self._fragment] = self._fragment_size.to_bytes(4, "big")
        self._fragment = -1

    def _drop_fragment(self) -> None:
        if self._fragment >= 0:
            del self._pieces[self._fragment :]
            self._fragment = -1
            self._is_damaged = True

    def discontinuity(self) -> None:
        self._drop_fragment()
        if self._has_picture:
            # Whether the missing packets were this picture's or whole ones after it, nobody knows.
            self._is_damaged = True

    def marked(self) -> None:
        if self._fragment >= 0:
            # In the middle of a NAL unit: some cameras set it in every packet.
            self._trust_marker = False
        elif self._trust_marker and self._has_picture:
            self.finish()
            self._ended_by_marker = self._timestamp

    def finish(self) -> None:
        self._drop_fragment()
        pieces, timestamp = self._pieces, self._timestamp
        if self._is_damaged:
            self._finish_damaged()
        elif pieces and self._has_picture and timestamp is not None:
            self.samples.append(Sample(self._clock.unwrap(timestamp), b"".join(pieces), self._key))
        self._pieces = []
        self._has_picture = self._key = self._key_ahead = False
        self._border = -1

    def _finish_damaged(self) -> None:
        self._is_damaged = False
        self.damaged += 1
        data = b"".join(self._pieces)
        if self._timestamp is not None and any(self.is_slice(data[a:b]) for a, b in nal_spans(data)):
            self.samples.append(Sample(self._clock.unwrap(self._timestamp), data, False))

    def flush(self) -> None:
        self.finish()
