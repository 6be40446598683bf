"""Ed25519 keys derived from node.key."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from luytre.base.errors import Error, Kind
from luytre.base.ids import fingerprint
from luytre.base.secrets import create_key
from luytre.base.signing import Signer, load_public_key, load_signer, verify

NODE_KEY = bytes(range(32))


def test_the_same_node_key_gives_the_same_key_for_ever() -> None:
    """HKDF-SHA256 without salt, info `luytre signing v1`: another derivation would make all old seals foreign."""
    assert Signer(NODE_KEY).public_key == Signer(NODE_KEY).public_key
    assert (
        Signer(NODE_KEY).public_key.hex()
        == "b99275dfe32266c31be08f5f6b174e93576d66d09e1ad399ab70aae3db2880bf"
    )
    assert Signer(bytes(32)).public_key != Signer(NODE_KEY).public_key


def test_a_signature_is_of_one_key_and_one_text() -> None:
    signer, other = Signer(NODE_KEY), Signer(bytes(32))
    signature = signer.sign(b"the archive")
    assert verify(signer.public_key, signature, b"the archive")
    assert not verify(signer.public_key, signature, b"another archive")
    assert not verify(other.public_key, signature, b"the archive")
    assert not verify(signer.public_key, signature[:-1], b"the archive")
    assert not verify(b"short", signature, b"the archive")


def test_it_is_read_from_the_nodes_key(tmp_path: Path) -> None:
    path = tmp_path / "node.key"
    create_key(path)
    signer = load_signer(path)
    assert verify(signer.public_key, load_signer(path).sign(b"x"), b"x")
    assert repr(signer) == f"Signer({fingerprint(signer.public_key)})"
    path.chmod(0o644)
    with pytest.raises(Error) as caught:
        load_signer(path)
    assert caught.value.kind is Kind.FORBIDDEN


def test_a_public_key_from_a_file(tmp_path: Path) -> None:
    key = Signer(NODE_KEY).public_key
    path = tmp_path / "key"
    path.write_text(f"{key.hex()}\n")
    assert load_public_key(path) == key
    pem = Ed25519PublicKey.from_public_bytes(key).public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    )
    path.write_bytes(pem)
    assert load_public_key(path) == key


FOREIGN = X25519PrivateKey.from_private_bytes(bytes(range(32))).public_key()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"abcd",
        b"\xff" * 64,
        b"-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n",
        FOREIGN.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
    ],
)
def test_a_file_that_is_no_public_key(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(text)
    with pytest.raises(Error) as caught:
        load_public_key(path)
    assert caught.value.kind is Kind.INVALID
    assert caught.value.hint
    with pytest.raises(Error) as caught:
        load_public_key(tmp_path / "missing")
    assert caught.value.kind is Kind.NOT_FOUND
