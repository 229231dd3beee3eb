"""Resource Manager's part of an export."""

from collections.abc import Iterable

from responders import managed_identities, scopes
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError, ResponderError
from responders.fan_out import fan_out
from responders.key_vault_policies import API_VERSION as VAULTS_VERSION
from responders.model import Principal
from responders.snapshots import Snapshot
from twin.azure_model import (
    AccessPolicy,
    Attached,
    Azure,
    Identity,
    IdentityTrust,
    Lock,
    ManagementGroup,
    RoleAssignment,
    RoleDefinition,
    Subscription,
    Vault,
)
from twin.wire import Json, cut, cut_all

_AUTHORIZATION = "2022-04-01"
_SUBSCRIPTIONS = "2022-12-01"
_GROUP = "/providers/Microsoft.Management/managementGroups/"
_ROLES = "/providers/Microsoft.Authorization/roleAssignments"


async def read(
    cloud: Cloud, principal: Principal, snapshot: Snapshot, above: Iterable[str], gaps: list[str]
) -> Azure:
    """All of it; `above` are the clusters of which it counts who has a role there."""
    found = Azure()
    await _skeleton(cloud, found, gaps)
    await _assignments(cloud, snapshot, found, [*above], gaps)
    found.locks = [
        cut(Lock, {**one, "properties": {"level": one["level"]}}) for one in snapshot["locks"]
    ]
    if principal["kind"] == "user_assigned_identity" and principal["resource_id"] is not None:
        version = managed_identities.API_VERSION
        found.identity = cut(Identity, await cloud.arm.get(principal["resource_id"], version))
        trusts = f"{principal['resource_id']}/federatedIdentityCredentials"
        found.identity_trusts = cut_all(IdentityTrust, await cloud.arm.list(trusts, version))
    found.attachments = [
        Attached(id=str(one["resource_id"]), type=str(one["type"]), identity_type=_how(principal))
        for one in snapshot["attachments"]
    ]
    found.vaults = await _vaults(cloud, snapshot)
    return found


def _how(principal: Principal) -> str:
    kind = principal["kind"]
    return "UserAssigned" if kind == "user_assigned_identity" else "SystemAssigned"


async def _skeleton(cloud: Cloud, found: Azure, gaps: list[str]) -> None:
    """Subscriptions and management groups, and which is in which."""
    found.subscriptions = cut_all(
        Subscription, await cloud.arm.list("/subscriptions", _SUBSCRIPTIONS)
    )
    seen = await scopes.visible(cloud)
    gaps += [*seen.gaps, *(f"management groups: {one}" for one in seen.unread)]
    version = scopes.MANAGEMENT_GROUPS_VERSION
    parents: dict[str, str] = {}
    for path in seen.management_groups:
        name = path.rpartition("/")[2]
        try:
            raw = await cloud.arm.get(path, version, {"$expand": "children"})
        except (RefusedError, NotFoundError) as error:
            gaps.append(f"management group {name}: {error}")
            continue
        properties = raw["properties"]
        parent = ((properties.get("details") or {}).get("parent") or {}).get("id")
        group = ManagementGroup(name=name, displayName=properties.get("displayName"))
        group.parent = str(parent).rpartition("/")[2] if parent else None
        found.management_groups = [*found.management_groups, group]
        below = properties.get("children") or []
        parents |= {str(one["id"]).rpartition("/")[2].lower(): name for one in below}
    for one in found.subscriptions:
        one.managementGroup = parents.get(one.subscriptionId.lower())
    for group in found.management_groups:
        group.parent = group.parent or parents.get(group.name.lower())


async def _assignments(
    cloud: Cloud, snapshot: Snapshot, found: Azure, above: list[str], gaps: list[str]
) -> None:
    """Its own, its groups', and whoever has a role at a cluster that it is used in; less Firebreak's."""
    ours = await cloud.own_object_ids()
    ids = [str(one["id"]) for one in (*snapshot["grants"], *snapshot["group_grants"])]
    raw: dict[str, Json] = {}
    for _, one in await fan_out(ids, lambda each: cloud.arm.get(each, _AUTHORIZATION)):
        if isinstance(one, ResponderError):
            gaps.append(f"a role assignment: {one}")
        else:
            raw[str(one["id"]).lower()] = one
    for cluster, listed in await fan_out(
        above, lambda each: cloud.arm.list(f"{each}{_ROLES}", _AUTHORIZATION)
    ):
        if isinstance(listed, ResponderError):
            gaps.append(f"who has a role at {cluster}: {listed}")
            continue
        raw |= {str(one["id"]).lower(): one for one in listed}
    kept = [
        one for _, one in sorted(raw.items()) if str(one["properties"]["principalId"]) not in ours
    ]
    found.role_assignments = cut_all(RoleAssignment, kept)
    roles = sorted({one.properties.roleDefinitionId for one in found.role_assignments})
    for role, definition in await fan_out(roles, lambda each: cloud.arm.get(each, _AUTHORIZATION)):
        if isinstance(definition, ResponderError):
            gaps.append(f"the role {role}: {definition}")
        else:
            found.role_definitions = [*found.role_definitions, cut(RoleDefinition, definition)]


async def _vaults(cloud: Cloud, snapshot: Snapshot) -> list[Vault]:
    """Those with a policy for the principal, each with these policies alone."""
    found: list[Vault] = []
    for vault_id in sorted({str(one["vault_id"]) for one in snapshot["key_vault_policies"]}):
        raw = await cloud.arm.get(vault_id, VAULTS_VERSION)
        mine = {
            (str(one["object_id"]).lower(), str(one["application_id"] or "").lower())
            for one in snapshot["key_vault_policies"]
            if one["vault_id"] == vault_id
        }
        policies = [
            one
            for one in raw["properties"].get("accessPolicies") or []
            if (str(one["objectId"]).lower(), str(one.get("applicationId") or "").lower()) in mine
        ]
        found.append(
            Vault(
                id=raw["id"],
                name=raw["name"],
                location=raw["location"],
                enableRbacAuthorization=raw["properties"].get("enableRbacAuthorization"),
                accessPolicies=[_lowered(one) for one in policies],
            )
        )
    return found


def _lowered(policy: Json) -> AccessPolicy:
    """Azure writes the names of the kinds in any case."""
    permissions = {kind.lower(): names for kind, names in (policy.get("permissions") or {}).items()}
    return cut(AccessPolicy, {**policy, "permissions": permissions})
