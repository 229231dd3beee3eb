"""How the new identity's trusts are made safe against ServiceAccount tokens that were stolen before. Pure.

Entra checks signature and claims of a ServiceAccount token and never asks the API server, so a stolen one stays good
until it expires; a new identity that trusts the same issuer and subject is its holder's as well.
https://kubernetes.io/docs/concepts/security/service-accounts/
"""

from playbooks.orders import Json
from playbooks.plan_model import ClusterPlan, Method, Refederation, Vector

# What is projected where nobody says otherwise; AKS gives no token a longer life than a day.
# https://learn.microsoft.com/azure/aks/workload-identity-overview
_DEFAULT_S, _LONGEST_S = 3600, 24 * 3600
_EXPLAINED: dict[Method, str] = {
    "new_subject": "every ServiceAccount gets a successor under a new name: a stolen token fits no trust of the new "
    "identity, at once and for good",
}


def choose(policy: Json, vector: Vector, because: str, clusters: list[ClusterPlan]) -> Refederation:
    """What the policy says for this vector, and what it means."""
    method: Method = policy["recovery"]["refederation"][vector]
    lives = [
        one.get("longest_token_s", _DEFAULT_S)
        for part in clusters
        for one in part["survey"]["workloads"]
    ]
    return {
        "vector": vector,
        "because": because,
        "method": method,
        "explained": _EXPLAINED.get(method, method),
        "longest_token_s": min(max(lives, default=_DEFAULT_S), _LONGEST_S),
    }
