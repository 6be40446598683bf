from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error, Kind
from luytre.media.bits import BitReader, unescape
from luytre.media.nal import clean, from_base64, nal_spans, split_annexb, to_length_prefixed


def written_ue(value: int) -> str:
    text = f"{value + 1:b}"
    return "0" * (len(text) - 1) + text


def as_bytes(text: str) -> bytes:
    text += "0" * (-len(text) % 8)
    return int(text or "0", 2).to_bytes(len(text) // 8, "big")


@given(st.lists(st.integers(0, 2**32 - 2), max_size=20))
def test_exp_golomb_round_trip(values: list[int]) -> None:
    bits = BitReader(as_bytes("".join(written_ue(value) for value in values)))
    assert [bits.ue() for _ in values] == values


def test_signed_exp_golomb_follows_table_9_3() -> None:
    bits = BitReader(as_bytes("".join(written_ue(code) for code in range(7))))
    assert [bits.se() for _ in range(7)] == [0, 1, -1, 2, -2, 3, -3]


@given(st.binary(max_size=12), st.lists(st.integers(0, 40), max_size=8))
def test_fixed_width_reads_equal_slices_of_the_bit_string(data: bytes, widths: list[int]) -> None:
    text = "".join(f"{byte:08b}" for byte in data)
    bits = BitReader(data)
    for width in widths:
        if width > len(text):
            with pytest.raises(Error):
                bits.bits(width)
            return
        assert bits.bits(width) == int(text[:width] or "0", 2)
        text = text[width:]
        assert bits.left == len(text)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00" * 40, b"\x00\x00\x00\x00\x00\x01"])
def test_reading_past_the_end_is_bad_media(data: bytes) -> None:
    with pytest.raises(Error) as caught:
        BitReader(data).ue()
    assert (caught.value.kind, caught.value.cause) == (Kind.INVALID, "bad_media")
    assert caught.value.hint


def test_skip_past_the_end_is_bad_media() -> None:
    with pytest.raises(Error):
        BitReader(b"\xff").skip(9)


def reference_unescape(nal: bytes) -> bytes:
    out, zeros = bytearray(), 0
    for byte in nal:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        zeros = zeros + 1 if byte == 0 else 0
        out.append(byte)
    return bytes(out)


@given(st.lists(st.sampled_from([0, 0, 0, 1, 3, 3, 255]), max_size=30).map(bytes))
def test_unescape_equals_the_decoder_of_the_standard(nal: bytes) -> None:
    assert unescape(nal) == reference_unescape(nal)


nal_units = st.binary(min_size=1, max_size=30).map(
    lambda raw: b"\x65" + raw.replace(b"\x00", b"\x11") + b"\x80"
)


@given(
    st.lists(nal_units, max_size=8),
    st.lists(st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0\0\0\0\1"]), min_size=8),
)
def test_annexb_to_lengths_and_back(nals: list[bytes], codes: list[bytes]) -> None:
    stream = b"".join(code + nal for code, nal in zip(codes, nals, strict=False))
    assert split_annexb(stream) == nals
    sample = to_length_prefixed(nals)
    assert [sample[start:end] for start, end in nal_spans(sample)] == nals


def test_bytes_before_the_first_start_code_are_dropped() -> None:
    assert split_annexb(b"junk\0\0\1\x65\x88") == [b"\x65\x88"]
    assert split_annexb(b"no start code") == []


@given(st.binary(max_size=60))
def test_spans_never_lead_outside(data: bytes) -> None:
    for start, end in nal_spans(data):
        assert 4 <= start < end <= len(data)


def test_base64_with_the_faults_that_cameras_make() -> None:
    sps, pps = bytes.fromhex("674d001e95a82d0f69b808080810"), bytes.fromhex("68ee3c80")
    assert from_base64("Z00AHpWoLQ9puAgICBA=,aO48gA==") == (sps, pps)
    assert from_base64("Z00AHpWoLQ9puAgICBA,aO48gA") == (sps, pps)
    assert from_base64(' "Z00AHpWoLQ9p uAgICBA=" , aO48gA==, ') == (sps, pps)
    assert from_base64("Z00AHpWoLQ9puAgICBA=,,aO48gA==,") == (sps, pps)
    # GW: start codes left at the ends.
    assert from_base64("Z00AHpWoLQ9puAgICBAAAAAB,aO48gAAAAAE=") == (sps, pps)
    assert from_base64("") == ()
    assert from_base64("aO48gA==A") == (pps,)


@given(st.text(max_size=60))
def test_base64_never_fails(text: str) -> None:
    assert all(nal and nal[-1] for nal in from_base64(text))


def test_clean_takes_what_stands_between_start_codes() -> None:
    assert clean(b"\0\0\0\1\x67\x42\0\0") == b"\x67\x42"
    assert clean(b"\0\0\1") == b""
