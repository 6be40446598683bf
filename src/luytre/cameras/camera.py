"""A camera as it may be shown, and what somebody says of a new one or of a change."""

from __future__ import annotations

from dataclasses import dataclass, field

from luytre.cameras.recording import Recording, RecordingChange
from luytre.recorder.plan import Mode, Transport


@dataclass(frozen=True, slots=True)
class Stream:
    """`url` has no credentials. `audio`: is sound recorded?"""

    name: str
    url: str
    audio: bool


@dataclass(frozen=True, slots=True)
class Identity:
    """What a camera says of itself by ONVIF; None: not asked yet, or not told."""

    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    serial: str | None = None
    hardware: str | None = None


@dataclass(frozen=True, slots=True)
class Camera:
    """What may be shown of a camera; `streams` main first.

    transport      how its RTP is to come
    onvif          address of its ONVIF device service, without credentials; "": not known
    onvif_events   are its events (motion, tampering, inputs) taken into the node?
    weak_password  does it have a password that everybody knows or guesses (weak_passwords.py)?
    identified_us  when it told its `identity`
    """

    id: str
    code: str
    name: str
    enabled: bool
    streams: tuple[Stream, ...]
    user: str
    created_us: int
    recording: Recording
    transport: Transport = "auto"
    onvif: str = ""
    onvif_events: bool = False
    weak_password: bool = False
    identity: Identity = Identity()
    identified_us: int | None = None

    @property
    def is_attended(self) -> bool:
        """Is it to be heard?"""
        return self.enabled and bool(self.onvif) and self.onvif_events

    @property
    def recorded_mode(self) -> Mode:
        """How it is recorded in truth, whatever mode was asked for."""
        return recorded_mode(self.recording.mode, self.onvif, self.onvif_events)


def recorded_mode(mode: Mode, onvif: str, onvif_events: bool) -> Mode:
    """`mode`, but "continuous" instead of "motion" where nobody reports motion: such a camera would never be recorded."""
    return "continuous" if mode == "motion" and not (onvif and onvif_events) else mode


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
    transport: Transport = "auto"
    onvif: str = field(default="", repr=False)
    onvif_events: bool = False


@dataclass(frozen=True, slots=True)
class CameraChange:
    """None leaves a thing as it is; an empty `sub_url` takes the sub-stream away, an empty `onvif` the address."""

    name: str | None = None
    url: str | None = field(default=None, repr=False)
    sub_url: str | None = field(default=None, repr=False)
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    audio: bool | None = None
    enabled: bool | None = None
    recording: RecordingChange = field(default_factory=RecordingChange)
    transport: Transport | None = None
    onvif: str | None = field(default=None, repr=False)
    onvif_events: bool | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How to speak to a camera's ONVIF services: for `cameras.onvif` only, and never logged."""

    camera: str
    code: str
    url: str
    user: str
    password: str = field(repr=False)
