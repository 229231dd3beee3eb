"""Who is calling a cluster: Entra tokens, ServiceAccount tokens, or nobody.

Faithful    no credentials is system:anonymous, a bad token is 401; an Entra service principal is the user named by its
            object id; impersonation
Left out    client certificates, groups of people
Source      https://learn.microsoft.com/azure/aks/enable-authentication-microsoft-entra-id
"""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

import jwt

from sandbox.entra import bearer
from sandbox.kubernetes import service_account_tokens
from sandbox.kubernetes.statuses import unauthorized
from sandbox.web import Call
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

# The Entra application of every AKS API server.
# https://learn.microsoft.com/azure/aks/kubelogin-authentication
AKS_SERVER = "6dae42f8-4368-4678-94ff-3960e28e3630"
AUTHENTICATED = "system:authenticated"


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated user, as RBAC and the audit log see one."""

    name: str
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, list[str]] = field(default_factory=dict)

    def info(self) -> Json:
        """`authentication.k8s.io/v1` UserInfo."""
        info: Json = {"username": self.name}
        if self.uid:
            info["uid"] = self.uid
        if self.groups:
            info["groups"] = list(self.groups)
        if self.extra:
            info["extra"] = self.extra
        return info


ANONYMOUS = User("system:anonymous", groups=("system:unauthenticated",))


def identify(cluster: "Cluster", call: Call) -> User:
    """The caller. Raises `StatusError` 401."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if not scheme:
        return ANONYMOUS
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized()
    if _issuer_of(token.strip()) == cluster.issuer.url:
        return _service_account(cluster, token.strip())
    try:
        caller = bearer.authenticate(cluster.world, call, [AKS_SERVER])
    except bearer.InvalidTokenError as refused:
        raise unauthorized() from refused
    name = str(caller.claims.get("upn") or caller.object_id)
    return User(name, groups=(AUTHENTICATED,), extra={"oid": [caller.object_id]})


@lru_cache(maxsize=1024)
def _issuer_of(token: str) -> str:
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as malformed:
        raise unauthorized() from malformed
    return str(claims.get("iss", ""))


def _service_account(cluster: "Cluster", token: str) -> User:
    try:
        verdict = service_account_tokens.review(cluster, token, [cluster.issuer.url])
    except service_account_tokens.RefusedTokenError as refused:
        raise unauthorized() from refused
    info = verdict.user
    return User(info["username"], info["uid"], tuple(info["groups"]), info["extra"])
