"""H.265 with decoding order numbers in its packets (RFC 7798 sections 4.4.1 to 4.4.3)."""

from __future__ import annotations

from itertools import count

import pytest

from luytre.media import h265, sdp
from luytre.media.nal import nal_spans
from luytre.media.rtp import packetizer
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtsp.tracks import has_donl
from tests.media.clips import encode_video, parameter_sets
from tests.media.test_rtp_receiver import Sender


def numbered(payloads: list[bytes], numbers: count[int]) -> list[bytes]:
    """The same payloads with DONL and DOND put in."""
    found = []
    for payload in payloads:
        kind = payload[0] >> 1 & 0x3F
        if kind == 48:
            units, at = [], 2
            while at < len(payload):
                size = 2 + int.from_bytes(payload[at : at + 2], "big")
                units.append(payload[at : at + size])
                at += size
            first = (next(numbers) & 0xFFFF).to_bytes(2, "big")
            for _ in units[1:]:
                next(numbers)
            found.append(payload[:2] + first + units[0] + b"".join(b"\0" + unit for unit in units[1:]))
        elif kind == 49:
            begins = payload[2] & 0x80
            donl = (next(numbers) & 0xFFFF).to_bytes(2, "big") if begins else b""
            found.append(payload[:3] + donl + payload[3:])
        else:
            found.append(payload[:2] + (next(numbers) & 0xFFFF).to_bytes(2, "big") + payload[2:])
    return found


@pytest.mark.parametrize("max_payload", [60, 1400])
def test_pictures_are_the_same_with_and_without_numbers(max_payload: int) -> None:
    coded = encode_video("h265", frames=30)
    sets = parameter_sets(coded)
    plain, donl = H265Receiver(96, ()), H265Receiver(96, (), donl=True)
    senders = Sender(plain), Sender(donl)
    numbers = count(65_520)
    kinds = set()
    for sample in coded.samples:
        nals = [sample.data[a:b] for a, b in nal_spans(sample.data)]
        payloads = packetizer.h265([*sets, *nals] if sample.key else nals, max_payload)
        kinds |= {payload[0] >> 1 & 0x3F for payload in payloads}
        for sender, sent in zip(senders, (payloads, numbered(payloads, numbers)), strict=True):
            for number, payload in enumerate(sent):
                sender.send(payload, sample.pts, marker=number == len(sent) - 1)
    assert {48, 49} & kinds
    assert donl.samples == plain.samples
    assert len(donl.samples) == 30
    assert donl.parameter_sets == sets
    assert donl.invalid == 0
    assert h265.video_track(donl.parameter_sets) == coded.track


@pytest.mark.parametrize(
    "payload", [b"\x02\x01\x00\x01", b"\x60\x01\x00", b"\x64\x01\x00\x00\xff", b"\x62\x01\x93"]
)
def test_what_is_too_short_for_its_numbers_raises_nothing(payload: bytes) -> None:
    receiver = H265Receiver(96, (), donl=True)
    Sender(receiver).send(payload, 0, marker=True)
    receiver.flush()
    assert all(len(sample.data) <= 8 for sample in receiver.samples)


@pytest.mark.parametrize(
    ("fmtp", "has"), [("sprop-max-don-diff=1", True), ("sprop-max-don-diff=0", False), ("x=1", False)]
)
def test_the_description_tells(fmtp: str, has: bool) -> None:
    session = sdp.parse(f"m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=fmtp:96 {fmtp}")
    assert has_donl(session.media[0]) is has
