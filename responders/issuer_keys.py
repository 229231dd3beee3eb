"""Responder: whether the keys that a cluster's issuer publishes are those that its API server signs tokens with.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    the issuer's public documents over https; non-resource URL /openid/v1/jwks: get
Source   https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-issuer-discovery

Entra verifies a ServiceAccount's token by the published keys: a key that signs and is not published means that no
workload with a token of it gets in; one that is published and not the cluster's may be somebody else's.
"""

from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.kube import Kube
from responders.model import ClusterRef
from responders.signing_key_rotations import published

_KEYS = "/openid/v1/jwks"


async def mismatch(cloud: Cloud, cluster: ClusterRef, kube: Kube) -> str:
    """What differs between what is published and what the API server says; empty where nothing does.

    Raises what `published` raises, and the errors of `Kube` where the API server can't be asked.
    """
    outside = (await published(cloud, cluster)).kids
    match await kube.get(_KEYS):
        case {"keys": [*found]} if all(isinstance(one, dict) and one.get("kid") for one in found):
            inside = frozenset(str(one["kid"]) for one in found)
        case other:
            raise ContractChangedError(f"{cluster['name']}: {_KEYS} is no key set: {list(other)}")
    missing, strange = sorted(inside - outside), sorted(outside - inside)
    said = [f"not published: {', '.join(missing)}"] if missing else []
    said += [f"published, and not the API server's: {', '.join(strange)}"] if strange else []
    return "; ".join(said)
