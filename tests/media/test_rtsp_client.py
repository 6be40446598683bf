"""The client against our own server side, and against cameras that answer in their own ways."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media.rtsp.auth import Credentials, Scheme
from luytre.media.rtsp.client import (
    MAX_REDIRECTS,
    ClientEvent,
    ClientSession,
    Described,
    Playing,
    Redirect,
)
from luytre.media.rtsp.messages import Connection, Request
from luytre.media.rtsp.server import Guard, HangUp, Play, Presentation, ServerSession
from luytre.media.sdp import Media

URL = "rtsp://h:8554/cam1/main"
WHO = Credentials("admin", "s3cret:@/")
VIDEO = Media(
    "video",
    payload_type=96,
    encoding="H264",
    clock_rate=90000,
    fmtp={"sprop-parameter-sets": "Z0IAKZY1QPAET8s3AQEBQAAAAwBAAAAHoQ==,aM4xsg=="},
    control="trackID=0",
)
AUDIO = Media(
    "audio",
    payload_type=97,
    encoding="MPEG4-GENERIC",
    clock_rate=16000,
    channels=1,
    fmtp={"config": "1408", "sizelength": "13"},
    control="trackID=1",
)


def lookup(path: str) -> Presentation | int:
    return Presentation((VIDEO, AUDIO)) if path == "/cam1/main" else 404


def talk(client: ClientSession, server: ServerSession) -> tuple[list[ClientEvent], list[object]]:
    """Carry bytes to and fro until both are silent."""
    client_events: list[ClientEvent] = []
    server_events: list[object] = []
    to_server = client.start()
    while to_server:
        server_events += server.receive(to_server)
        client_events += client.receive(server.data_to_send())
        to_server = client.data_to_send()
    return client_events, server_events


@pytest.mark.parametrize("scheme", ["none", "basic", "digest"])
def test_from_options_to_play(scheme: Scheme) -> None:
    client = ClientSession(URL, WHO.user, WHO.password, want_audio=True)
    events, seen = talk(client, ServerSession(lookup, Guard(scheme, WHO), timeout_s=30))
    assert [type(event) for event in events] == [Described, Playing]
    playing = events[1]
    assert isinstance(playing, Playing)
    (play,) = seen
    assert isinstance(play, Play)
    told = [(track.channel, track.ssrc, track.seq, track.rtptime) for track in playing.tracks]
    assert told == [(track.channel, track.ssrc, track.seq, track.rtptime) for track in play.tracks]
    assert [track.codec for track in playing.tracks] == ["h264", "aac"]
    assert [track.rtcp_channel for track in playing.tracks] == [1, 3]
    assert all(track.track is not None for track in playing.tracks)
    assert playing.timeout_s == 30
    assert client.playing


def test_audio_is_left_alone_unless_wanted() -> None:
    client = ClientSession(URL)
    events, _ = talk(client, ServerSession(lookup))
    playing = events[-1]
    assert isinstance(playing, Playing)
    assert [track.codec for track in playing.tracks] == ["h264"]


def test_credentials_may_stand_in_the_address() -> None:
    client = ClientSession(f"rtsp://{'admin:s3cret%3A%40%2F'}@h:8554/cam1/main")
    assert client.url == URL
    talk(client, ServerSession(lookup, Guard("digest", WHO)))
    assert client.playing


@pytest.mark.parametrize("scheme", ["basic", "digest"])
@pytest.mark.parametrize(("user", "password"), [("", ""), ("admin", "wrong"), ("nobody", "s3cret:@/")])
def test_wrong_and_missing_passwords(scheme: Scheme, user: str, password: str) -> None:
    client = ClientSession(URL, user, password)
    with pytest.raises(Error) as caught:
        talk(client, ServerSession(lookup, Guard(scheme, WHO)))
    assert caught.value.cause == "auth_failed"
    assert ("none is set" in caught.value.message) == (not user)
    for text in (caught.value.message, caught.value.hint, repr(client)):
        assert "wrong" not in text.replace("wrong tries", "")
        assert "s3cret" not in text


def test_a_path_that_is_not_there() -> None:
    with pytest.raises(Error) as caught:
        talk(ClientSession("rtsp://h/cam9/main"), ServerSession(lookup))
    assert caught.value.cause == "not_found"


class Scripted:
    """A camera that answers each method with prepared text; CSeq is filled in. Keeps what it was asked."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.asked: list[Request] = []
        self._requests = Connection()

    def run(self, client: ClientSession, first: bytes | None = None) -> list[ClientEvent]:
        events: list[ClientEvent] = []
        data = client.start() if first is None else first
        while data:
            for request in self._requests.receive(data):
                assert isinstance(request, Request)
                self.asked.append(request)
                prepared = self.answers[request.method]
                text = prepared.pop(0) if len(prepared) > 1 else prepared[0]
                answer = text.replace("\n", "\r\n").replace("CSEQ", f"CSeq: {request.cseq}").encode()
                events += client.receive(answer)
            data = client.data_to_send()
        return events


