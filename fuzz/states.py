"""Reading the sandbox's state for what one principal has, and for what may not have changed. Pure."""

import json
from dataclasses import dataclass, field

from fuzz.worlds import Json

_VOLATILE = {"resourceVersion", "managedFields", "generation", "observedGeneration"}


@dataclass(frozen=True)
class Leftovers:
    """What a principal still has, as ids, by the noun that a person would use."""

    must: dict[str, list[str]] = field(default_factory=dict)  # containment may not leave these
    may: dict[str, list[str]] = field(default_factory=dict)  # these may remain, if they are named

    @property
    def none_at_all(self) -> bool:
        """Whether nothing is left."""
        return not any(self.must.values()) and not any(self.may.values())


def leftovers(state: Json, object_id: str, application_id: str, resource_id: str) -> Leftovers:
    """Everything of one principal that could still yield or open something."""
    apps = [one for one in state["applications"] if one["id"] == application_id]
    principals = [one for one in state["servicePrincipals"] if one["id"] == object_id]
    managed = any(one.get("servicePrincipalType") == "ManagedIdentity" for one in principals)
    groups = groups_of(state, object_id)
    below = f"{resource_id}/federatedidentitycredentials/".lower()
    must = {
        "enabled service principal": []
        if managed
        else [one["id"] for one in principals if one["accountEnabled"]],
        "active application": [one["id"] for one in apps if not one.get("isDisabled")],
        "secret or key": [
            str(key["keyId"])
            for holder in [*apps, *principals]
            for key in [*holder["passwordCredentials"], *holder["keyCredentials"]]
        ],
        "trust": [
            one["id"]
            for one in state["federatedCredentials"]
            if one["applicationId"] == application_id
        ]
        + [
            one["id"]
            for one in state["resources"]
            if resource_id and one["id"].lower().startswith(below)
        ],
        "role": assignments_of(state, {object_id}),
        "role by a group": assignments_of(state, groups),
        "vault policy": [
            vault["id"]
            for vault in state["resources"]
            if vault["type"] == "Microsoft.KeyVault/vaults"
            and any(
                policy["objectId"] == object_id for policy in vault["properties"]["accessPolicies"]
            )
        ],
    }
    may = {
        "owner": []
        if managed
        else sorted(
            {
                owner
                for each in (object_id, application_id)
                for owner in state["owners"].get(each, [])
            }
        ),
        "application permission": [
            one["id"] for one in state["appRoleAssignments"] if one["principalId"] == object_id
        ],
        "delegated permission": [
            one["id"] for one in state["oauth2PermissionGrants"] if one["clientId"] == object_id
        ],
        "group": sorted(groups),
        "directory role": [
            one["id"]
            for one in state["directoryRoleAssignments"]
            if one["principalId"] == object_id
        ],
        "attachment": attachments_of(state, object_id) if managed else [],
        "deleted object": [
            one["id"] for one in state["deletedItems"] if one["id"] in (object_id, application_id)
        ],
    }
    return Leftovers(must, may)


def groups_of(state: Json, object_id: str) -> set[str]:
    """Groups that it is in, directly or through others."""
    found: set[str] = set()
    while True:
        more = {
            group
            for group, members in state["groupMembers"].items()
            if group not in found and {object_id, *found} & set(members)
        }
        if not more:
            return found
        found |= more


def assignments_of(state: Json, holders: set[str]) -> list[str]:
    """Role assignments of any of these."""
    return [
        one["id"] for one in state["roleAssignments"] if one["properties"]["principalId"] in holders
    ]


def attachments_of(state: Json, object_id: str) -> list[str]:
    """Resources whose code can ask for its tokens."""
    found = []
    for one in state["resources"]:
        identity = one.get("identity") or {}
        named = {
            each.get("principalId")
            for each in (identity.get("userAssignedIdentities") or {}).values()
        }
        if object_id in named | {identity.get("principalId")}:
            found.append(one["id"])
    return found


def portrait(state: Json, ids: set[str], client: str) -> str:
    """Everything that is stored about a principal, in one canonical text: equal before and after, or touched."""
    objects = {
        name: [one for one in state[name] if ids & {str(one.get(key)) for key in keys}]
        for name, keys in (
            ("applications", ("id",)),
            ("servicePrincipals", ("id",)),
            ("federatedCredentials", ("applicationId",)),
            ("appRoleAssignments", ("principalId",)),
            ("oauth2PermissionGrants", ("clientId",)),
            ("directoryRoleAssignments", ("principalId",)),
        )
    }
    roles = [one for one in state["roleAssignments"] if one["properties"]["principalId"] in ids]
    parts = {
        **objects,
        "owners": {one: sorted(state["owners"].get(one, [])) for one in sorted(ids)},
        "groups": sorted(
            group for group, members in state["groupMembers"].items() if ids & set(members)
        ),
        "roles": sorted(roles, key=lambda one: str(one["id"])),
        "attachments": sorted(each for one in ids for each in attachments_of(state, one)),
        "vaults": sorted(
            (vault["id"], policy["objectId"])
            for vault in state["resources"]
            if vault["type"] == "Microsoft.KeyVault/vaults"
            for policy in vault["properties"]["accessPolicies"]
            if policy["objectId"] in ids
        ),
        "clusters": {
            name: _accounts_and_workloads(objects, client)
            for name, objects in state["clusters"].items()
        },
    }
    return json.dumps(parts, sort_keys=True)


def _accounts_and_workloads(objects: Json, client: str) -> list[Json]:
    """The ServiceAccounts that name a client id, and what runs under them, without what changes by itself."""
    names = {
        (one["metadata"]["namespace"], one["metadata"]["name"])
        for one in objects["serviceaccounts"]
        if client in (one["metadata"].get("annotations") or {}).values()
    }
    found = [
        one
        for one in objects["serviceaccounts"]
        if (one["metadata"]["namespace"], one["metadata"]["name"]) in names
    ]
    for plural in ("deployments", "statefulsets", "daemonsets"):
        found += [
            one
            for one in objects.get(plural, [])
            if (
                one["metadata"]["namespace"],
                one["spec"]["template"]["spec"].get("serviceAccountName", "default"),
            )
            in names
        ]
    return [_still({key: one[key] for key in one if key != "status"}) for one in found]


def _still(one: Json) -> Json:
    metadata = {key: value for key, value in one["metadata"].items() if key not in _VOLATILE}
    return {**one, "metadata": metadata}
