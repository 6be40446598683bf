"""HLS media playlists over byte ranges of fragmented MP4 files (RFC 8216, version 7).

Promises   one line set per part: gaps are discontinuities, each part says its wall time.
Does not   know where files lie or who may read them: addresses come ready in the entries.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from luytre.base.clock import to_datetime
from luytre.base.errors import Error, Kind

MEDIA_TYPE = "application/vnd.apple.mpegurl"


@dataclass(frozen=True, slots=True)
class HlsPart:
    """One part: bytes [offset, offset + size) of `uri`; `map_uri` is its init segment.

    size            None: all of `uri`
    discontinuity   the part does not continue the one before: a gap, another run, other parameter sets
    """

    uri: str
    offset: int
    size: int | None
    duration_s: float
    wall_us: int
    map_uri: str
    discontinuity: bool = False


def media_playlist(
    entries: Sequence[HlsPart],
    *,
    kind: Literal["VOD", "EVENT"] = "VOD",
    ended: bool | None = None,
    independent: bool = False,
) -> str:
    """A media playlist.

    ended         whether EXT-X-ENDLIST closes it; by default a VOD is closed and an EVENT is not
    independent   each part starts with a keyframe (EXT-X-INDEPENDENT-SEGMENTS)
    Raises Error(INVALID) for an address with a line break or a quotation mark in it.
    """
    longest = max((part.duration_s for part in entries), default=1.0)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        # 4.3.3.1: no duration, rounded to the nearest integer, may exceed it.
        f"#EXT-X-TARGETDURATION:{max(1, math.ceil(longest))}",
        f"#EXT-X-PLAYLIST-TYPE:{kind}",
        "#EXT-X-MEDIA-SEQUENCE:0",
    ]
    if independent:
        lines.append("#EXT-X-INDEPENDENT-SEGMENTS")
    current_map: str | None = None
    for index, part in enumerate(entries):
        if part.discontinuity and index:
            lines.append("#EXT-X-DISCONTINUITY")
        if part.map_uri != current_map:
            current_map = part.map_uri
            lines.append(f'#EXT-X-MAP:URI="{_address(part.map_uri)}"')
        lines.append(f"#EXT-X-PROGRAM-DATE-TIME:{_date_time(part.wall_us)}")
        lines.append(f"#EXTINF:{part.duration_s:.6f},")
        if part.size is not None:
            lines.append(f"#EXT-X-BYTERANGE:{part.size}@{part.offset}")
        lines.append(_address(part.uri))
    if ended if ended is not None else kind == "VOD":
        lines.append("#EXT-X-ENDLIST")
    return "\n".join(lines) + "\n"


def _address(uri: str) -> str:
    if not uri or uri.startswith("#") or any(letter in uri for letter in '"\r\n'):
        raise Error(
            Kind.INVALID,
            "an address that cannot stand in a playlist",
            hint="Camera codes and stream names must not hold quotation marks or line breaks.",
        )
    return uri


def _date_time(wall_us: int) -> str:
    """ISO 8601 with milliseconds, always (4.3.2.6 recommends them; some players take no other form)."""
    return to_datetime(wall_us).isoformat(timespec="milliseconds").replace("+00:00", "Z")
