"""What a recorder says of one stream."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

State = Literal["connecting", "recording", "standby", "retrying"]


@dataclass(frozen=True, slots=True)
class StreamState:
    """state    connecting: nothing failed yet; recording: parts go to the archive; standby: all is well, and nothing is to
                be kept now; retrying: waits until retry_at_us, or, where that is None, is trying now
    cause       of the last failure while retrying (archive.keys.Cause), in standby why nothing is kept, else None; `detail`
                is for logs and technicians
    lost        RTP packets missing in this connection
    transport   how this connection's RTP comes: "tcp", "udp" or "http"; with "+tls" behind it where it is encrypted
    certificate SHA-256 of the camera's certificate in hexadecimal, where it showed one
    """

    camera: str
    stream: str
    state: State
    cause: str | None
    detail: str
    since_us: int
    retry_at_us: int | None = None
    codec: str | None = None
    codec_string: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_bps: int | None = None
    audio_codec: str | None = None
    clock_offset_ms: int | None = None
    lost: int = 0
    bytes_received: int = 0
    transport: str | None = None
    certificate: str | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> StreamState:
        return StreamState(**fields)
