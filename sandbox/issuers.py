"""OIDC issuers: the clusters' own, and one that an attacker runs.

Simulates   the two documents that Entra reads of an issuer: discovery and JWKS
Faithful    RS256 only; a rotation keeps the old key until the next one, or until it is retired
Left out    rotation by schedule
Source      https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

import base64
import hashlib
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Issuer:
    """An issuer URL with its signing keys, newest first."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._keys = [_first_key(url)]

    def sign(self, claims: dict[str, Any], *, issuer: str | None = None) -> str:
        """A JWT over these claims with the newest key. `iss` is the URL unless `issuer` says otherwise."""
        key = self._keys[0]
        return jwt.encode(
            {**claims, "iss": issuer or self.url},
            key,
            algorithm="RS256",
            headers={"kid": key_id(key)},
        )

    def public_key(self) -> rsa.RSAPublicKey:
        """The newest key's public half."""
        return self._keys[0].public_key()

    def rotate(self) -> None:
        """A new signing key; the one before it stays in the JWKS, the one before that goes."""
        self._keys = [_new_key(), self._keys[0]]

    def retire_before(self, kid: str) -> None:
        """Publish no key any more that is older than this one; nothing happens where it is not published itself."""
        kids = [key_id(key) for key in self._keys]
        if kid in kids:
            self._keys = self._keys[: kids.index(kid) + 1]

    def jwks(self) -> dict[str, Any]:
        """The public keys, as served at `jwks_uri`."""
        return {"keys": [public_jwk(key) for key in self._keys]}

    def discovery(self, jwks_uri: str) -> dict[str, Any]:
        """The discovery document, as a Kubernetes API server writes it."""
        return {
            "issuer": self.url,
            "jwks_uri": jwks_uri,
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _first_key(url: str) -> rsa.RSAPrivateKey:
    """One key per issuer URL and process: a reset of the world need not wait for new ones."""
    del url  # only the cache's key
    return _new_key()


@cache
def key_id(key: rsa.RSAPrivateKey) -> str:
    """SHA-256 over the DER public key, as the Kubernetes API server names its keys."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def public_jwk(key: rsa.RSAPrivateKey) -> dict[str, Any]:
    """One entry of a JWKS."""
    numbers = key.public_key().public_numbers()
    return {
        "use": "sig",
        "kty": "RSA",
        "kid": key_id(key),
        "alg": "RS256",
        "n": _base64url(numbers.n),
        "e": _base64url(numbers.e),
    }


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
