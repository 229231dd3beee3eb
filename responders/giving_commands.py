"""The commands with which a person gives a principal what Firebreak may not give it.

Source   https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
         https://learn.microsoft.com/graph/api/oauth2permissiongrant-post
         https://learn.microsoft.com/graph/api/group-post-members
         https://learn.microsoft.com/cli/azure/keyvault
"""

import json

from responders.model import Json

_GRAPH = "https://graph.microsoft.com/v1.0"


def app_role(object_id: str, one: Json) -> str:
    """An application permission."""
    body = {
        "principalId": object_id,
        "resourceId": one["resource_id"],
        "appRoleId": one["app_role_id"],
    }
    return _post(f"/servicePrincipals/{object_id}/appRoleAssignments", body)


def consent(object_id: str, one: Json) -> str:
    """Delegated permissions."""
    body = {
        "clientId": object_id,
        "consentType": one["consent_type"],
        "resourceId": one["resource_id"],
        "scope": one["scope"],
    }
    user = {} if one["principal_id"] is None else {"principalId": one["principal_id"]}
    return _post("/oauth2PermissionGrants", body | user)


def member(object_id: str, one: Json) -> str:
    """A place in a group."""
    return f"az ad group member add --group {one['id']} --member-id {object_id}"


def owner(object_id: str, one: Json) -> str:
    """An owner of the application or of its service principal, whose id this is."""
    path = "applications" if one["of"] == "application" else "servicePrincipals"
    body = {"@odata.id": f"{_GRAPH}/directoryObjects/{one['id']}"}
    return _post(f"/{path}/{object_id}/owners/$ref", body)


def vault_policy(one: Json) -> str:
    """An access policy of a key vault, which names its principal itself."""
    vault = str(one["vault_id"]).rpartition("/")[2]
    kinds = (
        f" --{kind.lower().removesuffix('s')}-permissions {' '.join(names)}"
        for kind, names in one["permissions"].items()
        if names
    )
    return f"az keyvault set-policy --name {vault} --object-id {one['object_id']}{''.join(kinds)}"


def _post(path: str, body: Json) -> str:
    return f"az rest --method POST --url '{_GRAPH}{path}' --body '{json.dumps(body)}'"
