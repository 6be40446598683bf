"""One entry of a playlist in another form: parts are read, converted and written as one part.

Promises   the archive is only read; any entry can be made without those before it: decoding begins at the keyframe that its
           first picture hangs on, and sound a frame before it.
Does not   keep what it made (pieces.py does), nor ask who may see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from luytre.archive import playback
from luytre.archive.catalog import Archive, Found
from luytre.archive.keys import StreamKey
from luytre.archive.segment import FileReader, PartEntry
from luytre.base.errors import Error, Kind
from luytre.cameras.renditions.form import Form, size_of, sound_of, video_of
from luytre.cameras.renditions.picture import track_of
from luytre.cameras.renditions.places import Claim, failed
from luytre.cameras.renditions.sound import FRAME, LOOK_AHEAD, SoundConverter, aac_track
from luytre.cameras.renditions.wire import Job, Packet
from luytre.cameras.renditions.workers import Crew
from luytre.media.fmp4.boxes import find
from luytre.media.fmp4.entry import pixel_aspect
from luytre.media.fmp4.moof import part_columns, part_samples
from luytre.media.fmp4.write import PartSample, TrackPart, init_segment, part_header
from luytre.media.stored import tracks_of
from luytre.media.tracks import VIDEO_TIMESCALE, AudioTrack, Track, VideoTrack

# A camera that sends no keyframe for longer than this many parts is decoded from where we are.
MOST_LEAD: Final = 120


# A part, and the segment it lies in.
Lying = tuple[Found, PartEntry]


class Stored(NamedTuple):
    """A sample as it lies in the archive; times in ticks of its track."""

    dts: int
    cts: int
    duration: int
    key: bool
    data: bytes


class Place(NamedTuple):
    """An entry: bytes [start, end) of a segment file, which are whole parts."""

    key: StreamKey
    ref: playback.SegmentRef
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Made:
    """One part's worth: (base ticks, samples with their bytes) of each track, in the order of `tracks_in`."""

    lanes: list[tuple[int, list[tuple[PartSample, bytes]]]]
    wall_us: int

    def part(self, sequence: int, shifts: Sequence[int]) -> bytes:
        """The part's bytes, each track moved by its shift in ticks."""
        tracks = [
            TrackPart(number, max(0, base + shift), [sample for sample, _ in samples])
            for number, ((base, samples), shift) in enumerate(zip(self.lanes, shifts, strict=True), 1)
        ]
        body = [data for _, samples in self.lanes for _, data in samples]
        return b"".join([part_header(sequence, tracks, self.wall_us), *body])


def run_tracks(archive: Archive, key: StreamKey, run_id: str) -> tuple[Track, ...]:
    """Raises Error(NOT_FOUND), Error(DATA_LOSS)."""
    return tracks_of(playback.init_bytes(archive, key, run_id))


def tracks_in(tracks: Sequence[Track], form: Form, size: tuple[int, int] | None = None) -> list[Track]:
    """What a run's tracks are in a form; `size` of the pictures instead of the run's own."""
    video, sound = video_of(tracks), sound_of(tracks)
    out: list[Track] = [video if form.video == "keep" else _video_track(video, size)]
    if sound is not None and form.sound != "none":
        heard = sound if form.sound == "keep" else aac_track(sound)
        out += [] if heard is None else [heard]
    return out


def init_in(tracks: Sequence[Track], form: Form) -> bytes:
    return init_segment(tracks_in(tracks, form))


def _video_track(video: VideoTrack, size: tuple[int, int] | None) -> VideoTrack:
    return track_of(*(size or size_of(video.width, video.height)), pixel_aspect(video.sample_entry))


