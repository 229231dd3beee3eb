"""How a pod comes by a service principal's secret or certificate, the old way. Pure, no I/O; values are never kept.

Source   https://learn.microsoft.com/dotnet/api/azure.identity.environmentcredential (the variables)
         https://learn.microsoft.com/azure/aks/workload-identity-migrate-from-pod-identity
"""

from collections.abc import Iterator

from responders.audit_model import LegacySecret
from responders.model import Json
from responders.workload_objects import client_id_of, containers_of

SECRET, CERTIFICATE = "AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH"
# What other tools of the same ecosystem call it: Terraform's provider, and the SDKs of Go and .NET of old.
# https://registry.terraform.io/providers/hashicorp/azurerm/latest/docs/guides/service_principal_client_secret
_NAMES = frozenset({SECRET, CERTIFICATE, "ARM_CLIENT_SECRET", "ARM_CLIENT_CERTIFICATE_PATH"})


def of_pod_spec(spec: Json) -> list[LegacySecret]:
    """One for each variable of each container that holds one."""
    return [found for container in containers_of(spec) for found in _of_container(container)]


def _of_container(container: Json) -> Iterator[LegacySecret]:
    name, client_id = str(container.get("name")), client_id_of(container) or None
    for variable in container.get("env") or []:
        if variable.get("name") in _NAMES:
            secret, how = _source(variable)
            yield _found(name, how, secret, client_id, certain=True)
    # A literal client id says that some credential belongs to it.
    for source in (container.get("envFrom") or []) if client_id else []:
        if secret := (source.get("secretRef") or {}).get("name"):
            how = f"every entry of Secret {secret} becomes a variable: look whether {SECRET} is one"
            yield _found(name, how, str(secret), client_id, certain=False)


def _found(
    container: str, how: str, secret: str | None, client_id: str | None, *, certain: bool
) -> LegacySecret:
    return {
        "container": container,
        "how": how,
        "secret": secret,
        "client_id": client_id.lower() if client_id else None,
        "certain": certain,
    }


def _source(variable: Json) -> tuple[str | None, str]:
    source: Json = variable.get("valueFrom") or {}
    name = variable["name"]
    if reference := source.get("secretKeyRef"):
        secret = str(reference.get("name"))
        return secret, f"{name} from key {reference.get('key')} of Secret {secret}"
    if reference := source.get("configMapKeyRef"):
        return None, f"{name} from ConfigMap {reference.get('name')}, which is no secret to anybody"
    return None, f"{name} stands in the pod template itself, for whoever may read workloads"
