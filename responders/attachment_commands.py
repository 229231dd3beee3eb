"""The command that lets an Azure resource run as a user-assigned identity. Nobody but a person runs it.

Source   https://learn.microsoft.com/cli/azure/vm/identity
         https://learn.microsoft.com/cli/azure/webapp/identity
         https://learn.microsoft.com/rest/api/resources/resources/update-by-id
"""

from responders.model import Json

_GROUPS = {
    "microsoft.compute/virtualmachines": "vm",
    "microsoft.compute/virtualmachinescalesets": "vmss",
    "microsoft.web/sites": "webapp",
}


def attach(attachment: Json, identity: str) -> str:
    """For an item of `managed_identities.attachments`: `az` where it has a command for the type, else a PATCH."""
    resource_id = str(attachment["resource_id"])
    group = _GROUPS.get(str(attachment.get("type") or "").lower())
    if group is not None:
        return f"az {group} identity assign --ids '{resource_id}' --identities '{identity}'"
    url = f"https://management.azure.com{resource_id}?api-version=<version for its type>"
    kept = "<as it is, with UserAssigned>"
    body = f'{{"identity": {{"type": "{kept}", "userAssignedIdentities": {{"{identity}": {{}}}}}}}}'
    return f"az rest --method patch --url '{url}' --body '{body}'"
