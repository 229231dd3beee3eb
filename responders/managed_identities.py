"""Responder: managed identities as Azure resources: where they are attached, what stands on them.

Stops    nothing for certain: `revoke_tokens` asks for it, and no document says which services listen
Leaves   the identity on every resource that has it, which asks for tokens without any trust: to take
         it away stops what runs there, and for a system-assigned one it can't be undone
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview
         https://learn.microsoft.com/azure/aks/use-managed-identity
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import resource_graph
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError, ResponderError
from responders.fan_out import failures, fan_out, worst
from responders.model import Change, Json, Principal, StepResult
from responders.needs import CLUSTERS, IDENTITIES, AzureNeed, Needs
from responders.read_only import is_read_only
from responders.resource_graph import checked_resource_id

API_VERSION = "2024-11-30"
# In no stable version, and in no SDK.
# https://github.com/Azure/azure-rest-api-specs/tree/main/specification/msi/resource-manager
REVOKE_VERSION = "2023-07-31-preview"
CLUSTERS_VERSION = "2025-10-01"
_BEST_EFFORT = "best effort: which services heed it is not documented, so it is not containment"
_IDENTITY_COMMANDS = {
    "microsoft.compute/virtualmachines": "vm",
    "microsoft.compute/virtualmachinescalesets": "vmss",
    "microsoft.web/sites": "webapp",
}
_CLUSTERS = "/providers/Microsoft.ContainerService/managedClusters"
_IDENTITIES = "/providers/microsoft.managedidentity/userassignedidentities/"
# Identities of workloads, which a cluster only knows of; all else in its properties it runs on.
_NOT_ITS_OWN = "podIdentityProfile"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{IDENTITIES}/read", "a managed identity and its ids", ("read",)),
        AzureNeed(
            f"{IDENTITIES}/revokeTokens/action",
            "ask Azure to revoke issued tokens",
            ("revoke_tokens",),
        ),
        AzureNeed(f"{CLUSTERS}/read", "what clusters themselves run on", ("all_clusters",)),
    ),
)


async def read(cloud: Cloud, resource_id: str) -> Json:
    """The resource of a user-assigned identity. Raises `NotFoundError` where it is gone."""
    return await cloud.arm.get(checked_resource_id(resource_id), API_VERSION)


async def revoke_tokens(cloud: Cloud, principal: Principal) -> StepResult:
    """Ask Azure to revoke every token issued so far. A preview: no answer of it is containment."""
    if principal["kind"] != "user_assigned_identity" or principal["resource_id"] is None:
        detail = "best effort: only tokens of a user-assigned identity can be revoked"
        return {"status": "nothing_to_do", "detail": detail}
    identity = checked_resource_id(principal["resource_id"])
    change: Change = {
        "object": f"tokens of {identity}",
        "before": "valid until they expire, up to 24 hours after they were issued",
        "after": "asked to be revoked (preview)",
    }
    if is_read_only():
        return {"status": "planned", "detail": f"revokeTokens, {_BEST_EFFORT}", "changes": [change]}
    try:
        with bound_contextvars(responder="managed_identities.revoke_tokens", target=identity):
            await cloud.arm.post(f"{identity}/revokeTokens", REVOKE_VERSION)
    except RefusedError as error:
        return {"status": "refused", "detail": f"{_BEST_EFFORT}: {error}"}
    except ResponderError as error:
        return {"status": "nothing_to_do", "detail": f"{_BEST_EFFORT}: {error}"}
    return {
        "status": "done",
        "detail": f"revokeTokens accepted; {_BEST_EFFORT}",
        "changes": [change],
    }


async def attachments(cloud: Cloud, principal: Principal) -> StepResult:
    """Which Azure resources can ask for its tokens: `{resource_id, type, how, by_hand}` of each.

    From Resource Graph, so one of the last minutes may be missing. Nothing is detached.
    """
    resource_id = principal["resource_id"]
    if resource_id is None:
        return {"status": "nothing_to_do", "detail": "an application is attached to nothing"}
    if principal["kind"] == "user_assigned_identity":
        rows = await resource_graph.attachments(cloud, resource_id)
        found = [one for row in rows for one in _attached(row, resource_id)]
    else:
        found = await _itself(cloud, principal, resource_id)
    if not found:
        detail = f"no resource in sight has the identity {resource_id}"
        return {"status": "nothing_to_do", "detail": detail, "items": []}
    named = ", ".join(f"{one['resource_id']} ({one['how']})" for one in found)
    return {
        "status": "done",
        "detail": f"still able to ask for tokens: {named}. Code that runs there gets new ones",
        "items": found,
        "by_hand": [one["by_hand"] for one in found],
    }


async def cluster_duty(cloud: Cloud, principal: Principal) -> str | None:
    """Why a cluster itself stands on this identity: kubelet, control plane or add-on. None: none does.

    Raises where any cluster can't be read: an unread cluster may be the one.
    """
    resource_id = (principal["resource_id"] or "").lower()
    if _CLUSTERS.lower() in resource_id:
        return f"the control-plane identity of the AKS cluster {resource_id}"
    if "/providers/microsoft.kubernetes/connectedclusters/" in resource_id:
        return f"the identity by which the Arc-enabled cluster {resource_id} is connected"
    ids = {resource_id, principal["object_id"], principal["app_id"]} - {""}
    for cluster in await all_clusters(cloud):
        # Nothing else of it is asked: an intruder could write the id into a tag to keep us away.
        roles = {key: cluster.get(key) for key in ("identity", "properties")}
        for where, found in _named(roles, ""):
            if found.lower() in ids:
                return f"the {_duty(where)} of the AKS cluster {cluster.get('id')} ({where})"
    return None


async def duties(cloud: Cloud) -> dict[str, str]:
    """What clusters themselves stand on: resource ids of identities, in lower case, each with what it is there.

    Raises where any cluster can't be read.
    """
    found: dict[str, str] = {}
    for cluster in await all_clusters(cloud):
        roles = {key: cluster.get(key) for key in ("identity", "properties")}
        for where, named in _named(roles, ""):
            if _IDENTITIES in named.lower():
                found[named.lower()] = f"{_duty(where)} of {cluster.get('name')}"
    return found


def by_hand(principal: Principal) -> list[str]:
    """The commands that do the same."""
    identity = principal["resource_id"] or "<resource id>"
    if principal["kind"] == "system_assigned_identity":
        return [_take_away(identity)]
    query = f"resources | where tostring(identity.userAssignedIdentities) contains '{identity}'"
    revoke = f"https://management.azure.com{identity}/revokeTokens?api-version={REVOKE_VERSION}"
    return [
        f"az rest --method post --url '{revoke}'",
        f'az graph query -q "{query} | project id, type"',
        _detach({"id": "<id>"}, identity),
    ]


def _attached(row: Json, identity: str) -> list[Json]:
    """How this resource has it: the keys compared exactly, because one id may begin another."""
    places = {
        "identity": (row.get("identity") or {}).get("userAssignedIdentities") or {},
        "identityProfile": row.get("identityProfile") or {},
        "addonProfiles": row.get("addonProfiles") or {},
    }
    hows = [
        "attached" if place == "identity" else where
        for place, content in places.items()
        for where, found in _named(content, place)
        if found.lower() == identity.lower()
    ]
    return [_item(row, ", ".join(hows), _detach(row, identity))] if hows else []


async def _itself(cloud: Cloud, principal: Principal, resource_id: str) -> list[Json]:
    """The resource of a system-assigned identity, unless it is seen to have another one by now."""
    rows = await resource_graph.system_identity(cloud, resource_id)
    if not rows:
        row: Json = {"id": resource_id, "type": resource_id.split("/")[-2]}
        how = "system-assigned; Resource Graph does not show the resource: gone, new or unreadable"
        return [_item(row, how, _take_away(resource_id))]
    has = str((rows[0].get("identity") or {}).get("principalId", "")).lower()
    if has != principal["object_id"]:
        return []
    return [_item(rows[0], "system-assigned", _take_away(resource_id))]


async def all_clusters(cloud: Cloud) -> list[Json]:
    """As Resource Manager says it: the SDK's model would drop profiles that it does not know."""
    outcomes = await fan_out(
        await cloud.subscription_ids(),
        lambda one: cloud.arm.list(f"/subscriptions/{one}{_CLUSTERS}", CLUSTERS_VERSION),
    )
    unread = [
        one
        for one in failures(outcomes)
        if not isinstance(one, NotFoundError) and "MissingSubscriptionRegistration" not in str(one)
    ]
    if unread:
        raise worst(unread, "AKS clusters")
    return [one for _, found in outcomes if not isinstance(found, ResponderError) for one in found]


