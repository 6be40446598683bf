"""Real clips and broken ones: libav is the referee wherever it can open the file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from luytre.base.errors import Error
from luytre.media import h264, h265
from luytre.media.aac import audio_track
from luytre.media.fmp4.boxes import box_header, iter_boxes
from luytre.media.fmp4.entry import configuration
from luytre.media.fmp4.read import InitInfo, parse_init, part_samples, scan_parts
from luytre.media.stored import tracks_of
from luytre.media.tracks import AudioTrack, VideoTrack
from tests.conftest import material
from tests.media.clips import attempt

CLIPS = sorted(p for kind in ("video", "traps") for p in ((material() or Path()) / kind).glob("*.*"))
MP4 = [path for path in CLIPS if path.suffix == ".mp4"]

clip = pytest.mark.parametrize("path", CLIPS, ids=lambda p: p.name)
mp4 = pytest.mark.parametrize("path", MP4, ids=lambda p: p.name)


@pytest.mark.usefixtures("test_data")
def test_there_is_material() -> None:
    """Skips, loudly, where the folder is absent: the parametrized tests below are then empty."""
    assert len(CLIPS) > 10


def movie(path: Path) -> InitInfo | None:
    """The moov of a file, wherever it lies; None where it is missing or broken."""
    data = path.read_bytes()
    position = 0
    while (found := box_header(data[position : position + 16], position, len(data))) is not None:
        if found.type == b"moov":
            info = attempt(parse_init, data[found.start : found.end])
            if isinstance(info, Error):
                assert info.cause == "bad_media"
                return None
            return info
        position = found.end
    return None


def opened(path: Path) -> Any:
    """libav's view of a file, or None where it cannot open it."""
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError):
        return None


@mp4
def test_boxes_of_real_files(path: Path) -> None:
    info, container = movie(path), opened(path)
    if info is None or container is None:
        pytest.skip(f"{path.name}: no moov, or libav cannot open it either")
    with container:
        seen = {stream.id: stream for stream in container.streams}
        for track in info.tracks:
            if track.handler == "vide":
                stream = seen[track.track_id]
                entry = configuration(track.sample_entry, b"avcC") or configuration(
                    track.sample_entry, b"hvcC"
                )
                assert entry == stream.codec_context.extradata
                assert track.timescale == 1 / stream.time_base


def parameter_sets(container: Any) -> Iterator[tuple[Any, bytes]]:
    """(video stream, extradata) of each H.264 and H.265 stream."""
    for stream in container.streams.video:
        if stream.codec_context.name in ("h264", "hevc") and stream.codec_context.extradata:
            yield stream, stream.codec_context.extradata


@clip
def test_parameter_sets_of_real_files(path: Path) -> None:
    container = opened(path)
    if container is None:
        pytest.skip(f"{path.name}: libav cannot open it either")
    with container:
        for stream, extradata in parameter_sets(container):
            house: Any = h264 if stream.codec_context.name == "h264" else h265
            if extradata[:1] == b"\1":
                sets = h264.sets_of_avcc(extradata) if house is h264 else h265.sets_of_hvcc(extradata)
            else:
                sets = tuple(house.split_annexb(extradata))
            track: VideoTrack | Error = attempt(house.video_track, sets)
            if isinstance(track, Error):
                # Files may hold their parameter sets in the samples only.
                assert track.cause == "no_parameters"
                assert not any(house.nal_type(nal[0]) == house.SPS for nal in sets)
                continue
            assert (track.width, track.height) == (stream.codec_context.width, stream.codec_context.height)
            rate = house.parse_sps(next(n for n in sets if house.nal_type(n[0]) == house.SPS)).fps
            assert rate is None or 1 <= rate <= 240


@clip
def test_sound_of_real_files(path: Path) -> None:
    container = opened(path)
    if container is None:
        pytest.skip(f"{path.name}: libav cannot open it either")
    with container:
        for stream in container.streams.audio:
            if stream.codec_context.name == "aac" and stream.codec_context.extradata:
                track = audio_track(stream.codec_context.extradata)
                assert (track.rate, track.channels) == (
                    stream.codec_context.rate,
                    stream.codec_context.channels,
                )


@clip
def test_scanning_any_file_ends(path: Path) -> None:
    size = os.path.getsize(path)
    with path.open("rb") as file:

        def read(offset: int, length: int) -> bytes:
            assert offset + length <= size
            file.seek(offset)
            return file.read(length)

        for part in scan_parts(read, size):
            assert part.offset + part.size <= size
            moof = read(part.moof_offset, part.moof_size)
            found = part_samples(moof, at=part.moof_offset)
            assert sum(map(len, found.values())) == sum(track.samples for track in part.tracks)


@pytest.mark.usefixtures("test_data")
def test_fragments_of_other_writers(test_data: Path) -> None:
    path = test_data / "traps" / "frag_overlap.mp4"
    data = path.read_bytes()
    info = parse_init(data)
    parts = list(scan_parts(lambda at, size: data[at : at + size], len(data), 0, info.defaults))
    boxes = [found.type for found in iter_boxes(data)]
    assert len(parts) == boxes.count(b"moof") > 1


@pytest.mark.parametrize("path", [p for p in CLIPS if p.suffix == ".264"], ids=lambda p: p.name)
def test_annexb_of_real_files(path: Path) -> None:
    nals = h264.split_annexb(path.read_bytes())
    assert len(nals) > 10
    sizes = set()
    for nal in nals:
        if h264.nal_type(nal[0]) == h264.SPS:
            sps = h264.parse_sps(nal)
            sizes.add((sps.width, sps.height))
    with opened(path) as container:
        context = container.streams.video[0].codec_context
        assert (context.width, context.height) in sizes


@mp4
def test_tracks_of_real_files(path: Path) -> None:
    data = path.read_bytes()
    at = data.find(b"moov") - 4
    tracks = attempt(tracks_of, data[at:])
    if isinstance(tracks, Error):
        assert tracks.cause in ("bad_media", "unsupported_codec")
        return
    for track in tracks:
        in_band = track.sample_entry[4:8] in (b"avc3", b"hev1")
        assert isinstance(track, AudioTrack) or track.parameter_sets or in_band
