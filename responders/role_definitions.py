"""Responder: what a role allows, by its definition and not by its name: anybody may name a custom role "Reader".

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/authorization/role-definitions/get-by-id
         https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, TypedDict

from responders.audit_model import RoleFacts
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, ResponderError
from responders.fan_out import fan_out
from responders.grants import ANY_SUBSCRIPTION
from responders.model import Json
from responders.needs import DEFINITIONS, AzureNeed, Needs

API_VERSION = "2022-04-01"

# Whoever may do one of these can give itself or others everything.
_MAKES_OWNERS = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.Authorization/elevateAccess/action",
)
NEEDS: Final = Needs(
    azure=(AzureNeed(f"{DEFINITIONS}/read", "what roles allow", ("read", "read_facts", "_read")),),
)


class Permission(TypedDict):
    """One entry of a definition: what it allows, less what it takes off again. `*` stands for anything."""

    actions: list[str]
    not_actions: list[str]
    data_actions: list[str]
    not_data_actions: list[str]


async def read(cloud: Cloud, definition_ids: Iterable[str]) -> dict[str, list[Permission]]:
    """The permissions of each, by its id as given. One that could not be read is not there."""
    wanted = sorted(set(definition_ids))
    outcomes = await fan_out(
        wanted, lambda one: cloud.remembered(f"permissions of {one}", lambda: _read(cloud, one))
    )
    return {
        one: permissions
        for one, permissions in outcomes
        if not isinstance(permissions, ResponderError)
    }


async def read_facts(
    cloud: Cloud, definition_ids: Mapping[str, str]
) -> tuple[dict[str, RoleFacts], list[str]]:
    """What each role allows, by the key that it is given under, and a sentence for each that could not be read."""

    async def one(key: str) -> RoleFacts:
        return _facts(await cloud.arm.get(definition_ids[key], API_VERSION))

    outcomes = await fan_out(sorted(definition_ids), one)
    found = {key: facts for key, facts in outcomes if not isinstance(facts, ResponderError)}
    unread = [
        f"what the role {definition_ids[key]} allows: {error}"
        for key, error in outcomes
        if isinstance(error, ResponderError)
    ]
    return found, unread


def allows(permissions: Iterable[Permission], action: str, *, data: bool = False) -> bool:
    """Whether a role with these permissions may do this."""
    granted, denied = ("data_actions", "not_data_actions") if data else ("actions", "not_actions")
    return any(
        _matches(one[granted], action) and not _matches(one[denied], action)  # type: ignore[literal-required]
        for one in permissions
    )


def owner_level(permissions: list[Permission]) -> str | None:
    """Why a role with these permissions comes back only where a person chooses it; None: it may."""
    for action in _MAKES_OWNERS:
        if allows(permissions, action):
            return f"it may do {action}: whoever has it can give itself everything"
    if any("*" in one["actions"] for one in permissions):
        return "its actions are *: it may change and delete all that is there"
    if any("*" in one["data_actions"] for one in permissions):
        return "its data actions are *: it may read and change all data"
    return None


def powers(found: Mapping[str, list[Permission]]) -> dict[str, str]:
    """Why each is owner-level, by definition id; empty where it is not. What could not be read is not there."""
    return {one: owner_level(permissions) or "" for one, permissions in found.items()}


async def _read(cloud: Cloud, definition_id: str) -> list[Permission]:
    client = cloud.authorization(ANY_SUBSCRIPTION)
    async with azure_call(f"role definition {definition_id}"):
        found = await client.role_definitions.get_by_id(definition_id)
    return [
        {
            "actions": one.actions or [],
            "not_actions": one.not_actions or [],
            "data_actions": one.data_actions or [],
            "not_data_actions": one.not_data_actions or [],
        }
        for one in found.permissions or []
    ]


def _facts(definition: Json) -> RoleFacts:
    match definition:
        case {"properties": {"roleName": str(name), "permissions": [*blocks]}}:
            pass
        case _:
            raise ContractChangedError(f"not a role definition: {sorted(definition)}")
    permissions: list[Permission] = [
        {
            "actions": one.get("actions") or [],
            "not_actions": one.get("notActions") or [],
            "data_actions": one.get("dataActions") or [],
            "not_data_actions": one.get("notDataActions") or [],
        }
        for one in blocks
    ]
    actions = [action for one in permissions for action in one["actions"]]
    return {
        "name": name,
        "owner_level": owner_level(permissions) or "",
        # `*/read` and the like read; an action is as good as a write, as listing keys shows.
        "writes": any(not action.lower().endswith("/read") for action in actions),
        "data": any(one["data_actions"] for one in permissions),
    }


def _matches(patterns: list[str], action: str) -> bool:
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE)
        for pattern in patterns
    )
