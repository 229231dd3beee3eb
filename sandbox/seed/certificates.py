"""Self-signed certificates of seeded applications."""

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class SelfSigned:
    """A certificate and what signs with it."""

    certificate: x509.Certificate
    private_key_pem: str = field(repr=False)

    @property
    def thumbprint(self) -> str:
        """`x5t`: base64url of its SHA-1. RFC 7515, section 4.1.7."""
        digest = self.certificate.fingerprint(SHA1())  # noqa: S303 - a name, not a safeguard
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@cache
def certificate(common_name: str) -> bytes:
    """DER. Nobody has its private key, which is forgotten here; one per process is enough."""
    starts = datetime.now(UTC) - timedelta(days=240)
    made = self_signed(common_name, starts, starts + timedelta(days=730))
    return made.certificate.public_bytes(Encoding.DER)


def self_signed(common_name: str, starts: datetime, ends: datetime) -> SelfSigned:
    """A new key pair, signed by itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return SelfSigned(signed, pem.decode())
