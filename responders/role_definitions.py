"""Responder: what a role allows, by its definition and not by its name: anybody may name a custom role "Reader".

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    Microsoft.Authorization/roleDefinitions/read: Reader
Source   https://learn.microsoft.com/rest/api/authorization/role-definitions/get-by-id
         https://learn.microsoft.com/azure/role-based-access-control/role-definitions
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypedDict

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.fan_out import fan_out
from responders.grants import ANY_SUBSCRIPTION

# Whoever may do one of these can give itself or others everything.
_MAKES_OWNERS = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleDefinitions/write",
    "Microsoft.Authorization/elevateAccess/action",
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


def _matches(patterns: list[str], action: str) -> bool:
    return any(
        re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), action, re.IGNORECASE)
        for pattern in patterns
    )
