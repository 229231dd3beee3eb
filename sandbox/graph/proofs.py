"""Proof of possession: a token that the holder signed with a certificate that it already has.

Whoever only has permissions cannot make one: a responder removes keys by PATCH instead.

Faithful    signature by one of the object's valid certificates, audience, issuer, ten minutes at most
Source      https://learn.microsoft.com/graph/application-rollkey-prooftoken
            https://learn.microsoft.com/graph/api/application-removekey
"""

import base64
from datetime import datetime
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.graph.bodies import parse_date
from sandbox.graph.errors import GraphError, bad_request
from sandbox.world import Json

_AUDIENCE = "00000002-0000-0000-c000-000000000000"
_LONGEST_S = 600
_SKEW_S = 60  # two clocks are never the same


def check(holder: Json, proof: object, now: datetime) -> None:
    """Whether the proof holds at this moment. Raises 400 or 403 where it doesn't."""
    if not isinstance(proof, str) or not proof:
        raise bad_request("The proof parameter is required.")
    keys = list(_valid_keys(holder, now))
    if not keys:
        raise bad_request(
            "There is no valid certificate on the object to prove possession of; use the update "
            "operation instead."
        )
    for key in keys:
        try:
            claims = _decode(proof, key)
        except jwt.InvalidTokenError:
            continue
        _check_claims(claims, holder, now)
        return
    raise _refused("its signature is by none of the object's valid certificates")


def _valid_keys(holder: Json, now: datetime) -> list[RSAPublicKey]:
    found = []
    for each in holder["keyCredentials"]:
        if each["usage"] != "Verify" or not each.get("key"):
            continue
        if not parse_date(each["startDateTime"]) <= now < parse_date(each["endDateTime"]):
            continue
        certificate = x509.load_der_x509_certificate(base64.b64decode(each["key"]))
        if isinstance(key := certificate.public_key(), RSAPublicKey):
            found.append(key)
    return found


def _decode(proof: str, key: RSAPublicKey) -> dict[str, Any]:
    """The claims; times are checked against the sandbox's clock, not by PyJWT."""
    unchecked = ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss")
    options: Any = {**dict.fromkeys(unchecked, False), "require": ["aud", "iss", "nbf", "exp"]}
    claims: dict[str, Any] = jwt.decode(proof, key, algorithms=["RS256", "PS256"], options=options)
    return claims


def _check_claims(claims: dict[str, Any], holder: Json, now: datetime) -> None:
    if claims["aud"] != _AUDIENCE:
        raise _refused(f"its audience is not {_AUDIENCE}")
    if claims["iss"] != holder["id"]:
        raise _refused("its issuer is not the object's id")
    begins, ends, present = float(claims["nbf"]), float(claims["exp"]), now.timestamp()
    if not begins - _SKEW_S <= present < ends:
        raise _refused("it is not valid at this time")
    if ends - begins > _LONGEST_S:
        raise _refused("it is valid for more than 10 minutes")


def _refused(reason: str) -> GraphError:
    return GraphError(
        403, "Authentication_MissingOrMalformed", f"The proof token is refused: {reason}."
    )
