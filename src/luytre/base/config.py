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
from typing import Annotated, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from luytre.base.errors import Error, Kind, from_os

FILE: Final = "luytre.toml"
KEY_FILE: Final = "node.key"
DATABASE_FILE: Final = "luytre.db"
# The class of cameras that were given none.
STANDARD: Final = "standard"
# Of a volume without a journal.
LONGEST_FLUSH_S: Final = 10.0

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


Days = Annotated[float, Field(gt=0, le=3660)]


class ClassConfig(BaseModel):
    """A retention class: what its cameras are promised. `sub_*`: of the sub stream.

    days, sub_days            promised
    keep_days, sub_keep_days  kept at most, where there is room
    max_bytes                 of one camera on one volume
    when_full                 when there is no room for what is promised: "overwrite" the oldest, or "stop" recording
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=40, pattern=r"^\w(?:[\w .-]*\w)?$")]
    days: Days = 30.0
    # A default that builds on another is asked for with what has been found right so far.
    keep_days: Days = Field(default_factory=lambda found: found["days"])
    sub_days: Days = Field(default_factory=lambda found: found["days"])
    sub_keep_days: Days = Field(default_factory=lambda found: max(found["sub_days"], found["keep_days"]))
    max_bytes: Annotated[Bytes | None, Field()] = None
    when_full: Literal["overwrite", "stop"] = "overwrite"

    @model_validator(mode="after")
    def _kept_as_long_as_promised(self) -> Self:
        for kept, promised in (("keep_days", "days"), ("sub_keep_days", "sub_days")):
            if getattr(self, kept) < getattr(self, promised):
                raise ValueError(f"{kept} cannot be less than {promised}, which is promised")
        return self


class VolumeConfig(BaseModel):
    """One disk. `path` may be relative to DIR.

    flush_s   2 on SSD, 10 on hard disks, 30 with a journal; more than 10 only with one
    weight    its share of the cameras, in TiB; None: by the size of its disk
    journal   directory on an SSD that takes what is written first; may be relative to DIR
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    flush_s: Annotated[float, Field(gt=0, le=60)] = 2.0
    max_bytes: Annotated[Bytes | None, Field()] = None
    reserve_bytes: Bytes = 2 * 2**30
    weight: Annotated[float | None, Field(gt=0, le=1_000_000)] = None
    journal: Path | None = None

    @model_validator(mode="after")
    def _flushed_in_time(self) -> Self:
        # After a crash the last 25 s are proved, two and a half flushes (archive/recover.py).
        if self.journal is None and self.flush_s > LONGEST_FLUSH_S:
            raise ValueError(
                f"flush_s can be {LONGEST_FLUSH_S:g} at most without a journal: a power cut costs what was not flushed"
            )
        return self

    @model_validator(mode="before")
    @classmethod
    def _days_moved(cls, value: object) -> object:
        if isinstance(value, dict) and "days" in value:
            raise ValueError(
                'days belongs to the retention classes now: write it under [[classes]] with name = "standard"'
            )
        return value


