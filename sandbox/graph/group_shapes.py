"""Groups and directory role assignments as Microsoft Graph v1.0 writes them; `shapes.py` has the other objects.

Source      https://learn.microsoft.com/graph/api/resources/group
            https://learn.microsoft.com/graph/api/resources/unifiedroleassignment
"""

import base64
import uuid
from datetime import datetime
from typing import Any

from sandbox.graph.shapes import moment, new_id
from sandbox.world import Json


def new_group(
    display_name: str, *, created: datetime, object_id: str | None = None, **properties: Any
) -> Json:
    """A security group. `properties` are wire names and replace the defaults.

    https://learn.microsoft.com/graph/api/resources/group
    """
    nothing = (
        "classification",
        "deletedDateTime",
        "description",
        "expirationDateTime",
        "isAssignableToRole",
        "mail",
        "membershipRule",
        "membershipRuleProcessingState",
        "onPremisesDomainName",
        "onPremisesLastSyncDateTime",
        "onPremisesNetBiosName",
        "onPremisesSamAccountName",
        "onPremisesSecurityIdentifier",
        "onPremisesSyncEnabled",
        "preferredDataLocation",
        "preferredLanguage",
        "theme",
        "uniqueName",
        "visibility",
    )
    lists = (
        "groupTypes",
        "onPremisesProvisioningErrors",
        "proxyAddresses",
        "resourceBehaviorOptions",
        "resourceProvisioningOptions",
        "serviceProvisioningErrors",
    )
    own_id = object_id or new_id()
    return {
        "id": own_id,
        **dict.fromkeys(nothing),
        **{name: [] for name in lists},
        "createdDateTime": moment(created),
        "displayName": display_name,
        "mailEnabled": False,
        "mailNickname": display_name,
        "renewedDateTime": moment(created),
        "securityEnabled": True,
        "securityIdentifier": _security_identifier(own_id),
        **properties,
    }


def _security_identifier(object_id: str) -> str:
    """S-1-12-1 and the four 32-bit words of the object id, in little-endian order."""
    raw = uuid.UUID(object_id).bytes_le
    words = (int.from_bytes(raw[at : at + 4], "little") for at in range(0, 16, 4))
    return "S-1-12-1-" + "-".join(str(word) for word in words)


def new_directory_role_assignment(principal_id: str, role_id: str, *, scope: str = "/") -> Json:
    """A directory role for a principal. The id is made of both, in the order and form that Entra uses.

    https://learn.microsoft.com/graph/api/resources/unifiedroleassignment
    """
    raw = uuid.UUID(role_id).bytes_le + uuid.UUID(principal_id).bytes_le
    return {
        "id": f"{base64.urlsafe_b64encode(raw).decode().rstrip('=')}-1",
        "appScopeId": None,
        "condition": None,
        "directoryScopeId": scope,
        "principalId": principal_id,
        "roleDefinitionId": role_id,
    }
