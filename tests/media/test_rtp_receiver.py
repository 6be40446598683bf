"""Packets into pictures: scripted packets, one fault each (RFC 6184, RFC 7798, RFC 3550)."""

from __future__ import annotations

import pytest

from luytre.media.nal import nal_spans
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtp.receiver import NalReceiver, Receiver
from luytre.media.rtp.sequence import TimestampUnwrapper, lost_between
from luytre.media.tracks import Sample

# First byte after the header: first_mb_in_slice 0 begins with a 1 bit; any other value with a 0 bit.
FIRST, LATER = b"\x88", b"\x48"
SPS, PPS = b"\x67\x4d\x40\x1f\x95\xa0", b"\x68\xee\x3c\x80"
IDR, SLICE, SEI, AUD = b"\x65", b"\x41", b"\x06", b"\x09"


class Sender:
    """Numbers packets; `lose` leaves one out."""

    def __init__(self, receiver: Receiver, seq: int = 0) -> None:
        self.receiver = receiver
        self.seq = seq

    def send(self, payload: bytes, timestamp: int, marker: bool = False, **more: object) -> None:
        packet = Packet(96, marker, self.seq, timestamp, 7, payload, **more)  # type: ignore[arg-type]
        self.push(build(packet))

    def push(self, data: bytes) -> None:
        # In the middle of a larger buffer, as it is in life.
        self.receiver.push(b"xx" + data + b"yyy", 2, 2 + len(data))
        self.seq = self.seq + 1 & 0xFFFF

    def lose(self) -> None:
        self.seq = self.seq + 1 & 0xFFFF


def h264() -> tuple[H264Receiver, Sender]:
    receiver = H264Receiver(96, ())
    return receiver, Sender(receiver, 65_533)


def nals(sample: Sample) -> list[bytes]:
    return [sample.data[a:b] for a, b in nal_spans(sample.data)]


