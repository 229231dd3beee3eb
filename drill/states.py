"""Reading a state of the sandbox: identities, what they hold, and what runs with them in the clusters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from drill.options import Json


def only(items: Sequence[Json], key: str, value: str) -> Json:
    """The one object with this value. Raises `LookupError` otherwise."""
    found = [item for item in items if item.get(key) == value]
    if len(found) != 1:
        raise LookupError(f"{len(found)} objects with {key} {value}")
    return found[0]


def grants_of(state: Json, principal: str) -> set[tuple[str, str]]:
    """(scope, role definition) of every role assignment of a principal, in lower case."""
    return {
        (assignment["properties"]["scope"].lower(), _definition(assignment))
        for assignment in state["roleAssignments"]
        if assignment["properties"]["principalId"] == principal
    }


def _definition(assignment: Json) -> str:
    """The definition's GUID: the same role is named with and without its subscription."""
    return str(assignment["properties"]["roleDefinitionId"]).rsplit("/", 1)[-1].lower()


def trusts_of(state: Json, application: str) -> list[Json]:
    """The federated credentials of an application, by its object id."""
    return [
        trust for trust in state["federatedCredentials"] if trust["applicationId"] == application
    ]


def identity_trusts_of(state: Json, identity: str) -> list[Json]:
    """The federated credentials of a user-assigned managed identity, by its resource id; empty has none."""
    if not identity:
        return []
    below = f"{identity}/federatedIdentityCredentials/".lower()
    return [one for one in state["resources"] if one["id"].lower().startswith(below)]


def credentials_of(holder: Json) -> list[str]:
    """Key ids of every secret and key on an application or a service principal."""
    both = [*(holder.get("passwordCredentials") or []), *(holder.get("keyCredentials") or [])]
    return [str(credential["keyId"]) for credential in both]


def client_ids(pod: Json) -> set[str]:
    """The client ids in the environment of a pod's containers."""
    spec = pod["spec"]
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    return {
        str(variable.get("value"))
        for container in containers
        for variable in container.get("env") or []
        if variable["name"] == "AZURE_CLIENT_ID"
    }


def is_running(pod: Json) -> bool:
    """Whether a pod runs and is not on its way out."""
    gone = pod["metadata"].get("deletionTimestamp")
    return pod.get("status", {}).get("phase") == "Running" and not gone


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment that used the old identity before the attack."""

    cluster: str
    namespace: str
    name: str
    replicas: int
    labels: Mapping[str, str]

    def owns(self, pod: Json) -> bool:
        """Whether its selector matches a pod of its cluster."""
        metadata = pod["metadata"]
        labels = metadata.get("labels") or {}
        return metadata["namespace"] == self.namespace and self.labels.items() <= labels.items()


def workloads_of(state: Json, client_id: str) -> list[Workload]:
    """The Deployments whose ServiceAccount names this client id, in every cluster."""
    found = []
    for cluster, objects in state["clusters"].items():
        accounts = named(accounts_naming(objects, client_id))
        for deployment in objects["deployments"]:
            metadata, spec = deployment["metadata"], deployment["spec"]
            if (metadata["namespace"], account_of(spec["template"]["spec"])) in accounts:
                labels = spec["selector"]["matchLabels"]
                replicas = spec.get("replicas", 1)
                identity = (cluster, metadata["namespace"], metadata["name"])
                found.append(Workload(*identity, replicas, labels))
    return found


def account_of(pod_spec: Json) -> str:
    """The ServiceAccount that these pods run as."""
    return str(pod_spec.get("serviceAccountName", "default"))


def named(objects: Iterable[Json]) -> set[tuple[str, str]]:
    """Namespace and name of each; what has no namespace has an empty one."""
    return {(one["metadata"].get("namespace", ""), one["metadata"]["name"]) for one in objects}


def accounts_naming(cluster: Json, client_id: str) -> list[Json]:
    """The ServiceAccounts of a cluster that are annotated with this client id."""
    return [
        account
        for account in cluster["serviceaccounts"]
        if (account["metadata"].get("annotations") or {}).get("azure.workload.identity/client-id")
        == client_id
    ]


def pods_of(state: Json, workload: Workload) -> list[Json]:
    """The running pods of a workload."""
    pods = state["clusters"][workload.cluster]["pods"]
    return [pod for pod in pods if workload.owns(pod) and is_running(pod)]
