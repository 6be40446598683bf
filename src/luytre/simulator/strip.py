"""A clock for machines, drawn into the picture: one row of black and white blocks.

Promises   write() and read() are inverse; read() says None rather than a wrong time.
Layout     48 blocks at the lower left: 40 bits milliseconds since 1970 modulo 2**40, most significant first,
           then 8 bits of CRC over them. A white block before and a black block behind the row mark it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Gray = npt.NDArray[np.uint8]

BITS = 48
PERIOD_MS = 1 << 40
WHITE, BLACK = 235, 16


def block_size(width: int) -> int:
    """Side of one block in pixels of a picture of this width: small, and yet safe from the encoder."""
    return max(4, width // 80 & ~1)


def place(width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the row with its two marks."""
    size = block_size(width)
    top = height - 2 * size
    return size, top, size * (BITS + 3), top + size


def encode(millis: int) -> list[int]:
    """The 48 bits for a time."""
    value = millis % PERIOD_MS
    word = value << 8 | _crc8(value)
    return [word >> (BITS - 1 - index) & 1 for index in range(BITS)]


def write(luma: Gray, millis: int) -> None:
    """Draw into the luma plane of a picture."""
    height, width = luma.shape
    left, top, right, bottom = place(width, height)
    row = np.array([1, *encode(millis), 0], dtype=np.uint8) * (WHITE - BLACK) + BLACK
    luma[top:bottom, left:right] = np.repeat(row, block_size(width))


def read(luma: Gray) -> int | None:
    """Milliseconds since 1970 modulo 2**40 out of a decoded luma or gray plane; None when unreadable."""
    height, width = luma.shape
    left, top, right, bottom = place(width, height)
    size = block_size(width)
    if right > width:
        return None
    inner = luma[top + size // 4 : bottom - size // 4, left:right]
    means = inner.reshape(inner.shape[0], BITS + 2, size)[:, :, size // 4 : size - size // 4].mean(
        axis=(0, 2)
    )
    white, *bits, black = (means > (WHITE + BLACK) / 2).tolist()
    if not white or black:
        return None
    word = 0
    for bit in bits:
        word = word << 1 | bit
    value = word >> 8
    return value if word & 0xFF == _crc8(value) else None


def _crc8(value: int) -> int:
    """CRC-8 with polynomial x^8 + x^2 + x + 1 over 5 bytes, started at 0xFF so that black is not valid."""
    crc = 0xFF
    for byte in value.to_bytes(5, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07) & 0xFF if crc & 0x80 else crc << 1
    return crc
