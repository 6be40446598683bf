"""Recorded pictures in a form that a viewer decodes: playlists, their pieces, and one file.

Promises   originals stay what they are and are named wherever they can be decoded; what is made lives in memory only, within
           a bound, and is made once for all who ask.
Does not   ask who may see it: viewing does.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from luytre.archive import playback
from luytre.archive.catalog import Archive, Found
from luytre.archive.keys import Span, StreamKey
from luytre.base.clock import US_PER_S
from luytre.base.errors import Error
from luytre.cameras.renditions.entries import Entries, Place, init_in, run_tracks, tracks_in
from luytre.cameras.renditions.form import ORIGINAL, Codecs, Form, form_of, size_of, sound_of, video_of
from luytre.cameras.renditions.places import Claim
from luytre.cameras.renditions.workers import Crew
from luytre.media.fmp4.write import init_segment
from luytre.media.hls import HlsPart, media_playlist
from luytre.media.tracks import VIDEO_TIMESCALE, Track

# About four minutes of renditions at the highest bit rate.
KEPT_BYTES: Final = 64 << 20
KEPT_RUNS: Final = 1024
# How long a player waits for a place, and a download.
PATIENCE_S: Final = 8.0
FILM_PATIENCE_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What a viewer decodes, and how the addresses of renditions are made: `piece_uri(stream, form, segment, start, end)`,
    `init_uri(stream, form, run)`.
    """

    codecs: Codecs
    piece_uri: Callable[[str, str, str, int, int], str]
    init_uri: Callable[[str, str, str], str]


@dataclass(frozen=True, slots=True)
class Film:
    """A converted span as one fragmented MP4, whose chunks are made as they are read: that may wait for minutes, and raises
    as `Entries.make`.
    """

    chunks: Iterator[bytes]
    start_us: int
    end_us: int


