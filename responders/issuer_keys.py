"""Responder: whether a cluster's issuer serves its documents, and publishes the keys that the API server signs with.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS below; the issuer's public documents over https
Source   https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-issuer-discovery

Entra verifies a ServiceAccount's token by the published keys: a key that signs and is not published means that no
workload with a token of it gets in; one that is published and not the cluster's may be somebody else's.
"""

from typing import Final, NamedTuple

from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.kube import Kube
from responders.model import ClusterRef
from responders.needs import ClusterNeed, Needs
from responders.signing_key_rotations import published

_KEYS = "/openid/v1/jwks"
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "/openid/v1/jwks", ("get",), "the keys that the API server signs with", wanted=True
        ),
    ),
)


class IssuerSeen(NamedTuple):
    """What is wrong with the issuer's documents, and with its keys; "" is "nothing"."""

    document: str
    keys: str


async def mismatch(cloud: Cloud, cluster: ClusterRef, kube: Kube) -> str:
    """What differs between what is published and what the API server says; empty where nothing does.

    Raises what `published` raises, and the errors of `Kube` where the API server can't be asked.
    """
    outside = (await published(cloud, cluster)).kids
    return await _difference(cluster, kube, outside)


async def look(cloud: Cloud, cluster: ClusterRef, kube: Kube) -> IssuerSeen:
    """The same, where what the issuer does not serve, or serves wrong, is an answer: Entra reads the same address.

    Raises the errors of `Kube` where the API server can't be asked.
    """
    try:
        outside = (await published(cloud, cluster)).kids
    except (ContractChangedError, RefusedError, TransientError) as error:
        return IssuerSeen(str(error), "")
    return IssuerSeen("", await _difference(cluster, kube, outside))


async def _difference(cluster: ClusterRef, kube: Kube, outside: frozenset[str]) -> str:
    match await kube.get(_KEYS):
        case {"keys": [*found]} if all(isinstance(one, dict) and one.get("kid") for one in found):
            inside = frozenset(str(one["kid"]) for one in found)
        case other:
            raise ContractChangedError(f"{cluster['name']}: {_KEYS} is no key set: {list(other)}")
    missing, strange = sorted(inside - outside), sorted(outside - inside)
    said = [f"not published: {', '.join(missing)}"] if missing else []
    said += [f"published, and not the API server's: {', '.join(strange)}"] if strange else []
    return "; ".join(said)
