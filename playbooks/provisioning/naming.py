"""The names of what is made: computed from the declaration alone, so that a second run finds the first one's. Pure.

Source   https://learn.microsoft.com/graph/api/resources/federatedidentitycredential (name: 3 to 120 characters)
         https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftmanagedidentity
"""

from responders.evidence import digest

_LONGEST = 120
_ENDING = 8  # of a digest: names that are cut, or differ in a dot, stay apart


def trust_name(cluster_id: str, namespace: str, account: str) -> str:
    """Of a federated credential: letters, digits and hyphens, readable in front, unique at the end."""
    cluster = cluster_id.rpartition("/")[2]
    key = digest(f"{cluster_id.lower()}|{namespace}|{account}".encode())[:_ENDING]
    readable = f"{cluster}-{namespace}-{account}".replace(".", "-").replace("_", "-")
    return f"{readable[: _LONGEST - _ENDING - 1].rstrip('-')}-{key}"


def subject(namespace: str, account: str) -> str:
    """As the cluster's issuer writes it."""
    return f"system:serviceaccount:{namespace}:{account}"


# A claim: where the documents lie that were applied last, as a whole.
LAST_APPLIED = "claims/declared-identities.json"


def record_path(name: str, app_id: str) -> str:
    """Where it is written down that Firebreak made this identity for this declaration."""
    return f"identities/{name}/{app_id}.json"
