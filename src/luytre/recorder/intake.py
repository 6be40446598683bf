"""What a playing connection takes bytes in from, whatever carries them: interleaved frames and RTSP text (RFC 2326, 10.12).

Also what came by UDP is handed over so (udp.py): behind this page nobody knows how packets travelled.
"""

from __future__ import annotations

from typing import Protocol

# How a connection's RTP comes, as states tell it; "+tls" is put behind it.
TLS = "+tls"


class Intake(Protocol):
    """transport    "tcp", "udp" or "http", "+tls" behind it where it is encrypted
    certificate  SHA-256 of the camera's, in hexadecimal; None where it showed none
    short_is_all a recv() that gave less than was asked for took all there was
    hurried      must be emptied at each quick tick: its buffer holds no longer one
    """

    @property
    def transport(self) -> str: ...

    @property
    def certificate(self) -> str | None: ...

    @property
    def short_is_all(self) -> bool: ...

    @property
    def hurried(self) -> bool: ...

    def recv(self, size: int, /) -> bytes:
        """What is there, about `size` bytes at most. b"" at the end. Raises BlockingIOError when nothing is there, OSError,
        Error.
        """

    def send(self, data: bytes) -> None:
        """Without waiting: requests are tiny, a line that does not take one is as good as dead. Raises OSError."""

    def maintain(self) -> None:
        """Now and then: reports, and whatever keeps the way open. Raises OSError."""

    def close(self) -> None: ...