DESCRIPTION = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=control:trackID=0\n"
OK = "RTSP/1.0 200 OK\nCSEQ\n"


def camera(**changes: list[str]) -> Scripted:
    usual = {
        "OPTIONS": [f"{OK}Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER\n\n"],
        "DESCRIBE": [
            f"{OK}Content-Type: application/sdp\nContent-Length: {len(DESCRIPTION) + 3}\n\n{DESCRIPTION}"
        ],
        "SETUP": [f"{OK}Session: 77;timeout=20\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\n\n"],
        "PLAY": [f"{OK}\n"],
        "GET_PARAMETER": [f"{OK}\n"],
        "TEARDOWN": [f"{OK}\n"],
    }
    return Scripted(usual | changes)


def test_what_the_camera_is_asked() -> None:
    peer = camera()
    client = ClientSession(URL)
    peer.run(client)
    assert [(request.method, request.url) for request in peer.asked] == [
        ("OPTIONS", URL),
        ("DESCRIBE", URL),
        ("SETUP", f"{URL}/trackID=0"),
        ("PLAY", URL),
    ]
    assert peer.asked[2].get("transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert peer.asked[3].get("session") == "77"


@pytest.mark.parametrize(
    "status", ["404 Not Found", "501 Not Implemented", "400 Bad", "454 Session Not Found"]
)
def test_options_is_optional(status: str) -> None:
    client = ClientSession(URL)
    camera(OPTIONS=[f"RTSP/1.0 {status}\nCSEQ\n\n"]).run(client)
    assert client.playing


def test_the_channels_are_those_that_the_camera_gives() -> None:
    peer = camera(SETUP=[f"{OK}Session: 1\nTransport: RTP/AVP/TCP;interleaved=8-9;ssrc=0000abcd\n\n"])
    playing = peer.run(ClientSession(URL))[-1]
    assert isinstance(playing, Playing)
    assert (playing.tracks[0].channel, playing.tracks[0].rtcp_channel) == (8, 9)
    assert playing.tracks[0].ssrc == 0xABCD
    assert playing.timeout_s == 60


def test_an_audio_track_that_cannot_be_set_up_is_left_out() -> None:
    sound = (
        "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 config=1408\na=control:trackID=1\n"
    )
    text = DESCRIPTION + sound
    peer = camera(
        DESCRIBE=[
            f"{OK}Content-Type: application/sdp\nContent-Length: {len(text) + text.count(chr(10))}\n\n{text}"
        ],
        SETUP=[camera().answers["SETUP"][0], "RTSP/1.0 461 No\nCSEQ\n\n"],
    )
    playing = peer.run(ClientSession(URL, want_audio=True))[-1]
    assert isinstance(playing, Playing)
    assert [track.codec for track in playing.tracks] == ["h264"]


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"DESCRIBE": ["RTSP/1.0 503 Busy\nCSEQ\n\n"]}, "server_error"),
        ({"DESCRIBE": ["RTSP/1.0 403 Forbidden\nCSEQ\n\n"]}, "auth_failed"),
        ({"DESCRIBE": ["RTSP/1.0 401 No\nCSEQ\nWWW-Authenticate: NTLM\n\n"]}, "auth_failed"),
        ({"DESCRIBE": [f"{OK}Content-Length: 5\n\nv=0\n"]}, "no_video"),
        ({"SETUP": ["RTSP/1.0 454 Session Not Found\nCSEQ\n\n"]}, "server_error"),
        ({"SETUP": ["RTSP/1.0 461 Unsupported Transport\nCSEQ\n\n"]}, "server_error"),
        ({"SETUP": [f"{OK}Session: 1\nTransport: RTP/AVP;unicast;client_port=1-2\n\n"]}, "server_error"),
        ({"PLAY": ["RTSP/1.0 457 Invalid Range\nCSEQ\n\n"]}, "server_error"),
        ({"OPTIONS": ["HTTP/1.1 400 Bad Request\n\n"]}, "not_rtsp"),
        ({"DESCRIBE": ["RTSP/1.0 302 Moved\nCSEQ\nLocation: nowhere\n\n"]}, "server_error"),
    ],
)
def test_refusals_have_a_cause_and_a_hint(changes: dict[str, list[str]], cause: str) -> None:
    with pytest.raises(Error) as caught:
        camera(**changes).run(ClientSession(URL, WHO.user, WHO.password))
    assert caught.value.cause == cause
    assert caught.value.hint


