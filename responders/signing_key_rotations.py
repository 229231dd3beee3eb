"""Responder: new keys for a cluster's ServiceAccount tokens, and the keys that its issuer publishes.

Stops    after two rotations, every ServiceAccount token that was issued before, whoever holds it
Leaves   tokens of the cluster's own workloads refused as well, until their pods are restarted or kubelet renews them;
         Entra's own copy of the keys, whose age is not documented
Undo     none: a key that is gone does not come back, and nobody needs it
Needs    NEEDS below; the issuer's public documents over https
Source   https://learn.microsoft.com/azure/aks/use-oidc-issuer#rotate-the-oidc-key
         https://learn.microsoft.com/rest/api/aks/managed-clusters/rotate-service-account-signing-keys
         https://openid.net/specs/openid-connect-discovery-1_0.html
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from structlog.contextvars import bound_contextvars

from responders import own_rights, role_definitions
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.clusters import address_of
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.managed_identities import CLUSTERS_VERSION
from responders.model import ClusterRef, Json
from responders.needs import CLUSTERS, ROTATING, AzureNeed, Needs

ENDS_WITHIN_S = 200.0  # of the step's 240; what takes longer is asked about by the next run
POLL_S = 5
# Where an answer does not say how long it may be kept: what a Kubernetes API server says of its own.
_UNSAID_S = 3600
_MOST_BYTES = 1_000_000
_MAX_AGE = re.compile(r"\bmax-age\s*=\s*(\d{1,9})", re.IGNORECASE)
ENDED = {"succeeded", "failed", "canceled"}
_ACTION = "Microsoft.ContainerService/managedClusters/rotateServiceAccountSigningKeys/action"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{CLUSTERS}/read", "whether an operation is under way", ("state_of",)),
        *(
            AzureNeed(action, "rotate a cluster's signing keys", ("rotate",), only_with=ROTATING)
            for action in (
                _ACTION,
                "Microsoft.ContainerService/locations/operations/read",
                "Microsoft.ContainerService/locations/operationresults/read",
            )
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Published:
    """The keys that whoever trusts the issuer verifies tokens with, as it serves them now."""

    kids: frozenset[str]
    max_age_s: int  # how long a copy of them may be kept


async def published(cloud: Cloud, cluster: ClusterRef) -> Published:
    """Read the issuer's discovery document and its keys, as Entra would.

    Raises `RefusedError` where the cluster has no issuer, `TransientError` where it does not answer.
    """
    issuer = cluster["issuer_url"]
    if not issuer:
        raise RefusedError(f"{cluster['name']} has no OIDC issuer: no token of it is trusted")
    discovery, _ = await _document(
        cloud, issuer.rstrip("/") + "/.well-known/openid-configuration", issuer
    )
    if discovery.get("issuer") != issuer:
        raise ContractChangedError(f"{issuer} says that it is {discovery.get('issuer')!r:.100}")
    keys, headers = await _document(cloud, str(discovery.get("jwks_uri", "")), issuer)
    match keys:
        case {"keys": [*found]} if all(isinstance(one, dict) and one.get("kid") for one in found):
            said = _MAX_AGE.search(headers)
            kids = frozenset(str(one["kid"]) for one in found)
            return Published(kids, int(said[1]) if said else _UNSAID_S)
        case _:
            raise ContractChangedError(f"{issuer}: its keys have no ids")


async def missing_right(cloud: Cloud, cluster: ClusterRef) -> str:
    """Why Firebreak may not rotate this cluster's keys, and what to do; empty where it may."""
    acting = await cloud.acting_as("rebuild")
    blocks = await own_rights.permissions_at(acting, cluster["resource_id"])
    if role_definitions.allows(blocks, _ACTION):
        return ""
    return (
        f"{cluster['name']}: Firebreak may not rotate its signing keys: it needs {_ACTION} there, as the role "
        "Firebreak Signing Key Rotator has it (docs/reference/permissions.md)"
    )


async def state_of(cloud: Cloud, cluster: ClusterRef) -> str:
    """The cluster's provisioningState, in lower case. One of `ENDED`: no operation is under way."""
    found = await cloud.arm.get(cluster["resource_id"], CLUSTERS_VERSION)
    state = str((found.get("properties") or {}).get("provisioningState", ""))
    if not state:
        raise ContractChangedError(f"{cluster['name']} has no provisioningState")
    return state.lower()


async def rotate(cloud: Cloud, cluster: ClusterRef) -> None:
    """One rotation, to its end. NOT safe to repeat: each call is a rotation; count by `published` first.

    Raises `TransientError` where it takes longer than a step may: it goes on all the same.
    """
    subscription, group, name = address_of(cluster)
    clusters = cloud.containers(subscription).managed_clusters
    with bound_contextvars(responder="signing_key_rotations.rotate", target=name):
        async with azure_call(f"rotation of the signing keys of {name}", seconds=ENDS_WITHIN_S):
            poller = await clusters.begin_rotate_service_account_signing_keys(
                group, name, polling_interval=POLL_S
            )
            await poller.result()


async def _document(cloud: Cloud, url: str, issuer: str) -> tuple[Json, str]:
    """A public JSON document of the issuer's own host, and what it says about caching."""
    parts, home = urlsplit(url), urlsplit(issuer)
    if parts.scheme != "https" or parts.netloc != home.netloc or "@" in parts.netloc:
        raise ContractChangedError(f"{issuer} points to {url[:100]!r} for its keys")
    async with azure_call(f"GET {url}"):
        answer = await cloud.http.get(url, headers={"Cache-Control": "no-cache"})
    if answer.status_code != 200 or len(answer.content) > _MOST_BYTES:
        raise TransientError(f"GET {url}: HTTP {answer.status_code}, {len(answer.content)} bytes")
    try:
        document = answer.json()
    except ValueError:
        raise ContractChangedError(f"GET {url}: no JSON") from None
    if not isinstance(document, dict):
        raise ContractChangedError(f"GET {url}: no JSON object")
    return document, answer.headers.get("Cache-Control", "")
