"""What happens on a node, where no API server watches: reading a pod's token, running its code.

Faithful    a NetworkPolicy that isolates a pod for egress and allows nothing cuts it off, also from carrying its token
            away, where the cluster has an engine for policies
Left out    rules: a policy that allows anything allows everything
Source      https://learn.microsoft.com/azure/aks/workload-identity-overview
"""

from typing import Any

import httpx

from sandbox.kubernetes import selectors, workload_identity
from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.controllers import ownership
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.workload_identity import AUDIENCE
from sandbox.world import Json, World

_TIMEOUT_S = 10.0
_AUDIENCES = (AUDIENCE, workload_identity.BINDING_AUDIENCE)
# A Storage service version that takes Entra tokens; without one, Storage judges the call as an old anonymous one.
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
_STORAGE_VERSION = "2023-11-03"


class PodNotReadyError(Exception):
    """The pod does not run, or carries no workload identity: nothing can be read or run in it."""


def steal_token(world: World, cluster: str, namespace: str, service_account: str) -> str:
    """The projected token that an attacker with code in a pod of this ServiceAccount reads.

    Raises `PodNotReadyError` where no such pod runs, or none that could send it anywhere.
    """
    found = world.clusters[cluster]
    for pod in found.store.peek(stored("pods"), namespace):
        if pod["spec"].get("serviceAccountName") == service_account and ownership.is_ready(pod):
            if _is_cut_off(found, pod):
                continue
            mounted = (found.tokens.read(pod, each) for each in _AUDIENCES)
            token = next((each for each in mounted if each is not None), None)
            if token is not None:
                return token
    raise PodNotReadyError(
        f"no pod of {namespace}/{service_account} in {cluster} runs with workload identity"
    )


async def run_in_pod(  # noqa: PLR0913, PLR0917 - where, and what
    world: World, cluster: str, namespace: str, pod: str, method: str, url: str, resource: str
) -> dict[str, Any]:
    """What the workload's Azure SDK does with the pod's own environment, over real HTTPS.

    Returns token_status, aadsts (a number or None), and status and body of the request, which are None where no token
    was issued. Raises `PodNotReadyError`, or `httpx.HTTPError` where the network lets nothing through.
    """
    found = world.clusters[cluster]
    value = found.store.get(stored("pods"), namespace, pod)
    if value is None or not ownership.is_ready(value):
        raise PodNotReadyError(f"pod {namespace}/{pod} in {cluster} does not run")
    if _is_cut_off(found, value):
        raise httpx.ConnectTimeout(f"a NetworkPolicy lets nothing out of pod {namespace}/{pod}")
    environment = found.environments.of(value)
    async with httpx.AsyncClient(
        verify=world.trust if world.trust is not None else True, timeout=_TIMEOUT_S
    ) as client:
        exchange = await _exchange(client, found, value, environment, resource)
        issued = exchange.json() if exchange.content else {}
        _log(found, value, f"token request: HTTP {exchange.status_code}")
        if exchange.status_code != 200:
            codes = issued.get("error_codes") or [None]
            return {
                "token_status": exchange.status_code,
                "aadsts": codes[0],
                "status": None,
                "body": None,
            }
        headers = {
            "Authorization": f"Bearer {issued['access_token']}",
            "x-ms-version": _STORAGE_VERSION,
        }
        answer = await client.request(method, url, headers=headers)
    _log(found, value, f"{method} {url}: HTTP {answer.status_code}")
    return {
        "token_status": exchange.status_code,
        "aadsts": None,
        "status": answer.status_code,
        "body": answer.text,
    }


async def _exchange(
    client: httpx.AsyncClient,
    cluster: Cluster,
    pod: Json,
    environment: dict[str, str],
    resource: str,
) -> httpx.Response:
    """The client credentials grant with a federated token.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
    """
    proxy = environment.get(workload_identity.TOKEN_PROXY)
    assertion = cluster.tokens.read(pod, workload_identity.BINDING_AUDIENCE if proxy else AUDIENCE)
    client_id = environment.get("AZURE_CLIENT_ID")
    authority = environment.get("AZURE_AUTHORITY_HOST")
    tenant = environment.get("AZURE_TENANT_ID")
    if not (assertion and client_id and authority and tenant):
        name = pod["metadata"]["name"]
        raise PodNotReadyError(f"pod {name} in {cluster.name} carries no workload identity")
    return await client.post(
        f"{(proxy or authority).rstrip('/')}/{tenant}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "scope": f"{resource.rstrip('/')}/.default",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        },
    )


def _is_cut_off(cluster: Cluster, pod: Json) -> bool:
    """Whether policies isolate the pod for egress and none of them has a rule."""
    if not cluster.enforces_policies:
        return False  # the API server takes a NetworkPolicy all the same
    labels = pod["metadata"].get("labels", {})
    isolating = [
        policy["spec"]
        for policy in cluster.store.peek(stored("networkpolicies"), pod["metadata"]["namespace"])
        if "Egress" in policy["spec"]["policyTypes"]
        and selectors.by_object(policy["spec"]["podSelector"])(labels)
    ]
    return bool(isolating) and not any(spec.get("egress") for spec in isolating)


def _log(cluster: Cluster, pod: Json, text: str) -> None:
    container = pod["spec"]["containers"][0]["name"]
    cluster.logs.add(cluster.now(), pod, container, text)