class Entries:
    """Makes entries. Thread-safe."""

    def __init__(self, archive: Archive, crew: Crew) -> None:
        self._archive = archive
        self._crew = crew

    def make(self, place: Place, form: Form, claim: Claim, size: tuple[int, int] | None = None) -> Made:
        """Raises Error(NOT_FOUND, cause="file_lost"), Error(DATA_LOSS), Error(UNAVAILABLE, cause="renditions_full")."""
        tracks = run_tracks(self._archive, place.key, place.ref.run_id)
        around = self._around(place)
        lanes = [self._pictures(tracks, around, form, claim, size)]
        sound = sound_of(tracks)
        if sound is not None and len(tracks_in(tracks, form, size)) > 1:
            lanes.append(_sound(sound, around, form))
        if not any(samples for _, samples in lanes):
            raise failed("nothing could be decoded")
        return Made(lanes, around.parts[0].wall_us)

    def _around(self, place: Place) -> _Around:
        """The entry's parts, those that they hang on, and the one behind."""
        here = self._parts(place, place.ref.seq)
        inside = [n for n, (_, part) in enumerate(here) if place.start <= part.offset < place.end]
        if not inside or here[inside[0]][1].offset != place.start:
            raise _lost(place)
        first, last = inside[0], inside[-1]
        body, end = here[first : last + 1], here[last][1]
        if end.offset + end.size != place.end:
            raise _lost(place)
        behind = (here[last + 1 :] or self._parts(place, place.ref.seq + 1))[:1]
        tracks = len(run_tracks(self._archive, place.key, place.ref.run_id))
        return _Around(
            parts=[part for _, part in body],
            lead=_read(self._lead(place, here[:first], body[0][1].key), tracks),
            body=_read(body, tracks),
            behind=_read(behind, tracks),
        )

    def _parts(self, place: Place, seq: int) -> list[Lying]:
        """All of a segment's parts; none where there is no such segment."""
        found = self._archive.segment(place.key, place.ref.run_id, seq) if seq >= 0 else None
        return [] if found is None else [(found, part) for part in self._archive.parts_of(found).parts]

    def _lead(self, place: Place, before: list[Lying], key: bool) -> list[Lying]:
        """From the newest keyframe on, which may lie in the segments before; only the last part where the entry begins with
        a keyframe: sound hangs on it.
        """
        lead: list[Lying] = []
        seq = place.ref.seq
        while len(lead) < MOST_LEAD:
            for lying in reversed(before):
                lead.insert(0, lying)
                if key or lying[1].key:
                    return lead
            seq -= 1
            before = self._parts(place, seq)
            if not before:
                break
        return lead

    def _pictures(
        self,
        tracks: Sequence[Track],
        around: _Around,
        form: Form,
        claim: Claim,
        size: tuple[int, int] | None,
    ) -> tuple[int, list[tuple[PartSample, bytes]]]:
        number = next(n for n, track in enumerate(tracks) if isinstance(track, VideoTrack))
        body = around.body[number]
        if form.video == "keep":
            return _as_they_are(body)
        video = video_of(tracks)
        start = around.parts[0].start_ticks
        end = around.parts[-1].start_ticks + around.parts[-1].duration_ticks
        sar = pixel_aspect(video.sample_entry)
        out = size or size_of(video.width, video.height)
        first = min((s.dts + s.cts for s in body), default=start)
        job = Job(video.codec, video.parameter_sets, *out, sar, from_ticks=first, at_once=False)
        packets = [Packet(s.dts + s.cts, s.key, s.data) for s in [*around.lead[number], *body]]
        made = self._crew.convert(job, packets, claim)
        pictures = made.pictures
        times = [picture.pts for picture in pictures]
        samples = [
            (PartSample(max(after - at, 1), len(picture.data), 0, picture.key), picture.data)
            for picture, at, after in zip(pictures, times, [*times[1:], max(end, first + 1)], strict=False)
        ]
        return (times[0] if times else start), samples


@dataclass(frozen=True, slots=True)
class _Around:
    """An entry's parts, and the samples of each track: before it, in it, and behind it."""

    parts: list[PartEntry]
    lead: list[list[Stored]]
    body: list[list[Stored]]
    behind: list[list[Stored]]


def _sound(track: AudioTrack, around: _Around, form: Form) -> tuple[int, list[tuple[PartSample, bytes]]]:
    body = around.body[1]
    if form.sound == "keep":
        return _as_they_are(body)
    start = around.parts[0].start_ticks * track.timescale // VIDEO_TIMESCALE
    end = (
        (around.parts[-1].start_ticks + around.parts[-1].duration_ticks) * track.timescale // VIDEO_TIMESCALE
    )
    # Frames begin at multiples of their length, so the entry before and the one behind fit on.
    begin, stop = -(-start // FRAME) * FRAME, -(-end // FRAME) * FRAME
    converter = SoundConverter(track)
    made = []
    for sample in [*around.lead[1], *body, *around.behind[1]]:
        if begin - LOOK_AHEAD <= sample.dts + sample.duration and sample.dts < stop + LOOK_AHEAD:
            made += converter.add(sample.dts, sample.data)
    made += converter.finish()
    frames = [frame for frame in made if begin <= frame.pts < stop]
    samples = [(PartSample(FRAME, len(frame.data), 0, True), frame.data) for frame in frames]
    return (frames[0].pts if frames else begin), samples


def _as_they_are(body: list[Stored]) -> tuple[int, list[tuple[PartSample, bytes]]]:
    samples = [(PartSample(s.duration, len(s.data), s.cts, s.key), s.data) for s in body]
    return (body[0].dts if body else 0), samples


def _read(parts: Sequence[Lying], tracks: int) -> list[list[Stored]]:
    """Samples of parts, for each track in order."""
    lanes: list[list[Stored]] = [[] for _ in range(tracks)]
    for found, part in parts:
        with FileReader(found.volume.path / found.row.path) as reader:
            data = reader.read(part.offset, part.size)
        moof = find(data, b"moof")
        if moof is None or len(data) < part.size:
            raise _damaged(found, part)
        header = data[moof.start : moof.end]
        columns = part_columns(header)
        for number, samples in part_samples(header).items():
            if not 1 <= number <= tracks:
                continue
            dts = columns[number].base_ticks
            for sample in samples:
                begin = moof.start + sample.offset
                body = data[begin : begin + sample.size]
                lanes[number - 1].append(Stored(dts, sample.cts, sample.duration, sample.key, body))
                dts += sample.duration
    return lanes


def _lost(place: Place) -> Error:
    return Error(
        Kind.NOT_FOUND,
        f"no piece {place.ref.id} {place.start}-{place.end}",
        hint="It may have expired: reload the page.",
        cause="file_lost",
    )


def _damaged(found: Found, part: PartEntry) -> Error:
    return Error(
        Kind.DATA_LOSS,
        f"{found.row.path} is damaged at byte {part.offset}",
        hint="Run `luytre check --repair`, and choose a time around it meanwhile.",
        cause="file_lost",
    )
