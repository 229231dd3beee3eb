"""The properties of directory roles' definitions and assignments, as `schema.py` has those of directory objects.

Source      https://learn.microsoft.com/graph/api/resources/unifiedroledefinition
            https://learn.microsoft.com/graph/api/resources/unifiedroleassignment
"""

from sandbox.graph.schema import define

ROLE_DEFINITION = define(
    "unifiedRoleDefinition",
    "roleManagement/directory/roleDefinitions",
    """
    id                                guid     ro   eq in
    description                       str      ro
    displayName                       str      ro   eq startswith
    isBuiltIn                         bool     ro   eq
    isEnabled                         bool     ro   eq
    resourceScopes                    str[]    ro
    rolePermissions                   any[]    ro
    templateId                        guid     ro   eq
    version                           str      ro
    """,
)

ROLE_ASSIGNMENT = define(
    "unifiedRoleAssignment",
    "roleManagement/directory/roleAssignments",
    """
    id                                str      ro   eq
    appScopeId                        str      rw
    condition                         str      rw
    directoryScopeId                  str      rw   eq
    principalId                       guid     rw   eq in
    roleDefinitionId                  guid     rw   eq in
    principal                         directoryObject? nav
    roleDefinition                    unifiedRoleDefinition? nav
    """,
)
