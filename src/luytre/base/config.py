"""DIR/luytre.toml: the one file a person edits.

Promises   every setting is checked when read, and a wrong one is named with its place; unknown names are
           refused.
Does not   hold cameras, accounts (the database) or secrets (node.key).
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from luytre.base.errors import Error, Kind, from_os

FILE: Final = "luytre.toml"
KEY_FILE: Final = "node.key"
DATABASE_FILE: Final = "luytre.db"

_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_UNITS |= {"KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$")


def _bytes(value: object) -> object:
    """`"4 GiB"` to bytes; anything else is left to Pydantic."""
    if not isinstance(value, str):
        return value
    match = _SIZE.match(value)
    if match is None or match.group(2) not in _UNITS:
        raise ValueError('write a size like "500 GiB"')
    return int(float(match.group(1)) * _UNITS[match.group(2)])


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('write an IANA zone like "Asia/Ho_Chi_Minh"') from error
    return value


Bytes = Annotated[int, BeforeValidator(_bytes), Field(ge=0)]


class VolumeConfig(BaseModel):
    """One disk. `path` may be relative to DIR. `flush_s`: 2 on SSD, 10 on hard disks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    flush_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    days: Annotated[float, Field(gt=0, le=3660)] = 30.0
    max_bytes: Annotated[Bytes | None, Field()] = None
    reserve_bytes: Bytes = 2 * 2**30


class NodeConfig(BaseModel):
    """The settings of a node. `shards` 0: as many recorders as cores and cameras ask for. `database` None:
    DIR/luytre.db.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=120)]
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Ho_Chi_Minh"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    shards: Annotated[int, Field(ge=0, le=64)] = 0
    segment_s: Annotated[float, Field(ge=5, le=1800)] = 300.0
    database: Annotated[str | None, Field(repr=False)] = None
    volumes: Annotated[tuple[VolumeConfig, ...], Field(min_length=1)]


def load(directory: Path) -> NodeConfig:
    """The settings in DIR/luytre.toml, volume paths made absolute.

    Raises Error(NOT_FOUND, cause="no_node") without the file, Error(INVALID, cause="bad_config") naming each
    wrong setting.
    """
    path = directory / FILE
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise Error(
            Kind.NOT_FOUND,
            f"{directory} is not a node: it has no {FILE}",
            hint=f"Run `luytre init {directory}` first, or name the right directory.",
            cause="no_node",
        ) from None
    except OSError as error:
        raise from_os(error, f"read {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(path, str(error)) from None
    try:
        config = NodeConfig.model_validate(raw)
    except ValidationError as error:
        # `input` stays out: a database URL may hold a password.
        found = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = [f"{_place(item['loc'])}: {item['msg'].removeprefix('Value error, ')}" for item in found]
        raise _bad(path, "; ".join(wrong)) from None
    base = directory.absolute()
    volumes = tuple(
        volume.model_copy(update={"path": base / volume.path.expanduser()}) for volume in config.volumes
    )
    return config.model_copy(update={"volumes": volumes})


def _place(steps: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in steps) or FILE


def _bad(path: Path, what: str) -> Error:
    return Error(Kind.INVALID, f"{path}: {what}", hint="Correct it and start again.", cause="bad_config")


def database_url(directory: Path, config: NodeConfig) -> str:
    """Where the node's database is."""
    return config.database or f"sqlite:///{directory.absolute() / DATABASE_FILE}"


def render(config: NodeConfig) -> str:
    """luytre.toml with a comment for each setting: the file is the manual."""
    lines = [
        "# Cấu hình của nút Lũy Tre. Sửa xong, khởi động lại `luytre run`.",
        "# Settings of this Lũy Tre node. After a change, start `luytre run` again.",
        "",
        "# Tên phường, xã / name of the ward",
        f"name = {_text(config.name)}",
        "# Múi giờ IANA / IANA time zone",
        f"zone = {_text(config.zone)}",
        "# Địa chỉ trang web; 0.0.0.0 để máy khác vào được / where the pages are served",
        f"host = {_text(config.host)}",
        f"port = {config.port}",
        "# Số tiến trình ghi hình; 0: tự chọn / recorder processes; 0: as many as needed",
        f"shards = {config.shards}",
        "# Độ dài một tệp, giây / length of a file, seconds",
        f"segment_s = {config.segment_s:g}",
        "# PostgreSQL thay cho luytre.db / PostgreSQL instead of luytre.db",
        f"database = {_text(config.database)}"
        if config.database
        else '# database = "postgresql+psycopg://HOST/NAME"',
    ]
    for volume in config.volumes:
        lines += [
            "",
            "# Một ổ lưu; thêm [[volumes]] cho ổ khác / one disk; add [[volumes]] for another",
            "[[volumes]]",
            f"path = {_text(str(volume.path))}",
            "# Nhịp ghi xuống đĩa, giây: SSD 2, đĩa từ 10 / flush interval, seconds: SSD 2, hard disk 10",
            f"flush_s = {volume.flush_s:g}",
            "# Số ngày lưu cam kết / days promised",
            f"days = {volume.days:g}",
            "# Dung lượng tối đa / at most this much",
            f"max_bytes = {volume.max_bytes}" if volume.max_bytes is not None else '# max_bytes = "4 TiB"',
            "# Chừa trống trên đĩa / left free on the disk",
            f"reserve_bytes = {volume.reserve_bytes}",
        ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, DEL excepted (TOML 1.0, String)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
