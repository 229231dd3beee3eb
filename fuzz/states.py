"""Reading the sandbox's state for what one principal has, and for what may not have changed. Pure."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from drill.differences import Difference, differences
from fuzz.worlds import Json

# A person confirmed that everybody's pods are restarted where signing keys are rotated.
_ROTATED = {"pods", "signingKeys", "deployments", "statefulsets", "daemonsets"}
_OURS = ("firebreak", "/git0", "azure-wi-webhook")  # and what the world itself breaks


@dataclass(frozen=True)
class Leftovers:
    """What a principal still has, as ids, by the noun that a person would use."""

    must: dict[str, list[str]] = field(default_factory=dict)  # containment may not leave these
    may: dict[str, list[str]] = field(default_factory=dict)  # these may remain, if they are named

    @property
    def none_at_all(self) -> bool:
        """Whether nothing is left."""
        return not any(self.must.values()) and not any(self.may.values())


def standing_id(state: Json, object_id: str, client_id: str) -> str:
    """Its object id there: who lacked a service principal has gotten another one than was drawn."""
    principals = state["servicePrincipals"]
    if any(one["id"] == object_id for one in principals):
        return object_id
    return next((str(one["id"]) for one in principals if one["appId"] == client_id), object_id)


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


def touched(
    before: Json, after: Json, namespace: str, ids: Sequence[str], *, rotated: bool
) -> Iterator[Difference]:
    """Every difference of two normal forms that has nothing to do with one of these ids or this namespace."""
    for one in really(before, after):
        if rotated and one.path[0] == "clusters" and one.path[2] in _ROTATED:
            continue
        known = [namespace, *_OURS, *(each.lower() for each in ids if each)]
        if not all(_is_about(part, known) for part in _parts(one)):
            yield one


def really(before: Json, after: Json) -> list[Difference]:
    """A kind of which there is nothing and one that nobody ever made are the same."""
    return [
        one
        for one in differences(before, after)
        if one.before or one.after or one.kind == "changed"
    ]


def _parts(one: Difference) -> list[str]:
    """What differs, as texts: of a list that is a set, each member that came or went."""
    where = "/".join(one.path)
    if isinstance(one.before, list) and isinstance(one.after, list):
        old, new = (
            {json.dumps(each, sort_keys=True) for each in side} for side in (one.before, one.after)
        )
        return [f"{where} {each}" for each in old ^ new]
    return [f"{where} {one.before} {one.after}"]


def _is_about(text: str, known: Sequence[str]) -> bool:
    return any(each in text.lower() for each in known)
