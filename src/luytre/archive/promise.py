"""What is promised: retention classes of cameras, and the limits of a volume (design/archive.md, "Retention")."""

from __future__ import annotations

from dataclasses import dataclass

from luytre.archive.keys import StreamKey

# The class of cameras that were given none.
STANDARD = "standard"
SUB = "sub"


@dataclass(frozen=True, slots=True)
class Promise:
    """Of one class of cameras.

    days, sub_days            promised, of the main and of the sub stream
    keep_days, sub_keep_days  kept at most, where there is room; never less than promised
    max_bytes                 of one camera's recordings on one volume, both streams together
    overwrite                 when there is no room for what is promised: delete the oldest all the same, once the alarm
                              was raised (True), or stop recording (False)
    """

    name: str = STANDARD
    days: float = 30.0
    keep_days: float = 30.0
    sub_days: float = 30.0
    sub_keep_days: float = 30.0
    max_bytes: int | None = None
    overwrite: bool = True

    def promised(self, key: StreamKey) -> float:
        """Days that this stream is promised."""
        return self.sub_days if key.stream == SUB else self.days

    def kept(self, key: StreamKey) -> float:
        """Days after which this stream's recordings go, room or not."""
        return self.sub_keep_days if key.stream == SUB else self.keep_days


def promise_of(promises: tuple[Promise, ...], name: str) -> Promise:
    """The class of that name; one that is no longer there is the standard one, and without that the default."""
    found = {promise.name: promise for promise in promises}
    return found.get(name) or found.get(STANDARD) or Promise()


@dataclass(frozen=True, slots=True)
class Policy:
    """promises: the retention classes; max_bytes: all segments of the volume together; reserve_bytes: free space left to
    the disk; alarm_days: how many days before a promise breaks the alarm is raised.
    """

    promises: tuple[Promise, ...] = (Promise(),)
    max_bytes: int | None = None
    reserve_bytes: int = 1 << 30
    alarm_days: float = 7.0
