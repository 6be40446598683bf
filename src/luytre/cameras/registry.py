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
from dataclasses import asdict
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
from luytre.cameras import attended, placement
from luytre.cameras.camera import Access, Camera, CameraChange, Identity, NewCamera, Stream
from luytre.cameras.credentials import NO_LOGIN, Credentials, Login, limited
from luytre.cameras.planning import make_plans
from luytre.cameras.recording import Recording, changed
from luytre.cameras.tables import (
    CameraRow,
    ordered,
    recording_of,
    set_recording,
    stream_of,
    transport_of,
)
from luytre.converter import plan as converter_plan
from luytre.converter import state as conversion_state
from luytre.converter.state import Conversion
from luytre.media.rtsp.url import is_foreign
from luytre.recorder import plan as recorder_plan
from luytre.recorder import trust
from luytre.recorder.plan import Plan

__all__ = [
    "MAIN",
    "PLAN_FILE",
    "RUN_FOLDER",
    "SUB",
    "Camera",
    "CameraChange",
    "NewCamera",
    "Registry",
    "Stream",
]

MAIN: Final = "main"
SUB: Final = "sub"
RUN_FOLDER: Final = "run"
PLAN_FILE: Final = "plan.json"
# The code is a folder's name in the archive, and part of addresses.
_CODE = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?$")

# Inside a class with a method `list` the name means the method.
Cameras = list[Camera]
Logins = list[Login]


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
        self._credentials = Credentials(secrets)
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
        """Raises Error(CONFLICT, cause="camera_exists"), Error(INVALID, cause="bad_code" | "bad_url" | "bad_onvif" |
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
            name=limited("name", new.name.strip() or new.code),
            enabled=True,
            transport=new.transport,
            onvif_events=new.onvif_events,
            created_us=self._clock.wall_us(),
            removed_us=None,
        )
        set_recording(row, changed(Recording(), new.recording, self._config))
        row.user, row.sealed_password, row.weak_password = "", "", False
        given = [self._credentials.set_url(row, MAIN, new.url)]
        if new.sub_url:
            given.append(self._credentials.set_url(row, SUB, new.sub_url))
        by_onvif = self._credentials.set_onvif(row, new.onvif)
        self._credentials.take_login(row, given, by_onvif, new.user, new.password)
        stream_of(row, MAIN).audio = new.audio
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
        """Raises Error(NOT_FOUND, cause="no_camera"), Error(INVALID, cause="bad_url" | "bad_onvif" |
        "too_long"), and what `recording.changed` raises.
        """
        with self._database.writing() as session:
            row = _find(session, code)
            if change.name is not None:
                row.name = limited("name", change.name.strip() or row.code)
            if change.enabled is not None:
                row.enabled = change.enabled
            if change.transport is not None:
                row.transport = change.transport
            if change.onvif_events is not None:
                row.onvif_events = change.onvif_events
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
            row.sealed_password, row.weak_password = "", False
            for stream in row.streams:
                stream.sealed_url = None
        self._publish()

    def access(self, code: str) -> Access:
        """How to speak to its ONVIF services, password opened. Raises Error(NOT_FOUND, cause="no_camera"),
        Error(CONFLICT, cause="no_onvif").
        """
        with self._database.reading() as session:
            return self._credentials.access(_find(session, code))

    def identify(self, code: str, identity: Identity) -> None:
        """Write down what a camera told of itself, now. Raises Error(NOT_FOUND, cause="no_camera")."""
        with self._database.writing() as session:
            row = _find(session, code)
            for name, value in asdict(identity).items():
                setattr(row, name, value)
            row.identified_us = self._clock.wall_us()

    def trust(self, code: str) -> None:
        """Forget the certificate that a camera showed first: the next one it shows is trusted. Raises Error(NOT_FOUND,
        cause="no_camera").
        """
        camera = self.get(code)
        if self._directory is not None:
            try:
                trust.forget(self._directory, camera.id)
            except OSError as error:
                raise from_os(error, "forget the camera's certificate") from error

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

    def conversion(self, camera: str, stream: Stream) -> Conversion | None:
        """What the converter does to a stream now, and what that costs; None where nothing is done."""
        if self._directory is None or not is_foreign(stream.url):
            return None
        return conversion_state.read(self._directory / RUN_FOLDER, camera, stream.name, self._clock.wall_us())

    def write_plan(self, directory: Path) -> None:
        """DIR/run/plan.json and foreign.json anew, whole and in the order of changes, whoever makes them."""
        if self._config is None:
            raise ValueError("a registry without settings has no plan")
        folder = directory / RUN_FOLDER
        with _turn(folder):
            plan, foreign = self.plans(self._config)
            converter_plan.save(foreign, folder / converter_plan.FILE)
            recorder_plan.save(plan, folder / PLAN_FILE)
            attended.tell(folder, any(camera.is_attended for camera in self.list()))

    def _publish(self) -> None:
        if self._directory is not None:
            self.write_plan(self._directory)

    def _change_streams(self, row: CameraRow, change: CameraChange) -> None:
        given: Logins = []
        if change.url is not None:
            given.append(self._credentials.set_url(row, MAIN, change.url))
        if change.sub_url:
            given.append(self._credentials.set_url(row, SUB, change.sub_url))
        elif change.sub_url == "":
            row.streams = [stream for stream in row.streams if stream.name != SUB]
        by_onvif = NO_LOGIN if change.onvif is None else self._credentials.set_onvif(row, change.onvif)
        self._credentials.take_login(row, given, by_onvif, change.user, change.password)
        if change.audio is not None:
            stream_of(row, MAIN).audio = change.audio


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


def _camera(row: CameraRow) -> Camera:
    return Camera(
        id=row.id,
        code=row.code,
        name=row.name,
        enabled=row.enabled,
        streams=tuple(Stream(stream.name, stream.url, stream.audio) for stream in ordered(row)),
        user=row.user,
        created_us=row.created_us,
        recording=recording_of(row),
        transport=transport_of(row),
        onvif=row.onvif,
        onvif_events=row.onvif_events,
        weak_password=row.weak_password,
        identity=Identity(row.manufacturer, row.model, row.firmware, row.serial, row.hardware),
        identified_us=row.identified_us,
    )


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
