"""The mutating webhook of azure-workload-identity v1.6, as the AKS add-on runs it in kube-system.

Faithful    pods labelled azure.workload.identity/use: "true" at CREATE only; the failure policy; the call
            fails for a service without a ready endpoint and without a CA bundle; environment variables only where the
            container has none of that name; annotations of pod and ServiceAccount;
            pods annotated azure.workload.identity/use-identity-binding get the token proxy and a token for it
Left out    the proxy sidecar
Source      https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
            https://github.com/Azure/azure-workload-identity/blob/v1.6.0/pkg/webhook/webhook.go
"""

import hashlib
from typing import TYPE_CHECKING

from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.statuses import StatusError
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

NAMESPACE = "kube-system"
DEPLOYMENT = "azure-wi-webhook-controller-manager"
LABELS = {"azure-workload-identity.io/system": "true"}
AUDIENCE = "api://AzureADTokenExchange"
BINDING_AUDIENCE = "api://AKSIdentityBinding"
TOKEN_PROXY = "AZURE_KUBERNETES_TOKEN_PROXY"  # noqa: S105 - a variable's name
_PREFIX = "azure.workload.identity/"
_MOUNT_PATH = "/var/run/secrets/azure/wi"  # since v1.6.0; before it, /var/run/secrets/azure/tokens
_TOKEN_PATH = "token/azure-identity-token"  # noqa: S105 - a path
_SHORTEST_S, _LONGEST_S = 3600, 86400
WEBHOOK = "mutation.azure-workload-identity.io"
SERVICE = "azure-wi-webhook-webhook-service"


def mutate(cluster: "Cluster", pod: Json, account: Json) -> None:
    """Inject identity into a labelled pod, in place. Raises `StatusError` where the webhook can't.

    A cluster that nobody told of the webhook starts the pod without an identity.
    """
    if pod["metadata"].get("labels", {}).get(f"{_PREFIX}use") != "true":
        return
    webhook = _registered(cluster)
    if webhook is None:
        return
    if why := _unreachable_because(cluster, webhook):
        if webhook["failurePolicy"] == "Ignore":
            return
        raise _unreachable(webhook, why)
    seconds = _expiration(pod, account)
    volume = _volume_name(pod)
    annotations = account["metadata"].get("annotations", {})
    notes = pod["metadata"].get("annotations", {})
    variables = {
        "AZURE_CLIENT_ID": annotations.get(f"{_PREFIX}client-id", ""),
        "AZURE_TENANT_ID": annotations.get(f"{_PREFIX}tenant-id", cluster.world.tenant_id),
        "AZURE_FEDERATED_TOKEN_FILE": f"{_MOUNT_PATH}/{_TOKEN_PATH}",
        "AZURE_AUTHORITY_HOST": cluster.world.endpoints.get("login", "") + "/",
    }
    binds = notes.get(f"{_PREFIX}use-identity-binding") == "true"
    if binds:
        variables |= _proxy(cluster)
    skipped = notes.get(f"{_PREFIX}skip-containers", "")
    names = {name.strip() for name in skipped.split(";")}
    spec = pod["spec"]
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        if container["name"] not in names:
            _add_variables(container, variables)
            mount = {"name": volume, "readOnly": True, "mountPath": _MOUNT_PATH}
            container.setdefault("volumeMounts", []).append(mount)
    audience = BINDING_AUDIENCE if binds else AUDIENCE
    token = {"audience": audience, "expirationSeconds": seconds, "path": _TOKEN_PATH}
    projected = {"sources": [{"serviceAccountToken": token}], "defaultMode": 420}
    spec.setdefault("volumes", []).append({"name": volume, "projected": projected})


def _proxy(cluster: "Cluster") -> dict[str, str]:
    """Where the azidentity libraries send token requests instead of to Entra, once they are told to use the proxy.

    https://learn.microsoft.com/azure/aks/identity-bindings
    """
    control = cluster.world.endpoints.get("control", "")
    return {
        TOKEN_PROXY: f"{control}/sandbox/nodes/{cluster.name}/token-proxy",
        "AZURE_KUBERNETES_SNI_NAME": f"{cluster.name}.ests.aks",
        "AZURE_KUBERNETES_CA_FILE": f"{_MOUNT_PATH}/ca-cert/ca.crt",
    }


def _registered(cluster: "Cluster") -> Json | None:
    """The webhook as the API server was told of it."""
    for one in cluster.store.peek(stored("mutatingwebhookconfigurations")):
        for webhook in one.get("webhooks", []):
            if webhook["name"] == WEBHOOK:
                return dict(webhook)
    return None


def _unreachable_because(cluster: "Cluster", webhook: Json) -> str:
    """Why a call of it fails; empty where it is answered."""
    way = webhook["clientConfig"]
    service = way.get("service") or {}
    if not way.get("caBundle"):
        return "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    namespace, name = service.get("namespace", ""), service.get("name", "")
    if cluster.store.look(stored("services"), namespace, name) is None:
        return f'service "{name}" not found'
    if _is_served(cluster, namespace, name):
        return ""
    return f'no endpoints available for service "{name}"'


def _is_served(cluster: "Cluster", namespace: str, service: str) -> bool:
    """Whether the service has a ready endpoint."""
    return any(
        endpoint["conditions"].get("ready")
        for one in cluster.store.peek(stored("endpointslices"), namespace)
        if one["metadata"].get("labels", {}).get("kubernetes.io/service-name") == service
        for endpoint in one.get("endpoints", [])
    )


def _expiration(pod: Json, account: Json) -> int:
    name = f"{_PREFIX}service-account-token-expiration"
    text = pod["metadata"].get("annotations", {}).get(name) or account["metadata"].get(
        "annotations", {}
    ).get(name)
    if not text:
        return _SHORTEST_S
    if not text.isdigit():
        raise _denied(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    seconds = int(text)
    if not _SHORTEST_S <= seconds <= _LONGEST_S:
        raise _denied(
            f"token expiration {seconds} not valid. Expected value to be between "
            f"{_SHORTEST_S} and {_LONGEST_S}"
        )
    return seconds


def _volume_name(pod: Json) -> str:
    prefix = "azure-workload-identity-reserved-"
    about = pod["metadata"]
    name = about.get("name") or f"{about.get('generateName', '')} (prefix)"
    return (prefix + hashlib.sha256(name.encode()).hexdigest())[:63]


def _add_variables(container: Json, variables: dict[str, str]) -> None:
    known = {variable["name"] for variable in container.get("env", [])}
    for name, value in variables.items():
        if name not in known and value:
            container.setdefault("env", []).append({"name": name, "value": value})


def _unreachable(webhook: Json, because: str) -> StatusError:
    service = webhook["clientConfig"].get("service") or {}
    host = f"{service.get('name')}.{service.get('namespace')}.svc:{service.get('port')}"
    call = f"https://{host}{service.get('path', '')}?timeout={webhook['timeoutSeconds']}s"
    why = f'failed calling webhook "{WEBHOOK}": failed to call webhook: Post "{call}": {because}'
    message = f"Internal error occurred: {why}"
    return StatusError(500, "InternalError", message, details={"causes": [{"message": why}]})


def _denied(why: str) -> StatusError:
    message = f'admission webhook "{WEBHOOK}" denied the request: {why}'
    return StatusError(400, "BadRequest", message)
