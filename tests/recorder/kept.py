"""What a ward's archive holds of a camera, picture by picture, against what the camera sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from luytre.archive.catalog import Archive
from luytre.archive.keys import Coverage, Span, StreamKey
from luytre.archive.playback import Located
from luytre.media.nal import nal_spans
from luytre.media.tracks import Sample
from tests.recorder.camera import pictures
from tests.recorder.ward import Ward


def slices(nals: Iterable[bytes], codec: str) -> bytes:
    """Only the coded pictures: servers add and remove what stands in front of them."""
    if codec == "h265":
        return b"".join(nal for nal in nals if nal[0] >> 1 & 0x3F < 32)
    return b"".join(nal for nal in nals if 1 <= nal[0] & 0x1F <= 5)


def nals_of(sample: Sample) -> tuple[bytes, ...]:
    return tuple(sample.data[a:b] for a, b in nal_spans(sample.data))


def kept(ward: Ward, camera: str) -> list[Sample]:
    """In the order of the files; `pts` in 1/90000 s from the start of each run."""
    archive, key, found = Archive([ward.volume]), StreamKey(camera, "main"), list[Located]()
    for segment in archive.segments(key, Span(0, 1 << 62)):
        table = archive.parts_of(segment)
        found += [Located(key, segment, entry, table.end_of(n)) for n, entry in enumerate(table.parts)]
    return list(pictures(found))


def numbers(samples: Sequence[Sample], sent: Sequence[bytes], codec: str) -> list[int | None]:
    """Which of the pictures that were sent each one is, None where it is damaged. Those sent must all differ."""
    known = {data: number for number, data in enumerate(sent)}
    assert len(known) == len(sent)
    return [known.get(slices(nals_of(sample), codec)) for sample in samples]


def spoiled(found: Sequence[int | None], loop: int) -> int:
    """Pictures between the first and the last intact one that are not there or damaged; `loop` were sent in turn."""
    intact = [number for number in found if number is not None]
    passed = sum((after - before - 1) % loop + 1 for before, after in pairwise(intact))
    return passed + 1 - len(intact)


def length_s(coverage: Coverage) -> float:
    return sum(span.end_us - span.start_us for span in coverage.spans) / 1e6
