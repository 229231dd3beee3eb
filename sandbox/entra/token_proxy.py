"""The proxy through which the pods of a cluster get tokens by an identity binding.

Simulates   the endpoint that AZURE_KUBERNETES_TOKEN_PROXY names in a pod, which takes the token request that would go
            to Entra: POST /{tenant}/oauth2/v2.0/token with the ServiceAccount's token as the assertion
Faithful    the token is for the audience api://AKSIdentityBinding and one that the API server takes; the cluster has a
            binding of the client; the ServiceAccount may `use-managed-identity` it by the cluster's RBAC; Entra sees an
            assertion of the issuer that AKS keeps for the identity, so that without the identity's one federated
            credential no cluster gets anything
Choice      status and words of what the proxy itself refuses, which are documented nowhere
Source      https://learn.microsoft.com/azure/aks/identity-bindings-concepts
            https://learn.microsoft.com/azure/aks/identity-bindings
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, Response

from sandbox.arm import identity_bindings
from sandbox.entra import service
from sandbox.issuers import Issuer
from sandbox.kubernetes import rbac, service_account_tokens
from sandbox.kubernetes.identity import User
from sandbox.web import Call
from sandbox.world import World

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_GROUP, _VERB = "cid.wi.aks.azure.com", "use-managed-identity"
_LIFE_S = 600  # of the assertion, which goes nowhere but to Entra


async def exchange(cluster: "Cluster", call: Call) -> Response:
    """What Entra says to this token request; 401 no such ServiceAccount, 403 not bound, or not allowed to use it.

    The call's path is the one that Entra would see.
    """
    form = dict(parse_qsl(call.body.decode(errors="replace"), keep_blank_values=True))
    client_id = form.get("client_id", "").lower()
    try:
        user = _user(cluster, form)
    except service_account_tokens.RefusedTokenError as refused:
        return _refused(401, "invalid_client", str(refused))
    if identity_bindings.of_cluster(cluster.world, cluster.resource_id, client_id) is None:
        return _refused(403, "unauthorized_client", f"no identity binding of client {client_id}")
    wanted = rbac.Attributes(_VERB, _GROUP, client_id)
    if rbac.decide(cluster, user, wanted) is None:
        return _refused(403, "access_denied", str(rbac.refusal(user, wanted)))
    assertion = _assertion(cluster.world, client_id)
    body = urlencode({**form, "client_assertion": assertion}).encode()
    return await service.serve(cluster.world, replace(call, body=body))


def _user(cluster: "Cluster", form: Mapping[str, str]) -> User:
    token = form.get("client_assertion", "")
    verdict = service_account_tokens.review(cluster, token, [identity_bindings.AUDIENCE])
    return User(verdict.user["username"], verdict.user["uid"], tuple(verdict.user["groups"]))


def _assertion(world: World, client_id: str) -> str:
    url = identity_bindings.issuer_of(world, client_id)
    issuer = world.issuers.setdefault(url, Issuer(url))
    now = int(world.clock.now().timestamp())
    claims = {"aud": [identity_bindings.AUDIENCE], "sub": client_id}
    return issuer.sign({**claims, "iat": now, "nbf": now, "exp": now + _LIFE_S})


def _refused(status: int, error: str, description: str) -> Response:
    return JSONResponse({"error": error, "error_description": description}, status_code=status)
