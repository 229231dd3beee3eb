"""Responder: the switch of a service principal.

Stops    every new token for this service principal, whatever credential asks for it
Leaves   tokens already issued, until they expire; the role assignments that they open doors with
Undo     PATCH accountEnabled true (`restore_identity`; never before its exposed credentials are gone)
Needs    Graph Application.ReadWrite.All
Source   https://learn.microsoft.com/entra/identity/enterprise-apps/disable-user-sign-in-portal
"""

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.model import MANAGED, Principal, StepResult
from responders.patience import until_it_reads_back
from responders.read_only import is_read_only
from responders.settings import checked_guid


async def disable(cloud: Cloud, principal: Principal) -> StepResult:
    """Set accountEnabled to false and read it back. Safe to repeat."""
    object_id = principal["object_id"]
    name = f"service principal {principal['display_name']} ({object_id})"
    if principal["kind"] in MANAGED:
        # "cannot be updated or modified directly":
        # https://learn.microsoft.com/graph/api/resources/serviceprincipal
        return {
            "status": "refused",
            "detail": f"{name} is a managed identity, which Graph can't disable: remove its role "
            "assignments and its federated credentials in Azure Resource Manager",
        }
    if not await is_enabled(cloud, object_id):
        return {"status": "nothing_to_do", "detail": f"{name} is disabled already"}
    if is_read_only():
        return {"status": "planned", "detail": f"{name}: accountEnabled true -> false"}
    with bound_contextvars(responder="service_principals.disable", target=object_id):
        await until_it_reads_back(
            lambda: cloud.graph.patch(f"/servicePrincipals/{object_id}", {"accountEnabled": False}),
            lambda: _is_disabled(cloud, object_id),
            f"{name}: accountEnabled false",
        )
    return {"status": "done", "detail": f"{name} is disabled"}


async def is_enabled(cloud: Cloud, object_id: str) -> bool:
    """What the object itself says, read by its id: an index may lag."""
    path = f"/servicePrincipals/{checked_guid(object_id, 'object id')}"
    match await cloud.graph.get(path, {"$select": "id,accountEnabled"}):
        case {"accountEnabled": bool(enabled)}:
            return enabled
        case other:
            raise ContractChangedError(f"{path} has no accountEnabled: {sorted(other)}")


async def _is_disabled(cloud: Cloud, object_id: str) -> bool:
    return not await is_enabled(cloud, object_id)
