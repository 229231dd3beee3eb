"""Responder: what a successor may do beyond its Azure roles: all kinds side by side, none stopped by another.

Stops    nothing
Leaves   directory roles and groups that others fill, which a person gives
Undo     items: each is taken away as `app_roles`, `oauth_grants`, `memberships`, `owners` and `key_vault_policies`
         take it away from a compromised one
Needs    what app_roles.py, oauth_grants.py, memberships.py, owners.py and key_vault_policies.py need
Source   https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments

It gives through the responders of the single nouns, which is why it may import them.
"""

from collections.abc import Callable, Coroutine
from typing import Any, TypedDict

from responders import (
    app_roles,
    giving_commands,
    key_vault_policies,
    memberships,
    oauth_grants,
    owners,
    service_principals,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError, TransientError
from responders.fan_out import fan_out
from responders.model import Json, NewIdentity, StepResult


class Gifts(TypedDict):
    """What to give, in the snapshot's own words; vault policies name the new one already."""

    app_roles: list[Json]
    oauth_grants: list[Json]
    memberships: list[Json]
    key_vault_policies: list[Json]
    owners: list[Json]


_Give = Callable[[], Coroutine[Any, Any, StepResult]]


async def give(cloud: Cloud, gifts: Gifts, identity: NewIdentity) -> Json:
    """Give what is missing of each kind, and read back. Safe to repeat.

    What may not be given is named in a "refused", with the command for a person; the other kinds are given. Raises
    `TransientError` where time may help: the directory hears of a managed identity late.
    """
    if not any(gifts.values()):
        return {"status": "nothing_to_do", "detail": "nothing beyond its Azure roles is planned"}
    await _await_in_directory(cloud, identity)
    outcomes = await fan_out(_givers(cloud, gifts, identity).items(), lambda one: one[1]())
    late = [one for _, one in outcomes if isinstance(one, TransientError)]
    if late:
        raise TransientError("; ".join(str(one) for one in late))
    answers = [
        (kind, _refused(one) if isinstance(one, ResponderError) else one)
        for (kind, _), one in outcomes
    ]
    open_kinds = [kind for kind, one in answers if one["status"] == "refused"]
    commands = [
        command for kind in open_kinds for command in _commands(kind, gifts, identity, answers)
    ]
    done = any(one["status"] == "done" for _, one in answers)
    return {
        "status": "refused" if open_kinds else "done" if done else "nothing_to_do",
        "detail": "; ".join(str(one.get("detail", "")) for _, one in answers),
        "items": [{"kind": kind, **item} for kind, one in answers for item in one.get("items", [])],
        "changes": [change for _, one in answers for change in one.get("changes", [])],
        "by_hand": commands,
    }


def _givers(cloud: Cloud, gifts: Gifts, identity: NewIdentity) -> dict[str, _Give]:
    """Only the kinds of which there is something to give: each reads a list of its own."""
    object_id = identity["object_id"]
    every: dict[str, _Give] = {
        "app_roles": lambda: app_roles.ensure(cloud, object_id, gifts["app_roles"]),
        "oauth_grants": lambda: oauth_grants.ensure(cloud, object_id, gifts["oauth_grants"]),
        "memberships": lambda: memberships.ensure(cloud, object_id, gifts["memberships"]),
        "key_vault_policies": lambda: key_vault_policies.ensure(cloud, gifts["key_vault_policies"]),
        "owners": lambda: owners.ensure(
            cloud, object_id, identity["application_object_id"], gifts["owners"]
        ),
    }
    return {kind: one for kind, one in every.items() if gifts[kind]}  # type: ignore[literal-required]


def _refused(error: ResponderError) -> StepResult:
    return {"status": "refused", "detail": str(error)}


def _commands(
    kind: str, gifts: Gifts, identity: NewIdentity, answers: list[tuple[str, StepResult]]
) -> list[str]:
    """For each item of this kind that was not given."""
    given = next(one for of, one in answers if of == kind).get("items", [])
    left: list[Json] = [
        one
        for one in gifts[kind]  # type: ignore[literal-required]
        if not any(one.items() <= item.items() for item in given)
    ]
    object_id = identity["object_id"]
    match kind:
        case "app_roles":
            return [giving_commands.app_role(object_id, one) for one in left]
        case "oauth_grants":
            return [giving_commands.consent(object_id, one) for one in left]
        case "memberships":
            return [giving_commands.member(object_id, one) for one in left]
        case "owners":
            of = {"application": identity["application_object_id"], "service_principal": object_id}
            return [giving_commands.owner(str(of[one["of"]]), one) for one in left]
        case _:
            return [giving_commands.vault_policy(one) for one in left]


async def _await_in_directory(cloud: Cloud, identity: NewIdentity) -> None:
    try:
        await service_principals.is_enabled(cloud, identity["object_id"])
    except NotFoundError as error:
        raise TransientError(f"{identity['display_name']} is not in the directory yet") from error