def _named(value: object, where: str) -> list[tuple[str, str]]:
    """Every resource id and object id in there, with the path to it. Keys can be ids themselves."""
    if isinstance(value, list):
        return [one for part in value for one in _named(part, where)]
    if not isinstance(value, dict):
        return [(where, value)] if isinstance(value, str) else []
    found: list[tuple[str, str]] = []
    for key, content in value.items():
        if key == _NOT_ITS_OWN:
            continue
        if key.lower().startswith("/subscriptions/"):
            found.append((where, key))
        found += _named(content, f"{where}.{key}".lstrip("."))
    return found


def _duty(where: str) -> str:
    if "kubeletidentity" in where.lower():
        return "kubelet identity"
    if where.startswith(("identity.", "properties.servicePrincipalProfile.")):
        return "control-plane identity"
    return "add-on identity"


def _item(row: Json, how: str, by_hand: str) -> Json:
    return {"resource_id": row["id"], "type": row.get("type"), "how": how, "by_hand": by_hand}


def _detach(row: Json, identity: str) -> str:
    """The commands of a type where az has one; else PATCH, in which null removes one identity.

    `az resource update` can't: the id of an identity is no path that `--remove` understands.
    https://learn.microsoft.com/cli/azure/vm/identity
    https://learn.microsoft.com/cli/azure/use-azure-cli-successfully (generic update arguments)
    """
    resource_id, stops = row["id"], "  # stops what runs with it there"
    group = _IDENTITY_COMMANDS.get(str(row.get("type") or "").lower())
    if group is not None:
        return f"az {group} identity remove --ids '{resource_id}' --identities '{identity}'{stops}"
    url = f"https://management.azure.com{resource_id}?api-version=<version for its type>"
    kept = "<as it is; None, if it has no other>"
    body = f'{{"identity": {{"type": "{kept}", "userAssignedIdentities": {{"{identity}": null}}}}}}'
    return f"az rest --method patch --url '{url}' --body '{body}'{stops}"


def _take_away(resource_id: str) -> str:
    return (
        f"az resource update --ids '{resource_id}' --set identity.type=None"
        "  # deletes the identity for good: the next one gets other ids; keeps no user-assigned one"
    )
