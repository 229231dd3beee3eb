"""The properties of audit records and sign-ins, as `schema.py` has those of directory objects.

Source      https://learn.microsoft.com/graph/api/resources/directoryaudit
            https://learn.microsoft.com/graph/api/resources/signin (v1.0 and beta)
"""

from dataclasses import replace

from sandbox.graph.schema import define

DIRECTORY_AUDIT = define(
    "directoryAudit",
    "auditLogs/directoryAudits",
    """
    id                                str      ro   eq
    activityDateTime                  date     ro   eq ge le
    activityDisplayName               str      ro   eq startswith
    additionalDetails                 any[]    ro
    category                          str      ro   eq
    correlationId                     str      ro   eq
    initiatedBy                       initiatedBy ro eq startswith
    loggedByService                   str      ro   eq
    operationType                     str      ro
    result                            str      ro   eq
    resultReason                      str      ro
    targetResources                   targetResource[] ro eq startswith
    """,
)

SIGN_IN = define(
    "signIn",
    "auditLogs/signIns",
    """
    id                                str      ro   eq
    appDisplayName                    str      ro   eq startswith
    appId                             str      ro   eq
    clientAppUsed                     str      ro   eq
    conditionalAccessStatus           str      ro   eq
    correlationId                     str      ro   eq
    createdDateTime                   date     ro   eq ge le
    ipAddress                         str      ro   eq startswith
    isInteractive                     bool     ro
    resourceDisplayName               str      ro   eq
    resourceId                        str      ro   eq
    servicePrincipalId                str      ro   eq
    servicePrincipalName              str      ro   eq startswith
    status                            status   ro   eq
    userAgent                         str      ro
    userDisplayName                   str      ro   eq startswith
    userId                            str      ro   eq
    userPrincipalName                 str      ro   eq startswith
    """,
)

# beta alone says which credential was used, and takes sign-ins of other kinds than interactive ones.
_BETA_ONLY = define(
    "signIn",
    "auditLogs/signIns",
    """
    signInEventTypes                  str[]    ro   eq
    uniqueTokenIdentifier             str      ro   eq
    servicePrincipalCredentialKeyId   str      ro   eq
    servicePrincipalCredentialThumbprint str   ro   eq
    federatedCredentialId             str      ro   eq
    clientCredentialType              str      ro
    """,
)
SIGN_IN_BETA = replace(SIGN_IN, properties={**SIGN_IN.properties, **_BETA_ONLY.properties})
