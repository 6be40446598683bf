"""A drawn street corner with a clock: motorbikes and people pass, each camera's differs.

Promises   the clock in the picture and the strip for machines (strip.py) show the moment that was asked for.
Does not   encode; a frame is one I420 array that the next frame changes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import cv2
import numpy as np

from luytre.base.clock import to_datetime
from luytre.simulator import strip
from luytre.simulator.canvas import Bytes, Canvas, Figure, Text, figure

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SMALLEST = (320, 160)
_CLOCK = len("22/11/2026 14:05:07.3")
_HOUSES = (
    (150, 196, 222),
    (120, 176, 205),
    (180, 200, 160),
    (140, 150, 190),
    (205, 195, 175),
    (160, 180, 210),
)
_SHIRTS = ((60, 60, 200), (190, 120, 40), (60, 160, 70), (40, 170, 220), (150, 60, 140), (220, 220, 220))
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Mover:
    """Where a figure is at a time: it comes in at one side, leaves at the other, and comes again."""

    shape: Figure
    speed: float
    phase: float
    top: int
    period: float

    def left(self, seconds: float, width: int) -> int:
        span = self.period * abs(self.speed)
        way = (seconds * abs(self.speed) + self.phase * span) % span
        own = self.shape.luma.shape[1]
        return round(way - own) if self.speed > 0 else round(width - way)


class Scene:
    """One camera's view. Sides are even and at least SMALLEST; `number` chooses houses, colours and traffic."""

    def __init__(self, number: int, width: int, height: int, label: str) -> None:
        if width < SMALLEST[0] or height < SMALLEST[1] or width % 2 or height % 2:
            raise ValueError(f"a scene of {width}x{height} has no room for its clocks")
        dice = random.Random(number)
        self.width, self.height = width, height
        self._text = Text(round(width * 0.015), round(height * 0.02), max(14, height // 20 & ~1))
        background = _street(dice, width, height)
        self._frame_texts(background, label)
        self._canvas = Canvas(background)
        self._movers = sorted(
            _movers(dice, width, height), key=lambda mover: mover.top + mover.shape.luma.shape[0]
        )

    def _frame_texts(self, picture: Bytes, label: str) -> None:
        text, width, height = self._text, self.width, self.height
        panel = (text.left - 2, text.top), (text.left + text.width(_CLOCK) + 2, text.top + text.height)
        cv2.rectangle(picture, *panel, (0, 0, 0), cv2.FILLED)
        left, top, right, bottom = strip.place(width, height)
        margin = strip.block_size(width) // 2
        cv2.rectangle(
            picture, (left - margin, top - margin), (right + margin, bottom + margin), (0, 0, 0), cv2.FILLED
        )
        scale = text.height / 34
        thickness = max(1, round(scale * 1.6))
        (wide, _), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
        origin = (width - wide - text.left, height - round(height * 0.03))
        for colour, weight in (((0, 0, 0), thickness + 2), ((255, 255, 255), thickness)):
            cv2.putText(picture, label, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, weight, cv2.LINE_AA)

    def draw(self, wall_us: int) -> Bytes:
        """The picture of a moment: I420, shape (height * 3 / 2, width), valid until the next call."""
        canvas = self._canvas
        canvas.clear()
        seconds = wall_us / 1e6
        for mover in self._movers:
            canvas.put(mover.shape, mover.left(seconds, self.width), mover.top)
        luma = canvas.planes[0]
        self._text.write(luma, clock_text(wall_us))
        strip.write(luma, wall_us // 1000)
        return canvas.data


def clock_text(wall_us: int) -> str:
    """`22/11/2026 14:05:07.3` in Viet Nam's time."""
    moment = to_datetime(wall_us).astimezone(ZONE)
    return f"{moment:%d/%m/%Y %H:%M:%S}.{moment.microsecond // 100_000}"


def _street(dice: random.Random, width: int, height: int) -> Bytes:
    """Sky, a row of tube houses, pavement, road; some grain, so that it does not compress like a cartoon."""
    picture = np.zeros((height, width, 3), dtype=np.uint8)
    horizon, kerb = round(height * 0.46), round(height * 0.56)
    rows = np.linspace(0, 1, horizon)[:, None]
    sky = np.array((235, 205, 160)) * (1 - rows) + np.array((240, 235, 225)) * rows
    picture[:horizon] = sky[:, None, :].astype(np.uint8)
    x = -dice.randrange(round(width * 0.05))
    while x < width:
        wide = round(width * dice.uniform(0.07, 0.12))
        _house(dice, picture, x, wide, horizon, kerb)
        x += wide
    cv2.rectangle(picture, (0, kerb), (width, round(height * 0.63)), (150, 158, 162), cv2.FILLED)
    cv2.rectangle(picture, (0, round(height * 0.63)), (width, height), (92, 92, 90), cv2.FILLED)
    for dash in range(-dice.randrange(width // 8), width, width // 8):
        y = round(height * 0.8)
        cv2.rectangle(
            picture, (dash, y), (dash + width // 18, y + max(2, height // 120)), (215, 220, 220), cv2.FILLED
        )
    for _ in range(2):
        _tree(dice, picture, round(width * dice.uniform(0.05, 0.95)), kerb, height)
    noise = np.random.default_rng(dice.randrange(1 << 30)).normal(0, 3.5, picture.shape)
    grainy: Bytes = np.clip(picture + cv2.GaussianBlur(noise, (3, 3), 0), 0, 255).astype(np.uint8)
    return grainy


def _house(dice: random.Random, picture: Bytes, x: int, wide: int, horizon: int, kerb: int) -> None:
    top = round(horizon * dice.uniform(0.25, 0.75))
    colour = dice.choice(_HOUSES)
    cv2.rectangle(picture, (x, top), (x + wide, kerb), colour, cv2.FILLED)
    dark: Colour = (colour[0] // 2, colour[1] // 2, colour[2] // 2)
    cv2.rectangle(picture, (x, top), (x + wide, kerb), dark, 1)
    floor = max(12, (kerb - top) // 4)
    for y in range(top + floor // 4, kerb - floor, floor):
        for column in (0.15, 0.58):
            left = x + round(wide * column)
            cv2.rectangle(
                picture, (left, y), (left + round(wide * 0.27), y + floor // 2), (110, 90, 70), cv2.FILLED
            )
    door = kerb - floor
    cv2.rectangle(picture, (x + wide // 8, door), (x + wide * 7 // 8, kerb), (70, 70, 74), cv2.FILLED)
    sign = dice.choice(((40, 40, 200), (180, 90, 20), (30, 140, 220), (60, 150, 60)))
    cv2.rectangle(picture, (x + wide // 12, door - floor // 4), (x + wide * 11 // 12, door), sign, cv2.FILLED)


def _tree(dice: random.Random, picture: Bytes, x: int, kerb: int, height: int) -> None:
    trunk = round(height * 0.22)
    cv2.rectangle(picture, (x, kerb - trunk), (x + max(2, height // 90), kerb), (50, 70, 90), cv2.FILLED)
    for _ in range(9):
        at = (
            x + round(dice.gauss(0, height * 0.035)),
            kerb - trunk - round(abs(dice.gauss(0, height * 0.03))),
        )
        green: Colour = (40 + dice.randrange(30), 95 + dice.randrange(50), 50 + dice.randrange(30))
        cv2.circle(picture, at, round(height * dice.uniform(0.03, 0.05)), green, cv2.FILLED, cv2.LINE_AA)


def _movers(dice: random.Random, width: int, height: int) -> list[_Mover]:
    movers = []
    for lane in range(3):
        direction = -1 if lane == 0 else 1
        shape = _motorbike(dice, height, facing=direction)
        top = round(height * (0.62 + 0.09 * lane))
        speed = direction * width * dice.uniform(0.16, 0.28)
        movers.append(_Mover(shape, speed, dice.random(), top, dice.uniform(6, 11)))
    for _ in range(2):
        speed = dice.choice((-1, 1)) * width * dice.uniform(0.025, 0.045)
        movers.append(
            _Mover(_person(dice, height), speed, dice.random(), round(height * 0.47), dice.uniform(42, 60))
        )
    return movers


def _motorbike(dice: random.Random, height: int, *, facing: int) -> Figure:
    high = round(height * 0.17) & ~1
    wide = round(high * 1.2) & ~1
    picture, solid = np.zeros((high, wide, 3), dtype=np.uint8), np.zeros((high, wide), dtype=np.uint8)
    wheel = round(high * 0.17)
    body = (round(wide * 0.2), round(high * 0.55)), (round(wide * 0.82), round(high * 0.75))
    shirt = (round(wide * 0.36), round(high * 0.2)), (round(wide * 0.62), round(high * 0.6))
    head = (round(wide * 0.52), round(high * 0.13))
    shirt_colour, body_colour, helmet = dice.choice(_SHIRTS), dice.choice(_SHIRTS), dice.choice(_SHIRTS)
    for layer, colours in (
        (picture, (body_colour, shirt_colour, helmet, (25, 25, 25))),
        (solid, ((255,) * 3,) * 4),
    ):
        cv2.rectangle(layer, *body, colours[0], cv2.FILLED)
        cv2.rectangle(layer, *shirt, colours[1], cv2.FILLED)
        cv2.circle(layer, head, round(high * 0.12), colours[2], cv2.FILLED)
        for column in (0.2, 0.8):
            cv2.circle(layer, (round(wide * column), high - wheel - 1), wheel, colours[3], cv2.FILLED)
    if facing < 0:
        picture, solid = np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(solid[:, ::-1])
    return figure(picture, solid)


def _person(dice: random.Random, height: int) -> Figure:
    high = round(height * 0.15) & ~1
    wide = round(high * 0.4) & ~1
    picture, solid = np.zeros((high, wide, 3), dtype=np.uint8), np.zeros((high, wide), dtype=np.uint8)
    body = (wide // 2, round(high * 0.42)), (round(wide * 0.32), round(high * 0.24))
    legs = (round(wide * 0.28), round(high * 0.55)), (round(wide * 0.72), high - 1)
    for layer, colours in (
        (picture, (dice.choice(_SHIRTS), (70, 50, 40), (150, 180, 215))),
        (solid, ((255,) * 3,) * 3),
    ):
        cv2.rectangle(layer, *legs, colours[1], cv2.FILLED)
        cv2.ellipse(layer, *body, 0, 0, 360, colours[0], cv2.FILLED)
        cv2.circle(layer, (wide // 2, round(high * 0.11)), round(high * 0.1), colours[2], cv2.FILLED)
    return figure(picture, solid)
