"""Reading bits out of RBSP: the common ground of the H.264, H.265 and AAC headers.

Promises   reads past the end raise Error(INVALID, cause="bad_media"); nothing here loops or allocates by what
           a hostile number says.
Does not   know any syntax element.
"""

from __future__ import annotations

from luytre.base.errors import Error, Kind

# ue(v) of more than 32 bits appears in no syntax element (ISO/IEC 14496-10, 9.1): a longer prefix is damage.
_LONGEST_PREFIX = 32


def damaged(what: str) -> Error:
    """The error for media that cannot be understood."""
    return Error(
        Kind.INVALID,
        what,
        hint="The camera's stream is damaged: restart the camera, or choose another profile of it.",
        cause="bad_media",
    )


def unescape(nal: bytes) -> bytes:
    """RBSP of a NAL unit: emulation prevention removed (ISO/IEC 14496-10, 7.4.1.1), header kept."""
    return nal.replace(b"\x00\x00\x03", b"\x00\x00")


class BitReader:
    """Big-endian bits of `data`, which must already be free of emulation prevention."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = len(data) * 8

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return self._end - self._position

    def bits(self, count: int) -> int:
        """The next `count` bits as an unsigned number; 0 bits are 0."""
        start = self._position
        end = start + count
        if end > self._end:
            raise damaged(f"header ends {end - self._end} bits too early")
        self._position = end
        whole = int.from_bytes(self._data[start >> 3 : (end + 7) >> 3], "big")
        return (whole >> (-end & 7)) & ((1 << count) - 1)

    def flag(self) -> bool:
        return self.bits(1) == 1

    def skip(self, count: int) -> None:
        if self._position + count > self._end:
            raise damaged(f"header ends {self._position + count - self._end} bits too early")
        self._position += count

    def ue(self) -> int:
        """Unsigned Exp-Golomb (ISO/IEC 14496-10, 9.1): 0 .. 2**32 - 2."""
        zeros = 0
        while not self.bits(1):
            zeros += 1
            if zeros > _LONGEST_PREFIX:
                raise damaged("header holds an Exp-Golomb number of more than 32 bits")
        return (1 << zeros) - 1 + self.bits(zeros)

    def se(self) -> int:
        """Signed Exp-Golomb (ISO/IEC 14496-10, 9.1.1)."""
        code = self.ue()
        return (code + 1) >> 1 if code & 1 else -(code >> 1)
