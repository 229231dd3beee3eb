"""The properties of risky service principals and of what was detected, as `schema.py` has those of directory objects.

Source      https://learn.microsoft.com/graph/api/resources/riskyserviceprincipal
            https://learn.microsoft.com/graph/api/resources/serviceprincipalriskdetection
"""

from sandbox.graph.schema import define

RISKY_SERVICE_PRINCIPAL = define(
    "riskyServicePrincipal",
    "identityProtection/riskyServicePrincipals",
    """
    id                                str      ro   eq in
    appId                             str      ro   eq
    displayName                       str      ro   eq
    isEnabled                         bool     ro   eq
    isProcessing                      bool     ro   eq
    riskDetail                        str      ro   eq
    riskLastUpdatedDateTime           date     ro   eq ge le gt lt
    riskLevel                         str      ro   eq
    riskState                         str      ro   eq
    servicePrincipalType              str      ro   eq
    history                           riskyServicePrincipalHistoryItem nav
    """,
)

HISTORY_ITEM = define(
    "riskyServicePrincipalHistoryItem",
    "riskyServicePrincipalHistoryItem",
    """
    id                                str      ro   eq
    activity                          any      ro
    appId                             str      ro
    displayName                       str      ro
    initiatedBy                       str      ro
    isEnabled                         bool     ro
    isProcessing                      bool     ro
    riskDetail                        str      ro
    riskLastUpdatedDateTime           date     ro
    riskLevel                         str      ro
    riskState                         str      ro
    servicePrincipalType              str      ro
    """,
)

RISK_DETECTION = define(
    "servicePrincipalRiskDetection",
    "identityProtection/servicePrincipalRiskDetections",
    """
    id                                str      ro   eq
    activity                          str      ro   eq
    activityDateTime                  date     ro   eq ge le gt lt
    additionalInfo                    str      ro
    appId                             str      ro   eq
    correlationId                     str      ro   eq
    detectedDateTime                  date     ro   eq ge le gt lt
    detectionTimingType               str      ro   eq
    ipAddress                         str      ro   eq
    keyIds                            str[]    ro
    lastUpdatedDateTime               date     ro   eq ge le gt lt
    location                          any      ro
    requestId                         str      ro   eq
    riskDetail                        str      ro   eq
    riskEventType                     str      ro   eq
    riskLevel                         str      ro   eq
    riskState                         str      ro   eq
    servicePrincipalDisplayName       str      ro   eq
    servicePrincipalId                str      ro   eq
    source                            str      ro   eq
    tokenIssuerType                   str      ro   eq
    """,
)
