"""Custom roles as `az role definition create` takes them, one for each scope and option; Bicep loads the same files.

Source   https://learn.microsoft.com/azure/role-based-access-control/custom-roles#custom-role-properties
"""

from typing import Any, Final

from responders.needs import BINDINGS, ENABLING, ROTATING

Json = dict[str, Any]
# What an option's role is called in the file, and by Bicep.
_OPTIONS: Final = {
    BINDINGS: "identityBindings",
    ENABLING: "enableClusters",
    ROTATING: "keyRotation",
}
# Who creates a role says where it may be assigned.
SCOPE: Final = "<scope>"
_ABOUT: Final = {
    "Firebreak Containment": "reads what an incident needs to know, and takes away. It gives no role and makes nothing",
    "Firebreak Identity Binding Reader": "reads which identities are bound to a cluster, a preview of AKS",
    "Firebreak Log Reader": "queries the log tables of the workspace",
    "Firebreak Evidence Keeper": "reads evidence and adds to it; it can neither change nor delete any",
    "Firebreak Claims Keeper": "says who works on what, beside the evidence",
    "Firebreak Event Sender": "publishes events of incidents",
    "Firebreak Sentinel Commenter": "comments on the Sentinel incidents that signals came from",
    "Firebreak Rebuild": "makes identities, trusts and roles once a person has agreed; assign it with its condition",
    "Firebreak Cluster Enabler": "switches on OIDC issuer and workload identity of clusters",
    "Firebreak Signing Key Rotator": "rotates the keys that sign ServiceAccount tokens",
}


def of(hand: Json) -> Json:
    """By what Bicep calls them, the roles of one identity."""
    return {_key(role): _definition(role) for role in hand["azure"]}


def _key(role: Json) -> str:
    return _OPTIONS.get(role["optional"]) or str(role["scope"])


def _definition(role: Json) -> Json:
    return {
        "Name": role["role"],
        "IsCustom": True,
        "Description": f"Firebreak {_ABOUT[role['role']]}.",
        "Actions": [one["action"] for one in role["actions"]],
        "NotActions": [],
        "DataActions": [one["action"] for one in role["dataActions"]],
        "NotDataActions": [],
        "AssignableScopes": [SCOPE],
    }
