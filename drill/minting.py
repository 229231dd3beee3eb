"""A new token for a ServiceAccount by TokenRequest, as anybody gets one who may create them.

Source   https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

import httpx

from drill.options import DrillError
from drill.staging import Ground
from sandbox.attacks.attacker import AUDIENCE

# The application behind every AKS API server: https://learn.microsoft.com/azure/aks/kubelogin-authentication
_AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"


async def cluster_token(ground: Ground, hand: str = "rebuild") -> str:
    """A bearer token for the clusters, of one of the two identities in the sandbox that may act in them."""
    return await token_for(ground, _AKS, hand)


async def token_for(ground: Ground, resource: str, hand: str = "rebuild") -> str:
    """A bearer token of one of Firebreak's own identities for a resource."""
    endpoint = ground.described["environment"]["IDENTITY_ENDPOINT"]
    own = ground.described["seed"]["firebreak"][hand]["app_id"]
    answer = await ground.http.get(
        endpoint,
        params={"resource": resource, "api-version": "2019-08-01", "client_id": own},
        headers={"X-IDENTITY-HEADER": ground.described["identity_header"]},
    )
    if not answer.is_success:
        raise DrillError(f"no token for {resource}: {answer.status_code} {answer.text[:300]}")
    return str(answer.json()["access_token"])


async def mint(ground: Ground, cluster: str, namespace: str, account: str) -> str | None:
    """A token good for Entra's exchange. None where the ServiceAccount is gone, or nobody reaches the API server."""
    origin = ground.described["endpoints"][f"kube-{cluster}"]
    url = f"{origin}/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    wish = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": [AUDIENCE], "expirationSeconds": 600},
    }
    bearer = {"Authorization": f"Bearer {await cluster_token(ground, 'containment')}"}
    try:
        made = await ground.http.post(url, json=wish, headers=bearer)
    except httpx.TransportError as error:
        if await _is_down(ground, cluster):
            return None
        raise DrillError(f"TokenRequest in {cluster}: no answer: {error}") from error
    if made.status_code == 404:
        return None
    if not made.is_success:
        raise DrillError(f"TokenRequest in {cluster}: {made.status_code} {made.text[:300]}")
    return str(made.json()["status"]["token"])


async def _is_down(ground: Ground, cluster: str) -> bool:
    """Whether the sandbox has cut this API server off from everybody, by its own switch."""
    shown = await ground.http.get(
        f"{ground.described['endpoints']['control']}/sandbox/clusters/{cluster}"
    )
    return bool(shown.is_success and shown.json()["api_server"] != "up")
