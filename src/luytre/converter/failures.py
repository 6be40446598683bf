"""FFmpeg's errors as causes. Its own texts are not passed on: they repeat the address, password and all."""

from __future__ import annotations

import errno
from typing import Final

import av

from luytre.archive.keys import Cause
from luytre.base.errors import Error, Kind

_CAUSES: Final[tuple[tuple[type[BaseException], Cause, str], ...]] = (
    (av.error.HTTPUnauthorizedError, Cause.AUTH_FAILED, "the source wants another user or password"),
    (av.error.HTTPForbiddenError, Cause.AUTH_FAILED, "the source forbids this user"),
    (av.error.PermissionError, Cause.AUTH_FAILED, "the source forbids this user"),
    (av.error.HTTPNotFoundError, Cause.NOT_FOUND, "the source has nothing at this address"),
    (av.error.HTTPClientError, Cause.NOT_FOUND, "the source refuses this address"),
    (av.error.HTTPServerError, Cause.SERVER_ERROR, "the source reports an error of its own"),
    (av.error.ConnectionRefusedError, Cause.REFUSED, "the source refuses the connection"),
    (av.error.ConnectionResetError, Cause.CLOSED_BY_CAMERA, "the source closed the connection"),
    (av.error.BrokenPipeError, Cause.CLOSED_BY_CAMERA, "the source closed the connection"),
    (av.error.EOFError, Cause.CLOSED_BY_CAMERA, "the source ended"),
    (av.error.ExitError, Cause.TIMEOUT, "the source does not answer in time"),
    (av.error.TimeoutError, Cause.TIMEOUT, "the source does not answer in time"),
    (av.error.DecoderNotFoundError, Cause.UNSUPPORTED_CODEC, "no decoder for what the source sends"),
    (av.error.ProtocolNotFoundError, Cause.CONVERTER_FAILED, "this FFmpeg does not speak the protocol"),
    (av.error.InvalidDataError, Cause.BAD_MEDIA, "what the source sends is no video that FFmpeg knows"),
)
_NO_ROUTE: Final = frozenset(
    # EIO: FFmpeg's word for a name that nobody knows, among others.
    {errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EIO}
)
_HINTS: Final = {
    Cause.AUTH_FAILED: "Enter its user and password again.",
    Cause.NOT_FOUND: "Check the path of the address.",
    Cause.CONVERTER_FAILED: "Give the source by another protocol: RTSP, RTMP, HLS, MPEG-TS over UDP.",
    Cause.UNSUPPORTED_CODEC: "Set the source to H.264, H.265, MPEG-4 or MJPEG.",
}


def failure(cause: Cause, what: str) -> Error:
    return Error(
        Kind.UNAVAILABLE, what, hint=_HINTS.get(cause, "Try the address in VLC or ffplay."), cause=cause
    )


def from_ffmpeg(error: Exception, *, opening: bool) -> Error:
    """What went wrong, by FFmpeg's word for it. `opening`: before the first picture came."""
    if not opening and isinstance(error, av.error.ExitError | av.error.TimeoutError):
        return failure(Cause.STALLED, "the source sends no more pictures")
    for kind, cause, what in _CAUSES:
        if isinstance(error, kind):
            return failure(cause, what)
    if getattr(error, "errno", None) in _NO_ROUTE:
        return failure(Cause.HOST_DOWN, "the source cannot be reached")
    number = getattr(error, "errno", "")
    return failure(Cause.CONVERTER_FAILED, f"FFmpeg cannot read the source: {type(error).__name__} {number}")
