from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media.aac import audio_track, parse_config
from luytre.media.fmp4.entry import audio_format, configuration, decoder_specific_info
from tests.media.clips import attempt


@pytest.mark.parametrize(
    ("config", "rate", "channels", "frame", "name"),
    [
        ("1188", 48000, 1, 1024, "mp4a.40.2"),  # Dahua
        ("1408", 16000, 1, 1024, "mp4a.40.2"),  # Reolink
        ("1588", 8000, 1, 1024, "mp4a.40.2"),
        ("1210", 44100, 2, 1024, "mp4a.40.2"),
        ("119056e500", 48000, 2, 1024, "mp4a.40.2"),  # SBR by the backward compatible extension
        ("2b118800", 24000, 2, 1024, "mp4a.40.5"),  # SBR told first
        ("118c", 48000, 1, 960, "mp4a.40.2"),
        ("17801f4008", 16000, 1, 1024, "mp4a.40.2"),  # the rate written out
        ("f8e85000", 44100, 2, 480, "mp4a.40.39"),  # ELD, short frames
        ("1080", 96000, 0, 0, ""),
    ],
)
def test_configurations(config: str, rate: int, channels: int, frame: int, name: str) -> None:
    data = bytes.fromhex(config)
    if not channels:
        with pytest.raises(Error) as caught:
            parse_config(data)
        assert caught.value.cause == "bad_media"
        return
    track = audio_track(data)
    assert (track.rate, track.timescale, track.channels) == (rate, rate, channels)
    assert (track.samples_per_frame, track.codec_string, track.config) == (frame, name, data)
    assert audio_format(track.sample_entry) == (channels, rate)
    esds = configuration(track.sample_entry, b"esds") or b""
    assert decoder_specific_info(esds) == (0x40, data)


def test_a_program_config_element_tells_the_channels() -> None:
    # LC, 48 kHz, configuration 0; one front pair, one LFE.
    text = (
        "00010"
        + "0011"
        + "0000"
        + "000"
        + "0000"
        + "01"
        + "0011"
        + "0001"
        + "0000"
        + "0000"
        + "01"
        + "000"
        + "0000"
    )
    text += "000" + "1" + "0000" + "0000"
    text += "0" * (-len(text) % 8)
    assert parse_config(int(text, 2).to_bytes(len(text) // 8, "big")).channels == 3


@pytest.mark.parametrize("config", ["", "11", "1680", "4a08"])
def test_broken_configurations_are_refused(config: str) -> None:
    with pytest.raises(Error) as caught:
        audio_track(bytes.fromhex(config))
    assert caught.value.cause in ("bad_media", "unsupported_codec")
    assert caught.value.hint


def test_other_audio_is_named_as_unsupported() -> None:
    with pytest.raises(Error) as caught:
        parse_config(bytes.fromhex("4988"))
    assert caught.value.cause == "unsupported_codec"


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(data: bytes) -> None:
    track = attempt(audio_track, data)
    if isinstance(track, Error):
        assert track.cause in ("bad_media", "unsupported_codec")
    else:
        assert track.rate > 0
        assert track.channels > 0
        # Long configurations need descriptor sizes of more than one byte.
        assert decoder_specific_info(configuration(track.sample_entry, b"esds") or b"") == (0x40, data)
