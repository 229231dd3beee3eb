"""ServiceAccount tokens: minted by TokenRequest and by the kubelet, judged by TokenReview.

Faithful    claims, bounds of the lifetime, binding to a pod; signed by the keys in the cluster's JWKS
Left out    Secret-based tokens; the ten seconds for which an API server caches a good review: a refusal comes at once
Source      https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jwt

from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import moment_of
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_LEEWAY = timedelta(seconds=60)  # go-jose's default, on expiry and on the end of a bound pod
_POD_EXTRAS = (("pod-name", "name"), ("pod-uid", "uid"))


class RefusedTokenError(Exception):
    """The reason, as TokenReview words it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A token that was accepted."""

    user: Json
    audiences: list[str]


def mint(
    cluster: "Cluster",
    account: Json,
    *,
    audiences: list[str],
    seconds: int,
    pod: Json | None = None,
) -> tuple[str, int]:
    """A signed token of this ServiceAccount and when it expires, in seconds since 1970."""
    about = account["metadata"]
    now = int(cluster.world.clock.now().timestamp())
    bound: Json = {"namespace": about["namespace"]}
    if pod is not None:
        node = pod["spec"].get("nodeName")
        if node:
            found = cluster.store.get(stored("nodes"), "", node)
            bound["node"] = {"name": node, "uid": found["metadata"]["uid"] if found else ""}
        bound["pod"] = {"name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
    bound["serviceaccount"] = {"name": about["name"], "uid": about["uid"]}
    claims: dict[str, Any] = {
        "aud": audiences,
        "exp": now + seconds,
        "iat": now,
        "iss": cluster.issuer.url,
        "jti": str(uuid.uuid4()),
        "kubernetes.io": bound,
        "nbf": now,
        "sub": f"system:serviceaccount:{about['namespace']}:{about['name']}",
    }
    return cluster.issuer.sign(claims), now + seconds


def review(cluster: "Cluster", token: str, audiences: list[str]) -> Verdict:
    """Judge a token as the API server does. Raises `RefusedTokenError`."""
    claims = _verified(cluster, token)
    matching = [each for each in claims.get("aud", []) if each in audiences]
    if not matching:
        raise RefusedTokenError(
            f"[invalid bearer token, token audiences {_listed(claims.get('aud', []))} is invalid "
            f"for the target audiences {_listed(audiences)}]"
        )
    if claims["exp"] + _LEEWAY.total_seconds() < cluster.world.clock.now().timestamp():
        raise RefusedTokenError("[invalid bearer token, service account token has expired]")
    return Verdict(_user(cluster, claims), matching)


def _verified(cluster: "Cluster", token: str) -> Json:
    try:
        key_id = jwt.get_unverified_header(token).get("kid")
        keys = {each["kid"]: each for each in cluster.issuer.jwks()["keys"]}
        if key_id not in keys:
            raise RefusedTokenError("invalid bearer token")
        claims: Json = jwt.decode(
            token,
            jwt.PyJWK(keys[key_id]).key,
            algorithms=["RS256"],
            options={
                "verify_aud": False,
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            },
        )
    except jwt.InvalidTokenError as malformed:
        raise RefusedTokenError("invalid bearer token") from malformed
    if claims.get("iss") != cluster.issuer.url or "kubernetes.io" not in claims:
        raise RefusedTokenError("invalid bearer token")
    return claims


def _user(cluster: "Cluster", claims: Json) -> Json:
    bound = claims["kubernetes.io"]
    namespace, name = bound["namespace"], bound["serviceaccount"]["name"]
    account = cluster.store.get(stored("serviceaccounts"), namespace, name)
    if account is None:
        raise RefusedTokenError(f'[invalid bearer token, serviceaccounts "{name}" not found]')
    claimed, found = bound["serviceaccount"]["uid"], account["metadata"]["uid"]
    if claimed != found:
        raise RefusedTokenError(
            f"[invalid bearer token, service account UID ({found}) does not match claim ({claimed})]"
        )
    extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}
    if "node" in bound:
        extra["authentication.kubernetes.io/node-name"] = [bound["node"]["name"]]
        extra["authentication.kubernetes.io/node-uid"] = [bound["node"]["uid"]]
    if "pod" in bound:
        _check_pod(cluster, namespace, bound["pod"])
        for label, key in _POD_EXTRAS:
            extra[f"authentication.kubernetes.io/{label}"] = [bound["pod"][key]]
    return {
        "username": claims["sub"],
        "uid": found,
        "groups": [
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            "system:authenticated",
        ],
        "extra": extra,
    }


def _check_pod(cluster: "Cluster", namespace: str, bound: Json) -> None:
    pod = cluster.store.get(stored("pods"), namespace, bound["name"])
    gone = RefusedTokenError("[invalid bearer token, service account token has been invalidated]")
    if pod is None or pod["metadata"]["uid"] != bound["uid"]:
        raise gone
    deletion = pod["metadata"].get("deletionTimestamp")
    if deletion and moment_of(deletion) + _LEEWAY < cluster.world.clock.now():
        raise gone


def _listed(audiences: list[str]) -> str:
    return "[" + ", ".join(f'"{each}"' for each in audiences) + "]"
