"""Conditions on role assignments: who may hand out only some roles, or read only one container, can do no more."""

import uuid

import pytest

from sandbox.arm import conditions
from sandbox.arm.access import allows
from sandbox.arm.conditions import holds, of_role_assignment
from sandbox.arm.definitions import new_role_assignment, role_guid
from sandbox.world import World

BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
WRITE = "Microsoft.Authorization/roleAssignments/write"
DELETE = "Microsoft.Authorization/roleAssignments/delete"
READER, OWNER = role_guid("Reader"), role_guid("Owner")
# Word for word as the portal writes it: https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples
CONSTRAINED = f"""(
 (
  !(ActionMatches{{'{WRITE}'}})
 )
 OR
 (
  @Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}, {role_guid("Storage Blob Data Reader")}}}
  AND
  @Request[Microsoft.Authorization/roleAssignments:PrincipalType] ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}
 )
)
AND
(
 (
  !(ActionMatches{{'{DELETE}'}})
 )
 OR
 (
  @Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{READER}}}
 )
)"""  # noqa: E501 - as published
ONE_CONTAINER = (
    f"((!(ActionMatches{{'{BLOBS}/read'}} AND NOT SubOperationMatches{{'Blob.List'}})) OR "
    "(@Resource[Microsoft.Storage/storageAccounts/blobServices/containers:name] "
    "StringEquals 'orders'))"
)


def _wish(role: str, kind: str = "ServicePrincipal") -> dict[str, str]:
    properties = {"roleDefinitionId": f"/x/{role}", "principalType": kind}
    return of_role_assignment("@Request", properties)


def test_constrained_delegation_gives_the_listed_roles_to_the_listed_kind_only() -> None:
    assert holds(CONSTRAINED, WRITE, _wish(READER.upper()))
    assert not holds(CONSTRAINED, WRITE, _wish(OWNER))
    assert not holds(CONSTRAINED, WRITE, _wish(READER, "User"))
    assert not holds(CONSTRAINED, WRITE, {})
    held = of_role_assignment("@Resource", {"roleDefinitionId": f"/x/{READER}"})
    assert holds(CONSTRAINED, DELETE, held)
    assert not holds(CONSTRAINED, DELETE, _wish(READER))


def test_a_condition_leaves_other_actions_alone() -> None:
    assert holds(CONSTRAINED, "Microsoft.Authorization/roleAssignments/read", {})


NOT_EVALUATED = [
    "@Principal[Microsoft.Directory/CustomSecurityAttributes/Id:Dept] StringEquals 'orders'",
    "@Resource[a/b:name] NumericEquals 1",
    "@Resource[a/b:name] StringEquals @Request[a/b:name]",
    "@Resource[a/b:name] StringEquals",
    "(ActionMatches{'*'}",
    "ActionMatches{'*'} ActionMatches{'*'}",
    "1 = 1",
]


@pytest.mark.parametrize("condition", NOT_EVALUATED)
def test_a_condition_that_cannot_be_evaluated_grants_nothing(condition: str) -> None:
    assert not holds(condition, "any/action", {"@resource[a/b:name]": "x"})


OPERATORS = [
    ("StringEquals 'Orders'", True),
    ("StringEquals 'orders'", False),
    ("StringEqualsIgnoreCase 'orders'", True),
    ("StringNotEquals 'orders'", True),
    ("StringStartsWith 'Ord'", True),
    ("StringLike 'O*s'", True),
    ("StringNotLike 'O*s'", False),
    ("ForAnyOfAnyValues:StringEquals {'a', 'Orders'}", True),
    ("ForAllOfAllValues:StringEquals {'a', 'Orders'}", False),
]


@pytest.mark.parametrize(("comparison", "expected"), OPERATORS)
def test_comparisons(comparison: str, *, expected: bool) -> None:
    known = {"@resource[a/b:name]": "Orders"}
    assert holds(f"@Resource[a/b:name] {comparison}", "any", known) is expected
    assert holds("Exists @Resource[a/b:name] && !Exists @Resource[a/b:c]", "any", known)


def test_a_conditional_grant_opens_one_container_and_not_its_neighbour() -> None:
    world = World({})
    world.delays.role_assignments = 0
    account = (
        f"/subscriptions/{world.subscription_id}/resourceGroups/rg"
        "/providers/Microsoft.Storage/storageAccounts/one"
    )
    somebody = str(uuid.uuid4())
    grant = new_role_assignment(
        world,
        scope=account,
        role="Storage Blob Data Reader",
        principal_id=somebody,
        condition=ONE_CONTAINER,
        condition_version="2.0",
    )
    world.azure.role_assignments.put(grant["id"].lower(), grant)

    def may(container: str) -> bool:
        scope = f"{account}/blobServices/default/containers/{container}"
        return allows(world, somebody, f"{BLOBS}/read", scope, data_action=True)

    assert may("orders")
    assert not may("invoices")
    assert conditions.of_storage("/subscriptions/x") == {}