class NodeConfig(BaseModel):
    """The settings of a node. `shards` 0: as many recorders as cores and cameras ask for. `database` None:
    DIR/luytre.db. `alarm_days`: how many days before a promise breaks it is said. `rtsp_port`: where other programs read
    the cameras, 0 for not at all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=120)]
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Ho_Chi_Minh"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    rtsp_port: Annotated[int, Field(ge=0, le=65535)] = 8554
    shards: Annotated[int, Field(ge=0, le=64)] = 0
    segment_s: Annotated[float, Field(ge=5, le=1800)] = 300.0
    database: Annotated[str | None, Field(repr=False)] = None
    alarm_days: Annotated[float, Field(ge=0, le=365)] = 7.0
    classes: tuple[ClassConfig, ...] = (ClassConfig(name=STANDARD),)
    volumes: Annotated[tuple[VolumeConfig, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        names = [one.name for one in self.classes]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two classes are named {name}")
        paths = [volume.path for volume in self.volumes]
        for path in paths:
            if paths.count(path) > 1:
                raise ValueError(f"two volumes have the path {path}")
        if STANDARD not in names:
            raise ValueError(
                f'one of the [[classes]] must have name = "{STANDARD}": cameras without a class are in it'
            )
        return self

    @property
    def promised_days(self) -> float:
        """The longest promise of all classes."""
        return max(max(one.days, one.sub_days) for one in self.classes)


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
        wrong = [
            f"{_place(item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
            for item in found
            # A default that could not be worked out because of another setting is no mistake of its own.
            if item["type"] != "default_factory_not_called"
        ]
        raise _bad(path, "; ".join(wrong)) from None
    base = directory.absolute()
    volumes = tuple(
        volume.model_copy(
            update={
                "path": base / volume.path.expanduser(),
                "journal": volume.journal and base / volume.journal.expanduser(),
            }
        )
        for volume in config.volumes
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
        "# Cổng RTSP cho VLC, VMS đọc camera; 0: tắt / RTSP port for VLC or a VMS to read the cameras; 0: off",
        f"rtsp_port = {config.rtsp_port}",
        "# Số tiến trình ghi hình; 0: tự chọn / recorder processes; 0: as many as needed",
        f"shards = {config.shards}",
        "# Độ dài một tệp, giây / length of a file, seconds",
        f"segment_s = {config.segment_s:g}",
        "# PostgreSQL thay cho luytre.db / PostgreSQL instead of luytre.db",
        f"database = {_text(config.database)}"
        if config.database
        else '# database = "postgresql+psycopg://HOST/NAME"',
        "# Báo trước khi sắp không giữ đủ số ngày cam kết, ngày / warn this many days before a promise breaks",
        f"alarm_days = {config.alarm_days:g}",
    ]
    lines += [line for one in config.classes for line in _class_lines(one)]
    lines += [line for volume in config.volumes for line in _volume_lines(volume)]
    return "\n".join(lines) + "\n"


def _class_lines(one: ClassConfig) -> list[str]:
    return [
        "",
        "# Một lớp lưu trữ; camera không chọn lớp thì thuộc lớp standard",
        "# A retention class; cameras without one are in the class standard",
        "[[classes]]",
        f"name = {_text(one.name)}",
        "# Số ngày cam kết / days promised",
        f"days = {one.days:g}",
        "# Còn chỗ thì giữ đến, ngày / kept at most, where there is room, days",
        _days("keep_days", one.keep_days, one.days),
        "# Luồng phụ / sub stream",
        _days("sub_days", one.sub_days, one.days),
        _days("sub_keep_days", one.sub_keep_days, max(one.sub_days, one.keep_days)),
        "# Mỗi camera tối đa / at most this much for one camera",
        _size("max_bytes", one.max_bytes, "200 GiB"),
        "# Hết chỗ khi chưa đủ số ngày cam kết: overwrite xóa hình cũ nhất, stop ngừng ghi",
        "# No room for the days promised: overwrite the oldest, or stop recording",
        f"when_full = {_text(one.when_full)}",
    ]


def _volume_lines(volume: VolumeConfig) -> list[str]:
    return [
        "",
        "# Một ổ lưu; thêm [[volumes]] cho ổ khác / one disk; add [[volumes]] for another",
        "[[volumes]]",
        f"path = {_text(str(volume.path))}",
        "# Nhịp ghi xuống đĩa, giây: SSD 2, đĩa từ 10, đĩa từ có journal 30; trên 10 phải có journal",
        "# Flush interval, seconds: SSD 2, hard disk 10, with a journal 30; more than 10 only with a journal",
        f"flush_s = {volume.flush_s:g}",
        "# Dung lượng tối đa / at most this much",
        _size("max_bytes", volume.max_bytes, "4 TiB"),
        "# Chừa trống trên đĩa / left free on the disk",
        f"reserve_bytes = {volume.reserve_bytes}",
        "# Phần camera của ổ này, tính bằng TiB; bỏ trống: theo cỡ đĩa",
        "# This disk's share of the cameras, in TiB; left out: by the disk's size",
        "# weight = 4" if volume.weight is None else f"weight = {volume.weight:g}",
        "# Thư mục trên SSD nhận dữ liệu trước / directory on an SSD that takes what is written first",
        '# journal = "/ssd/journal-1"'
        if volume.journal is None
        else f"journal = {_text(str(volume.journal))}",
    ]


def _days(name: str, value: float, default: float) -> str:
    return f"# {name} = {value:g}" if value == default else f"{name} = {value:g}"


def _size(name: str, value: int | None, example: str) -> str:
    return f'# {name} = "{example}"' if value is None else f"{name} = {value}"


def _text(value: str) -> str:
    """A TOML basic string: JSON's escapes are a subset of TOML's, DEL excepted (TOML 1.0, String)."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
