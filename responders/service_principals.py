"""Responder: the switch of a service principal.

Stops    every new token for this service principal, whatever credential asks for it
Leaves   tokens already issued, until they expire; the role assignments that they open doors with
Undo     `enable`, never before its exposed credentials are gone;
         `remove_made`, for one that was created disabled
Needs    NEEDS, below
Source   https://learn.microsoft.com/entra/identity/enterprise-apps/disable-user-sign-in-portal
         https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app
"""

from contextlib import suppress
from typing import Final

from structlog.contextvars import bound_contextvars

from responders.cloud import Cloud
from responders.errors import ConflictError, ContractChangedError, NotFoundError, TransientError
from responders.model import MANAGED, Change, Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.patience import rounds, until_it_reads_back
from responders.read_only import is_read_only
from responders.settings import checked_guid

_SELECT = {"$select": "id,accountEnabled"}
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "whether it is enabled"),
        GraphNeed(
            "Application.ReadWrite.All",
            "disable a service principal, and make a disabled one where none is",
            ("disable", "ensure_disabled", "_create"),
        ),
        GraphNeed("Application.ReadWrite.All", "enable it again", ("enable",)),
        GraphNeed(
            "Application.ReadWrite.All", "delete the disabled one that was made", ("_delete",)
        ),
    ),
)


async def ensure_disabled(cloud: Cloud, principal: Principal) -> StepResult:
    """Disable it; where there is none while the application lives, create it disabled. Safe to repeat.

    Else a sign-in or a consent creates it enabled, and the application gets tokens.
    """
    if principal["kind"] == "application_without_principal":
        return await _ensure_by_client_id(cloud, principal)
    try:
        return await disable(cloud, principal)
    except NotFoundError:
        if await is_without_application(cloud, principal):
            detail = f"neither {principal['object_id']} nor its application exists any more"
            return {"status": "nothing_to_do", "detail": detail}
        return await _ensure_by_client_id(cloud, principal)


async def disable(cloud: Cloud, principal: Principal) -> StepResult:
    """Set accountEnabled to false and read it back. Safe to repeat."""
    if principal["kind"] in MANAGED:
        # "cannot be updated or modified directly":
        # https://learn.microsoft.com/graph/api/resources/serviceprincipal
        return {
            "status": "refused",
            "detail": f"{_called(principal, principal['object_id'])} is a managed identity, which "
            "Graph can't disable: remove its role assignments and its federated credentials in "
            "Azure Resource Manager",
        }
    object_id = principal["object_id"]
    return await _switched(cloud, object_id, _called(principal, object_id), on=False)


async def enable(cloud: Cloud, principal: Principal) -> StepResult:
    """Set accountEnabled to true and read it back. Safe to repeat. Whoever calls has looked at what is on it."""
    object_id = checked_guid(principal["object_id"], "object id")
    return await _switched(cloud, object_id, _called(principal, object_id), on=True)


async def remove_made(cloud: Cloud, principal: Principal) -> StepResult:
    """Delete the service principal that was only made to be disabled. Refused where somebody enabled it since."""
    app_id = checked_guid(principal["app_id"], "client id")
    path = f"/servicePrincipals(appId='{app_id}')"
    try:
        found = await cloud.graph.get(path, _SELECT)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"application {app_id} has none"}
    object_id = checked_guid(str(found.get("id")), "object id of the service principal")
    if _enabled(found, path):
        detail = (
            f"service principal {object_id} of application {app_id} was enabled since: it is in use"
        )
        return {"status": "refused", "detail": detail}
    change: Change = {
        "object": f"service principal of application {app_id}",
        "before": "accountEnabled false",
        "after": "none",
    }
    if is_read_only():
        return {"status": "planned", "detail": f"delete {object_id}", "changes": [change]}
    with bound_contextvars(responder="service_principals.remove_made", target=object_id):
        await until_it_reads_back(
            lambda: _delete(cloud, object_id), lambda: _is_gone(cloud, object_id), f"no {object_id}"
        )
    detail = f"{object_id} is deleted; it lies in the directory's bin for 30 days"
    return {"status": "done", "detail": detail, "changes": [change]}


async def is_without_application(cloud: Cloud, principal: Principal) -> bool:
    """True where the registration is deleted: nobody can create a service principal of it.

    One that another tenant has registered can't be asked for, so it counts as there.
    """
    if principal["kind"] == "foreign_application":
        return False
    application_id = principal["application_object_id"]
    if application_id is None:
        return True
    path = f"/applications/{checked_guid(application_id, 'application object id')}"
    try:
        await cloud.graph.get(path, {"$select": "id"})
    except NotFoundError:
        return True
    return False


