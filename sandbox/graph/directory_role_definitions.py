"""Microsoft Entra's built-in roles, those that matter when applications are at stake.

Left out    the other hundred; what each is allowed to do; custom roles
Source      https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
"""

from sandbox.world import Json, stable_guid

GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
PRIVILEGED_ROLE_ADMINISTRATOR = "e8611ab8-c189-46e8-94e1-60213ab1f814"
APPLICATION_ADMINISTRATOR = "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3"
CLOUD_APPLICATION_ADMINISTRATOR = "158c047a-c907-4556-b7ef-446551a6b5f7"
HYBRID_IDENTITY_ADMINISTRATOR = "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2"
GROUPS_ADMINISTRATOR = "fdd7a751-b60b-444a-984c-02652fe8fa1c"
USER_ADMINISTRATOR = "fe930be7-5e62-47db-91af-98c3a49a38b1"
SECURITY_ADMINISTRATOR = "194ae4cb-b126-40b2-bd5b-6091b380977d"
SECURITY_OPERATOR = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f"
SECURITY_READER = "5d6b6bb7-de71-4623-b4af-96380a352509"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
DIRECTORY_READERS = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"

_NAMES = {
    GLOBAL_ADMINISTRATOR: "Global Administrator",
    PRIVILEGED_ROLE_ADMINISTRATOR: "Privileged Role Administrator",
    APPLICATION_ADMINISTRATOR: "Application Administrator",
    CLOUD_APPLICATION_ADMINISTRATOR: "Cloud Application Administrator",
    HYBRID_IDENTITY_ADMINISTRATOR: "Hybrid Identity Administrator",
    GROUPS_ADMINISTRATOR: "Groups Administrator",
    USER_ADMINISTRATOR: "User Administrator",
    SECURITY_ADMINISTRATOR: "Security Administrator",
    SECURITY_OPERATOR: "Security Operator",
    SECURITY_READER: "Security Reader",
    GLOBAL_READER: "Global Reader",
    DIRECTORY_READERS: "Directory Readers",
}


def definitions() -> list[Json]:
    """All of them, as unifiedRoleDefinition has them: a built-in role's id is its template's.

    https://learn.microsoft.com/graph/api/resources/unifiedroledefinition
    """
    return [_definition(template) for template in _NAMES]


def definition(role_id: str) -> Json | None:
    """One of them."""
    return _definition(role_id.lower()) if role_id.lower() in _NAMES else None


def activated(template: str) -> Json:
    """The directoryRole of a template: what memberOf shows of an assignment to the whole tenant.

    https://learn.microsoft.com/graph/api/resources/directoryrole
    """
    return {
        "id": stable_guid(f"directory-role/{template}"),
        "deletedDateTime": None,
        "description": _NAMES[template],
        "displayName": _NAMES[template],
        "roleTemplateId": template,
    }


def _definition(template: str) -> Json:
    return {
        "id": template,
        "description": _NAMES[template],
        "displayName": _NAMES[template],
        "isBuiltIn": True,
        "isEnabled": True,
        "resourceScopes": ["/"],
        "rolePermissions": [],
        "templateId": template,
        "version": "1",
    }
