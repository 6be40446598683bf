"""Cameras that answer wrongly and mean well: the client goes on; and transports that a camera chooses by itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from luytre.base.errors import Error
from luytre.media.rtsp.client import ClientEvent, ClientSession, Described, Playing
from luytre.media.rtsp.messages import Connection, Request
from luytre.media.rtsp.setup import Way
from luytre.media.rtsp.tracks import UdpEnds
from tests.media.test_rtsp_client import DESCRIPTION, OK, URL, Scripted, camera

SOUND = "m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC/16000\na=fmtp:97 config=1408\na=control:trackID=1\n"
TCP = f"{OK}Session: 77;timeout=20\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\n\n"
UDP = (
    f"{OK}Session: 77\nTransport: RTP/AVP;unicast;client_port=4-5;server_port=6970-6971;source=192.0.2.9\n\n"
)
NO = "RTSP/1.0 461 Unsupported Transport\nCSEQ\n\n"


class Odd(Scripted):
    """`number` makes the CSeq line of its answers out of the request's number; falls silent where nothing is to be sent."""

    def __init__(self, number: Callable[[int], str], answers: dict[str, list[str]] | None = None) -> None:
        super().__init__(answers or camera().answers)
        self._number = number
        self.silences = 0

    def run(self, client: ClientSession, first: bytes | None = None) -> list[ClientEvent]:
        events: list[ClientEvent] = []
        requests = Connection()
        data = client.start() if first is None else first
        while data:
            for request in requests.receive(data):
                assert isinstance(request, Request)
                self.asked.append(request)
                assert request.cseq is not None
                text = self.answers[request.method][0].replace("CSEQ\n", self._number(request.cseq))
                events += client.receive(text.replace("\n", "\r\n").encode())
            data = client.data_to_send()
            if not data and not client.playing:
                self.silences += 1
                assert self.silences < 5
                events += client.idle()
                data = client.data_to_send()
        return events


@pytest.mark.parametrize(
    ("number", "silences"),
    [
        pytest.param(lambda n: f"CSeq: {n}\n", 0, id="right"),
        pytest.param(lambda n: "", 0, id="missing"),
        pytest.param(lambda n: "CSeq:\n", 0, id="empty"),
        pytest.param(lambda n: f"CSeq: {n + 7}\n", 0, id="higher"),
        # The first wrong one could belong to an older request: silence tells, once.
        pytest.param(lambda n: "CSeq: 0\n", 1, id="always 0"),
        pytest.param(lambda n: "CSeq: 1\n", 1, id="always 1"),
        pytest.param(lambda n: f"CSeq: {n - 1}\n", 1, id="one behind"),
    ],
)
def test_whatever_number_an_answer_bears(number: Callable[[int], str], silences: int) -> None:
    peer = Odd(number)
    events = peer.run(ClientSession(URL))
    assert [type(event) for event in events] == [Described, Playing]
    assert [request.method for request in peer.asked] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert peer.silences == silences


def test_an_answer_that_comes_twice_is_taken_once() -> None:
    peer = camera()
    twice = {method: [answers[0] * 2] for method, answers in peer.answers.items() if method != "DESCRIBE"}
    peer = camera(**twice)
    client = ClientSession(URL)
    events = peer.run(client)
    assert [type(event) for event in events] == [Described, Playing]
    assert [request.method for request in peer.asked] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]


def described(length: int, text: str = DESCRIPTION) -> str:
    return f"{OK}Content-Type: application/sdp\nContent-Length: {length}\n\n{text}"


SIZE = len(DESCRIPTION) + DESCRIPTION.count("\n")


@pytest.mark.parametrize("short", [1, 3, 20, 40])
def test_a_description_longer_than_it_says_is_read_whole(short: int) -> None:
    peer = camera(DESCRIBE=[described(SIZE - short)])
    events = peer.run(ClientSession(URL))
    assert [type(event) for event in events] == [Described, Playing]
    assert peer.asked[2].url == f"{URL}/trackID=0"