class Recorded:
    """Thread-safe."""

    def __init__(self, archive: Archive, crew: Crew) -> None:
        self._archive = archive
        self._entries = Entries(archive, crew)
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Place, Form], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._turns: dict[tuple[Place, Form], threading.Lock] = {}
        self._runs: OrderedDict[tuple[StreamKey, str], tuple[str, ...]] = OrderedDict()

    def playlist(
        self,
        keys: Sequence[StreamKey],
        span: Span,
        wish: Wish,
        uri: Callable[[StreamKey, playback.SegmentRef], str],
        init_uri: Callable[[StreamKey, str], str],
    ) -> str:
        """As `archive.playback.playlist`. Of several streams each moment is taken from the first that the viewer decodes,
        and from the first that has it where none can be decoded.
        """
        takes = None
        if len(keys) > 1:
            keys = [*keys, *keys]
            count = len(keys) // 2

            def takes(place: int, found: Found) -> bool:
                form = self._form(keys[place], found.row.run_id, wish.codecs)
                return place >= count or form.video == "keep"

        def converted(part: playback.Located) -> bool:
            return self._form(part.key, part.found.row.run_id, wish.codecs).video != "keep"

        parts = []
        for entry in playback.entries(self._archive, keys, span, takes, converted):
            form = self._form(entry.key, entry.ref.run_id, wish.codecs)
            name, run = entry.key.stream, entry.ref.run_id
            end = entry.offset + entry.size
            size: int | None = entry.size
            at = entry.offset
            if form == ORIGINAL:
                address = uri(entry.key, entry.ref)
                init = init_uri(entry.key, run)
            else:
                address, size = wish.piece_uri(name, form.name, entry.ref.id, entry.offset, end), None
                init = wish.init_uri(name, form.name, run)
            seconds = entry.ticks / VIDEO_TIMESCALE
            parts.append(HlsPart(address, at, size, seconds, entry.first.entry.wall_us, init, entry.broken))
        return media_playlist(parts)

    def init(self, key: StreamKey, run: str, form: Form) -> bytes:
        """Raises Error(NOT_FOUND)."""
        return init_in(run_tracks(self._archive, key, run), form)

    def piece(self, place: Place, form: Form) -> bytes:
        """One entry. Raises as `Entries.make`."""
        wanted = (place, form)
        with self._lock:
            turn = self._turns.setdefault(wanted, threading.Lock())
        try:
            with turn:
                known = self._known(wanted)
                if known is None:
                    made = self._entries.make(place, form, Claim(PATIENCE_S))
                    known = made.part(1, [0] * len(made.lanes))
                    self._keep(wanted, known)
                return known
        finally:
            with self._lock:
                self._turns.pop(wanted, None)

    def film(self, key: StreamKey, span: Span, codecs: Codecs) -> Film | None:
        """A span as one file; None where the original can be decoded. Raises Error(NOT_FOUND)."""
        found = list(playback.entries(self._archive, [key], span, None, lambda _: True))
        runs = {
            run: run_tracks(self._archive, key, run) for run in {entry.ref.run_id: None for entry in found}
        }
        forms = {run: self._form(key, run, codecs) for run in runs}
        if all(form == ORIGINAL for form in forms.values()):
            return None
        plan = _Plan.of(list(runs.values()), list(forms.values()))
        first = found[0].first.entry.wall_us
        return Film(self._film_parts(found, runs, plan, first), first, found[-1].last.end_us)

    def _film_parts(
        self,
        found: Sequence[playback.Entry],
        runs: dict[str, tuple[Track, ...]],
        plan: _Plan,
        begin_us: int,
    ) -> Iterator[bytes]:
        run, shift = "", 0
        for sequence, entry in enumerate(found, 1):
            if entry.ref.run_id != run:
                run, part = entry.ref.run_id, entry.first.entry
                shift = (part.wall_us - begin_us) * VIDEO_TIMESCALE // US_PER_S - part.start_ticks
            place = Place(entry.key, entry.ref, entry.offset, entry.offset + entry.size)
            claim = Claim(FILM_PATIENCE_S, is_film=True)
            made = self._entries.make(place, plan.form_of(runs[run]), claim, plan.size)
            shifts = [shift * track.timescale // VIDEO_TIMESCALE for track in plan.out]
            data = made.part(sequence, shifts[: len(made.lanes)])
            yield init_segment(plan.out) + data if sequence == 1 else data

    def _form(self, key: StreamKey, run: str, codecs: Codecs) -> Form:
        with self._lock:
            names = self._runs.get((key, run))
        if names is None:
            try:
                names = tuple(track.codec for track in run_tracks(self._archive, key, run))
            except Error:
                # The original's own address says what is wrong with it.
                return ORIGINAL
            with self._lock:
                self._runs[key, run] = names
                while len(self._runs) > KEPT_RUNS:
                    self._runs.popitem(last=False)
        return form_of(names, codecs)

    def _known(self, wanted: tuple[Place, Form]) -> bytes | None:
        with self._lock:
            known = self._kept.get(wanted)
            if known is not None:
                self._kept.move_to_end(wanted)
            return known

    def _keep(self, wanted: tuple[Place, Form], made: bytes) -> None:
        with self._lock:
            self._kept[wanted] = made
            self._kept_bytes += len(made)
            while self._kept_bytes > KEPT_BYTES and len(self._kept) > 1:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])


@dataclass(frozen=True, slots=True)
class _Plan:
    """One file has one set of tracks: those of the first run, and what of later runs fits to them."""

    form: Form
    out: list[Track]
    size: tuple[int, int]

    @staticmethod
    def of(runs: Sequence[tuple[Track, ...]], forms: Sequence[Form]) -> _Plan:
        first = video_of(runs[0])
        alike = all(video_of(tracks).sample_entry == first.sample_entry for tracks in runs)
        keep = alike and all(form.video == "keep" for form in forms)
        form = Form("keep" if keep else "h264", forms[0].sound)
        size = size_of(first.width, first.height)
        return _Plan(form, tracks_in(runs[0], form, size), size)

    def form_of(self, tracks: Sequence[Track]) -> Form:
        """The plan's, without sound that does not fit."""
        if len(self.out) > 1 and sound_of(tracks) is not None:
            ours = tracks_in(tracks, self.form, self.size)
            if len(ours) > 1 and ours[1].sample_entry == self.out[1].sample_entry:
                return self.form
        return Form(self.form.video, "none")
