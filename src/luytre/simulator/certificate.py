"""The certificate of simulated cameras: signed by itself, made anew at each start, as most cameras have one.

Does not   keep the key: it lives as long as the process.
"""

from __future__ import annotations

import hashlib
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from luytre.base.clock import SYSTEM, Clock, to_datetime

_BEFORE, _AFTER = timedelta(days=1), timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Both in PEM. `sha256` is the fingerprint in hexadecimal digits."""

    pem: bytes
    key_pem: bytes = field(repr=False)
    sha256: str

    def context(self) -> ssl.SSLContext:
        """For a server."""
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory(prefix="luytre-sim-") as folder:
            # The ssl module reads files only.
            path = Path(folder) / "both.pem"
            path.touch(0o600)
            path.write_bytes(self.key_pem + self.pem)
            made.load_cert_chain(path)
        return made


def self_signed(host: str = "127.0.0.1", clock: Clock = SYSTEM) -> Certificate:
    """A new key (P-256) and its certificate for `host`, a name or an address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = to_datetime(clock.wall_us())
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _AFTER)
        .add_extension(x509.SubjectAlternativeName([_alternative(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Certificate(
        made.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        hashlib.sha256(made.public_bytes(Encoding.DER)).hexdigest(),
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
