"""The registry: which cameras this node has, and how to reach them.

Promises   passwords are only kept sealed, also those that a camera wants in its path; what `list` and `get`
           return may be shown; every change is in the recorders' plan before the method returns.
Does not   speak to cameras, or delete recordings: those of a removed camera stay until retention takes them.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy import Select, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from luytre.base.clock import SYSTEM, Clock
from luytre.base.config import NodeConfig
from luytre.base.db import Database
from luytre.base.errors import Error, Kind, from_os
from luytre.base.ids import uuid7
from luytre.base.secrets import Secrets
from luytre.cameras import placement
from luytre.cameras.planning import make_plans
from luytre.cameras.recording import Recording, RecordingChange, changed
from luytre.cameras.tables import CameraRow, StreamRow, ordered, recording_of, set_recording
from luytre.converter import plan as converter_plan
from luytre.media.rtsp.url import redact, require_source, split_credentials
from luytre.recorder import plan as recorder_plan
from luytre.recorder.plan import Plan

MAIN: Final = "main"
SUB: Final = "sub"
RUN_FOLDER: Final = "run"
PLAN_FILE: Final = "plan.json"
# The code is a folder's name in the archive, and part of addresses.
_CODE = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$")
_LIMITS: Final = {"name": 120, "url": 2000, "user": 255, "password": 255}


@dataclass(frozen=True, slots=True)
class Stream:
    """`url` has no credentials. `audio`: is sound recorded?"""

    name: str
    url: str
    audio: bool


@dataclass(frozen=True, slots=True)
class Camera:
    """What may be shown of a camera; `streams` main first."""

    id: str
    code: str
    name: str
    enabled: bool
    streams: tuple[Stream, ...]
    user: str
    created_us: int
    recording: Recording


@dataclass(frozen=True, slots=True)
class NewCamera:
    """Credentials may also stand in `url`; `user` and `password` win over those. `name` empty: the code."""

    code: str
    name: str
    url: str = field(repr=False)
    sub_url: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    audio: bool = False
    recording: RecordingChange = field(default_factory=RecordingChange)


@dataclass(frozen=True, slots=True)
class CameraChange:
    """None leaves a thing as it is; an empty `sub_url` takes the sub-stream away."""

    name: str | None = None
    url: str | None = field(default=None, repr=False)
    sub_url: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    audio: bool | None = None
    enabled: bool | None = None
    recording: RecordingChange = field(default_factory=RecordingChange)


# Inside a class with a method `list` the name means the method.
Cameras = list[Camera]
Pairs = list[tuple[str, str]]


class Registry:
    """All methods are safe to call from several threads and processes. Without `directory` no plan is
    written.
    """

    def __init__(
        self,
        database: Database,
        secrets: Secrets,
        clock: Clock = SYSTEM,
        *,
        directory: Path | None = None,
        config: NodeConfig | None = None,
    ) -> None:
        self._database = database
        self._secrets = secrets
        self._clock = clock
        self._directory = directory
        self._config = config

    def list(self) -> Cameras:
        """All cameras, by code."""
        with self._database.reading() as session:
            return [_camera(row) for row in session.scalars(_living().order_by(CameraRow.code_key))]

    def count(self) -> int:
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(_living().subquery())) or 0

    def get(self, code: str) -> Camera:
        """Raises Error(NOT_FOUND, cause="no_camera")."""
        with self._database.reading() as session:
            return _camera(_find(session, code))

    def add(self, new: NewCamera) -> Camera:
        """Raises Error(CONFLICT, cause="camera_exists"), Error(INVALID, cause="bad_code" | "bad_url" |
        "too_long"), and what `recording.changed` raises.
        """
        if not _CODE.fullmatch(new.code):
            raise Error(
                Kind.INVALID,
                f"{new.code!r} cannot be a camera's code",
                hint="Use letters without marks, digits and . _ - inside, at most 32: DK-07-02.",
                cause="bad_code",
            )
        row = CameraRow(
            id=str(uuid7(self._clock)),
            code=new.code,
            code_key=new.code.upper(),
            name=_limited("name", new.name.strip() or new.code),
            enabled=True,
            created_us=self._clock.wall_us(),
            removed_us=None,
        )
        set_recording(row, changed(Recording(), new.recording, self._config))
        given = [self._set_url(row, MAIN, new.url)]
        if new.sub_url:
            given.append(self._set_url(row, SUB, new.sub_url))
        user, password = next((pair for pair in given if any(pair)), ("", ""))
        row.user = _limited("user", user if new.user is None else new.user)
        self._set_password(row, password if new.password is None else new.password)
        _stream(row, MAIN).audio = new.audio
        try:
            with self._database.writing() as session:
                session.add(row)
                session.flush()
                camera = _camera(row)
        except IntegrityError:
            raise Error(
                Kind.CONFLICT,
                f"there is a camera {new.code} already",
                hint="Choose another code, or change or remove that camera.",
                cause="camera_exists",
            ) from None
        self._publish()
        return camera

    def change(self, code: str, change: CameraChange) -> Camera:
        """Raises Error(NOT_FOUND, cause="no_camera"), Error(INVALID, cause="bad_url" | "too_long"), and what
        `recording.changed` raises.
        """
        with self._database.writing() as session:
            row = _find(session, code)
            if change.name is not None:
                row.name = _limited("name", change.name.strip() or row.code)
            if change.enabled is not None:
                row.enabled = change.enabled
            set_recording(row, changed(recording_of(row), change.recording, self._config))
            self._change_streams(row, change)
            session.flush()
            session.refresh(row)
            camera = _camera(row)
        self._publish()
        return camera

    def remove(self, code: str) -> None:
        """The code is free again; the password is forgotten. Raises Error(NOT_FOUND, cause="no_camera")."""
        with self._database.writing() as session:
            row = _find(session, code)
            row.removed_us = self._clock.wall_us()
            row.sealed_password = ""
            for stream in row.streams:
                stream.sealed_url = None
        self._publish()

    def plan(self, config: NodeConfig) -> Plan:
        """What the recorders are to record, passwords opened. A password that cannot be opened costs only its
        camera.
        """
        return self.plans(config)[0]

    def plans(self, config: NodeConfig) -> tuple[Plan, converter_plan.ForeignPlan]:
        """The recorders' and the converter's."""
        memory = None if self._directory is None else self._directory / RUN_FOLDER / placement.WEIGHTS_FILE
        weights = placement.weigh(config.volumes, memory)
        with self._database.reading() as session:
            rows = session.scalars(_living().where(CameraRow.enabled).order_by(CameraRow.code_key))
            return make_plans(rows, config, weights, self._secrets)

    def write_plan(self, directory: Path) -> None:
        """DIR/run/plan.json and foreign.json anew, whole and in the order of changes, whoever makes them."""
        if self._config is None:
            raise ValueError("a registry without settings has no plan")
        folder = directory / RUN_FOLDER
        with _turn(folder):
            plan, foreign = self.plans(self._config)
            converter_plan.save(foreign, folder / converter_plan.FILE)
            recorder_plan.save(plan, folder / PLAN_FILE)

    def _publish(self) -> None:
        if self._directory is not None:
            self.write_plan(self._directory)

    def _change_streams(self, row: CameraRow, change: CameraChange) -> None:
        given: Pairs = []
        if change.url is not None:
            given.append(self._set_url(row, MAIN, change.url))
        if change.sub_url:
            given.append(self._set_url(row, SUB, change.sub_url))
        elif change.sub_url == "":
            row.streams = [stream for stream in row.streams if stream.name != SUB]
        user, password = next((pair for pair in given if any(pair)), (None, None))
        user = change.user if change.user is not None else user
        password = change.password if change.password is not None else password
        if user is not None:
            row.user = _limited("user", user)
        if password is not None:
            self._set_password(row, password)
        if change.audio is not None:
            _stream(row, MAIN).audio = change.audio

    def _set_url(self, row: CameraRow, name: str, url: str) -> tuple[str, str]:
        """Set a stream's address; returns the credentials that stood in it."""
        clean, user, password = split_credentials(_limited("url", url))
        require_source(clean)
        stream = _stream(row, name)
        stream.url = redact(clean)
        # Some cameras want the password in the path or the query (XiongMai): then the whole address is a
        # secret.
        secret = stream.url != clean
        stream.sealed_url = self._secrets.seal(clean, f"camera/{row.id}/url/{name}") if secret else None
        return user, password

    def _set_password(self, row: CameraRow, password: str) -> None:
        _limited("password", password)
        row.sealed_password = self._secrets.seal(password, f"camera/{row.id}/password") if password else ""


