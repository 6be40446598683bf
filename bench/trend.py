"""Does a number grow? A straight line through its samples, and how far that line can be trusted.

Promises   the error counts samples that resemble the one before for less: memory does not jump about like dice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, sqrt

# So many errors above the limit and it is not chance.
SURE = 2.0


@dataclass(frozen=True, slots=True)
class Trend:
    """`slope` per unit of x, with its standard `error` (infinite where nothing can be said)."""

    slope: float
    error: float

    def exceeds(self, most: float) -> bool:
        """Beyond doubt."""
        return self.slope - SURE * self.error > most


def trend(xs: Sequence[float], ys: Sequence[float]) -> Trend:
    """Least squares; the error with as many samples as there would be if all were independent (first-order
    autocorrelation of the residuals).
    """
    count = len(xs)
    if count < 3 or len(set(xs)) < 3:
        return Trend(0.0, inf)
    x_mean, y_mean = sum(xs) / count, sum(ys) / count
    spread = sum((x - x_mean) ** 2 for x in xs)
    slope = sum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True)) / spread
    rest = [y - y_mean - slope * (x - x_mean) for x, y in zip(xs, ys, strict=True)]
    squares = sum(value * value for value in rest)
    if squares <= 0.0:
        return Trend(slope, 0.0)
    alike = max(0.0, min(0.99, sum(a * b for a, b in pairwise(rest)) / squares))
    independent = max(3.0, count * (1 - alike) / (1 + alike))
    return Trend(
        slope, sqrt(squares / count * independent / (independent - 2) * (count / independent) / spread)
    )


def steps_up(values: Sequence[float]) -> float:
    """By how much both the least and the most of the last third are above those of the first: what is left behind
    stays, what only happens to be in use comes and goes.
    """
    third = max(1, len(values) // 3)
    first, last = values[:third], values[-third:]
    return min(min(last) - min(first), max(last) - max(first))
