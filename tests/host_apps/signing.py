"""An issuer for the host's sign-in tests: one RSA key, its JWKS, tokens with any claims."""

import base64
import json
import time
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://sts.example/tenant/"
AUDIENCE = "api://firebreak"


class Signer:
    """Signs tokens as Entra would."""

    def __init__(self, key_id: str = "one") -> None:
        self.key_id = key_id
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def jwks(self) -> dict[str, Any]:
        """The public key as the issuer publishes it."""
        published = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**published, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}

    def token(self, **claims: object) -> str:
        """A token that is good unless `claims` say otherwise; None removes a claim."""
        now = int(time.time())
        good: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "oid": "oid-of-rosa",
            "tid": "tenant",
            "upn": "rosa@contoso.example",
        }
        payload = {name: value for name, value in {**good, **claims}.items() if value is not None}
        return jwt.encode(payload, self._key, algorithm="RS256", headers={"kid": self.key_id})

    def principal(self, header: str) -> dict[str, Any]:
        """What X-MS-CLIENT-PRINCIPAL says."""
        document: dict[str, Any] = json.loads(base64.b64decode(header))
        return document
