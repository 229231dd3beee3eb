"""Seeds of Azure Policy: what is assigned, and what its last evaluation found, as Resource Graph shows both.

Source      https://learn.microsoft.com/rest/api/policy/policy-assignments
            https://learn.microsoft.com/azure/governance/policy/how-to/get-compliance-data
"""

from datetime import datetime

from sandbox.control.wishes import text
from sandbox.graph.shapes import new_id
from sandbox.world import Json, World

_ASSIGNMENTS = "Microsoft.Authorization/policyAssignments"
_STATES = "Microsoft.PolicyInsights/policyStates"


def _assignment(world: World, since: datetime, one: Json) -> Json:
    """{"scope", "name", "definitionId", "displayName"?, "enforcementMode"?}: a policy or an initiative, by its id."""
    scope, name = text(one, "scope"), text(one, "name")
    found: Json = {
        "id": f"{scope}/providers/{_ASSIGNMENTS}/{name}",
        "name": name,
        "type": _ASSIGNMENTS,
        "properties": {
            "displayName": text(one, "displayName", name),
            "policyDefinitionId": text(one, "definitionId"),
            "scope": scope,
            "notScopes": [],
            "parameters": {},
            "enforcementMode": text(one, "enforcementMode", "Default"),
        },
    }
    world.azure.policies.put(found["id"].lower(), found, since=since)
    return {"id": found["id"]}


def _state(world: World, since: datetime, one: Json) -> Json:
    """{"resourceId", "resourceType", "assignmentId", "definitionId", "state"?}: of one policy, for one resource."""
    resource, name = text(one, "resourceId"), new_id()
    found: Json = {
        "id": f"{resource}/providers/{_STATES}/{name}",
        "name": name,
        "type": _STATES,
        "properties": {
            "resourceId": resource,
            "resourceType": text(one, "resourceType"),
            "complianceState": text(one, "state", "NonCompliant"),
            "policyAssignmentId": text(one, "assignmentId"),
            "policyDefinitionId": text(one, "definitionId"),
            "policyDefinitionReferenceId": text(one, "reference", "") if "reference" in one else "",
        },
    }
    world.azure.policies.put(found["id"].lower(), found, since=since)
    return {"id": found["id"]}


PARTS = {"policyAssignments": _assignment, "policyStates": _state}
