"""The projected tokens that the kubelet keeps in the pods of its node.

Faithful    one token per audience and pod, renewed when 80 % of its life is over; that does not end the old one
Left out    renewal after 24 hours of a token that lives longer
Source      https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.kubernetes import service_account_tokens
from sandbox.kubernetes.kinds import stored
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_RENEWED_AT = 0.8


@dataclass(frozen=True, slots=True)
class MountedToken:
    """A token file: its content and when the kubelet replaces it."""

    token: str
    renew_at: float  # seconds since 1970


class MountedTokens:
    """Token files by pod and audience. They are renewed when somebody looks, which looks the same."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self._files: dict[tuple[str, str], MountedToken] = {}

    def read(self, pod: Json, audience: str) -> str | None:
        """The token that the file in this pod holds now; None where the pod has no such volume.

        Without an audience it is the one for the API server.
        """
        projection = _projection(pod, audience)
        if projection is None:
            return None
        now = self._cluster.world.clock.now().timestamp()
        key = (pod["metadata"]["uid"], audience)
        found = self._files.get(key)
        if found is None or found.renew_at <= now:
            found = self._mint(pod, audience, projection["expirationSeconds"], now)
            if found is not None:
                self._files[key] = found
        return found.token if found is not None else None

    def at(self, pod: Json, path: str) -> str | None:
        """What the file at this path of the first container holds, where it is a projected token."""
        volumes = {each["name"]: each for each in pod["spec"].get("volumes", [])}
        for mount in pod["spec"]["containers"][0].get("volumeMounts", []):
            for source in volumes[mount["name"]].get("projected", {}).get("sources", []):
                token = source.get("serviceAccountToken")
                if token is not None and f"{mount['mountPath']}/{token['path']}" == path:
                    return self.read(pod, token.get("audience", ""))
        return None

    def _mint(self, pod: Json, audience: str, seconds: int, now: float) -> MountedToken | None:
        account = self._cluster.store.get(
            stored("serviceaccounts"),
            pod["metadata"]["namespace"],
            pod["spec"]["serviceAccountName"],
        )
        if account is None:
            return self._files.get((pod["metadata"]["uid"], audience))
        token, _ = service_account_tokens.mint(
            self._cluster,
            account,
            audiences=[audience or self._cluster.issuer.url],
            seconds=seconds,
            pod=pod,
        )
        return MountedToken(token, now + _RENEWED_AT * seconds)


def _projection(pod: Json, audience: str) -> Json | None:
    for volume in pod["spec"].get("volumes", []):
        for source in volume.get("projected", {}).get("sources", []):
            token: Json | None = source.get("serviceAccountToken")
            if token is not None and token.get("audience", "") == audience:
                return token
    return None
