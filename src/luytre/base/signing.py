"""Signatures of the node: Ed25519 (RFC 8032) with a key that is derived from node.key by HKDF-SHA256 (RFC 5869).

Promises   the same node.key gives the same signing key, on any machine; nothing else has to be kept.
Does not   show the private key.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from luytre.base.errors import from_os
from luytre.base.secrets import load_key

# Another purpose gives another key.
_PURPOSE: Final = b"luytre signing 1"


class Signer:
    """Signs with the node's key. `public_key` has 32 bytes."""

    __slots__ = ("_key", "public_key")

    def __init__(self, secret: bytes) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret)
        self._key = Ed25519PrivateKey.from_private_bytes(derived)
        self.public_key: bytes = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def __repr__(self) -> str:
        return "Signer(***)"

    def sign(self, data: bytes) -> bytes:
        """64 bytes."""
        return self._key.sign(data)


def load_signer(path: Path) -> Signer:
    """The signer of a node.key. Raises what `load_key` raises."""
    load_key(path)
    try:
        return Signer(base64.b64decode(path.read_bytes().strip()))
    except OSError as error:
        raise from_os(error, f"read {path}") from error


def verify(public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Was `data` signed with this key? False also for what is no key or no signature."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True
