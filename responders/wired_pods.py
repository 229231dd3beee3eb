"""What of a pod, and of what makes it, says whose identity it has. Pure, no I/O.

Values of variables other than the webhook's own are not kept: they may be secrets.

Source   https://github.com/Azure/azure-workload-identity/blob/v1.6.0/pkg/webhook/webhook.go
         https://github.com/Azure/azure-workload-identity/blob/v1.6.0/pkg/webhook/consts.go
"""

from typing import TypedDict

from responders.gitops import owner_of
from responders.identity_bindings import USE as USE_BINDING
from responders.model import GitOpsOwner, Json
from responders.workload_facts import is_for_entra
from responders.workload_objects import (
    USE_LABEL,
    Kind,
    client_id_of,
    containers_of,
    controller_uid,
    is_finished,
    service_account_of,
    template_of,
)

Own = tuple[Kind, Json]
# What the webhook sets, and a secret that libraries prefer to it.
SECRET = "AZURE_CLIENT_SECRET"  # noqa: S105 - a variable's name
VARIABLES = (
    *("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"),
)
_SKIPPED = "azure.workload.identity/skip-containers"
_WHY = 300  # characters of a controller's own words


class ContainerSeen(TypedDict):
    """One container, without what nobody asks."""

    name: str
    variables: dict[str, str | None]  # the webhook's own four; None: taken from elsewhere
    has_secret: bool  # AZURE_CLIENT_SECRET is set
    mounts: dict[str, str]  # volume -> path
    skipped: bool  # the pod asks the webhook to leave it alone


class TokenSeen(TypedDict):
    """A ServiceAccount token that kubelet projects into the pod for Entra."""

    volume: str
    audience: str
    path: str
    expires_s: int


class PodSeen(TypedDict):
    """One pod."""

    name: str
    created: str
    finished: bool
    terminating: bool
    use_label: str | None
    binds: bool  # asks for the token proxy of an identity binding
    containers: list[ContainerSeen]
    tokens: list[TokenSeen]
    made_by: str  # "Deployment/orders-api"; "" for a bare pod
    waits: list[str]  # why containers do not start
    started: list[str]  # containers that have a log


class TemplateSeen(TypedDict):
    """What makes pods of this ServiceAccount."""

    kind: Kind
    name: str
    use_label: str | None  # of its template
    replicas: int
    owner: GitOpsOwner | None
    refusals: list[str]  # why pods of it do not come up, in the controllers' words
    named: dict[
        str, str
    ]  # container -> AZURE_CLIENT_ID that the template itself says; "": taken from elsewhere


def pod(found: Json, runners: dict[str, Own]) -> PodSeen:
    """One pod, and what made it."""
    metadata, spec = found["metadata"], found["spec"]
    notes: Json = metadata.get("annotations") or {}
    skipped = {one.strip() for one in notes.get(_SKIPPED, "").split(";")}
    statuses: list[Json] = (found.get("status") or {}).get("containerStatuses") or []
    return {
        "name": metadata["name"],
        "created": metadata.get("creationTimestamp") or "",
        "finished": is_finished("Pod", found),
        "terminating": bool(metadata.get("deletionTimestamp")),
        "use_label": (metadata.get("labels") or {}).get(USE_LABEL),
        "binds": notes.get(USE_BINDING) == "true",
        "containers": [_container(one, skipped) for one in containers_of(spec)],
        "tokens": _tokens(spec),
        "made_by": _maker(found, runners),
        "waits": _waits(statuses),
        "started": [one["name"] for one in statuses if not (one.get("state") or {}).get("waiting")],
    }


def templates(account: str, runners: dict[str, Own]) -> list[TemplateSeen]:
    """The outermost makers of this ServiceAccount's pods; what they own says nothing of its own."""
    found = [
        _template(kind, one, runners)
        for kind, one in runners.values()
        if controller_uid(one) not in runners
        and not is_finished(kind, one)
        and service_account_of(template_of(kind, one)["spec"]) == account
    ]
    return sorted(found, key=lambda one: (one["kind"], one["name"]))


def _template(kind: Kind, found: Json, runners: dict[str, Own]) -> TemplateSeen:
    template = template_of(kind, found)
    labels = (template.get("metadata") or {}).get("labels") or {}
    uid = found["metadata"]["uid"]
    own = [one for _, one in runners.values() if controller_uid(one) == uid]
    conditions = [
        condition
        for one in (found, *own)
        for condition in (one.get("status") or {}).get("conditions") or []
    ]
    said = [
        f"{one.get('reason')}: {str(one.get('message', ''))[:_WHY]}"
        for one in conditions
        if one.get("type") == "ReplicaFailure" and one.get("status") == "True"
    ]
    return {
        "kind": kind,
        "name": found["metadata"]["name"],
        "use_label": labels.get(USE_LABEL),
        "replicas": int(found["spec"].get("replicas", 1)),
        "owner": owner_of(found["metadata"]),
        "refusals": list(dict.fromkeys(said)),
        "named": {
            one["name"]: named
            for one in containers_of(template["spec"])
            if (named := client_id_of(one)) is not None
        },
    }


def _container(container: Json, skipped: set[str]) -> ContainerSeen:
    env: list[Json] = container.get("env") or []
    # Of two variables of one name the last one counts.
    said = {one["name"]: None if "valueFrom" in one else one.get("value", "") for one in env}
    return {
        "name": container["name"],
        "variables": {name: said[name] for name in VARIABLES if name in said},
        "has_secret": SECRET in said,
        "mounts": {
            one["name"]: one.get("mountPath", "") for one in container.get("volumeMounts") or []
        },
        "skipped": container["name"] in skipped,
    }


def _tokens(spec: Json) -> list[TokenSeen]:
    """By audience: the path has moved, and may again."""
    return [
        {
            "volume": volume["name"],
            "audience": str(token.get("audience", "")),
            "path": str(token.get("path", "")),
            "expires_s": int(token.get("expirationSeconds") or 3600),
        }
        for volume in spec.get("volumes") or []
        for source in (volume.get("projected") or {}).get("sources") or []
        if (token := source.get("serviceAccountToken"))
        and (is_for_entra(str(token.get("audience", ""))) or _is_meant(volume["name"], token))
    ]


def _is_meant(volume: str, token: Json) -> bool:
    """Whether a token with another audience was meant for Entra: by what its volume and file are called."""
    said = f"{volume} {token.get('path', '')}".lower()
    return bool(token.get("audience")) and "azure" in said


def _maker(found: Json, runners: dict[str, Own]) -> str:
    owner, name = controller_uid(found), ""
    seen: set[str] = set()
    while owner in runners and owner not in seen:
        seen.add(owner)
        kind, maker = runners[owner]
        name, owner = f"{kind}/{maker['metadata']['name']}", controller_uid(maker)
    return name


def _waits(statuses: list[Json]) -> list[str]:
    waiting = [(one["name"], (one.get("state") or {}).get("waiting") or {}) for one in statuses]
    return [f"{name}: {one['reason']}" for name, one in waiting if one.get("reason")]