async def is_enabled(cloud: Cloud, object_id: str) -> bool:
    """What the object itself says, read by its id: an index may lag."""
    path = f"/servicePrincipals/{checked_guid(object_id, 'object id')}"
    return _enabled(await cloud.graph.get(path, _SELECT), path)


def by_hand(principal: Principal) -> list[str]:
    """What a person would run. A managed identity has no such switch."""
    if principal["kind"] in MANAGED:
        return []
    graph = "https://graph.microsoft.com/v1.0/servicePrincipals"
    app_id = checked_guid(principal["app_id"], "client id")
    if principal["kind"] == "application_without_principal":
        body = f'{{"appId": "{app_id}", "accountEnabled": false}}'
        return [f"az rest --method POST --url {graph} --body '{body}'"]
    object_id = checked_guid(principal["object_id"], "object id")
    return [f"az ad sp update --id {object_id} --set accountEnabled=false"]


async def _switched(cloud: Cloud, object_id: str, name: str, *, on: bool) -> StepResult:
    """Set accountEnabled and read it back."""
    word = "enabled" if on else "disabled"
    if await is_enabled(cloud, object_id) is on:
        return {"status": "nothing_to_do", "detail": f"{name} is {word} already"}
    before, after = (f"accountEnabled {str(value).lower()}" for value in (not on, on))
    change: Change = {"object": name, "before": before, "after": after}
    if is_read_only():
        detail = f"{name}: {before} -> {str(on).lower()}"
        return {"status": "planned", "detail": detail, "changes": [change]}

    async def stands() -> bool:
        return await is_enabled(cloud, object_id) is on

    act = "enable" if on else "disable"
    with bound_contextvars(responder=f"service_principals.{act}", target=object_id):
        await until_it_reads_back(
            lambda: cloud.graph.patch(f"/servicePrincipals/{object_id}", {"accountEnabled": on}),
            stands,
            f"{name}: {after}",
        )
    return {"status": "done", "detail": f"{name} is {word}", "changes": [change]}


async def _ensure_by_client_id(cloud: Cloud, principal: Principal) -> StepResult:
    """Create it disabled and read it back by its id, or disable the one that somebody made meanwhile."""
    app_id = checked_guid(principal["app_id"], "client id")
    path = f"/servicePrincipals(appId='{app_id}')"
    created: str | None = None
    last = "not tried"
    async for _ in rounds():
        try:
            found = await cloud.graph.get(path, _SELECT)
        except NotFoundError:
            if is_read_only():
                return _made("planned", app_id)
            if created is None:
                created, last = await _create(cloud, app_id)
            continue
        object_id = checked_guid(str(found.get("id")), "object id of the service principal")
        if object_id == created and not _enabled(found, path):
            return _made("done", app_id, object_id)
        return await _switched(cloud, object_id, _called(principal, object_id), on=False)
    raise TransientError(f"service principal of application {app_id}: {last}")


async def _create(cloud: Cloud, app_id: str) -> tuple[str | None, str]:
    """Its id, or why there is none. A second one can't come of it: appId is unique."""
    body: Json = {"appId": app_id, "accountEnabled": False}
    with bound_contextvars(responder="service_principals.ensure_disabled", target=app_id):
        try:
            made = await cloud.graph.post("/servicePrincipals", body)
        except (ConflictError, NotFoundError, TransientError) as error:
            return None, str(error)  # there already, or the application is not known everywhere yet
    return checked_guid(str(made.get("id")), "object id"), "created, but not found yet"


def _made(status: str, app_id: str, object_id: str | None = None) -> StepResult:
    change: Change = {
        "object": f"service principal of application {app_id}",
        "before": "none",
        "after": "accountEnabled false",
    }
    if status == "planned":
        detail = f"create the service principal of application {app_id}, disabled"
        return {"status": "planned", "detail": detail, "changes": [change]}
    return {
        "status": "done",
        "detail": f"application {app_id} had no service principal: {object_id} is made, disabled",
        "items": [{"object_id": object_id, "app_id": app_id, "created": True}],
        "changes": [change],
    }


def _called(principal: Principal, object_id: str) -> str:
    return f"service principal {principal['display_name']} ({object_id})"


def _enabled(found: Json, path: str) -> bool:
    match found:
        case {"accountEnabled": bool(enabled)}:
            return enabled
        case other:
            raise ContractChangedError(f"{path} has no accountEnabled: {sorted(other)}")


async def _delete(cloud: Cloud, object_id: str) -> None:
    with suppress(NotFoundError):
        await cloud.graph.delete(f"/servicePrincipals/{object_id}")


async def _is_gone(cloud: Cloud, object_id: str) -> bool:
    try:
        await cloud.graph.get(f"/servicePrincipals/{object_id}", {"$select": "id"})
    except NotFoundError:
        return True
    return False
