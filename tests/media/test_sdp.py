"""Descriptions as cameras write them, and the addresses that follow from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media import sdp
from luytre.media.rtsp.tracks import choose_tracks, codec_of, media_track

BASE = "rtsp://h:554/live"


def medium(text: str) -> sdp.Media:
    (found,) = sdp.parse(text).media
    return found


def test_bare_line_feeds_junk_and_missing_lines() -> None:
    found = medium(
        "\n\nhello\nm=video 0 RTP/AVP 96\na=rtpmap:96 h264/90000\na=\na\n=x\nz=1\na=control:track1\n"
    )
    assert (found.kind, found.encoding, found.clock_rate, found.control) == ("video", "H264", 90000, "track1")


def test_bytes_that_are_no_utf8_and_zeros() -> None:
    session = sdp.parse(b"v=0\r\ns=Ng\xe3 t\xb0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\0\0")
    assert session.media[0].encoding == "H264"


def test_of_several_formats_the_one_that_we_record_is_taken() -> None:
    found = medium(
        "m=video 0 RTP/AVP 26 97 96\r\na=rtpmap:97 JPEG/90000\r\na=rtpmap:96 H265/90000\r\n"
        "a=fmtp:97 x=1\r\na=fmtp:96 sprop-vps=AA==; Sprop-SPS = BB==\r\na=fmtp:96 extra=1"
    )
    assert (found.payload_type, found.encoding) == (96, "H265")
    assert found.fmtp == {"sprop-vps": "AA==", "sprop-sps": "BB==", "extra": "1"}
    assert found.payload_types == (26, 97, 96)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("m=audio 0 RTP/AVP 0", ("PCMU", 8000, 1)),
        ("m=audio 0 RTP/AVP 8", ("PCMA", 8000, 1)),
        ("m=audio 0 RTP/AVP 14", ("MPA", 90000, 1)),
        ("m=video 0 RTP/AVP 26", ("JPEG", 90000, 0)),
        ("m=audio 0 RTP/AVP 99", ("", 0, 0)),
        ("m=video", ("", 0, 0)),
    ],
)
def test_static_payload_types_and_unknown_ones(line: str, expected: tuple[str, int, int]) -> None:
    found = medium(line)
    assert (found.encoding, found.clock_rate, found.channels) == expected


@pytest.mark.parametrize(
    ("base", "session", "media", "expected"),
    [
        (BASE, "*", "trackID=1", f"{BASE}/trackID=1"),
        (f"{BASE}/", "", "trackID=1", f"{BASE}/trackID=1"),
        (BASE, "*", "*", BASE),
        (BASE, "*", "", BASE),
        (BASE, "", "rtsp://other/x", "rtsp://other/x"),
        (BASE, "*", "/top/1", "rtsp://h:554/top/1"),
        (f"{BASE}?a=b", "*", "trackID=1", f"{BASE}?a=b/trackID=1"),
        (f"{BASE}?a=b/", "*", "trackID=1", f"{BASE}?a=b/trackID=1"),
        (BASE, "*", "?ctype=video", f"{BASE}?ctype=video"),
        (BASE, "rtsp://h/agg", "trackID=1", "rtsp://h/agg/trackID=1"),
        (f"{BASE}/", "rtsp://h/agg/?x=y", "trackID=1", f"{BASE}/trackID=1"),
        (BASE, "rtsp://h/agg", "", "rtsp://h/agg"),
    ],
)
def test_where_control_attributes_lead(base: str, session: str, media: str, expected: str) -> None:
    assert sdp.control_url(base, session, media) == expected


@pytest.mark.parametrize(
    ("content_base", "location", "expected"),
    [
        ("rtsp://b/x/", "rtsp://l/", "rtsp://b/x/"),
        ("", "rtsp://l/", "rtsp://l/"),
        ("", "", BASE),
        ("192.0.2.1:554/stream0/", "", "rtsp://192.0.2.1:554/stream0/"),
        ("/only/path/", "", "rtsp://h:554/only/path/"),
        ("nonsense", "", BASE),
    ],
)
def test_the_base_address(content_base: str, location: str, expected: str) -> None:
    assert sdp.base_url(content_base, location, BASE) == expected


def test_what_is_written_can_be_read() -> None:
    video = sdp.Media(
        "video",
        payload_type=96,
        encoding="H264",
        clock_rate=90000,
        fmtp={"packetization-mode": "1", "sprop-parameter-sets": "Z0I=,aM4="},
        control="trackID=0",
        framerate=12.5,
        direction="recvonly",
        payload_types=(96,),
    )
    audio = sdp.Media(
        "audio",
        payload_type=97,
        encoding="MPEG4-GENERIC",
        clock_rate=16000,
        channels=2,
        control="trackID=1",
        direction="recvonly",
        payload_types=(97,),
    )
    session = sdp.parse(sdp.describe([video, audio], name="Ngã tư chợ"))
    assert session.media == (video, audio)
    assert (session.name, session.control) == ("Ngã tư chợ", "*")


def test_no_sprop_is_a_track_without_parameters() -> None:
    found = medium("m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n")
    assert codec_of(found) == "h264"
    assert media_track(found) is None


@pytest.mark.parametrize("sprop", ["!!!", "AAAA,BBBB", "Z0I=,", ",,,", "=" * 9, "Z2QAHqws"])
def test_broken_sprop_is_a_track_without_parameters(sprop: str) -> None:
    found = medium(
        f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 sprop-parameter-sets={sprop}\r\n"
    )
    assert media_track(found) is None


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("v=0\r\n", "no_video"),
        ("m=audio 0 RTP/AVP 0\r\n", "no_video"),
        ("m=video 0 RTP/AVP 26\r\n", "unsupported_codec"),
        ("m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP9/90000\r\n", "unsupported_codec"),
    ],
)
def test_no_video_and_foreign_video_are_told_apart(text: str, cause: str) -> None:
    with pytest.raises(Error) as caught:
        choose_tracks(sdp.parse(text), BASE, want_audio=True)
    assert caught.value.cause == cause


LINES = st.sampled_from(
    [
        "m=video 0 RTP/AVP 96",
        "m=audio 0 RTP/AVP 97 0",
        "m=video 99999999 x y -1",
        "a=rtpmap:96 H264/90000",
        "a=rtpmap:97 MPEG4-GENERIC/9999999999/99",
        "a=rtpmap:96",
        "a=fmtp:96 ;;;=;sprop-parameter-sets=////;a",
        "a=fmtp:97 config=zz",
        "a=framerate:1e999",
        "a=control:rtsp://[",
    ]
)


@given(st.lists(LINES | st.text(max_size=30), max_size=12))
def test_noise_never_breaks_the_reader(lines: list[str]) -> None:
    session = sdp.parse("\r\n".join(lines))
    for found in session.media:
        media_track(found)
        sdp.control_url(BASE, "*", found.control)
