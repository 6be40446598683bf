"""Each captured answer in a whole session of our client: what the camera did not leave behind is answered plainly."""

from __future__ import annotations

import re

import pytest

from luytre.base.errors import Error
from luytre.media.rtsp.client import ClientSession, Described, Playing
from tests.media.test_bestiary import ANSWERS, FOLDER, wire

PASSWORD = "tre-lang-9"
PLAIN = {
    "OPTIONS": b"RTSP/1.0 200 OK\r\nCSeq: 0\r\nPublic: GET_PARAMETER\r\n\r\n",
    "DESCRIBE": wire("ipcam/describe.txt"),
    "SETUP": b"RTSP/1.0 200 OK\r\nCSeq: 0\r\nSession: 1\r\nTransport: RTP/AVP/TCP;unicast\r\n\r\n",
    "PLAY": b"RTSP/1.0 200 OK\r\nCSeq: 0\r\nSession: 1\r\n\r\n",
    "TEARDOWN": b"RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n",
}
# Answers UDP to a question for TCP: nothing can be received from it that way.
WITHOUT_TCP = "h264dvr"


def method_of(name: str) -> str:
    """The request that a file answers, by its name."""
    kind = name.rpartition("/")[2].removeprefix("sub_")
    return "DESCRIBE" if kind.startswith("descri") else re.split(r"[_.]", kind)[0].upper()


def as_answer(name: str) -> bytes:
    """A file on the wire; a bare description is put into an answer."""
    data = wire(name)
    if data.startswith(b"RTSP/"):
        return data
    head = (
        f"RTSP/1.0 200 OK\r\nCSeq: 0\r\nContent-Type: application/sdp\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def script(name: str) -> dict[str, list[bytes]]:
    """What to answer to each method, the last one again and again: this file, then the vendor's others, else plainly."""
    vendor = [other for other in ANSWERS if other.startswith(name.partition("/")[0] + "/")]
    found: dict[str, list[bytes]] = {}
    for method, plain in PLAIN.items():
        files = [other for other in vendor if method_of(other) == method]
        # Pictures are set up before sound.
        files.sort(key=lambda other: (method == "DESCRIBE" and other != name, "audio" in other))
        # One captured SETUP is that of the first track: a second one would get the same channels.
        found[method] = [*map(as_answer, files), *([plain] if method == "SETUP" or not files else [])]
    return found


def numbered(answer: bytes, cseq: int) -> bytes:
    return re.sub(rb"(?im)^(cseq:\s*)\d+", rb"\g<1>%d" % cseq, answer, count=1)


def walk(name: str) -> tuple[ClientSession, list[Described | Playing], bytes]:
    """A session up to PLAY. Raises as the session does."""
    answers = script(name)
    session = ClientSession("rtsp://192.0.2.10/live", "admin", PASSWORD, want_audio=True)
    events: list[Described | Playing] = []
    said, out, cseq = session.start(), b"", 0
    while not session.playing:
        out += said
        cseq += 1
        method = said.split(b" ", 1)[0].decode()
        left = answers[method]
        for event in session.receive(numbered(left.pop(0) if len(left) > 1 else left[0], cseq)):
            assert isinstance(event, (Described, Playing))
            events.append(event)
        said = session.data_to_send()
        assert cseq < 9
    return session, events, out


@pytest.mark.parametrize("name", [name for name in ANSWERS if not name.startswith(WITHOUT_TCP)])
def test_a_session_comes_to_play(name: str) -> None:
    session, (described, playing), out = walk(name)
    assert isinstance(described, Described)
    assert isinstance(playing, Playing)
    video, *sound = playing.tracks
    assert video.codec in ("h264", "h265")
    assert len(sound) <= 1
    channels = [channel for track in playing.tracks for channel in (track.channel, track.rtcp_channel)]
    assert len(set(channels)) == len(channels)
    assert all(re.match(r"rtsp://[^@]+$", track.url) for track in playing.tracks)
    assert all(track.rtptime is None or 0 <= track.rtptime < 1 << 32 for track in playing.tracks)
    assert PASSWORD.encode() not in out
    assert session.keepalive(0.0) == b""
    assert session.keepalive(1000.0).split(b" ")[0] in (b"GET_PARAMETER", b"OPTIONS")
    answer = script(name)["TEARDOWN"][0]
    assert session.receive_message_bytes(answer) == len(answer)
    assert session.teardown().startswith(b"TEARDOWN ")


@pytest.mark.parametrize("name", [name for name in ANSWERS if name.startswith(WITHOUT_TCP)])
def test_udp_for_tcp_is_refused_with_words(name: str) -> None:
    with pytest.raises(Error, match="SETUP") as caught:
        walk(name)
    assert caught.value.hint


def test_every_answer_has_its_place() -> None:
    assert {method_of(name) for name in ANSWERS} == set(PLAIN)
    assert len(ANSWERS) == len(list(FOLDER.glob("*/*.txt"))) >= 27
