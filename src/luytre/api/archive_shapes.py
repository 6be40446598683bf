"""The shapes of the archive's answers: volumes, forecasts, daily certificates (see shapes.py)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from luytre.api.shapes import Answer, StreamName, Time


class RetentionClass(Answer):
    """Days promised and kept at most; `sub_*` of the sub stream; `max_bytes` of one camera on one volume."""

    name: str
    days: float
    keep_days: float
    sub_days: float
    sub_keep_days: float
    max_bytes: int | None
    when_full: Literal["overwrite", "stop"]


# -- playback -------------------------------------------------------------------------------------------------------


class ForecastClass(Answer):
    """Of one retention class on this volume. `sub_days`: promised to sub streams."""

    name: str
    streams: int
    bytes_per_day: int
    promised_days: float
    sub_days: float
    needed_bytes: int


class Forecast(Answer):
    """Measured over the last `measured_s` seconds. `days_left`: days of promise that the volume can hold; `breaks_at`: when
    the first promised recording will have to go.
    """

    at: Time
    measured_s: float
    bytes_per_day: int
    capacity_bytes: int
    needed_bytes: int
    missing_bytes: int
    days_left: float | None
    breaks_at: Time | None
    alarm: Literal["cannot_hold", "breaks_soon"] | None
    classes: list[ForecastClass]


class Volume(Answer):
    id: str
    path: str
    state: str
    total_bytes: int
    free_bytes: int
    used_bytes: int
    oldest: Time | None
    segments: int
    promised_days: float | None
    days_left: float | None
    forecast: Forecast | None


class Archive(Answer):
    volumes: list[Volume]


class Certificates(Answer):
    """Days of the ward that have a daily certificate, oldest first."""

    dates: list[date]


class CertifiedVolume(Answer):
    """`problem` is empty for a volume that could be read."""

    path: str
    id: str | None
    problem: str


class CertifiedGap(Answer):
    """`intended`: a cause that is no failure."""

    start: Time
    end: Time
    seconds: float
    cause: str
    intended: bool


class OldestPicture(Answer):
    """`at`: where the oldest recording begins; `ok`: its first picture was opened; `plays_from`: the oldest that was."""

    at: Time
    ok: bool
    problem: str
    plays_from: Time | None


class CertifiedStream(Answer):
    """expected = recorded + gaps + expired + unexplained. `percent`: recorded, of what was to be recorded."""

    stream: StreamName
    expected_s: float
    recorded_s: float
    percent: float | None
    intended_s: float
    expired_s: float
    unexplained_s: float
    gaps: list[CertifiedGap]
    oldest: OldestPicture | None
    promised_days: float
    held_days: float


class CertifiedCamera(Answer):
    id: str
    code: str
    name: str
    state: Literal["enabled", "disabled", "removed"]
    streams: list[CertifiedStream]


class DayCertificate(Answer):
    """`before`: SHA-256 of the day before's file; `signature`: Ed25519 over the rest (design/certificates.md)."""

    node: str
    zone: str
    date: date
    made_at: Time
    volumes: list[CertifiedVolume]
    cameras: list[CertifiedCamera]
    before: str
    public_key: str
    signature: str