def test_a_redirect_is_told_and_not_for_ever() -> None:
    moved = ["RTSP/1.0 302 Moved\nCSEQ\nLocation: rtsp://h/other\n\n"]
    assert camera(DESCRIBE=moved).run(ClientSession(URL)) == [Redirect("rtsp://h/other", same_host=True)]
    elsewhere = ["RTSP/1.0 301 Moved\nCSEQ\nLocation: rtsp://elsewhere/other\n\n"]
    assert camera(DESCRIBE=elsewhere).run(ClientSession(URL)) == [
        Redirect("rtsp://elsewhere/other", same_host=False)
    ]
    with pytest.raises(Error) as caught:
        camera(DESCRIBE=moved).run(ClientSession(URL, redirected=MAX_REDIRECTS))
    assert caught.value.cause == "server_error"


def challenge(nonce: str, *, stale: bool = False) -> str:
    return f'RTSP/1.0 401 No\nCSEQ\nWWW-Authenticate: Digest realm="r", nonce="{nonce}", stale={stale}\n\n'


def test_a_stale_nonce_is_answered_again() -> None:
    usual = camera().answers["SETUP"][0]
    peer = camera(
        OPTIONS=[challenge("a"), camera().answers["OPTIONS"][0]], SETUP=[challenge("b", stale=True), usual]
    )
    client = ClientSession(URL, "u", "p")
    peer.run(client)
    assert client.playing
    assert 'nonce="b"' in peer.asked[-1].get("authorization")


def test_nonces_that_are_always_stale_do_not_keep_us_for_ever() -> None:
    with pytest.raises(Error) as caught:
        camera(DESCRIBE=[challenge("a", stale=True)]).run(ClientSession(URL, "u", "p"))
    assert caught.value.cause == "auth_failed"


def test_a_description_without_length_waits_for_silence() -> None:
    peer = camera(DESCRIBE=[f"{OK}Content-Type: application/sdp\n\n{DESCRIPTION}"])
    client = ClientSession(URL)
    assert peer.run(client) == []
    events = client.idle()
    assert [type(event) for event in events] == [Described]
    assert isinstance(peer.run(client, client.data_to_send())[-1], Playing)
    assert client.idle() == []


def test_frames_around_the_answer_to_play_are_kept_in_order() -> None:
    early, late = b"$\x00\x00\x02ab", b"$\x00\x00\x03cde$\x00"
    client = ClientSession(URL)
    peer = camera(PLAY=["later"])
    with pytest.raises(Error):
        peer.run(ClientSession(URL))
    peer = camera(PLAY=["\n"])
    peer.run(client)
    answer = f"RTSP/1.0 200 OK\r\nCSeq: {peer.asked[-1].cseq}\r\n\r\n".encode()
    assert [type(event) for event in client.receive(early + answer + late)] == [Playing]
    assert client.rest() == early + late
    assert client.rest() == b""


def playing_client(**changes: list[str]) -> tuple[ClientSession, Scripted]:
    peer = camera(**changes)
    client = ClientSession(URL, "u", "p")
    peer.run(client)
    assert client.playing
    return client, peer


def test_keepalive_at_half_of_the_timeout() -> None:
    client, _ = playing_client()
    assert client.keepalive(100.0) == b""
    assert client.keepalive(109.9) == b""
    sent = client.keepalive(110.0)
    assert sent.startswith(f"GET_PARAMETER {URL} RTSP/1.0\r\n".encode())
    assert b"Session: 77\r\n" in sent
    assert client.keepalive(110.1) == b""
    assert client.receive_message_bytes(b"RTSP/1.0 501 Not Implemented\r\nCSeq: 5\r\n\r\n") == 41
    assert client.keepalive(120.0).startswith(b"OPTIONS ")


def test_keepalive_without_get_parameter() -> None:
    client, _ = playing_client(OPTIONS=[f"{OK}Public: OPTIONS, DESCRIBE\n\n"])
    client.keepalive(0.0)
    assert client.keepalive(10.0).startswith(b"OPTIONS ")


