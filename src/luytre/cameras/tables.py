"""The tables of this room. Known to its own modules only."""

from __future__ import annotations

from typing import Final, get_args

from sqlalchemy import BigInteger, Double, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from luytre.base.db import Table
from luytre.cameras.recording import Recording
from luytre.recorder.plan import Mode, Transport

_MODES: Final[tuple[Mode, ...]] = get_args(Mode)
_TRANSPORTS: Final[tuple[Transport, ...]] = get_args(Transport)
_LIVING = text("removed_us IS NULL")


class CameraRow(Table):
    """A removed camera keeps its row, without its password: recordings and looks speak of its id."""

    __tablename__ = "camera"
    __table_args__ = (
        # Its code is free again for another camera.
        Index("uq_camera_code_key", "code_key", unique=True, sqlite_where=_LIVING, postgresql_where=_LIVING),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    code: Mapped[str] = mapped_column(String(32))
    code_key: Mapped[str] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(120))
    enabled: Mapped[bool] = mapped_column()
    user: Mapped[str] = mapped_column(String(255))
    sealed_password: Mapped[str] = mapped_column(String(1024))
    retention: Mapped[str] = mapped_column(String(40))
    # A path: longer than any limit one would set.
    volume: Mapped[str | None] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(String(16))
    hours: Mapped[str] = mapped_column(String(400))
    preroll_s: Mapped[float] = mapped_column(Double)
    postroll_s: Mapped[float] = mapped_column(Double)
    transport: Mapped[str] = mapped_column(String(16))
    onvif: Mapped[str] = mapped_column(String(2100))
    onvif_events: Mapped[bool] = mapped_column()
    weak_password: Mapped[bool] = mapped_column()
    manufacturer: Mapped[str | None] = mapped_column(Text)
    model: Mapped[str | None] = mapped_column(Text)
    firmware: Mapped[str | None] = mapped_column(Text)
    serial: Mapped[str | None] = mapped_column(Text)
    hardware: Mapped[str | None] = mapped_column(Text)
    identified_us: Mapped[int | None] = mapped_column(BigInteger)
    created_us: Mapped[int] = mapped_column(BigInteger)
    removed_us: Mapped[int | None] = mapped_column(BigInteger)
    streams: Mapped[list[StreamRow]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="StreamRow.name", passive_deletes=True
    )


class StreamRow(Table):
    """`url` may be shown. `sealed_url` is the whole address where the camera wants a password in its path or
    query.
    """

    __tablename__ = "stream"

    camera_id: Mapped[str] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    url: Mapped[str] = mapped_column(String(2000))
    sealed_url: Mapped[str | None] = mapped_column(String(4000))
    audio: Mapped[bool] = mapped_column()


class EventRow(Table):
    """What a camera told of what it saw. `active`: it begins, or it ends; null for what only happens."""

    __tablename__ = "camera_event"
    __table_args__ = (
        Index("ix_camera_event_camera_id_at_us", "camera_id", "at_us"),
        Index("ix_camera_event_at_us", "at_us"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool | None] = mapped_column()
    at_us: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[str] = mapped_column(String(200))


def stream_of(row: CameraRow, name: str) -> StreamRow:
    """The row's stream of this name, made when it is not there."""
    for stream in row.streams:
        if stream.name == name:
            return stream
    stream = StreamRow(camera_id=row.id, name=name, url="", sealed_url=None, audio=False)
    row.streams.append(stream)
    return stream


def transport_of(row: CameraRow) -> Transport:
    """As its row has it; "auto" for one that only another version of the program knows."""
    return next((one for one in _TRANSPORTS if one == row.transport), "auto")


def ordered(row: CameraRow) -> list[StreamRow]:
    """Its streams, main before sub."""
    return sorted(row.streams, key=lambda stream: stream.name)


def recording_of(row: CameraRow) -> Recording:
    """How it is recorded, as its row has it."""
    return Recording(
        retention=row.retention,
        volume=row.volume,
        # One that only another version of the program knows: everything is kept.
        mode=next((mode for mode in _MODES if mode == row.mode), "continuous"),
        hours=row.hours,
        preroll_s=row.preroll_s,
        postroll_s=row.postroll_s,
    )


def set_recording(row: CameraRow, recording: Recording) -> None:
    row.retention = recording.retention
    row.volume = recording.volume
    row.mode = recording.mode
    row.hours = recording.hours
    row.preroll_s = recording.preroll_s
    row.postroll_s = recording.postroll_s
