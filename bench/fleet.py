"""A big company's clusters: 50 of them, 200 ServiceAccounts and 400 pods in each, and one identity that 20 of them use.

Entra lets an identity have 20 federated credentials, so 20 ServiceAccounts are what one incident can have to move:
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
The other 9,980 belong to others, are read with the rest, and must be left alone.
"""

from dataclasses import dataclass

from drill.options import Json
from drill.training_ground import TrainingGround

CLUSTERS, NAMESPACES, ACCOUNTS, REPLICAS = (
    50,
    20,
    200,
    2,
)  # accounts of one cluster, pods of one account
TRUSTS = 20  # clusters in which one ServiceAccount is the victim's
_HOME, _VICTIM = "team-0", "bench"  # where the victim's ServiceAccount is, and its name


@dataclass(frozen=True)
class _Account:
    namespace: str
    name: str
    client_id: str


@dataclass(frozen=True)
class Victim:
    """The application that is attacked."""

    object_id: str  # of its service principal
    clusters: list[str]


async def build(ground: TrainingGround) -> Victim:
    """Fill one cluster, let the others stand as it does, and give 20 of them the victim's ServiceAccount."""
    names = list(ground.described["seed"]["clusters"])
    crowd = [
        _Account(f"team-{one % NAMESPACES}", f"app-{one}", _client_id(one))
        for one in range(ACCOUNTS)
    ]
    homes = [{"metadata": {"name": f"team-{number}"}} for number in range(NAMESPACES)]
    filled = {"namespaces": homes, **_objects(crowd[1:])}
    await ground.control.seed({"clusters": {names[-1]: filled}})
    await ground.control.seed({"clusters": dict.fromkeys(names[:-1], names[-1])})
    planted = await ground.control.seed({"applications": [{"displayName": "bench-fleet"}]})
    ids: Json = planted["applications"][0]
    users = names[:TRUSTS]
    own = _objects([_Account(_HOME, _VICTIM, ids["app_id"])])
    last = {name: own if name in users else _objects(crowd[:1]) for name in names}
    await ground.control.seed({**_rights(ground, ids, users), "clusters": last})
    return Victim(str(ids["object_id"]), users)


def _rights(ground: TrainingGround, ids: Json, users: list[str]) -> Json:
    seeded = ground.described["seed"]
    account = seeded["storage"]["account_id"]
    roles = [
        ("Storage Blob Data Reader", f"{account}/blobServices/default/containers/orders"),
        ("Storage Blob Data Reader", account),
        ("Reader", account),
    ]
    return {
        "federatedCredentials": [
            {
                "applicationId": ids["application_object_id"],
                "name": f"trust-{name}",
                "issuer": seeded["clusters"][name]["issuer"],
                "subject": f"system:serviceaccount:{_HOME}:{_VICTIM}",
            }
            for name in users
        ],
        "roleAssignments": [
            {"scope": scope, "role": role, "principalId": ids["object_id"]} for role, scope in roles
        ],
    }


def _objects(accounts: list[_Account]) -> Json:
    """For each a ServiceAccount and a Deployment that runs as it."""
    return {
        "serviceaccounts": [
            {
                "metadata": {
                    "name": one.name,
                    "namespace": one.namespace,
                    "annotations": {"azure.workload.identity/client-id": one.client_id},
                }
            }
            for one in accounts
        ],
        "deployments": [_deployment(one) for one in accounts],
    }


def _deployment(account: _Account) -> Json:
    labels = {"app": account.name}
    container = {"name": "app", "image": "contoso.azurecr.io/app:1.4.2"}
    metadata = {"name": account.name, "namespace": account.namespace, "labels": labels}
    return {
        "metadata": metadata,
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, "azure.workload.identity/use": "true"}},
                "spec": {"serviceAccountName": account.name, "containers": [container]},
            },
        },
    }


def _client_id(number: int) -> str:
    return f"11111111-1111-4111-8111-{number:012d}"
