"""The recorders' plan, and the converter's, made of the settings and the cameras' rows.

Promises   a password that cannot be opened, a class or a volume that is no longer in the settings, costs only its
           camera what it cannot have; the rest of the plan is whole. A camera in mode motion that nobody hears is
           planned as continuous.
Does not   read the database, or write the plans (registry.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace

from luytre.archive.promise import Promise
from luytre.base import log
from luytre.base.config import ClassConfig, NodeConfig, VolumeConfig
from luytre.base.errors import Error
from luytre.base.secrets import Secrets
from luytre.cameras import placement
from luytre.cameras.camera import recorded_mode
from luytre.cameras.tables import CameraRow, StreamRow, ordered, recording_of, transport_of
from luytre.converter.plan import ForeignPlan, ForeignStream
from luytre.media.rtsp.url import is_foreign
from luytre.recorder.plan import Plan, StreamPlan, VolumePlan

_log = log.get("cameras")
# The run folder in the node's directory.
_RUN = "run"


def make_plans(
    rows: Iterable[CameraRow], config: NodeConfig, weights: Mapping[str, float], secrets: Secrets
) -> tuple[Plan, ForeignPlan]:
    """What the recorders are to record, and what the converter is to convert for them; `weights` as `make_plan`."""
    plan = make_plan(rows, config, weights, secrets)
    foreign = {stream.key: _foreign(stream) for stream in plan.streams if is_foreign(stream.url)}
    streams = tuple(
        _converted(stream, foreign[stream.key]) if stream.key in foreign else stream
        for stream in plan.streams
    )
    most = config.converter.max_encodes or len(os.sched_getaffinity(0))
    return replace(plan, streams=streams), ForeignPlan(tuple(foreign.values()), most)


def make_plan(
    rows: Iterable[CameraRow], config: NodeConfig, weights: Mapping[str, float], secrets: Secrets
) -> Plan:
    """`weights`: of every volume of the settings (placement.weigh)."""
    return Plan(
        streams=tuple(
            stream for row in rows for stream in _streams(row, placed(row.id, row.volume, weights), secrets)
        ),
        volumes=tuple(_volume(volume) for volume in config.volumes),
        segment_s=config.segment_s,
        promises=promises_of(config),
        alarm_days=config.alarm_days,
        zone=config.zone,
    )


def promises_of(config: NodeConfig) -> tuple[Promise, ...]:
    return tuple(_promise(one) for one in config.classes)


def placed(camera: str, wanted: str | None, weights: Mapping[str, float]) -> tuple[str, ...]:
    """Its own volume and the spares: the wanted one first; balanced, when it is in the settings no more."""
    balanced = placement.order(camera, weights)
    if wanted is None or wanted not in weights:
        return balanced
    return wanted, *(volume for volume in balanced if volume != wanted)


def _volume(volume: VolumeConfig) -> VolumePlan:
    return VolumePlan(
        path=str(volume.path),
        flush_s=volume.flush_s,
        max_bytes=volume.max_bytes,
        reserve_bytes=volume.reserve_bytes,
        journal="" if volume.journal is None else str(volume.journal),
    )


def _promise(one: ClassConfig) -> Promise:
    return Promise(
        name=one.name,
        days=one.days,
        keep_days=one.keep_days,
        sub_days=one.sub_days,
        sub_keep_days=one.sub_keep_days,
        max_bytes=one.max_bytes,
        overwrite=one.when_full == "overwrite",
    )


def _streams(row: CameraRow, volumes: tuple[str, ...], secrets: Secrets) -> list[StreamPlan]:
    recording = recording_of(row)
    if recording.volume not in (None, volumes[0]):
        _log.warning("volume of a camera is not in the settings", camera=row.code, volume=recording.volume)
    mode = recorded_mode(recording.mode, row.onvif, row.onvif_events)
    if mode != recording.mode:
        _log.info("nobody reports motion of a camera: it is recorded continuously", camera=row.code)
    made = []
    for stream in ordered(row):
        url, password = _opened(row, stream, secrets)
        made.append(
            StreamPlan(
                camera=row.id,
                code=row.code,
                stream=stream.name,
                url=url,
                user=row.user,
                password=password,
                audio=stream.audio,
                volume=volumes[0],
                spares=volumes[1:],
                retention=recording.retention,
                mode=mode,
                hours=recording.hours,
                preroll_s=recording.preroll_s,
                postroll_s=recording.postroll_s,
                transport=transport_of(row),
            )
        )
    return made


def _foreign(stream: StreamPlan) -> ForeignStream:
    return ForeignStream(
        camera=stream.camera,
        code=stream.code,
        stream=stream.stream,
        url=stream.url,
        user=stream.user,
        password=stream.password,
        audio=stream.audio,
    )


def _converted(stream: StreamPlan, foreign: ForeignStream) -> StreamPlan:
    """As the recorder has it: from the converter, which needs no password of it."""
    url = f"rtsp://converter/{stream.camera}/{stream.stream}"
    return replace(stream, url=url, user="", password="", socket=f"{_RUN}/{foreign.socket}")


def _opened(row: CameraRow, stream: StreamRow, secrets: Secrets) -> tuple[str, str]:
    """(address, password)"""
    url, password = stream.url, ""
    try:
        if row.sealed_password:
            password = secrets.open(row.sealed_password, f"camera/{row.id}/password")
        if stream.sealed_url:
            url = secrets.open(stream.sealed_url, f"camera/{row.id}/url/{stream.name}")
    except Error as error:
        _log.error("password cannot be read", camera=row.code, cause=error.cause)
    return url, password
