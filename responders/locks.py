"""Responder: management locks, which refuse deletes and writes even to an owner.

Stops    nothing
Leaves   everything as it is: to remove a lock is a decision of its own, and a person's
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
         https://learn.microsoft.com/rest/api/resources/management-locks/list-by-scope
"""

from typing import Final

from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, ResponderError
from responders.fan_out import failures, fan_out, worst
from responders.model import Json
from responders.needs import AzureNeed, Needs

API_VERSION = "2020-05-01"
_TAIL = "/providers/Microsoft.Authorization/locks"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.Authorization/locks/read", "which locks will refuse a change", ("read_all",)
        ),
    ),
)


async def read_all(cloud: Cloud, scopes: list[str]) -> list[Json]:
    """`{id, name, level, scope, notes}` of each lock at these scopes and below, each once.

    Raises if any scope can't be read: a lock that is not known of would refuse in the middle.
    """
    outcomes = await fan_out(scopes, lambda one: cloud.arm.list(f"{one}{_TAIL}", API_VERSION))
    unread = [one for one in failures(outcomes) if not isinstance(one, NotFoundError)]
    if unread:
        raise worst(unread, "management locks")
    found = {
        lock["id"].lower(): lock
        for _, listed in outcomes
        if not isinstance(listed, ResponderError)
        for lock in map(_parse, listed)
    }
    return [lock for _, lock in sorted(found.items())]


def blocking(locks: list[Json], targets: list[str], *, deletes: bool = True) -> list[Json]:
    """Which of these locks will refuse to delete which targets; without `deletes`, to write to them.

    A lock holds at its scope and below, extension resources (role assignments) included. Each answer
    is `{target, lock, level, scope, by_hand}`.
    """
    levels = {"CanNotDelete", "ReadOnly"} if deletes else {"ReadOnly"}
    return [
        {
            "target": target,
            "lock": lock["id"],
            "level": lock["level"],
            "scope": lock["scope"],
            "by_hand": f"az lock delete --ids '{lock['id']}'",
        }
        for target in targets
        for lock in locks
        if lock["level"] in levels and _is_within(target, lock["scope"])
    ]


def _is_within(target: str, scope: str) -> bool:
    return f"{target.rstrip('/')}/".lower().startswith(f"{scope.rstrip('/')}/".lower())


def _parse(item: Json) -> Json:
    match item:
        case {"id": str(lock_id), "name": str(name), "properties": {"level": str(level)} as more}:
            scope = (
                lock_id[: lock_id.lower().rindex(_TAIL.lower())]
                if _TAIL.lower() in lock_id.lower()
                else None
            )
            if scope is not None:
                return {
                    "id": lock_id,
                    "name": name,
                    "level": level,
                    "scope": scope,
                    "notes": more.get("notes"),
                }
    raise ContractChangedError(f"not a management lock: {sorted(item)}")
