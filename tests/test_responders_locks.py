"""Locks: which of them will refuse what, said before the first delete."""

from typing import Any

import pytest

from responders import locks
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError
from tests.azure_fake import OURSELVES, SUBSCRIPTION, FakeAzure, page, problem
from tests.suspects import IDENTITY, MACHINE

HERE = f"/subscriptions/{SUBSCRIPTION}"
THERE = f"/subscriptions/{OURSELVES}"
GROUP = f"{HERE}/resourceGroups/rg-orders"
TAIL = "/providers/Microsoft.Authorization/locks"


def _lock(scope: str, name: str = "prod", level: str = "CanNotDelete") -> dict[str, Any]:
    properties = {"level": level, "notes": "ask first"}
    return {"id": f"{scope}{TAIL}/{name}", "name": name, "properties": properties}


async def test_every_lock_is_read_once_with_its_scope(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", f"{HERE}{TAIL}", page(_lock(GROUP), _lock(HERE, "all", "ReadOnly")))
    azure.on("GET", f"{THERE}{TAIL}", page(_lock(GROUP)))
    found = await locks.read_all(cloud, [HERE, THERE])
    assert [(one["name"], one["level"], one["scope"], one["notes"]) for one in found] == [
        ("all", "ReadOnly", HERE, "ask first"),
        ("prod", "CanNotDelete", GROUP, "ask first"),
    ]


async def test_a_scope_that_cannot_be_read_is_not_unlocked(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", f"{HERE}{TAIL}", page())
    azure.on("GET", f"{THERE}{TAIL}", problem(403, "AuthorizationFailed"))
    with pytest.raises(RefusedError, match=OURSELVES):
        await locks.read_all(cloud, [HERE, THERE])
    azure.on("GET", f"{THERE}{TAIL}", problem(404, "SubscriptionNotFound"))
    assert await locks.read_all(cloud, [HERE, THERE]) == []
    azure.on("GET", f"{HERE}{TAIL}", page({"id": "/x", "name": "y", "properties": {"level": "z"}}))
    with pytest.raises(ContractChangedError):
        await locks.read_all(cloud, [HERE])


ON_GROUP = {"id": "l", "name": "prod", "level": "CanNotDelete", "scope": GROUP, "notes": None}
READ_ONLY = {**ON_GROUP, "level": "ReadOnly"}


@pytest.mark.parametrize(
    ("lock", "target", "deletes", "blocks"),
    [
        (ON_GROUP, IDENTITY, True, True),
        (ON_GROUP, IDENTITY.lower(), True, True),
        (ON_GROUP, f"{GROUP}/providers/Microsoft.Authorization/roleAssignments/x", True, True),
        (ON_GROUP, f"{HERE}/providers/Microsoft.Authorization/roleAssignments/x", True, False),
        (ON_GROUP, f"{GROUP}-2/providers/x/y/z", True, False),
        (ON_GROUP, IDENTITY, False, False),
        (READ_ONLY, IDENTITY, False, True),
        (READ_ONLY, IDENTITY, True, True),
        ({**ON_GROUP, "scope": IDENTITY}, MACHINE, True, False),
        ({**ON_GROUP, "level": "NotSpecified"}, IDENTITY, True, False),
    ],
)
def test_a_lock_holds_at_its_scope_and_below(
    lock: dict[str, Any], target: str, deletes: bool, blocks: bool
) -> None:
    found = locks.blocking([lock], [target], deletes=deletes)
    assert [one["target"] for one in found] == ([target] if blocks else [])
    assert all(one["by_hand"] == "az lock delete --ids 'l'" for one in found)