def fu_a(nal: bytes, *, pieces: int = 3) -> list[bytes]:
    size = -(-(len(nal) - 1) // pieces)
    bodies = [nal[at : at + size] for at in range(1, len(nal), size)]
    head = bytes((nal[0] & 0xE0 | 28,))
    return [
        head + bytes(((n == 0) << 7 | (n == len(bodies) - 1) << 6 | nal[0] & 0x1F,)) + body
        for n, body in enumerate(bodies)
    ]


def test_single_nal_units_make_one_picture_at_the_marker() -> None:
    receiver, sender = h264()
    sender.send(SPS, 900)
    sender.send(PPS, 900)
    sender.send(IDR + FIRST + b"picture", 900)
    assert receiver.samples == []
    sender.send(IDR + LATER + b"more", 900, marker=True)
    (sample,) = receiver.samples
    assert nals(sample) == [SPS, PPS, IDR + FIRST + b"picture", IDR + LATER + b"more"]
    assert sample.key
    assert sample.pts == 900
    assert receiver.parameter_sets == (SPS, PPS)
    assert receiver.lost == receiver.invalid == receiver.damaged == 0


def test_stap_a_is_taken_apart_and_its_parameter_sets_are_learned() -> None:
    receiver, sender = h264()
    units = [SPS, PPS, SEI + b"\x05\x01\x00\x80"]
    sender.send(b"\x78" + b"".join(len(u).to_bytes(2, "big") + u for u in units), 0)
    sender.send(IDR + FIRST, 0, marker=True)
    assert nals(receiver.samples[0]) == [*units, IDR + FIRST]
    assert receiver.parameter_sets_version == 2


@pytest.mark.parametrize("tail", [b"\x00\x00", b"\x00\x09abc", b"\x00"])
def test_a_stap_a_with_impossible_lengths_keeps_what_was_whole(tail: bytes) -> None:
    receiver, sender = h264()
    sender.send(b"\x78" + len(SPS).to_bytes(2, "big") + SPS + tail, 0)
    sender.send(IDR + FIRST, 0, marker=True)
    assert nals(receiver.samples[0]) == [SPS, IDR + FIRST]


def test_fu_a_is_put_together_over_the_wrap_of_sequence_numbers() -> None:
    receiver, sender = h264()
    nal = IDR + FIRST + bytes(range(200))
    pieces = fu_a(nal, pieces=5)
    for number, piece in enumerate(pieces):
        sender.send(piece, 5, marker=number == len(pieces) - 1)
    assert nals(receiver.samples[0]) == [nal]
    assert receiver.samples[0].key
    assert receiver.lost == 0


def test_a_fragment_that_begins_and_ends_at_once_is_a_whole_nal_unit() -> None:
    receiver, sender = h264()
    sender.send(bytes((0x7C, 0xC0 | 5)) + FIRST + b"all", 5, marker=True)
    assert nals(receiver.samples[0]) == [IDR + FIRST + b"all"]


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_loss_inside_the_only_slice_costs_that_picture_and_no_other(lost: int) -> None:
    receiver, sender = h264()
    sender.send(IDR + FIRST, 0, marker=True)
    for number, piece in enumerate(fu_a(IDR + FIRST + bytes(90))):
        if number == lost:
            sender.lose()
        else:
            sender.send(piece, 3600, marker=number == 2)
    sender.send(SLICE + FIRST, 7200, marker=True)
    sender.send(SLICE + FIRST, 10800, marker=True)
    assert [sample.pts for sample in receiver.samples] == [0, 7200, 10800]
    assert receiver.lost == 1


def test_a_key_picture_without_one_of_its_slices_is_no_key_picture() -> None:
    receiver, sender = h264()
    sender.send(SPS, 0)
    for piece in fu_a(IDR + FIRST + bytes(90))[:2]:
        sender.send(piece, 0)
    sender.lose()
    sender.send(IDR + LATER + b"second", 0, marker=True)
    (sample,) = receiver.samples
    assert not sample.key
    assert nals(sample) == [SPS, IDR + LATER + b"second"]
    assert receiver.damaged == 1


def test_a_key_picture_whose_first_slice_is_lost_is_no_key_picture() -> None:
    receiver, sender = h264()
    sender.send(SLICE + FIRST, 0, marker=True)
    sender.lose()
    sender.send(IDR + LATER + b"second", 3600, marker=True)
    sender.send(IDR + FIRST, 7200, marker=True)
    assert [sample.key for sample in receiver.samples] == [False, False, True]


def test_parameter_sets_without_their_picture_are_no_picture() -> None:
    receiver, sender = h264()
    sender.send(SPS, 0)
    sender.send(fu_a(IDR + FIRST + bytes(90))[0], 0)
    sender.lose()
    sender.lose()
    sender.send(SLICE + FIRST, 3600, marker=True)
    assert [(sample.pts, sample.key) for sample in receiver.samples] == [(3600, False)]
    assert receiver.damaged == 1


def test_a_nal_unit_inside_an_unfinished_fragment_does_not_spoil_the_lengths() -> None:
    receiver, sender = h264()
    pieces = fu_a(IDR + FIRST + bytes(90))
    sender.send(pieces[0], 0)
    sender.send(IDR + LATER + b"whole", 0)
    sender.send(pieces[2], 0, marker=True)
    assert nals(receiver.samples[0]) == [IDR + LATER + b"whole"]
    assert not receiver.samples[0].key


def test_a_marker_that_is_never_set_is_not_needed() -> None:
    receiver, sender = h264()
    for number in range(4):
        sender.send(SLICE + FIRST, number * 3600)
        sender.send(SLICE + LATER, number * 3600)
    assert [sample.pts for sample in receiver.samples] == [0, 3600, 7200]
    receiver.flush()
    assert [len(nals(sample)) for sample in receiver.samples] == [2, 2, 2, 2]


def test_a_marker_that_is_set_on_every_slice_is_found_out() -> None:
    receiver, sender = h264()
    for number in range(5):
        for part in (FIRST, LATER, LATER):
            sender.send(SLICE + part, number * 3600, marker=True)
    receiver.flush()
    whole = [sample.pts for sample in receiver.samples if len(nals(sample)) == 3]
    assert whole == [3600, 7200, 10800, 14400]


def test_a_marker_that_is_set_on_every_fragment_is_found_out_at_once() -> None:
    receiver, sender = h264()
    wanted = [SLICE + FIRST + bytes((number,)) * 90 for number in range(4)]
    for number, nal in enumerate(wanted):
        for piece in fu_a(nal):
            sender.send(piece, number * 3600, marker=True)
    receiver.flush()
    assert [nals(sample) for sample in receiver.samples] == [[nal] for nal in wanted]
    assert receiver.damaged == 0


def test_two_pictures_with_one_timestamp_stay_two() -> None:
    receiver, sender = h264()
    for _ in range(2):
        sender.send(SLICE + FIRST, 100)
        sender.send(SLICE + LATER, 100)
    sender.send(AUD + b"\xf0", 3700)
    assert [(sample.pts, len(nals(sample))) for sample in receiver.samples] == [(100, 2), (100, 2)]


def test_timestamps_go_on_over_their_wrap_and_back_for_b_frames() -> None:
    receiver, sender = h264()
    for timestamp in (0xFFFF_F000, 0x0000_1000, 0xFFFF_F800, 0x0000_2000):
        sender.send(SLICE + FIRST, timestamp, marker=True)
    times = [sample.pts - receiver.samples[0].pts for sample in receiver.samples]
    assert times == [0, 0x2000, 0x800, 0x3000]


def test_padding_extension_and_csrc_are_no_payload() -> None:
    receiver, sender = h264()
    packet = Packet(96, True, 0, 9, 7, SLICE + FIRST + b"payload", csrc=(1, 2), extension=(0xABAC, bytes(8)))
    receiver.push(data := build(packet, padding=5), 0, len(data))
    assert nals(receiver.samples[0]) == [SLICE + FIRST + b"payload"]
    sender.seq = 1
    # Padding alone is a keep-alive of some senders.
    sender.push(build(Packet(96, False, 1, 9, 7, b""), padding=4))
    assert receiver.lost == receiver.invalid == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x60",
        bytes(12),
        b"\x40" + bytes(30),
        build(Packet(97, False, 0, 0, 0, b"another type")),
        b"\x8f" + build(Packet(96, False, 0, 0, 0, b"csrc beyond the end"))[1:],
        b"\x90" + build(Packet(96, False, 0, 0, 0, b"\x00\x00\xff\xff"))[1:],
        b"\xa0" + build(Packet(96, False, 0, 0, 0, b"padded\xff"))[1:],
    ],
)
def test_what_is_no_packet_of_the_track_is_counted_and_left(data: bytes) -> None:
    receiver = H264Receiver(96, ())
    receiver.push(data, 0, len(data))
    assert receiver.invalid == 1
    assert receiver.samples == []


