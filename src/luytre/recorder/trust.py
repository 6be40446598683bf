"""Trust on first use: which certificate each camera showed first (design/transports.md).

    {"certificates": {"192.0.2.7:322": "<SHA-256 in hexadecimal>"}}        DIR/trust/<camera id>.json, mode 0600

Promises   another certificate at the same place is an Error(certificate_changed) until a person says forget(); what the file
           holds is whole, whenever it is read; a directory that cannot be written to stops no recording.
Does not   need the web process or its database.
"""

from __future__ import annotations

import json
import re
import threading
from pathlib import Path

from luytre.archive.keys import Cause
from luytre.base import log
from luytre.base.errors import Error, Kind
from luytre.base.private_file import save_json

_log = log.get("recorder")
_LOCK = threading.Lock()
_CAMERA = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Trust:
    """Of one camera, by `host:port`."""

    def __init__(self, directory: Path, camera: str) -> None:
        self._directory, self._camera = directory, camera
        # What could not be written down holds at least until this process ends.
        self._unwritten: dict[str, str] = {}
        self._forgotten_ns = 0

    def check(self, place: str, certificate: str) -> None:
        """The camera at `place` showed a certificate (SHA-256, hexadecimal). Raises Error(certificate_changed)."""
        path = path_of(self._directory, self._camera)
        # Two streams of a camera may see it first at the same time.
        with _LOCK:
            self._heed(_forgotten_ns(path))
            written = read(path)
            known = written | self._unwritten
            first = known.setdefault(place, certificate)
            if first == certificate and known != written:
                self._learn(path, known, place)
        if first != certificate:
            raise Error(
                Kind.UNAVAILABLE,
                f"{place} shows another certificate ({certificate[:16]}…) than at first ({first[:16]}…)",
                hint="Trust the new certificate if the camera was exchanged or reset. If not, somebody may be in the line.",
                cause=Cause.CERTIFICATE_CHANGED,
            )

    def _learn(self, path: Path, known: dict[str, str], place: str) -> None:
        """Write down what is known, also what a full disk did not take before."""
        try:
            save_json(path, {"certificates": known})
            self._unwritten.clear()
        except OSError as error:
            if place not in self._unwritten:
                _log.warning("certificate not kept", place=place, error=str(error))
            self._unwritten[place] = known[place]

    def _heed(self, forgotten_ns: int) -> None:
        """What a person forgot in the file holds no longer here either."""
        if forgotten_ns != self._forgotten_ns:
            self._unwritten.clear()
            self._forgotten_ns = forgotten_ns


def path_of(directory: Path, camera: str) -> Path:
    """Raises Error(INVALID) for what is no camera's id: it becomes a file's name."""
    if _CAMERA.fullmatch(camera) is None:
        raise Error(Kind.INVALID, "this is no camera's id", hint="Take it from the list of cameras.")
    return directory / "trust" / f"{camera}.json"


def read(path: Path) -> dict[str, str]:
    """`host:port` to certificate; empty without a file. Raises Error(certificate_changed) for a file that makes no sense:
    whoever damaged it must not be trusted by it.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["certificates"]
        return {str(place): str(certificate) for place, certificate in found.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Error(
            Kind.UNAVAILABLE,
            f"the certificate that this camera showed first cannot be read from {path.name}",
            hint="Trust the camera's certificate anew.",
            cause=Cause.CERTIFICATE_CHANGED,
        ) from error


def known(directory: Path, camera: str) -> dict[str, str]:
    """What is trusted of a camera, `host:port` to certificate. Raises as read()."""
    return read(path_of(directory, camera))


def forget(directory: Path, camera: str) -> bool:
    """A person trusts whatever the camera shows next. Whether anything was known. A recorder that tries again does so by
    itself. Raises Error(INVALID) for no id, OSError.
    """
    path = path_of(directory, camera)
    # First this, or a recorder could write down once more what it still holds. It has no bytes: a full disk takes it.
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.with_suffix(".forgotten").touch(mode=0o600)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _forgotten_ns(path: Path) -> int:
    """When a person forgot last; 0 for never."""
    try:
        return path.with_suffix(".forgotten").stat().st_mtime_ns
    except OSError:
        return 0
