"""An Entra tenant's issuer for tests: discovery documents, keys that roll over, and tokens good and forged."""

import base64
import hmac
import json
import time
from functools import cache
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from triggers.token_issuers import Trust

TENANT = "00000000-0000-0000-0000-000000000001"
LOGIN = "https://login.example"
V1, V2 = f"https://sts.example/{TENANT}/", f"{LOGIN}/{TENANT}/v2.0"
CLIENT_ID, URI = "77777777-7777-7777-7777-777777777777", "api://firebreak"
AUDIENCES = (CLIENT_ID, URI)
ROSA = "99999999-9999-9999-9999-999999999999"


@cache
def key(name: str) -> rsa.RSAPrivateKey:
    """A key of this name, made once: making one takes a tenth of a second."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Entra:
    """Answers as the login endpoint, counts what it was asked, and signs."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys or ("one",))
        self.asked: list[str] = []
        self.status = 200
        self.more: dict[str, Any] = {}  # of every published key
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def trust(self) -> Trust:
        """What believes this issuer."""
        return Trust(self.http, LOGIN, TENANT)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(f"/{TENANT}")
        self.asked.append(path)
        version = "/v2.0" if "v2.0" in path else ""
        documents = {
            f"{version}/.well-known/openid-configuration": {
                "issuer": V2 if version else V1,
                "jwks_uri": f"{LOGIN}/{TENANT}/discovery{version}/keys",
            },
            f"/discovery{version}/keys": {"keys": [self.published(one) for one in self.keys]},
        }
        return httpx.Response(self.status, json=documents[path])

    def published(self, name: str) -> dict[str, Any]:
        """As Entra publishes it: without `alg`."""
        public = RSAAlgorithm.to_jwk(key(name).public_key(), as_dict=True)
        return {**public, "kid": name, "use": "sig", **self.more}


def claims(version: int = 2, **other: object) -> dict[str, Any]:
    """What Rosa's token says, unless `other` says otherwise; None removes a claim."""
    now = int(time.time())
    found: dict[str, Any] = {
        "iss": V2 if version == 2 else V1,
        "aud": CLIENT_ID if version == 2 else URI,
        "ver": "2.0" if version == 2 else "1.0",
        "iat": now,
        "nbf": now,
        "exp": now + 3600,
        "oid": ROSA,
        "tid": TENANT,
        "sub": "pairwise",
        "scp": "Incidents.Handle",
        "roles": ["Incident.Respond"],
        "preferred_username" if version == 2 else "upn": "rosa@contoso.example",
        "azp" if version == 2 else "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",
    }
    return {name: value for name, value in {**found, **other}.items() if value is not None}


def token(signed_by: str = "one", version: int = 2, **other: object) -> str:
    """A good token, unless said otherwise."""
    return jwt.encode(
        claims(version, **other), key(signed_by), algorithm="RS256", headers={"kid": signed_by}
    )


def unsigned(said: dict[str, Any]) -> str:
    """`alg: none`."""
    return jwt.encode(said, "", algorithm="none", headers={"kid": "one"})


def confused(said: dict[str, Any]) -> str:
    """HMAC over the public key, which everybody knows. PyJWT itself refuses to make one."""
    pem = key("one").public_key()
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415

    secret = pem.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    header = {"alg": "HS256", "typ": "JWT", "kid": "one"}
    body = ".".join(_base64url(json.dumps(part).encode()) for part in (header, said))
    return f"{body}.{_base64url(hmac.digest(secret, body.encode(), 'sha256'))}"


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
