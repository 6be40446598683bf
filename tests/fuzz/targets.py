"""What is fuzzed: each target takes any bytes and must come to an end with nothing worse than an Error.

    TARGETS[name].run(data)          raises only where the program is wrong
    TARGETS[name].seeds()            what to begin with: real answers and small encoded pictures

Promises   a target holds what it is given to what the parser promises, not only to "no crash".
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from luytre.archive.segment import find_tail, parse_opening, parse_tail, scan
from luytre.base.errors import Error
from luytre.media import aac, h264, h265, sdp
from luytre.media.fmp4.moof import part_columns
from luytre.media.fmp4.read import parse_init, part_samples, scan_parts
from luytre.media.fmp4.write import init_segment
from luytre.media.nal import nal_spans
from luytre.media.rtp import rtcp
from luytre.media.rtp.aac import AacReceiver
from luytre.media.rtp.g711 import G711Receiver
from luytre.media.rtp.h264 import H264Receiver
from luytre.media.rtp.h265 import H265Receiver
from luytre.media.rtp.interleaved import deliver
from luytre.media.rtp.opus import OpusReceiver
from luytre.media.rtp.receiver import NalReceiver, Receiver
from luytre.media.rtsp.answers import parse_rtp_info, parse_session, parse_transport, rtp_info_for
from luytre.media.rtsp.auth import Credentials, parse_challenges
from luytre.media.rtsp.client import ClientSession
from luytre.media.rtsp.messages import Connection
from luytre.media.rtsp.server import Guard, Presentation, ServerSession
from luytre.media.rtsp.tracks import choose_tracks, media_track
from luytre.media.rtsp.url import address, split_credentials
from luytre.media.stored import tracks_of
from luytre.media.tracks import AudioTrack, VideoTrack
from tests.fuzz import seeds
from tests.fuzz.records import PAYLOAD_TYPE, push

PASSWORD = "se-cret-9"
_URL = "rtsp://192.0.2.10:554/live"


@dataclass(frozen=True, slots=True)
class Target:
    run: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]


@contextmanager
def refusing(*causes: str) -> Iterator[None]:
    """Bytes may be refused, with one of these causes, or any where none is given."""
    try:
        yield
    except Error as error:
        if (causes and error.cause not in causes) or PASSWORD in str(error):
            raise AssertionError(f"refused with {error.cause}: {error}") from error


def client_session(data: bytes) -> None:
    """The first byte says how the rest is cut."""
    session = ClientSession(_URL, "admin", PASSWORD, want_audio=True)
    sent = session.start()
    step = data[0] % 64 * 16 + 1 if data else 1
    with refusing():
        for at in range(1, len(data), step):
            session.receive(data[at : at + step])
            sent += session.data_to_send()
            if session.playing:
                session.receive_message_bytes(session.rest() + data[at + step :])
                break
        session.idle()
        sent += session.data_to_send() + session.keepalive(0.0) + session.teardown()
    assert PASSWORD.encode() not in sent
    assert len(sent) < 4096 + 64 * len(data)


def server_session(data: bytes) -> None:
    media = (sdp.Media("video", payload_type=96, encoding="H264", clock_rate=90_000, control="trackID=0"),)
    for guard in (Guard(), Guard("digest", Credentials("admin", PASSWORD))):
        session = ServerSession(lambda path: Presentation(media) if path == "/live" else 404, guard)
        for piece in data.split(b"\xff\xff"):
            session.receive(piece)
            assert len(session.data_to_send()) < 4096 + 64 * len(data)


def messages(data: bytes) -> None:
    """However the bytes are cut, the same messages come out."""
    found = []
    for step in (max(len(data), 1), 7):
        connection, events = Connection(), []
        with refusing("not_rtsp"):
            for at in range(0, len(data), step):
                connection.feed(data[at : at + step])
                while (event := connection.next_event()) is not None:
                    events.append(event)
        found.append(events)
    # A refusal comes as soon as it can: the one who saw less of the bytes may have seen a message more.
    short, long = sorted(found, key=len)
    assert long[: len(short)] == short


def answers(data: bytes) -> None:
    text = data.decode("utf-8", errors="replace")
    for info in (entries := parse_rtp_info(text)):
        assert info.seq is None or 0 <= info.seq < 1 << 16
        assert info.rtptime is None or 0 <= info.rtptime < 1 << 32
    rtp_info_for(entries, _URL, 0, 2)
    channels = parse_transport(text).channels
    assert channels is None or channels[0] < 256
    assert parse_session(text)[1] >= 4
    parse_challenges([text])
    with refusing("bad_url"):
        address(split_credentials(text)[0])


def description(data: bytes) -> None:
    session = sdp.parse(data)
    for media in session.media:
        media_track(media)
    with refusing("no_video", "unsupported_codec"):
        tracks = choose_tracks(session, sdp.base_url("", "", _URL), want_audio=True)
        assert len(tracks) <= 2
        assert len(sdp.parse(sdp.describe([track.media for track in tracks])).media) == len(tracks)


def _receiving(make: Callable[[], Receiver]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        receiver = make()
        given = push(receiver, data)
        # A NAL unit's length stands in four bytes where it stood in two.
        assert sum(len(sample.data) for sample in receiver.samples) <= 3 * given
        assert all(sample.data for sample in receiver.samples)
        if isinstance(receiver, NalReceiver):
            _pictures(receiver)

    return run


def _pictures(receiver: NalReceiver) -> None:
    for sample in receiver.samples:
        spans = list(nal_spans(sample.data))
        assert spans
        assert any(receiver.is_slice(sample.data[a:b]) for a, b in spans)
    with refusing("bad_media", "no_parameters"):
        if isinstance(receiver, H264Receiver):
            h264.video_track(receiver.parameter_sets)
        else:
            h265.video_track(receiver.parameter_sets)


def interleaved(data: bytes) -> None:
    """However the bytes are cut, the same pictures come out."""
    found = []
    for step in (max(len(data), 1), 61):
        receivers: dict[int, Receiver] = {0: H264Receiver(PAYLOAD_TYPE, ()), 2: G711Receiver(8)}
        carry = b""
        with refusing("bad_media"):
            for at in range(0, len(data), step):
                carry += data[at : at + step]
                carry = carry[deliver(carry, receivers).rest :]
        for receiver in receivers.values():
            receiver.flush()
        found.append([receivers[0].samples, receivers[2].samples])
    assert found[0] == found[1]


def reports(data: bytes) -> None:
    for report in rtcp.parse(data):
        if isinstance(report, rtcp.Bye):
            assert len(report.ssrcs) < 32
        elif not isinstance(report, rtcp.SourceDescription):
            assert rtcp.parse(rtcp.build(report)) == [report]


def _stored(track: VideoTrack | AudioTrack) -> None:
    init = init_segment([track])
    assert tracks_of(init) == (track,)
    assert init_segment(tracks_of(init)) == init


def h264_sets(data: bytes) -> None:
    """Parameter sets between start codes; the same bytes as a record of them and as a sample."""
    nals = h264.split_annexb(data)
    with refusing("bad_media", "no_parameters"):
        _stored(h264.video_track(nals))
    with refusing("bad_media"):
        h264.sets_of_avcc(data)
    for nal in nals:
        with refusing("bad_media"):
            h264.parse_sps(nal)
    h264.is_key(data)


def h265_sets(data: bytes) -> None:
    nals = h264.split_annexb(data)
    with refusing("bad_media", "no_parameters"):
        _stored(h265.video_track(nals))
    with refusing("bad_media"):
        h265.sets_of_hvcc(data)
    for nal in nals:
        with refusing("bad_media"):
            h265.parse_sps(nal)
        with refusing("bad_media"):
            h265.vps_fps(nal)
    h265.is_key(data)


def aac_config(data: bytes) -> None:
    with refusing("bad_media", "unsupported_codec"):
        parsed = aac.parse_config(data)
        assert 1 <= parsed.channels <= 255
        assert parsed.rate > 0
        _stored(aac.audio_track(data))


def init(data: bytes) -> None:
    with refusing("bad_media", "unsupported_codec"):
        info = parse_init(data)
        assert info.size <= len(data)
        assert sum(len(track.sample_entry) for track in info.tracks) <= len(data)
        tracks_of(data)


def parts(data: bytes) -> None:
    end = 0
    for part in scan_parts(lambda offset, size: data[offset : offset + size], len(data)):
        assert part.offset >= end
        end = part.offset + part.size
        assert end <= len(data)
        moof = data[part.moof_offset : part.moof_offset + part.moof_size]
        with refusing("bad_media"):
            for samples in part_samples(moof).values():
                for sample in samples:
                    assert part.moof_offset <= part.moof_offset + sample.offset + sample.size <= end
            part_columns(moof)


class _Bytes:
    def __init__(self, data: bytes) -> None:
        self.data, self.size = data, len(data)

    def read(self, offset: int, size: int) -> bytes:
        return self.data[offset : offset + max(size, 0)]


def segment(data: bytes) -> None:
    file = _Bytes(data)
    opening = parse_opening(file.read, file.size)
    begin = opening.parts_offset if opening is not None else 0
    found = scan(file.read, file.size, begin)
    assert len(found.leaves) == 32 * len(found.parts)
    end, tail = find_tail(file, found.parts, begin)
    assert end <= file.size
    if tail is not None:
        assert len(tail.leaves) == 32 * len(tail.parts)
    with refusing("file_lost"):
        parse_tail(data)


TARGETS: dict[str, Target] = {
    "rtsp-client": Target(client_session, seeds.conversations),
    "rtsp-server": Target(server_session, seeds.requests),
    "rtsp-messages": Target(messages, seeds.answers),
    "rtsp-answers": Target(answers, seeds.header_values),
    "sdp": Target(description, seeds.descriptions),
    "rtp-h264": Target(_receiving(lambda: H264Receiver(PAYLOAD_TYPE, ())), seeds.h264_packets),
    "rtp-h265": Target(_receiving(lambda: H265Receiver(PAYLOAD_TYPE, ())), seeds.h265_packets),
    "rtp-h265-donl": Target(
        _receiving(lambda: H265Receiver(PAYLOAD_TYPE, (), donl=True)), seeds.h265_packets
    ),
    "rtp-aac": Target(_receiving(lambda: AacReceiver(PAYLOAD_TYPE)), seeds.aac_packets),
    "rtp-aac-odd": Target(_receiving(lambda: AacReceiver(PAYLOAD_TYPE, 6, 2)), seeds.aac_packets),
    "rtp-g711": Target(_receiving(lambda: G711Receiver(PAYLOAD_TYPE, 2)), seeds.plain_packets),
    "rtp-opus": Target(_receiving(lambda: OpusReceiver(PAYLOAD_TYPE)), seeds.plain_packets),
    "interleaved": Target(interleaved, seeds.interleaved),
    "rtcp": Target(reports, seeds.reports),
    "h264-sets": Target(h264_sets, seeds.h264_sets),
    "h265-sets": Target(h265_sets, seeds.h265_sets),
    "aac-config": Target(aac_config, seeds.aac_configs),
    "fmp4-init": Target(init, seeds.inits),
    "fmp4-parts": Target(parts, seeds.parts),
    "segment": Target(segment, seeds.segments),
}
FOUND = Path(__file__).with_name("found")


def found() -> list[tuple[str, bytes]]:
    """(target, bytes) of everything that fuzzing ever found, each kept so that it stays mended."""
    cases = []
    for path in sorted(FOUND.glob("*.txt")):
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                cases.append((path.stem, base64.b64decode(line)))
    return cases
