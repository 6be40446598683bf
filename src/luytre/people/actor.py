"""Who asks, and what they may do.

Promises   `require` is the only question a room asks about rights; what it refuses, it refuses with a way
           out.
Does not   know how the actor proved who they are (sessions.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from luytre.base.errors import Error, Kind

LIVE: Final = "live"
PLAYBACK: Final = "playback"
EXPORT: Final = "export"
CONFIGURE: Final = "configure"
PTZ: Final = "ptz"

ROLES: Final[dict[str, frozenset[str]]] = {
    "admin": frozenset({LIVE, PLAYBACK, EXPORT, CONFIGURE, PTZ}),
    "officer": frozenset({LIVE, PLAYBACK, EXPORT, PTZ}),
    "viewer": frozenset({LIVE}),
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What a ticket is for: one stream of one camera (`camera` is the UUID), [start_us, end_us) of wall
    time.
    """

    camera: str
    stream: str
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class Actor:
    """One who asks. `scope` is set for the bearer of a ticket, `cameras` (UUIDs) for a reader that may see only some:
    nothing outside is theirs.
    """

    user_id: str
    name: str
    role: str
    permissions: frozenset[str]
    session_id: str | None = None
    scope: Scope | None = None
    cameras: frozenset[str] | None = None

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises Error(FORBIDDEN, cause="forbidden")."""
        if not self.may(permission):
            raise Error(
                Kind.FORBIDDEN,
                f"{self.name} has no right to {permission}",
                hint="An administrator of this node can grant it (role admin).",
                cause="forbidden",
            )

    def require_camera(self, camera: str) -> None:
        """`camera` is the UUID. Raises Error(FORBIDDEN, cause="other_camera")."""
        if self.cameras is not None and camera not in self.cameras:
            raise Error(
                Kind.FORBIDDEN,
                f"{self.name} may not see this camera",
                hint="An administrator of this node can make a key for it.",
                cause="other_camera",
            )


# Whoever can run commands on the node itself can read its files anyway; their looks are recorded all the
# same.
LOCAL: Final = Actor(user_id="local", name="cli", role="admin", permissions=ROLES["admin"])