@pytest.mark.parametrize("payload", [b"\x7c\x85", b"\x7d\x85\x00\x01ab", b"\x00", b"\x1f"])
def test_h264_payloads_of_no_use_are_counted(payload: bytes) -> None:
    receiver, sender = h264()
    sender.send(payload, 0)
    assert receiver.invalid == 1


def test_a_recovery_point_without_wait_is_a_key_picture() -> None:
    receiver, sender = h264()
    sender.send(SEI + b"\x05\x02ab\x06\x01\xc4\x80", 0)
    sender.send(SLICE + FIRST, 0, marker=True)
    sender.send(SEI + b"\x06\x01\x44\x80", 3600)
    sender.send(SLICE + FIRST, 3600, marker=True)
    assert [sample.key for sample in receiver.samples] == [True, False]


def test_new_parameter_sets_belong_to_the_pictures_behind_them() -> None:
    receiver, sender = h264()
    sender.send(SPS, 0)
    sender.send(IDR + FIRST, 0, marker=True)
    receiver.take()
    sender.send(IDR + FIRST, 3600)
    sender.send(SPS + b"\x01", 7200)
    sender.send(IDR + FIRST, 7200, marker=True)
    samples, new_from = receiver.take()
    assert [sample.pts for sample in samples[new_from:]] == [7200]
    assert receiver.take() == ([], 0)


