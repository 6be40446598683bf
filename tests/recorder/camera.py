"""Cameras made of packets: encoded or real pictures, sent as an RTP camera sends them, into an Ingest and an archive."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from luytre.archive.catalog import Archive
from luytre.archive.check import Finding, check
from luytre.archive.disk import Disk
from luytre.archive.keys import Coverage, Span, StreamKey
from luytre.archive.playback import Located
from luytre.archive.segment import FileReader
from luytre.archive.volume import create_volume, open_volume
from luytre.archive.writer import DiskWriter
from luytre.base.clock import Clock, ManualClock
from luytre.media.aac import audio_track
from luytre.media.fmp4.boxes import iter_boxes
from luytre.media.fmp4.moof import read_moof
from luytre.media.h264 import to_length_prefixed
from luytre.media.nal import nal_spans, split_annexb
from luytre.media.rtp import packetizer
from luytre.media.rtp.packet import Packet, build
from luytre.media.rtsp.tracks import ClientTrack
from luytre.media.sdp import Media
from luytre.media.tracks import AudioTrack, Sample, VideoTrack
from luytre.recorder.berth import Berth
from luytre.recorder.gate import OpenGate
from luytre.recorder.ingest import Ingest
from luytre.recorder.outlet import Outlet
from luytre.recorder.run import Target
from tests.media.clips import Coded

KEY = StreamKey("0190a0b0-0000-7000-8000-000000000001", "main")
CODE = "GATE-1"


def client_track(codec: str, **more: Any) -> ClientTrack:
    media = Media("video", payload_type=96, encoding=codec.upper(), clock_rate=90_000)
    return ClientTrack(media, "h265" if codec == "h265" else "h264", None, "rtsp://camera/0", 0, 1, **more)


def sound_track(config: bytes, rate: int) -> ClientTrack:
    fmtp = {"sizelength": "13", "indexlength": "3", "config": config.hex()}
    media = Media("audio", payload_type=97, encoding="MPEG4-GENERIC", clock_rate=rate, fmtp=fmtp)
    return ClientTrack(media, "aac", audio_track(config), "rtsp://camera/1", 2, 3)


def plain_sound_track(coded: Coded, **more: Any) -> ClientTrack:
    """G.711 or Opus."""
    track = coded.track
    assert isinstance(track, AudioTrack)
    name = {"alaw": "PCMA", "ulaw": "PCMU", "opus": "OPUS"}[track.codec]
    media = Media("audio", payload_type=97, encoding=name, clock_rate=track.rate, channels=track.channels)
    return ClientTrack(media, track.codec, track, "rtsp://camera/1", 2, 3, **more)


def in_band(coded: Coded) -> list[Sample]:
    """The pictures with the parameter sets in front of each keyframe, as cameras send them."""
    assert isinstance(coded.track, VideoTrack)
    sets = to_length_prefixed(coded.track.parameter_sets)
    return [Sample(s.pts, sets + s.data if s.key else s.data, s.key) for s in coded.samples]


def of_file(path: Path, codec: str) -> list[Sample]:
    """A file's access units as they are, parameter sets in front of keyframes; `pts` in 1/90000 s."""
    samples: list[Sample] = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        convert = BitStreamFilterContext(
            {"h264": "h264_mp4toannexb", "h265": "hevc_mp4toannexb"}[codec], stream
        )
        for packet in container.demux(stream):
            for piece in convert.filter(packet) if packet.size else ():
                assert piece.pts is not None
                assert piece.time_base is not None
                data = to_length_prefixed(split_annexb(bytes(piece)))
                samples.append(Sample(round(piece.pts * piece.time_base * 90_000), data, piece.is_keyframe))
    return samples


@dataclass
class Sender:
    """Packs pictures into interleaved frames; timestamps begin at `rtp_base` and wrap."""

    codec: str = "h264"
    seq: int = 65_500
    rtp_base: int = 0xFFFF_0000
    channel: int = 0

    def picture(self, sample: Sample) -> bytes:
        nals = [sample.data[a:b] for a, b in nal_spans(sample.data)]
        cut = packetizer.h265 if self.codec == "h265" else packetizer.h264
        return self.frames(cut(nals), sample.pts, 96)

    def sound(self, sample: Sample) -> bytes:
        return self.frames(packetizer.aac(sample.data), sample.pts, 97)

    def plain_sound(self, sample: Sample) -> bytes:
        """G.711 or Opus: the packet is the sample."""
        return self.frames([sample.data], sample.pts, 97)

    def frames(self, payloads: Sequence[bytes], pts: int, kind: int) -> bytes:
        parts = []
        for number, payload in enumerate(payloads):
            marker = number == len(payloads) - 1
            packet = build(Packet(kind, marker, self.seq, pts + self.rtp_base, 7, payload))
            parts.append(struct.pack(">BBH", 0x24, self.channel, len(packet)) + packet)
            self.seq += 1
        return b"".join(parts)


