"""What is to know of a workload before it is stopped and moved: who else writes it, what holds it up. Pure, no I/O.

Source   https://kubernetes.io/docs/tasks/run-application/configure-pdb/
         https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
         https://learn.microsoft.com/azure/aks/workload-identity-overview
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from responders import overrides
from responders.gitops import owner_of
from responders.inventories import Inventory
from responders.label_selectors import selects
from responders.model import Json, WorkloadRef
from responders.workload_objects import is_injected, template_of

# Of Entra, in every cloud, and of the proxy of an identity binding: a token's audience says what it is for, not its
# path, which has moved. https://learn.microsoft.com/entra/workload-id/workload-identity-federation
_ENTRA, _BINDING = "api://AzureADTokenExchange", "api://AKSIdentityBinding"
EXPIRATION = "azure.workload.identity/service-account-token-expiration"
# Seconds. The webhook refuses what is outside of these.
DEFAULT_S, SHORTEST_S, LONGEST_S = 3600, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Facts:
    """What one cluster says beside its workloads."""

    client_id: str
    budgets: Sequence[Json]
    maps: overrides.ConfigMaps
    expirations: dict[
        tuple[str, str], str
    ]  # of ServiceAccounts that name one, by namespace and name

    @classmethod
    def of(cls, inventory: Inventory) -> "Facts":
        """Sorted out once for all workloads."""
        named = [(_place(one), _expiration(one)) for one in inventory.of("serviceaccounts")]
        return cls(
            inventory.client_id,
            inventory.of("poddisruptionbudgets"),
            {_place(one): one for one in inventory.of("configmaps")},
            {place: said for place, said in named if said is not None},
        )

    def added(self, ref: WorkloadRef, found: Json, pods: Iterable[Json]) -> WorkloadRef:
        """The reference with all that is known of it. `pods` are those that were found to be its own."""
        template = template_of(ref["kind"], found)
        budgets = [one for one in self.budgets if _covers(one, ref, template)]
        said = self._said(ref, template)
        strategy = found["spec"].get("strategy") or found["spec"].get("updateStrategy") or {}
        whole: WorkloadRef = {
            **ref,
            "hard_coded_client_id": bool(said),
            "owner": owner_of(found["metadata"]),
            "budgets": sorted(one["metadata"]["name"] for one in budgets),
            "blocking_budgets": sorted(one["metadata"]["name"] for one in budgets if _blocks(one)),
            "overrides": [*said, *overrides.possible(template)],
            "longest_token_s": self._longest_token_s(ref, [template, *pods]),
        }
        if "type" in strategy:
            whole["update_strategy"] = strategy["type"]
        return whole

    def _said(self, ref: WorkloadRef, template: Json) -> list[str]:
        """Of a pod that the webhook wired nobody can tell: AZURE_CLIENT_ID is the webhook's own."""
        if ref["kind"] == "Pod" and is_injected(template):
            return []
        return overrides.certain(template, ref["namespace"], self.client_id, self.maps)

    def _longest_token_s(self, ref: WorkloadRef, pods: Sequence[Json]) -> int:
        """By the volumes that are there, and by what the webhook would inject next."""
        account = self.expirations.get((ref["namespace"], ref["service_account"]))
        lives = [life for pod in pods for life in _projected(pod["spec"])]
        lives += [seconds(_expiration(pod) or account) for pod in pods if is_injected(pod)]
        return max(lives, default=DEFAULT_S)  # whoever may mint one asks for any life


def seconds(said: str | None) -> int:
    """An annotation's life of a token. What is no number is the longest that it can be."""
    if said is None:
        return DEFAULT_S
    try:
        return min(max(int(said), SHORTEST_S), LONGEST_S)
    except ValueError:
        return LONGEST_S


def is_for_entra(audience: str) -> bool:
    """Whether a token with this audience can be exchanged for one of Entra."""
    return audience.startswith(_ENTRA) or audience == _BINDING


def _projected(spec: Json) -> Iterable[int]:
    for volume in spec.get("volumes") or []:
        for source in (volume.get("projected") or {}).get("sources") or []:
            token: Json = source.get("serviceAccountToken") or {}
            if is_for_entra(str(token.get("audience", ""))):
                yield int(token.get("expirationSeconds") or DEFAULT_S)


def _covers(budget: Json, ref: WorkloadRef, template: Json) -> bool:
    labels = template.get("metadata", {}).get("labels") or {}
    return budget["metadata"]["namespace"] == ref["namespace"] and selects(
        budget["spec"].get("selector"), labels
    )


def _blocks(budget: Json) -> bool:
    """It allows no eviction now. A budget that nobody has counted yet allows none either."""
    return not (budget["status"] or {}).get("disruptionsAllowed", 0)


def _expiration(found: Json) -> str | None:
    said: str | None = (found.get("metadata", {}).get("annotations") or {}).get(EXPIRATION)
    return said


def _place(found: Json) -> tuple[str, str]:
    return found["metadata"]["namespace"], found["metadata"]["name"]
