"""RTSP messages out of bytes: what cameras write, in any pieces, and what is no RTSP at all."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luytre.base.errors import Error
from luytre.media.rtsp.messages import (
    MAX_BODY,
    MAX_HEAD,
    Connection,
    Event,
    Frame,
    Request,
    Response,
    build_request,
    build_response,
)

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
DESCRIBED = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n"
SDP = b"v=0\r\ns=x\r\nm=video 0 RTP/AVP 96\r\n"
FRAME = b"$\x02\x00\x05\r\n\r\n$"


def only(data: bytes) -> Event:
    events = Connection().receive(data)
    assert len(events) == 1
    return events[0]


def response(data: bytes) -> Response:
    event = only(data)
    assert isinstance(event, Response)
    return event


def test_a_response_with_a_body() -> None:
    found = response(DESCRIBED + b"Content-Length: 32\r\n\r\n" + SDP)
    assert (found.status, found.reason, found.cseq, found.body) == (200, "OK", 2, SDP)


def test_a_request() -> None:
    found = only(b"GET_PARAMETER rtsp://h/x RTSP/1.0\r\nCSeq: 7\r\nContent-Length: 3\r\n\r\nabc")
    assert isinstance(found, Request)
    assert (found.method, found.url, found.cseq, found.body) == ("GET_PARAMETER", "rtsp://h/x", 7, b"abc")


def test_bare_line_feeds() -> None:
    found = response(b"RTSP/1.0 404 Not Found\nCSeq: 3\nServer: x\n\n")
    assert (found.status, found.reason, found.get("server")) == (404, "Not Found", "x")


def test_mixed_line_ends_at_the_end_of_the_header() -> None:
    assert response(b"RTSP/1.0 200 OK\nCSeq: 3\n\r\n").cseq == 3


def test_headers_in_any_case_with_blanks_around() -> None:
    found = response(b"rtsp/1.0 200 OK\r\ncseq :  12  \r\nSESSION:        ab;timeout=60\r\n\r\n")
    assert found.cseq == 12
    assert found.get("Session") == "ab;timeout=60"


def test_a_folded_header_and_a_line_that_is_none() -> None:
    found = response(b"RTSP/1.0 200 OK\r\nPublic: OPTIONS,\r\n  DESCRIBE\r\nnonsense\r\nCSeq: 1\r\n\r\n")
    assert found.get("public") == "OPTIONS, DESCRIBE"
    assert found.cseq == 1


def test_a_header_may_come_twice() -> None:
    found = response(b"RTSP/1.0 401 No\r\nWWW-Authenticate: Basic\r\nWWW-Authenticate: Digest\r\n\r\n")
    assert found.get_all("www-authenticate") == ["Basic", "Digest"]


def test_no_reason_and_no_utf8() -> None:
    assert response(b"RTSP/1.0 200\r\nServer: \xff\xfe\r\n\r\n").reason == ""


def test_frames_and_messages_keep_their_order() -> None:
    events = Connection().receive(FRAME + OK + b"\r\n\r\n" + FRAME + b"\n" + OK)
    assert [type(event) for event in events] == [Frame, Response, Frame, Response]
    assert events[0] == Frame(2, b"\r\n\r\n$")
    assert bytes(Frame(2, b"\r\n\r\n$")) == FRAME


@pytest.mark.parametrize("length", [b"", b"Content-Length: 0\r\n", b"Content-Length: wrong\r\n"])
@pytest.mark.parametrize("following", [OK, FRAME])
def test_a_description_of_unannounced_length_ends_at_what_follows(length: bytes, following: bytes) -> None:
    events = Connection().receive(DESCRIBED + length + b"\r\n" + SDP + following)
    assert len(events) == 2
    assert isinstance(events[0], Response)
    assert events[0].body == SDP


def test_a_description_of_unannounced_length_ends_when_nothing_more_comes() -> None:
    connection = Connection()
    assert connection.receive(DESCRIBED + b"\r\n" + SDP[:-2]) == []
    found = connection.flush()
    assert isinstance(found, Response)
    assert found.body == SDP[:-2]
    assert connection.flush() is None


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"220 ftp ready\r\n",
        b"\x16\x03\x01\x02\x00",
        b"J\x00\x00\x00\x0a5.7",
        b"A" * 5000,
        b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD // 6),
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        DESCRIBED + b"\r\n" + b"a=x\r\n" * (MAX_BODY // 5 + 1),
    ],
)
def test_what_is_no_rtsp_is_told_at_once(data: bytes) -> None:
    with pytest.raises(Error) as caught:
        Connection().receive(data)
    assert caught.value.cause == "not_rtsp"
    assert caught.value.hint


def test_no_line_can_be_smuggled_into_a_header() -> None:
    with pytest.raises(Error):
        build_request("OPTIONS", "rtsp://h/x", (("User-Agent", "a\r\nEvil: 1"),))


def test_representations_hold_no_headers() -> None:
    request = Request("PLAY", "rtsp://h/", (("authorization", "Basic c2VjcmV0"),))
    assert "c2VjcmV0" not in repr(request)


def test_what_is_built_can_be_read() -> None:
    sent = build_response(200, "OK", (("CSeq", "4"),), b"v=0\r\n") + build_request("PLAY", "rtsp://h/é", ())
    events = Connection().receive(sent)
    assert [type(event) for event in events] == [Response, Request]


STREAM = (
    OK
    + FRAME
    + DESCRIBED
    + b"Content-Length: 32\r\n\r\n"
    + SDP
    + b"\r\n\r\n"
    + DESCRIBED
    + b"\r\n"
    + SDP
    + FRAME
    + b"OPTIONS * RTSP/1.0\nCSeq: 9\n\n"
    + OK
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    whole = Connection().receive(STREAM)
    assert len(whole) == 7
    connection = Connection()
    events: list[Event] = []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        events += connection.receive(STREAM[start:end])
    assert events == whole
    assert connection.rest() == b""


@given(
    st.lists(
        st.binary(max_size=80) | st.sampled_from([OK, FRAME, DESCRIBED, b"\r\n", SDP, b"$"]), max_size=12
    )
)
def test_noise_gives_events_or_an_error_that_says_so(pieces: list[bytes]) -> None:
    assert events_of([bytes((byte,)) for piece in pieces for byte in piece]) == events_of([b"".join(pieces)])


def events_of(pieces: list[bytes]) -> list[Event | str]:
    """The events, and the cause of the error that ended them."""
    connection = Connection()
    events: list[Event | str] = []
    try:
        for piece in pieces:
            connection.feed(piece)
            while (event := connection.next_event()) is not None:
                events.append(event)
    except Error as error:
        events.append(error.cause)
    assert all(event == "not_rtsp" for event in events if isinstance(event, str))
    return events


def test_a_description_that_drips_in_is_looked_at_once() -> None:
    """A camera that sends byte by byte must not cost more with each byte."""
    head = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\n\r\n"
    body = b"v=0\r\n" + b"a=x\r\n" * 12_000
    connection = Connection()
    connection.feed(head)
    for at in range(len(body)):
        connection.feed(body[at : at + 1])
        assert connection.next_event() is None
    connection.feed(b"$\0\0\1x")
    message = connection.next_event()
    assert isinstance(message, Response)
    assert message.body == body
    assert connection.next_event() == Frame(0, b"x")


def test_a_line_of_a_description_without_an_end_is_refused() -> None:
    connection = Connection()
    connection.feed(b"RTSP/1.0 200 OK\r\nContent-Type: application/sdp\r\n\r\n")
    assert connection.next_event() is None
    for _ in range(64):
        connection.feed(b"a=" + b"x" * 998)
        assert connection.next_event() is None
    connection.feed(b"x" * 2000)
    with pytest.raises(Error, match="does not end") as caught:
        connection.next_event()
    assert caught.value.cause == "not_rtsp"
