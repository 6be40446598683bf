"""What fuzzing begins with: answers of real cameras (tests/bestiary), and pictures too small to matter."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from luytre.archive.chain import leaf_of, mark
from luytre.archive.segment import Header, PartEntry, Tail, header_box, tail_box
from luytre.media import g711, h264, opus
from luytre.media.aac import audio_track
from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.nal import nal_spans
from luytre.media.rtp import packetizer, rtcp
from luytre.media.tracks import VideoTrack
from tests.fuzz.records import MARKER, NEXT, packets, written
from tests.media.clips import WALL_US, Coded, encode_video

BESTIARY = Path(__file__).resolve().parent.parent / "bestiary"
_CONFIGS = ("1188", "1408", "119056e500", "2b118800", "17801f4008", "f8e85000", "1180040508001200")


@cache
def _clip(codec: str) -> Coded:
    return encode_video(codec, frames=3, gop=2)


def _track(codec: str) -> VideoTrack:
    track = _clip(codec).track
    assert isinstance(track, VideoTrack)
    return track


def _nals(codec: str) -> list[list[bytes]]:
    return [[s.data[a:b] for a, b in nal_spans(s.data)] for s in _clip(codec).samples]


def answers() -> list[bytes]:
    found = [path.read_bytes().replace(b"\n", b"\r\n") for path in sorted(BESTIARY.glob("*/*.txt"))]
    return [answer for answer in found if answer.startswith(b"RTSP")] + requests()


def conversations() -> list[bytes]:
    """OPTIONS, DESCRIBE, SETUP and PLAY of one camera after another, behind the byte that says how they are cut."""
    options = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: GET_PARAMETER\r\n\r\n"
    challenge = (
        b"RTSP/1.0 401 Unauthorized\r\nCSeq: 2\r\nWWW-Authenticate: "
        b'Digest realm="cam", nonce="11", qop="auth", algorithm=SHA-256\r\n\r\n'
    )
    end = b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 1;timeout=9\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n"
    found = []
    for answer in answers():
        if b"m=video" in answer:
            found += [b"\xff" + options + answer + end * 3, b"\x01" + options + challenge + answer + end * 3]
    return found


def requests() -> list[bytes]:
    session = b"\r\nSession: 1\r\n\r\n"
    lines = b"".join(
        method + b" rtsp://192.0.2.1/live/trackID=0 RTSP/1.0\r\nCSeq: 1\r\n" + more
        for method, more in (
            (b"OPTIONS", b"\r\n"),
            (b"SETUP", b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"),
            (b"PLAY", b"Range: npt=0-\r\n\r\n"),
            (b"GET_PARAMETER", b"Content-Length: 3\r\n\r\nabc"),
            (b"TEARDOWN", session),
        )
    )
    return [lines, lines.replace(b"/trackID=0", b"").replace(b"SETUP", b"DESCRIBE"), b"$\0\0\4abcd" + lines]


def header_values() -> list[bytes]:
    found = {line.partition(b":")[2].strip() for answer in answers() for line in answer.split(b"\r\n")}
    return [
        *sorted(found),
        b'Digest realm="a\\"b", nonce="x", stale=TRUE, Basic realm=c',
        b"rtsp://a:b@[::1]:99/x",
    ]


def descriptions() -> list[bytes]:
    bodies = [path.read_bytes().partition(b"\n\n")[2] for path in sorted(BESTIARY.glob("*/*describe*.txt"))]
    sound = b"m=audio 0 RTP/AVP 0 98\na=rtpmap:98 opus/48000/2\na=fmtp:98 sprop-stereo=1\n"
    order = b"m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000\na=fmtp:96 sprop-max-don-diff=2;sprop-depack-buf-nalus=1\n"
    return [*bodies, sound, order]


def h264_packets() -> list[bytes]:
    first, *others = _nals("h264")
    sets = list(_track("h264").parameter_sets)
    pieces = written(packetizer.h264([*sets, *first], 300), head=MARKER) + written(
        packetizer.h264(others[0], 80), head=0
    )
    return [pieces, written(packetizer.h264([*sets, *first])), written([b"\x18\x00\x01\x67\x00\x01\x68"])]


def h265_packets() -> list[bytes]:
    first, *others = _nals("h265")
    sets = list(_track("h265").parameter_sets)
    pieces = written(packetizer.h265([*sets, *first], 300), head=MARKER) + written(
        packetizer.h265(others[0], 80), head=0
    )
    return [pieces, written(packetizer.h265([*sets, *first]))]


def aac_packets() -> list[bytes]:
    headers = b"\x00\x20" + (3 << 3).to_bytes(2, "big") + (2 << 3).to_bytes(2, "big")
    return [
        written(packetizer.aac(b"abcdef")),
        written([headers + b"abcde"]),
        written(packetizer.aac(bytes(50), 20)),
    ]


def plain_packets() -> list[bytes]:
    return [written([b"\xd5" * 160] * 3), written([b"\xf8ab", b"\xfb\x06ab", b"\xf9abcd"], head=NEXT)]


def interleaved() -> list[bytes]:
    found = b""
    for record in h264_packets():
        found += b"".join(struct.pack(">BBH", 0x24, 0, len(p)) + p for p in packets(record))
    return [found, found + b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab" + found, b"\r\n\r\n" + found]


def reports() -> list[bytes]:
    block = rtcp.ReportBlock(1, 2, -3, 4, 5, 6, 7)
    compound = rtcp.build(
        rtcp.SenderReport(1, 1 << 40, 3, 4, 5, (block,)),
        rtcp.ReceiverReport(1, (block, block)),
        rtcp.SourceDescription(1, "cam"),
        rtcp.Bye((1, 2), "bye"),
    )
    return [compound, compound[28:]]


def h264_sets() -> list[bytes]:
    known = [b"".join(b"\0\0\1" + nal for nal in _track("h264").parameter_sets)]
    return [*known, *(_sets_of(answer, b"sprop-parameter-sets=") for answer in answers())]


def h265_sets() -> list[bytes]:
    return [b"".join(b"\0\0\1" + nal for nal in _track("h265").parameter_sets)]


def _sets_of(answer: bytes, name: bytes) -> bytes:
    text = answer.partition(name)[2].split(b"\r\n")[0].partition(b";")[0].decode("latin-1")
    return b"".join(b"\0\0\1" + nal for nal in h264.sprop_parameter_sets(text))


def aac_configs() -> list[bytes]:
    return [bytes.fromhex(config) for config in _CONFIGS]


def inits() -> list[bytes]:
    sounds = [audio_track(b"\x11\x88"), g711.audio_track("alaw", 8000, 1), opus.audio_track(2)]
    return [init_segment([_track("h264"), *sounds]), init_segment([_track("h265")])]


def _part(number: int) -> bytes:
    samples = [PartSample(3600, 4, 0, True), PartSample(3600, 5, 1800, False)]
    tracks = [
        TrackPart(1, number * 7200, samples),
        TrackPart(2, number * 3840, [PartSample(1024, 3, 0, True)]),
    ]
    return part_header(number, tracks, WALL_US + number) + b"videovidesnd"


def parts() -> list[bytes]:
    return [_part(1), _part(1) + _part(2), inits()[0] + _part(1)]


def segments() -> list[bytes]:
    header = Header("c" * 8, "GATE-1", "main", "r" * 32, 1, WALL_US, 0, "00" * 32, "usual")
    opening = init_segment([_track("h264")]) + header_box(header)
    whole, entries, leaves = opening, [], b""
    for number in (1, 2):
        data = _part(number)
        leaf = leaf_of([data])
        leaves += leaf
        size = len(mark(leaf)) + len(data)
        entries.append(PartEntry(len(whole), size, number * 7200, 7200, WALL_US + number, True))
        whole += mark(leaf) + data
    tail = tail_box(Tail(WALL_US + 9, tuple(entries), leaves))
    return [whole + tail, whole, whole[:-7], tail]
