"""Long runs of one thing cost no more than their length: patterns that search back and forth see only short pieces."""

from __future__ import annotations

import pytest

from luytre.media import sdp
from luytre.media.rtsp.client import ClientSession
from luytre.media.rtsp.messages import MAX_HEAD, MAX_LINE, Connection, Response
from tests.fuzz.nets import refusing
from tests.fuzz.seeds import conversations
from tests.fuzz.targets import TARGETS

# Were one of these searched as a whole, the test would take longer than any is allowed to.
LONG = 900_000
FILLERS = (" ", "\t", ",", "/", ":", "@", '\\"', ", url=", "a", "1", ";seq=")


@pytest.mark.parametrize("filler", FILLERS)
def test_long_headers_are_cut(filler: str) -> None:
    value = (filler * MAX_HEAD)[: MAX_HEAD - 500]
    lines = f"RTP-Info: url= x{value}x\r\n a{value[:400]}\r\nCSeq: 1\r\n\r\n"
    (message,) = Connection().receive(f"RTSP/1.0 200 OK\r\n{lines}".encode())
    assert isinstance(message, Response)
    assert len(message.get("rtp-info")) <= MAX_LINE
    assert message.cseq == 1


@pytest.mark.parametrize("filler", FILLERS)
@pytest.mark.parametrize(
    "name", ["a=control:rtsp://a", "a=fmtp:96 ", "a=rtpmap:96 ", "a=framerate:1", "m=audio "]
)
def test_long_lines_of_a_description_are_cut(filler: str, name: str) -> None:
    long = (filler * LONG)[:LONG]
    data = f"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n{name}{long}x\r\na=tool:x\r\n"
    TARGETS["sdp"].run(data.encode())
    media = sdp.parse(data).media[0]
    assert len(media.control) <= sdp.MAX_LINE
    assert all(len(key) + len(text) <= sdp.MAX_LINE for key, text in media.fmtp.items())


def test_a_session_with_an_endless_control_comes_to_an_end() -> None:
    first = conversations()[0][1:]
    options, _, rest = first.partition(b"\r\n\r\n")
    body = b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:rtsp://" + b" " * LONG + b"x\r\n"
    answer = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    session = ClientSession("rtsp://192.0.2.10/live")
    session.start()
    session.receive(options + b"\r\n\r\n")
    assert rest
    with refusing():
        session.receive(answer)
    assert len(session.data_to_send()) < 3 * sdp.MAX_LINE
