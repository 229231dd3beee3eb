"""All that was seen in a drill, as plain data: what a verdict is computed from, and nothing else.

Every part comes from the sandbox's state, its record of traffic, replayed moves or files on disk; none is what the app
says of itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from drill.options import Json


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one replayed move."""

    status: int | None  # None: nobody answered, which proves nothing
    code: str = ""  # AADSTS number, storage error code, or why there was no answer

    def __str__(self) -> str:
        """As a verdict shows it."""
        return f"{self.status or 'no answer'} {self.code}".rstrip()


@dataclass(frozen=True, slots=True)
class PodRead:
    """What the workload in a pod got when it read its data with the identity it has."""

    cluster: str
    pod: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file of the evidence store."""

    path: str
    written: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Victim:
    """The application under attack, by its ids, and what the attacker got hold of or added."""

    app_id: str
    application_object_id: str
    object_id: str
    phished: str  # the user whose session the attacker holds
    planted_grant: str  # role assignment id, lower case


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The whole drill, seen from outside."""

    seed: Json  # names -> ids
    victim: Victim
    before: Json  # state before the attack
    staged: Json  # state after the attack, before the alert
    after: Json  # state when the incident was over
    traffic: Sequence[Json]
    alerted_at: datetime | None
    consented_at: datetime | None
    credential_replays: Mapping[str, Reply]  # attacker's credential -> what the token endpoint said
    token_replays: Mapping[str, Reply]  # stolen access token -> what the storage said
    old_identity_replays: Mapping[str, Reply]  # ServiceAccount token -> for the old client id
    new_identity_replays: Mapping[str, Reply]  # ServiceAccount token -> for the new client id
    owner_on_successor: Reply  # the phished owner plants a secret on the new application
    workload_reads: Sequence[PodRead]
    bystander_reads: Sequence[PodRead]
    evidence: Sequence[EvidenceFile]
    outputs: Mapping[str, str]  # where -> all text that was written there
    secrets: Mapping[str, str] = field(repr=False)  # name -> value that may be in none of them

    @property
    def successor(self) -> Json:
        """The one application that did not exist before. Raises `LookupError` if there isn't just one."""
        known = {app["id"] for app in self.staged["applications"]}
        made: list[Json] = [app for app in self.after["applications"] if app["id"] not in known]
        if len(made) != 1:
            raise LookupError(f"{len(made)} new applications")
        return made[0]

    @property
    def successor_principal(self) -> Json:
        """Its service principal. Raises `LookupError` if there isn't just one."""
        app_id = self.successor["appId"]
        return only(self.after["servicePrincipals"], "appId", app_id)


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
        accounts = {
            (account["metadata"]["namespace"], account["metadata"]["name"])
            for account in accounts_naming(objects, client_id)
        }
        for deployment in objects["deployments"]:
            metadata, spec = deployment["metadata"], deployment["spec"]
            account = spec["template"]["spec"].get("serviceAccountName", "default")
            if (metadata["namespace"], account) in accounts:
                labels = spec["selector"]["matchLabels"]
                replicas = spec.get("replicas", 1)
                identity = (cluster, metadata["namespace"], metadata["name"])
                found.append(Workload(*identity, replicas, labels))
    return found


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


def writes(scene: Scene) -> list[Json]:
    """What Firebreak's own identity changed, in order, read off the recorded traffic."""
    firebreak = scene.seed["firebreak"]["object_id"]
    return [
        exchange
        for exchange in scene.traffic
        if exchange["caller"] == firebreak
        and exchange["method"] in ("PUT", "PATCH", "POST", "DELETE")
        and exchange["status"] < 300
    ]


def moment(exchange: Json) -> datetime:
    """When an exchange happened."""
    return datetime.fromisoformat(exchange["at"])
