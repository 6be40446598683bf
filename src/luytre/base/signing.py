"""The node's signature: Ed25519 (RFC 8032), its key derived from node.key by HKDF-SHA256 (RFC 5869).

Promises   one node.key gives one key pair for ever; the private half is never shown or stored.
Does not   know what is signed (archive/seals.py).
"""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from luytre.base.errors import Error, Kind, from_os
from luytre.base.ids import fingerprint
from luytre.base.secrets import read_key

PUBLIC_KEY_BYTES = 32
_PURPOSE = b"luytre signing v1"


class Signer:
    """Signs in the node's name."""

    __slots__ = ("_key", "public_key")

    def __init__(self, node_key: bytes) -> None:
        seed = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(node_key)
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def __repr__(self) -> str:
        return f"Signer({fingerprint(self.public_key)})"

    def sign(self, data: bytes) -> bytes:
        """64 bytes; the same for the same data."""
        return self._key.sign(data)


def load_signer(path: Path) -> Signer:
    """The signer of a node.key. Errors as of `secrets.load_key`."""
    return Signer(read_key(path))


def verify(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the owner of the key signed these bytes; False also for what is no key or no signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def load_public_key(path: Path) -> bytes:
    """A public key from a file: 64 hex digits, or PEM. Raises Error(NOT_FOUND) without the file, Error(INVALID) when it
    is no Ed25519 key.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise from_os(error, f"read {path}") from error
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            key = load_pem_public_key(data)
            if not isinstance(key, Ed25519PublicKey):
                raise ValueError("another kind of key")
            return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        found = bytes.fromhex(data.decode("ascii"))
        if len(found) != PUBLIC_KEY_BYTES:
            raise ValueError("another length")
    except ValueError as error:
        raise Error(
            Kind.INVALID,
            f"{path} is not a public key",
            hint="Give the 64 hex digits of the node's public key, or a PEM file.",
            cause="no_public_key",
        ) from error
    return found