def test_keepalive_renews_a_nonce_once() -> None:
    client, _ = playing_client()
    client.keepalive(0.0)
    client.keepalive(10.0)
    answer = challenge("n1").replace("\n", "\r\n").replace("CSEQ", "CSeq: 5").encode()
    assert client.receive_message_bytes(answer) == len(answer)
    assert b'nonce="n1"' in client.data_to_send()
    assert client.receive_message_bytes(answer) == len(answer)
    assert client.data_to_send() == b""


def test_messages_between_frames() -> None:
    client, _ = playing_client()
    message = b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 2\r\n\r\nab"
    assert client.receive_message_bytes(b"\r\n" + message + b"$\x00\x00\x01x") == len(message) + 2
    assert client.receive_message_bytes(message[:-1]) == 0
    assert client.receive_message_bytes(b"\r\n$\x00\x00\x01x") == 2
    assert client.receive_message_bytes(b"") == 0
    asked = b"OPTIONS * RTSP/1.0\r\nCSeq: 3\r\n\r\n"
    assert client.receive_message_bytes(memoryview(asked)) == len(asked)
    assert client.data_to_send().startswith(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n")
    with pytest.raises(Error) as caught:
        client.receive_message_bytes(b"\xff\x00garbage")
    assert caught.value.cause == "not_rtsp"
    with pytest.raises(Error) as caught:
        client.receive_message_bytes(b"TEARDOWN * RTSP/1.0\r\nCSeq: 4\r\n\r\n")
    assert caught.value.cause == "closed_by_camera"


def test_goodbye() -> None:
    assert ClientSession(URL).teardown() == b""
    client, _ = playing_client()
    sent = client.teardown()
    assert re.match(rb"TEARDOWN rtsp://h:8554/cam1/main RTSP/1.0\r\n(.*\r\n)*Session: 77\r\n", sent)
    assert client.teardown() == b""
    assert client.keepalive(1e9) == b""


ANSWERS = st.sampled_from(
    [
        b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n\r\nm=video 0 RTP/AVP 96\r\n",
        b"RTSP/1.0 401 x\r\nWWW-Authenticate: Digest ,\r\n\r\n",
        b"RTSP/1.0 302 x\r\nLocation: rtsp://[\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nTransport: ;;=interleaved=999-1;ssrc=x\r\nSession: ;timeout=0\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Base: rtsp://[/\r\nContent-Length: 62\r\n\r\n"
        b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:/a\r\n\r\n",
        b"$\x00\x00\x01x",
    ]
)


@given(st.lists(ANSWERS | st.binary(max_size=30), max_size=10))
def test_noise_ends_in_an_error_or_in_silence(pieces: list[bytes]) -> None:
    client = ClientSession(URL, "u", "p")
    client.start()
    hint = "none is needed"
    try:
        for piece in pieces:
            client.receive(piece)
            client.data_to_send()
            client.idle()
    except Error as error:
        hint = error.hint
    assert hint


@given(st.lists(st.binary(max_size=40) | st.sampled_from([b"SETUP rtsp://[/x RTSP/1.0\r\n\r\n"]), max_size=6))
def test_noise_does_not_break_the_server(pieces: list[bytes]) -> None:
    server = ServerSession(lookup, Guard("digest", WHO))
    for piece in pieces:
        for event in server.receive(piece):
            assert isinstance(event, HangUp) or event
        server.data_to_send()


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("SETUP rtsp://h/cam1/main/trackID=0", "Transport: RTP/AVP;unicast;client_port=5000-5001", 461),
        ("SETUP rtsp://h/cam1/main/trackID=9", "Transport: RTP/AVP/TCP;interleaved=0-1", 404),
        ("SETUP rtsp://h/cam1/main", "Transport: RTP/AVP/TCP;interleaved=0-1", 459),
        ("SETUP rtsp://h/cam9/main/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1", 404),
        ("PLAY rtsp://h/cam1/main", "Session: 9", 454),
        ("RECORD rtsp://h/cam1/main", "", 501),
        ("DESCRIBE rtsp://h/cam1/main/", "", 200),
    ],
)
def test_the_server_refuses_what_it_does_not_do(request_line: str, headers: str, status: int) -> None:
    server = ServerSession(lookup)
    server.receive(f"{request_line} RTSP/1.0\r\nCSeq: 1\r\n{headers}\r\n\r\n".encode())
    assert server.data_to_send().startswith(f"RTSP/1.0 {status} ".encode())
