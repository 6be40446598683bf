"""What real cameras answer, by vendor; the answers are in tests/bestiary."""

from __future__ import annotations

from pathlib import Path

import pytest

from luytre.media import sdp
from luytre.media.rtsp.answers import (
    RtpInfo,
    parse_rtp_info,
    parse_session,
    parse_transport,
    rtp_info_for,
)
from luytre.media.rtsp.messages import Connection, Response
from luytre.media.rtsp.tracks import ClientTrack, choose_tracks, media_track
from luytre.media.tracks import AudioTrack, VideoTrack

FOLDER = Path(__file__).resolve().parent.parent / "bestiary"
ANSWERS = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*.txt"))


def wire(name: str) -> bytes:
    return (FOLDER / name).read_text(encoding="utf-8").replace("\n", "\r\n").encode()


def answer(name: str) -> Response:
    events = Connection().receive(wire(name))
    assert len(events) == 1
    assert isinstance(events[0], Response)
    return events[0]


def described(name: str, request: str = "rtsp://192.0.2.10/live") -> tuple[sdp.Session, list[ClientTrack]]:
    """Session and tracks, audio wanted, of an answer to DESCRIBE."""
    response = answer(name)
    session = sdp.parse(response.body)
    base = sdp.base_url(response.get("content-base"), response.get("content-location"), request)
    return session, choose_tracks(session, base, want_audio=True)


def video(track: ClientTrack) -> VideoTrack:
    assert isinstance(track.track, VideoTrack)
    return track.track


def audio(track: ClientTrack) -> AudioTrack:
    assert isinstance(track.track, AudioTrack)
    return track.track


@pytest.mark.parametrize("name", [name for name in ANSWERS if "description" not in name])
def test_every_answer_is_one_message(name: str) -> None:
    assert answer(name).status == 200


def test_anjvision_content_base_has_no_scheme() -> None:
    _, tracks = described("anjvision/describe.txt")
    assert [track.codec for track in tracks] == ["h265"]
    assert tracks[0].url == "rtsp://192.0.2.10:554/stream0/trackID=1"
    assert (video(tracks[0]).width, video(tracks[0]).height) == (1280, 704)


def test_anpviz_maps_aac_onto_a_static_payload_type() -> None:
    session = sdp.parse(wire("anpviz/description.txt"))
    sound = session.media[1]
    assert (sound.payload_type, sound.encoding, sound.clock_rate) == (0, "MPEG4-GENERIC", 16000)
    track = media_track(sound)
    assert isinstance(track, AudioTrack)
    assert (track.rate, track.channels) == (16000, 1)
    assert session.media[0].framerate == 12.0


def test_dahua_content_base_ends_in_a_query_with_a_slash() -> None:
    session, tracks = described("dahua/describe_h264_aac_onvif.txt")
    assert [media.kind for media in session.media] == ["video", "audio", "application"]
    base = "rtsp://192.0.2.10:554/cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif/"
    assert [track.url for track in tracks] == [f"{base}trackID=0", f"{base}trackID=1"]
    assert session.media[0].framerate == 15.0
    assert (video(tracks[0]).width, video(tracks[0]).height) == (704, 480)
    assert audio(tracks[1]).rate == 48000


def test_dahua_h265_lists_its_sets_in_odd_order_and_sends_g711() -> None:
    _, tracks = described("dahua/describe_h265_pcma.txt")
    assert [track.codec for track in tracks] == ["h265", "alaw"]
    assert (audio(tracks[1]).rate, audio(tracks[1]).channels) == (8000, 1)
    kinds = [nal[0] >> 1 & 0x3F for nal in video(tracks[0]).parameter_sets]
    assert kinds == [32, 33, 34]


def test_dahua_rtp_info_has_relative_addresses() -> None:
    _, tracks = described("dahua/describe_h264_aac_onvif.txt")
    entries = parse_rtp_info(answer("dahua/play.txt").get("rtp-info"))
    assert len(entries) == 3
    found = [rtp_info_for(entries, track.url, place, 2) for place, track in enumerate(tracks)]
    assert [info and (info.seq, info.rtptime) for info in found] == [(47121, 3475222385), (45186, 2234446919)]


def test_dahua_setup_names_its_source_in_hexadecimal() -> None:
    response = answer("dahua/setup.txt")
    transport = parse_transport(response.get("transport"))
    assert (transport.tcp, transport.channels, transport.ssrc) == (True, (0, 1), 0x30A98EE7)
    assert parse_session(response.get("session")) == ("1234", 60)
    assert "GET_PARAMETER" in answer("dahua/options.txt").get("public")


def test_foscam_audio_has_a_static_type_and_no_rtpmap() -> None:
    session, tracks = described("foscam/describe.txt")
    assert (session.media[1].encoding, session.media[1].clock_rate) == ("PCMU", 8000)
    assert audio(tracks[1]).codec == "ulaw"
    base = "rtsp://192.0.2.10:65534/videoMain"
    assert [track.url for track in tracks] == [f"{base}/track1", f"{base}/track2"]


