"""Drawing without colour conversion: I420 planes in one array, pre-drawn figures put in and taken out again.

Promises   a frame costs what moves in it: figures restore what was under them, text changes cell by cell.
Does not   know what a street looks like (scene.py does).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Figure:
    """Something that moves: even size, planes and where they are solid."""

    luma: Bytes
    u: Bytes
    v: Bytes
    solid: Mask
    solid_half: Mask


def planes(width: int, height: int, data: Bytes) -> tuple[Bytes, Bytes, Bytes]:
    """Views of Y, U and V in an I420 array of height * 3 / 2 rows."""
    flat = data.reshape(-1)
    area = width * height
    u = flat[area : area + area // 4].reshape(height // 2, width // 2)
    v = flat[area + area // 4 :].reshape(height // 2, width // 2)
    return flat[:area].reshape(height, width), u, v


def to_i420(picture: Bytes) -> Bytes:
    """BGR to I420, done once per drawing."""
    return np.ascontiguousarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)


def figure(picture: Bytes, solid: Bytes) -> Figure:
    """A figure of a BGR drawing with even sides and a mask (0 where one sees through)."""
    height, width = solid.shape
    luma, u, v = planes(width, height, to_i420(picture))
    return Figure(luma, u, v, solid > 0, solid[::2, ::2] > 0)


class Canvas:
    """The picture of now: `data` is I420 of (height * 3 / 2, width), changed in place."""

    def __init__(self, background: Bytes) -> None:
        """`background` is BGR with even sides."""
        self.height, self.width = background.shape[:2]
        self._behind = planes(self.width, self.height, to_i420(background))
        self.data = to_i420(background)
        self.planes = planes(self.width, self.height, self.data)
        self._dirty: list[tuple[int, int, int, int]] = []

    def clear(self) -> None:
        """Take all figures out."""
        for left, top, right, bottom in self._dirty:
            for plane, behind, half in zip(self.planes, self._behind, (1, 2, 2), strict=True):
                area = np.s_[top // half : bottom // half, left // half : right // half]
                plane[area] = behind[area]
        self._dirty.clear()

    def put(self, what: Figure, left: int, top: int) -> None:
        """Put a figure in; what reaches over the edge is cut. The place is rounded to even pixels."""
        left, top = left & ~1, top & ~1
        height, width = what.luma.shape
        x0, y0 = max(0, left), max(0, top)
        x1, y1 = min(self.width, left + width), min(self.height, top + height)
        if x0 >= x1 or y0 >= y1:
            return
        self._dirty.append((x0, y0, x1, y1))
        masks = (what.solid, what.solid_half, what.solid_half)
        for plane, part, mask, half in zip(
            self.planes, (what.luma, what.u, what.v), masks, (1, 2, 2), strict=True
        ):
            source = np.s_[(y0 - top) // half : (y1 - top) // half, (x0 - left) // half : (x1 - left) // half]
            target = plane[y0 // half : y1 // half, x0 // half : x1 // half]
            np.copyto(target, part[source], where=mask[source])


class Text:
    """A line of figures on black that changes often: each character has its cell, drawn once and copied."""

    def __init__(self, left: int, top: int, height: int, letters: str = "0123456789/:. ") -> None:
        self.left, self.top, self.height = left, top, height
        self.cell = round(height * 0.56)
        self._shown = ""
        self._cells: dict[str, Bytes] = {}
        scale = height / 34
        for letter in letters:
            cell = np.full((height, self.cell), 16, dtype=np.uint8)
            thickness = max(1, round(scale * 1.6))
            (wide, _), _ = cv2.getTextSize(letter, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
            origin = ((self.cell - wide) // 2, round(height * 0.78))
            cv2.putText(cell, letter, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 235, thickness, cv2.LINE_AA)
            self._cells[letter] = cell

    def width(self, count: int) -> int:
        return self.cell * count

    def write(self, luma: Bytes, text: str) -> None:
        """Bring the line up to `text`, touching only the characters that changed."""
        shown = self._shown.ljust(len(text), "\0")
        for index, (old, new) in enumerate(zip(shown, text, strict=False)):
            if old != new:
                x = self.left + index * self.cell
                luma[self.top : self.top + self.height, x : x + self.cell] = self._cells[new]
        self._shown = text
