"""Responder: which Azure Policy assignments there are, and what they say of clusters, vaults and identities.

Stops    nothing
Leaves   everything as it is; Resource Graph is minutes late, and an evaluation up to a day
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/governance/policy/samples/resource-graph-samples
         https://learn.microsoft.com/azure/governance/resource-graph/reference/supported-tables-resources#policyresources
"""

from typing import Final, TypedDict

from responders import resource_graph
from responders.cloud import Cloud
from responders.errors import ContractChangedError
from responders.model import Json
from responders.needs import AzureNeed, Needs

NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.Authorization/policyAssignments/read",
            "which policies are assigned",
            ("read",),
        ),
        AzureNeed("Microsoft.PolicyInsights/policyStates/read", "what they find", ("read",)),
    ),
)


class Assignment(TypedDict):
    """A policy or an initiative that is assigned somewhere."""

    id: str
    scope: str
    definition: str  # GUID where it is built in
    name: str
    enforced: bool  # False: `DoNotEnforce`


class Violation(TypedDict):
    """A resource that one policy of an assignment finds non-compliant."""

    resource_id: str
    assignment_id: str
    definition: str
    name: str


async def read(cloud: Cloud) -> tuple[list[Assignment], list[Violation]]:
    """Both, over all that Firebreak sees."""
    assigned = await resource_graph.run(cloud, "policy_assignments", {})
    violated = await resource_graph.run(cloud, "policy_violations", {})
    return [_assignment(one) for one in assigned], [_violation(one) for one in violated]


def _assignment(row: Json) -> Assignment:
    match row:
        case {"id": str(found), "scope": str(scope), "definition": str(definition)}:
            return {
                "id": found,
                "scope": scope,
                "definition": definition.rpartition("/")[2].lower(),
                "name": str(row.get("shown") or row.get("name") or ""),
                "enforced": row.get("mode") != "DoNotEnforce",
            }
        case _:
            raise ContractChangedError(f"not a policy assignment: {sorted(row)}")


def _violation(row: Json) -> Violation:
    match row:
        case {"resource": str(resource), "assignment": str(assignment)}:
            return {
                "resource_id": resource,
                "assignment_id": assignment,
                "definition": str(row.get("definition") or "").rpartition("/")[2].lower(),
                "name": str(row.get("shown") or ""),
            }
        case _:
            raise ContractChangedError(f"not the state of a policy: {sorted(row)}")
