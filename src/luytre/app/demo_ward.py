"""The demonstration's ward: which cameras it has, and where."""

from __future__ import annotations

from typing import Final

HOST: Final = "127.0.0.1"
CAMERAS: Final[tuple[tuple[str, str], ...]] = (
    ("TX-01", "Ngã tư Tre Xanh"),
    ("TX-02", "Chợ Tre Xanh"),
    ("TX-03", "Cổng trường tiểu học"),
    ("TX-04", "Nhà văn hoá khu phố 3"),
    ("TX-05", "Cổng làng"),
    ("TX-06", "Bến xe"),
)


def address(port: int, number: int, stream: str) -> str:
    """Where camera `number` (from 1 on) is."""
    return f"rtsp://{HOST}:{port}/cam{number}/{stream}"
