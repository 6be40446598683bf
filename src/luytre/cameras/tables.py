"""The tables of this room. Known to its own modules only."""

from __future__ import annotations

from sqlalchemy import BigInteger, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from luytre.base.db import Table

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