def _living() -> Select[CameraRow]:
    return select(CameraRow).where(CameraRow.removed_us.is_(None))


def _find(session: Session, code: str) -> CameraRow:
    row = session.scalars(_living().where(CameraRow.code_key == code.upper())).one_or_none()
    if row is None:
        raise Error(
            Kind.NOT_FOUND,
            f"there is no camera {code[:40]}",
            hint="`luytre camera list` shows all.",
            cause="no_camera",
        )
    return row


def _stream(row: CameraRow, name: str) -> StreamRow:
    """The row's stream of this name, made when it is not there."""
    for stream in row.streams:
        if stream.name == name:
            return stream
    stream = StreamRow(camera_id=row.id, name=name, url="", sealed_url=None, audio=False)
    row.streams.append(stream)
    return stream


def _camera(row: CameraRow) -> Camera:
    streams = tuple(Stream(stream.name, stream.url, stream.audio) for stream in ordered(row))
    recording = recording_of(row)
    return Camera(row.id, row.code, row.name, row.enabled, streams, row.user, row.created_us, recording)


def _limited(what: str, value: str) -> str:
    if len(value) > _LIMITS[what] or any(ord(letter) < 32 for letter in value):
        raise Error(
            Kind.INVALID,
            f"the {what} is longer than {_LIMITS[what]} characters or has control characters in it",
            hint="Shorten it.",
            cause="too_long",
        )
    return value


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """One writer of the plan at a time: who commits last must also write last."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(folder / "plan.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise from_os(error, f"write the plan in {folder}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
