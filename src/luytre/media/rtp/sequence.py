"""RTP sequence numbers and timestamps (RFC 3550 section 5.1 and appendix A.1)."""

from __future__ import annotations

_HALF = 1 << 31
# A jump by more is a source that begins anew, not packets lost (RFC 3550 appendix A.1).
MAX_DROPOUT = 3000


class TimestampUnwrapper:
    """32-bit RTP timestamps to 64-bit ticks that do not wrap; goes both ways, as B-frames do."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last: int | None = None

    def unwrap(self, timestamp: int) -> int:
        """The value nearest to the previous one that is congruent to `timestamp` modulo 2**32."""
        last = self._last
        if last is None:
            self._last = timestamp
            return timestamp
        delta = (timestamp - last + _HALF & 0xFFFF_FFFF) - _HALF
        self._last = last + delta
        return self._last


def lost_between(previous: int, current: int) -> int:
    """Packets missing between two sequence numbers; 0 when `current` follows, -1 when it repeats or goes back."""
    gap = (current - previous - 1) & 0xFFFF
    return gap if gap < 0x8000 else -1
