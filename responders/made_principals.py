"""Responder: the service principal that an application lacked when the incident began, and has since.

Containment makes one, disabled, so that nobody makes an enabled one; whoever may give roles can give it some meanwhile.

Stops    whatever was given to it since: roles, application permissions, consents, groups, vault policies, owners, keys
Leaves   directory roles, which the proof names; tokens, which nobody can have had while it was disabled
Undo     none: the application had none of it, and a restore deletes the service principal itself
Needs    what the responders of the single nouns need
Source   https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
         https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app

It acts through the responders of the single nouns, which is why it may import them.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from responders import (
    app_roles,
    credentials,
    key_vault_policies,
    memberships,
    oauth_grants,
    owners,
    patience,
    role_assignments,
)
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError
from responders.fan_out import failures, fan_out, worst
from responders.model import Principal, Status, StepResult
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid, is_guid

NEEDS: Final = Needs(
    graph=(GraphNeed("Application.Read.All", "whether it was made meanwhile", ("standing",)),),
)
_NOTHING: Final = "nothing_to_do"
_REMOVE: Final[Mapping[str, Callable[[Cloud, Principal], Awaitable[StepResult]]]] = {
    "role assignments": role_assignments.remove_all,
    "app roles": app_roles.remove_all,
    "delegated permissions": oauth_grants.remove_all,
    "memberships": memberships.remove_all,
    "Key Vault access policies": key_vault_policies.remove_all,
    "owners": owners.remove_all,
    "credentials": credentials.remove_from_service_principal,
}


async def standing(cloud: Cloud, principal: Principal) -> Principal:
    """The principal as it is by now: an application that has a service principal since is an ordinary one.

    Anything else comes back as it was. Not found means that it was not found twice.
    """
    if principal["kind"] != "application_without_principal":
        return principal
    path = f"/servicePrincipals(appId='{checked_guid(principal['app_id'], 'client id')}')"
    try:
        found = await patience.looked_twice(lambda: cloud.graph.get(path, {"$select": "id"}))
    except NotFoundError:
        return principal
    object_id = found.get("id")
    if not isinstance(object_id, str) or not is_guid(object_id):
        raise ContractChangedError(f"the service principal of {principal['app_id']} has no id")
    return {
        **principal,
        "kind": "application",
        "object_id": object_id.lower(),
        "service_principal_type": "Application",
    }


async def clear(
    cloud: Cloud, principal: Principal, *, left_to_a_person: Collection[str] = ()
) -> StepResult:
    """Take away all that lies on it, side by side. `left_to_a_person` names nouns that stay. Safe to repeat.

    One noun that can't be taken away does not stop the others; it is raised, or refused, when they have ended.
    """
    app_id = principal["app_id"]
    found = await standing(cloud, principal)
    if found["kind"] == "application_without_principal":
        return {"status": _NOTHING, "detail": f"{app_id} has no service principal"}
    # What lies on the application has levers of its own.
    alone: Principal = {**found, "kind": "foreign_application", "application_object_id": None}
    nouns = [one for one in _REMOVE if one not in left_to_a_person]
    outcomes = await fan_out(nouns, lambda one: _REMOVE[one](cloud, alone))
    who = f"service principal {found['object_id']} of {app_id}"
    errors = [one for one in failures(outcomes) if not isinstance(one, NotFoundError)]
    if errors and not isinstance(error := worst(errors, who), RefusedError):
        raise error
    ended = [(noun, one) for noun, one in outcomes if isinstance(one, dict)]
    told = [f"{noun}: {one.get('detail', '')}" for noun, one in ended if one["status"] != _NOTHING]
    return {
        "status": _together({one["status"] for _, one in ended}, is_refused=bool(errors)),
        "detail": f"{who}: {'; '.join([*map(str, errors), *told]) or 'nothing lies on it'}",
        "items": [item for _, one in ended for item in one.get("items", [])],
        "changes": [change for _, one in ended for change in one.get("changes", [])],
    }


def _together(statuses: set[Status], *, is_refused: bool) -> Status:
    """What stands for all: the one that most needs a person."""
    if is_refused:
        return "refused"
    ordered: tuple[Status, ...] = ("failed", "refused", "planned", "done")
    return next((one for one in ordered if one in statuses), _NOTHING)


def by_hand(principal: Principal) -> list[str]:
    """What a person would run. Its object id is asked for first: the incident began before it was there."""
    app_id = checked_guid(principal["app_id"], "client id")
    graph = "https://graph.microsoft.com/v1.0"
    made = f"{graph}/servicePrincipals(appId='{app_id}')"
    return [
        f"az ad sp show --id {app_id} --query id",
        f"az role assignment list --all --assignee {app_id} --subscription <each>",
        "az role assignment delete --ids <id> ...",
        *(
            f'az rest --method GET --url "{made}/{what}"'
            for what in ("appRoleAssignments", "oauth2PermissionGrants", "memberOf", "owners")
        ),
        f"az rest --method DELETE --url {graph}/servicePrincipals/<object id>/appRoleAssignments/<id>",
        f"az rest --method DELETE --url {graph}/oauth2PermissionGrants/<id>",
        "az ad group member remove --group <group id> --member-id <object id>",
        f"az rest --method DELETE --url '{graph}/servicePrincipals/<object id>/owners/<id>/$ref'",
        "az keyvault delete-policy --name <vault> --object-id <object id>",
        f"az ad sp credential list --id {app_id}",
        f"az ad sp credential delete --id {app_id} --key-id <keyId>",
    ]