def test_parameter_sets_of_the_description_come_first_and_are_replaced() -> None:
    receiver = H264Receiver(96, (SPS, PPS))
    sender = Sender(receiver)
    assert receiver.parameter_sets == (SPS, PPS)
    version = receiver.parameter_sets_version
    sender.send(SPS, 0)
    assert receiver.parameter_sets_version == version
    sender.send(b"\x67\x64\x00\x28\xac\x2c", 0)
    assert receiver.parameter_sets == (b"\x67\x64\x00\x28\xac\x2c", PPS)


# -- H.265 ------------------------------------------------------------------------------------------------------


def nal265(kind: int, body: bytes) -> bytes:
    return bytes((kind << 1, 1)) + body


VPS5, SPS5, PPS5 = nal265(32, b"\x0c\x01"), nal265(33, b"\x01\x01"), nal265(34, b"\xc1\x62")
IDR5, TRAIL5 = nal265(19, FIRST + b"idr"), nal265(1, FIRST + b"trail")


def h265() -> tuple[H265Receiver, Sender]:
    receiver = H265Receiver(96, ())
    return receiver, Sender(receiver)


def test_an_aggregation_packet_is_taken_apart() -> None:
    receiver, sender = h265()
    units = [VPS5, SPS5, PPS5]
    sender.send(nal265(48, b"".join(len(u).to_bytes(2, "big") + u for u in units)), 0)
    sender.send(IDR5, 0, marker=True)
    sender.send(TRAIL5, 3600, marker=True)
    assert [nals(sample) for sample in receiver.samples] == [[*units, IDR5], [TRAIL5]]
    assert [sample.key for sample in receiver.samples] == [True, False]
    assert receiver.parameter_sets == (VPS5, SPS5, PPS5)


@pytest.mark.parametrize("lost", [None, 0, 1, 2])
def test_fragmentation_units_and_the_loss_of_one(lost: int | None) -> None:
    receiver, sender = h265()
    sender.send(TRAIL5, 0xFFFF_F000, marker=True)
    receiver.take()
    body = FIRST + bytes(range(90))
    wanted = nal265(19, body)
    for number in range(3):
        flags = (number == 0) << 7 | (number == 2) << 6 | 19
        if number == lost:
            sender.lose()
        else:
            part = body[number * 31 : number * 31 + 31] if number < 2 else body[62:]
            sender.send(nal265(49, bytes((flags,)) + part), 0, marker=number == 2)
    sender.send(TRAIL5, 3600, marker=True)
    whole = [[wanted], [TRAIL5]] if lost is None else [[TRAIL5]]
    assert [nals(sample) for sample in receiver.samples] == whole
    assert receiver.lost == (lost is not None)


@pytest.mark.parametrize("payload", [b"\x02\x01", nal265(50, b"paci"), nal265(63, b"?")])
def test_h265_payloads_of_no_use_are_counted(payload: bytes) -> None:
    receiver, sender = h265()
    sender.send(payload, 0)
    assert receiver.invalid == 1


@pytest.mark.parametrize("kind", range(16, 22))
def test_each_irap_picture_is_a_key_picture(kind: int) -> None:
    receiver, sender = h265()
    sender.send(nal265(kind, FIRST), 0, marker=True)
    assert receiver.samples[0].key


# -- numbers and times --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("previous", "current", "lost"), [(1, 2, 0), (65535, 0, 0), (65534, 1, 2), (5, 5, -1)]
)
def test_lost_between(previous: int, current: int, lost: int) -> None:
    assert lost_between(previous, current) == lost


def test_unwrapping_goes_both_ways_for_hours() -> None:
    unwrapper = TimestampUnwrapper()
    truth = [0xFFFF_FF00 + step for step in range(0, 1 << 34, 1 << 28)]
    assert [unwrapper.unwrap(value & 0xFFFF_FFFF) for value in truth] == truth
    assert unwrapper.unwrap((truth[-1] - 9000) & 0xFFFF_FFFF) == truth[-1] - 9000


def test_both_codecs_share_one_way_to_put_pictures_together() -> None:
    assert issubclass(H264Receiver, NalReceiver)
    assert issubclass(H265Receiver, NalReceiver)