def test_geovision_controls_are_absolute_and_there_is_no_session_control() -> None:
    session = sdp.parse(wire("geovision/description.txt"))
    assert session.control == ""
    base = "rtsp://192.0.2.10/media/video1"
    tracks = choose_tracks(session, base, want_audio=True)
    assert [track.url for track in tracks] == ["rtsp://192.0.2.10/media/video1/video"]
    assert session.media[1].fmtp == {"decodertag": "h3c-v3 RTCP=0"}
    assert sdp.control_url(base, session.control, "") == base


def test_gw_parameter_sets_end_in_a_start_code() -> None:
    session, tracks = described("gw/sub_describe.txt")
    assert session.name == 'Session streamed by "H264Server"'
    assert tracks[0].url.endswith("/H264?channel=1&subtype=1&unicast=true&proto=Onvif/video")
    assert [nal[-1] != 0x01 for nal in video(tracks[0]).parameter_sets] == [True, True]
    assert (video(tracks[0]).width, video(tracks[0]).height) == (720, 480)


def test_gw_rtp_info_names_another_address_than_setup() -> None:
    _, tracks = described("gw/sub_describe.txt")
    play = answer("gw/sub_play.txt")
    info = rtp_info_for(parse_rtp_info(play.get("rtp-info")), tracks[0].url, 0, 1)
    assert info == RtpInfo("rtsp://192.0.2.10:5049/H264/video", 273, 1621810809, None)
    assert parse_session(play.get("session")) == ("1234", 120)
    transport = parse_transport(answer("gw/sub_setup.txt").get("transport"))
    assert transport.channels == (0, 1)


def test_h264dvr_writes_cseq_its_own_way_and_a_framerate_that_is_none() -> None:
    assert answer("h264dvr/describe.txt").cseq == 3
    session, tracks = described("h264dvr/describe.txt")
    assert session.media[0].framerate == 25.0
    assert session.media[0].encoding == "H264"
    assert session.media[1].encoding == "PCMA"
    assert tracks[0].url == "rtsp://192.0.2.10:554/camera/trackID=3"
    assert parse_rtp_info(answer("h264dvr/play.txt").get("rtp-info")) == []


def test_h264dvr_answers_with_udp_and_a_source_of_zero() -> None:
    transport = parse_transport(answer("h264dvr/setup_video.txt").get("transport"))
    assert (transport.tcp, transport.channels, transport.ssrc) == (False, None, None)


def test_hikvision_controls_have_queries_and_rtp_info_too() -> None:
    session, tracks = described("hikvision/describe.txt")
    aggregate = "rtsp://192.0.2.10:554/Streaming/Channels/101/?transportmode=unicast&profile=Profile_1"
    track = "rtsp://192.0.2.10:554/Streaming/Channels/101/trackID=1?transportmode=unicast&profile=Profile_1"
    assert sdp.control_url("rtsp://192.0.2.10:554/Streaming/Channels/101/", session.control, "") == aggregate
    assert tracks[0].url == track
    play = answer("hikvision/play.txt")
    entries = parse_rtp_info(play.get("rtp-info"))
    assert entries == [RtpInfo(track, 24104, 1270711678, None)]
    assert play.get("session") == "1234"
    assert parse_transport(answer("hikvision/setup.txt").get("transport")).ssrc == 0x4CACC3D1


def test_ipcam_parameter_sets_have_an_odd_importance() -> None:
    session, tracks = described("ipcam/describe.txt")
    assert session.media[0].framerate == 25.0
    assert [nal[0] for nal in video(tracks[0]).parameter_sets] == [0x27, 0x28]
    assert tracks[0].url == "rtsp://192.0.2.10/live/trackID=1"


def test_laureii_rtp_info_ends_in_a_semicolon() -> None:
    entries = parse_rtp_info(answer("laureii/play.txt").get("rtp-info"))
    assert entries == [RtpInfo("rtsp://192.0.2.10:554/0/main/trackID=0", 0, 0, None)]


def test_macrovideo_has_no_origin_and_a_profile_in_base64() -> None:
    session, tracks = described("macrovideo/describe.txt")
    assert session.name == "streamed by the macro-video rtsp server"
    assert session.media[0].fmtp["profile-level-id"] == "TeAo"
    assert (video(tracks[0]).width, video(tracks[0]).height) == (1280, 720)


def test_reolink_rtp_info_carries_sources_and_setup_none() -> None:
    _, tracks = described("reolink/describe.txt")
    assert audio(tracks[1]).rate == 16000
    entries = parse_rtp_info(answer("reolink/play.txt").get("rtp-info"))
    assert [info.ssrc for info in entries] == [0xDCC4A0D8, 0x9FC9FFF8]
    found = rtp_info_for(entries, tracks[1].url, 1, 2)
    assert found is not None
    assert found.seq == 39409
    setup = answer("reolink/setup.txt")
    assert parse_transport(setup.get("transport")).ssrc is None
    assert parse_session(setup.get("session")) == ("1234", 60)


def test_wowza_announces_a_timestamp_of_minus_one() -> None:
    entries = parse_rtp_info(answer("wowza/play_rtptime_minus_one.txt").get("rtp-info"))
    assert [(info.seq, info.rtptime) for info in entries] == [(1, None), (1, None)]
