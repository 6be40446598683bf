"""TLS to a camera, sans-I/O: bytes of the socket in, bytes of RTSP out, and back.

Promises   tells which certificate the camera showed, before anything is said to it.
Does not   check names or issuers: cameras sign for themselves. Who it must be is for luytre.recorder.trust to say.

As old as OpenSSL allows: TLS 1.0 and keys of 1024 bits where its build has them (Debian's has), because a camera of 2014 has
nothing better, and even that beats no encryption. A newer camera is never talked down: TLS itself guards against that.
"""

from __future__ import annotations

import hashlib
import socket
import ssl
from contextlib import suppress
from functools import cache

from luytre.archive.keys import Cause
from luytre.base.errors import Error, Kind

# OpenSSL 3 refuses servers that cannot renegotiate safely (RFC 5746); Python 3.12 names this option.
_OP_LEGACY_SERVER_CONNECT = 0x4
# What one call takes out: a TLS record holds at most this much (RFC 8446 section 5.1).
_RECORD_BYTES = 16_384


@cache
def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.options |= _OP_LEGACY_SERVER_CONNECT
    with suppress(ssl.SSLError):
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


class Tls:
    """One connection. Every method raises Error(tls_failed) for what is no TLS.

    ended  the camera said that nothing more comes
    """

    def __init__(self, host: str) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ended = False
        try:
            self._tls = _context().wrap_bio(self._in, self._out, server_hostname=_name(host))
        except (ValueError, UnicodeError):
            # A name that no certificate could bear: cameras do not look at it anyway.
            self._tls = _context().wrap_bio(self._in, self._out)

    def handshake(self, data: bytes) -> bool:
        """What the socket gave, b"" to begin. True once both sides agree; send to_send() after each call."""
        self._in.write(data)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except (ssl.SSLError, OSError) as error:
            raise failure(error) from error
        return True

    @property
    def certificate(self) -> str:
        """SHA-256 of the camera's certificate in hexadecimal. Only after the handshake."""
        return hashlib.sha256(self._tls.getpeercert(binary_form=True) or b"").hexdigest()

    def decrypt(self, data: bytes) -> bytes:
        """What is whole of it by now; b"" while a record is not."""
        self._in.write(data)
        parts = []
        try:
            while part := self._tls.read(_RECORD_BYTES):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except (ssl.SSLError, OSError) as error:
            raise failure(error) from error
        return b"".join(parts)

    def encrypt(self, data: bytes) -> None:
        """Raises as the others do; the result is in to_send()."""
        try:
            self._tls.write(data)
        except (ssl.SSLError, OSError) as error:
            raise failure(error) from error

    def to_send(self) -> bytes:
        """Take what is to be written to the socket."""
        return self._out.read()


def failure(error: OSError | str) -> Error:
    why = error if isinstance(error, str) else getattr(error, "reason", None) or str(error)
    return Error(
        Kind.UNAVAILABLE,
        f"no encrypted connection: {why.replace('_', ' ').lower()}",
        hint="Check the port: RTSP over TLS is usually 322. Without TLS the address begins with rtsp://.",
        cause=Cause.TLS_FAILED,
    )


def _name(host: str) -> str | None:
    """What the camera is told that we look for; an address is no name (RFC 6066 section 3)."""
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host.partition("%")[0])
            return None
    return host