def outlet_of(writer: DiskWriter, key: StreamKey, code: str, clock: Clock) -> Outlet:
    """To one volume, which has the stream taken up."""
    outlet = Outlet(key, code, None, [Berth("volume", writer.volume.path, writer)], clock)
    outlet.accepts_runs()
    # The writer answers in turns.
    writer.take_up(key, code).result(20)
    return outlet


class Bench:
    """One volume, its writer, one stream's Ingest at a time; the clock moves only when told."""

    def __init__(self, folder: Path, segment_s: float = 300.0, disk: Disk | None = None) -> None:
        self.path = folder / "volume"
        self.clock = ManualClock()
        create_volume(self.path, self.clock)
        # Hours pass here in seconds: a write that takes a moment would look like a disk that hangs.
        self.writer = DiskWriter(
            open_volume(self.path), segment_s=segment_s, clock=self.clock, hang_s=float("inf"), disk=disk
        )
        self.writer.start()
        self.writer.ready.result(10)
        self.floor_us = self.writer.take_up(KEY, CODE).result(10)
        self.outlet = outlet_of(self.writer, KEY, CODE, self.clock)
        self.archive = Archive([self.path], self.clock)
        self.clock.advance(10)

    def ingest(self, *tracks: ClientTrack) -> Ingest:
        return Ingest(tracks, Target(KEY, CODE, self.outlet, self.floor_us, OpenGate()), self.clock)

    def settle(self) -> None:
        """Wait until the writer has done all that it was given."""
        self.floor_us = self.writer.take_up(KEY, CODE).result(30)
        self.clock.advance(10)

    def play(self, ingest: Ingest, sender: Sender, samples: Sequence[Sample], tick_s: float = 0.2) -> None:
        """Hand the pictures over as a tick of the drain would: all that are due, then the next tick."""
        if not samples:
            return
        begin_s, due_s, waiting = samples[0].pts / 90_000, tick_s, b""
        for sample in samples:
            while sample.pts / 90_000 - begin_s > due_s:
                self.clock.advance(tick_s)
                due_s += tick_s
                ingest.feed(waiting)
                waiting = b""
            waiting += sender.picture(sample)
        self.clock.advance(tick_s)
        ingest.feed(waiting)

    def coverage(self) -> Coverage:
        return self.archive.coverage(KEY, 0, 1 << 62)

    def parts(self) -> list[Located]:
        found = []
        for segment in self.archive.segments(KEY, Span(0, 1 << 62)):
            table = self.archive.parts_of(segment)
            found += [Located(KEY, segment, entry, table.end_of(n)) for n, entry in enumerate(table.parts)]
        return found

    def recorded(self) -> list[Sample]:
        """All pictures in the archive, in the order of their files."""
        return list(pictures(self.parts()))

    def close(self) -> list[Finding]:
        self.writer.stop()
        self.writer.join(30)
        assert not self.writer.is_alive()
        return check(self.path, clock=self.clock)


def pictures(parts: Sequence[Located], track: int = 1) -> Iterator[Sample]:
    """`pts` in ticks of the track from the start of the run."""
    for part in parts:
        with FileReader(part.path) as reader:
            data = reader.read(part.entry.offset, part.entry.size)
        moof = next(box for box in iter_boxes(data) if box.type == b"moof")
        for run in read_moof(data[moof.start : moof.end]).runs:
            if run.track_id != track:
                continue
            columns, at, dts = run.samples, moof.start + run.data_offset, run.samples.base_ticks
            for size, duration, cts, key in zip(
                columns.sizes, columns.durations, columns.cts, columns.keys, strict=True
            ):
                yield Sample(dts + cts, data[at : at + size], key)
                at, dts = at + size, dts + duration
