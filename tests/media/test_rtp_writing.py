"""RTP and RTCP as we write them, read back by ourselves; and payloads put together again by the receiving half."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.clock import from_ntp, to_ntp
from luytre.base.errors import Error
from luytre.media.nal import to_length_prefixed
from luytre.media.rtp import packetizer, rtcp
from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.packet import Packet, build, parse
from luytre.media.rtp.receiver import Receiver

U16, U32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFF_FFFF)
PACKETS = st.builds(
    Packet,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    seq=U16,
    timestamp=U32,
    ssrc=U32,
    payload=st.binary(max_size=64),
    csrc=st.lists(U32, max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(
        U16, st.integers(0, 5).flatmap(lambda words: st.binary(min_size=4 * words, max_size=4 * words))
    ),
)


@given(PACKETS, st.integers(0, 255))
def test_a_packet_survives_the_round_trip(packet: Packet, padding: int) -> None:
    assert parse(build(packet, padding=padding)) == packet


@given(st.binary(max_size=60))
def test_noise_is_a_packet_or_an_error(data: bytes) -> None:
    cause = ""
    try:
        parse(data)
    except Error as error:
        cause = error.cause
    assert cause in ("", "bad_media")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        bytes(12),
        b"\x81" + bytes(11),
        b"\x90" + bytes(11),
        b"\x90" + bytes(13) + b"\x00\x09",
        b"\xa0" + bytes(11) + b"\x02\x00",
        b"\xa0" + bytes(11) + b"\x09",
    ],
)
def test_what_is_no_packet(data: bytes) -> None:
    with pytest.raises(Error):
        parse(data)


def test_a_sender_report_keeps_the_moment() -> None:
    wall_us = 1_795_330_000_123_456
    report = rtcp.SenderReport(0xDEADBEEF, to_ntp(wall_us), 0xFFFF_FFF0, 7, 8)
    (found,) = rtcp.parse(rtcp.build(report))
    assert found == report
    assert isinstance(found, rtcp.SenderReport)
    assert from_ntp(found.ntp) == wall_us


BLOCKS = st.builds(
    rtcp.ReportBlock, U32, st.integers(0, 255), st.integers(-(1 << 23), (1 << 23) - 1), U32, U32, U32, U32
)
REPORTS = (
    st.builds(
        rtcp.SenderReport,
        U32,
        st.integers(0, (1 << 64) - 1),
        U32,
        U32,
        U32,
        st.lists(BLOCKS, max_size=3).map(tuple),
    )
    | st.builds(rtcp.ReceiverReport, U32, st.lists(BLOCKS, max_size=3).map(tuple))
    | st.builds(rtcp.SourceDescription, U32, st.text(max_size=40))
    | st.builds(rtcp.Bye, st.lists(U32, min_size=1, max_size=3).map(tuple), st.text(max_size=40))
)


@given(st.lists(REPORTS, max_size=4))
def test_compound_reports_survive_the_round_trip(reports: list[rtcp.Report]) -> None:
    data = rtcp.build(*reports)
    assert len(data) % 4 == 0
    assert rtcp.parse(data) == reports


@given(st.lists(REPORTS, min_size=1, max_size=3), st.integers(0, 400), st.binary(max_size=8))
def test_cut_and_broken_reports_are_left_out(reports: list[rtcp.Report], cut: int, noise: bytes) -> None:
    data = rtcp.build(*reports)
    found = rtcp.parse(data[:cut])
    assert found == reports[: len(found)]
    rtcp.parse(data[:cut] + noise)


def deliver(receiver: Receiver, units: list[list[bytes]], payload_type: int = 96) -> list[bytes]:
    """Each unit's payloads as packets through the receiving half; the samples that come out."""
    seq = 65_533
    for number, payloads in enumerate(units):
        for index, payload in enumerate(payloads):
            marker = index == len(payloads) - 1
            data = build(Packet(payload_type, marker, seq & 0xFFFF, number * 3600, 1, payload))
            receiver.push(data, 0, len(data))
            seq += 1
    receiver.flush()
    return [sample.data for sample in receiver.samples]


# A first slice (first_mb_in_slice = 0) of a picture, H.264 and H.265.
H264_KINDS = st.sampled_from([b"\x65\x88", b"\x41\x9a"])
H265_KINDS = st.sampled_from([b"\x26\x01\xaf", b"\x02\x01\xd0"])
SIZES = st.integers(0, 40) | st.integers(1380, 1420) | st.integers(2700, 2900)


@given(st.lists(st.tuples(H264_KINDS, SIZES), min_size=1, max_size=4), st.booleans())
def test_h264_comes_out_as_it_went_in(pictures: list[tuple[bytes, int]], sets: bool) -> None:
    before = [b"\x67\x42\x00\x1f\x8c", b"\x68\xce\x3c", b"\x06\x05\x01\x00\x80"] if sets else []
    nals = [[*before, head + bytes((number + 1,)) * size] for number, (head, size) in enumerate(pictures)]
    units = [packetizer.h264(unit) for unit in nals]
    assert all(0 < len(payload) <= packetizer.MAX_PAYLOAD for unit in units for payload in unit)
    if sets:
        assert units[0][0][0] & 0x1F == 24
    assert deliver(H264Receiver(96, ()), units) == [to_length_prefixed(unit) for unit in nals]


@given(st.lists(st.tuples(H265_KINDS, SIZES), min_size=1, max_size=4), st.booleans())
def test_h265_comes_out_as_it_went_in(pictures: list[tuple[bytes, int]], sets: bool) -> None:
    before = [b"\x40\x01\x0c\x01", b"\x42\x01\x01\x01", b"\x44\x01\xc1\x73"] if sets else []
    nals = [[*before, head + bytes((number + 1,)) * size] for number, (head, size) in enumerate(pictures)]
    units = [packetizer.h265(unit) for unit in nals]
    assert all(0 < len(payload) <= packetizer.MAX_PAYLOAD for unit in units for payload in unit)
    if sets:
        assert units[0][0][0] >> 1 & 0x3F == 48
    assert deliver(H265Receiver(96, ()), units) == [to_length_prefixed(unit) for unit in nals]


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=4))
def test_aac_comes_out_as_it_went_in(sizes: list[int]) -> None:
    frames = [bytes((number + 1,)) * size for number, size in enumerate(sizes)]
    units = [packetizer.aac(frame) for frame in frames]
    assert all(len(payload) <= packetizer.MAX_PAYLOAD for unit in units for payload in unit)
    assert deliver(AacReceiver(97), units, 97) == frames


def test_a_frame_too_long_for_aac_hbr_is_refused() -> None:
    with pytest.raises(ValueError, match="8191"):
        packetizer.aac(bytes(8192))