def test_what_comes_late_of_a_description_is_dropped() -> None:
    text = (DESCRIPTION + "a=range:npt=0-\na=tool:x\n").replace("\n", "\r\n")
    client = ClientSession(URL)
    client.receive(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" if client.start() else b"")
    client.data_to_send()
    head = f"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\nContent-Length: {SIZE}\r\n\r\n"
    assert [type(event) for event in client.receive((head + text[:SIZE]).encode())] == [Described]
    for late in (text[SIZE : SIZE + 5], text[SIZE + 5 :]):
        assert client.receive(late.encode()) == []
    client.receive(TCP.replace("\n", "\r\n").replace("CSEQ", "CSeq: 3").encode())
    assert client.data_to_send().count(b"PLAY ") == 1


@pytest.mark.parametrize("more", [1, 500])
def test_a_description_shorter_than_it_says_ends_with_the_silence(more: int) -> None:
    peer = Odd(lambda n: f"CSeq: {n}\n", camera(DESCRIBE=[described(SIZE + more)]).answers)
    assert [type(event) for event in peer.run(ClientSession(URL))] == [Described, Playing]
    assert peer.silences == 1


def test_half_a_description_is_waited_for() -> None:
    client = ClientSession(URL)
    client.start()
    client.receive(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
    data = described(SIZE).replace("\n", "\r\n").replace("CSEQ", "CSeq: 2").encode()
    client.data_to_send()
    assert client.receive(data[:-5]) == []
    assert client.idle() == []
    assert [type(event) for event in client.receive(data[-5:])] == [Described]


def test_lines_that_end_in_bare_lf() -> None:
    class Bare(Scripted):
        def run(self, client: ClientSession, first: bytes | None = None) -> list[ClientEvent]:
            events: list[ClientEvent] = []
            data = client.start() if first is None else first
            while data:
                cseq, method = re.search(rb"CSeq: (\d+)", data), data.split()[0].decode()
                assert cseq is not None
                text = self.answers[method][0].replace("CSEQ", f"cseq:{cseq.group(1).decode()}")
                events += client.receive(text.replace(str(SIZE), str(len(DESCRIPTION))).encode())
                data = client.data_to_send()
            return events

    assert isinstance(Bare(camera().answers).run(ClientSession(URL))[-1], Playing)


@pytest.mark.parametrize(
    ("session", "sent"),
    [
        ("Session:   12 34 56 ;  timeout = 20 ", "12 34 56"),
        ("Session: 77", "77"),
        ("Session: a-b_c.d$e;foo;timeout=5", "a-b_c.d$e"),
    ],
)
def test_a_session_is_named_as_the_camera_names_it(session: str, sent: str) -> None:
    peer = camera(SETUP=[f"{OK}{session}\nTransport: RTP/AVP/TCP;interleaved=0-1\n\n"])
    peer.run(ClientSession(URL))
    assert peer.asked[-1].get("session") == sent


def test_a_setup_without_transport_has_what_was_asked_for() -> None:
    playing = camera(SETUP=[f"{OK}Session: 1\n\n"]).run(ClientSession(URL))[-1]
    assert isinstance(playing, Playing)
    assert (playing.tracks[0].channel, playing.tracks[0].udp) == (0, None)


def both(**changes: list[str]) -> Scripted:
    text = DESCRIPTION + SOUND
    return camera(DESCRIBE=[described(len(text) + text.count("\n"), text)], **changes)


def test_two_tracks_on_the_same_channels_are_told_apart() -> None:
    playing = both(SETUP=[TCP]).run(ClientSession(URL, want_audio=True))[-1]
    assert isinstance(playing, Playing)
    assert [track.channel for track in playing.tracks] == [0, 2]


def ports() -> Callable[[], tuple[int, int]]:
    numbers: Iterator[int] = count(5000, 2)

    def reserve() -> tuple[int, int]:
        first = next(numbers)
        return first, first + 1

    return reserve


@pytest.mark.parametrize(
    ("way", "answers", "asked"),
    [
        pytest.param("udp", [UDP, UDP], ["UDP", "UDP"], id="as told"),
        pytest.param("auto", [TCP, TCP], ["TCP", "TCP"], id="TCP is good"),
        pytest.param("auto", [NO, UDP, UDP], ["TCP", "UDP", "UDP"], id="TCP is refused"),
        pytest.param("auto", [UDP, UDP, UDP], ["TCP", "UDP", "UDP"], id="answered with UDP"),
    ],
)
def test_the_transport_that_is_found(way: Way, answers: list[str], asked: list[str]) -> None:
    peer = both(SETUP=list(answers))
    playing = peer.run(ClientSession(URL, want_audio=True, way=way, reserve=ports()))[-1]
    assert isinstance(playing, Playing)
    wishes = [request.get("transport") for request in peer.asked if request.method == "SETUP"]
    assert ["TCP" if wish.startswith("RTP/AVP/TCP") else "UDP" for wish in wishes] == asked
    ends = [track.udp for track in playing.tracks]
    if asked[-1] == "TCP":
        assert ends == [None, None]
    else:
        server = (6970, 6971)
        assert ends == [UdpEnds(pair, server, "192.0.2.9") for pair in ((5000, 5001), (5002, 5003))]
        assert wishes[-1] == "RTP/AVP;unicast;client_port=5002-5003"
    assert len({track.channel for track in playing.tracks}) == 2


def test_sound_that_comes_another_way_is_left_out() -> None:
    peer = both(SETUP=[TCP, UDP])
    playing = peer.run(ClientSession(URL, want_audio=True, way="auto", reserve=ports()))[-1]
    assert isinstance(playing, Playing)
    assert [track.codec for track in playing.tracks] == ["h264"]


@pytest.mark.parametrize(
    ("way", "answers"),
    [
        ("tcp", [NO]),
        ("tcp", [UDP]),
        ("udp", [NO]),
        ("auto", [NO, NO]),
        ("udp", [f"{OK}Session: 1\nTransport: RTP/AVP;multicast;destination=239.1.1.1;port=5-6\n\n"]),
    ],
)
def test_a_transport_that_cannot_be_had_is_told(way: Way, answers: list[str]) -> None:
    with pytest.raises(Error) as caught:
        camera(SETUP=answers).run(ClientSession(URL, way=way, reserve=ports()))
    assert caught.value.cause == "server_error"
    assert "transport" in caught.value.hint


def test_a_zone_stays_with_us() -> None:
    peer = camera()
    client = ClientSession("rtsp://[fe80::1%eth0]:8554/cam")
    peer.run(client)
    assert client.url == "rtsp://[fe80::1%eth0]:8554/cam"
    assert {request.url for request in peer.asked} == {
        "rtsp://[fe80::1]:8554/cam",
        "rtsp://[fe80::1]:8554/cam/trackID=0",
    }


REFUSED = "RTSP/1.0 503 No\nCSEQ\nX-Luytre-Cause: converter_busy\nX-Luytre-Detail: three sources already\n\n"


def test_only_our_own_converter_names_a_cause() -> None:
    with pytest.raises(Error) as caught:
        camera(DESCRIBE=[REFUSED]).run(ClientSession(URL, causes=frozenset({"converter_busy"})))
    assert (caught.value.cause, caught.value.message) == ("converter_busy", "three sources already")
    for causes in (frozenset[str](), frozenset({"timeout"})):
        with pytest.raises(Error) as caught:
            camera(DESCRIBE=[REFUSED]).run(ClientSession(URL, causes=causes))
        assert caught.value.cause == "server_error"
        assert "three" not in caught.value.message


def test_nonces_that_grow_old_in_every_phase() -> None:
    def stale(nonce: str) -> str:
        return (
            "RTSP/1.0 401 No\nCSEQ\n"
            f'WWW-Authenticate: Digest realm="r", nonce="{nonce}", algorithm=SHA-256, qop="auth", stale=true\n\n'
        )

    usual = camera().answers
    answers = {
        method: [stale(method.lower()), *usual[method]] for method in ("OPTIONS", "DESCRIBE", "SETUP", "PLAY")
    }
    peer = camera(**answers)
    client = ClientSession(URL, "u", "p")
    assert isinstance(peer.run(client)[-1], Playing)
    used = [re.search(r'nonce="(\w+)".*nc=(\d+)', request.get("authorization")) for request in peer.asked[1:]]
    assert [found.groups() if found else None for found in used] == [
        ("options", "00000001"),
        ("options", "00000002"),
        ("describe", "00000001"),
        ("describe", "00000002"),
        ("setup", "00000001"),
        ("setup", "00000002"),
        ("play", "00000001"),
    ]
    assert all("algorithm=SHA-256" in request.get("authorization") for request in peer.asked[1:])
    client.keepalive(0.0)
    assert b"nc=00000002" in client.keepalive(10.0)
    answer = stale("later").replace("\n", "\r\n").replace("CSEQ", "CSeq: 9").encode()
    client.receive_message_bytes(answer)
    assert b'nonce="later"' in client.data_to_send()
