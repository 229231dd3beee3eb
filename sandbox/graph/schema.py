"""The properties of Graph's resources: type, whether a caller may write it, what $filter understands.

A table per resource: name, type, access, filter operators. Operators after a `|` need an advanced query, that is
`ConsistencyLevel: eventual` with `$count=true`. `[]` marks a collection, `nav` a relationship, `?` one to a single
object.
Longer than most files here: it is tables.

Source      https://learn.microsoft.com/graph/api/resources/application (and serviceprincipal, user, …)
            https://learn.microsoft.com/graph/aad-advanced-queries
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Property:
    """One line of a table."""

    name: str
    type: str  # without []
    collection: bool
    access: str  # "rw", "ro" or "nav"
    operators: frozenset[str]
    advanced: frozenset[str]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource type: "application" on the wire, "Application" in messages."""

    name: str
    title: str
    collection: str  # in @odata.context
    properties: Mapping[str, Property]

    @property
    def odata_type(self) -> str:
        """As @odata.type shows it."""
        return f"#microsoft.graph.{self.name}"


def define(name: str, collection: str, table: str) -> Resource:
    """A resource from its table."""
    properties = {}
    for line in table.strip().splitlines():
        ordinary, _, advanced = line.partition("|")
        label, kind, access, *operators = ordinary.split()
        properties[label] = Property(
            label,
            kind.removesuffix("[]"),
            kind.endswith("[]"),
            access,
            frozenset(operators),
            frozenset(advanced.split()),
        )
    return Resource(name, name[0].upper() + name[1:], collection, properties)


APPLICATION = define(
    "application",
    "applications",
    """
    id                                guid     ro   eq in | ne not
    deletedDateTime                   date     ro   eq ge le | ne not
    addIns                            addIn[]  rw
    api                               api      rw
    appId                             guid     ro   eq in
    applicationTemplateId             str      ro   eq | ne not
    appRoles                          appRole[] rw
    authenticationBehaviors           authenticationBehaviors rw
    certification                     any      ro
    createdByAppId                    guid     ro   eq
    createdDateTime                   date     ro   eq ge le in | ne not
    defaultRedirectUri                str      rw
    description                       str      rw   eq ge le startswith | ne not
    disabledByMicrosoftStatus         str      ro   eq | ne not
    displayName                       str      rw   eq ge le in startswith | ne not endswith
    groupMembershipClaims             str      rw
    identifierUris                    str[]    rw   eq ge le startswith | ne not
    info                              info     rw
    isDeviceOnlyAuthSupported         bool     rw
    isDisabled                        bool     rw   eq
    isFallbackPublicClient            bool     rw
    keyCredentials                    keyCredential[] rw
    managerApplications               guid[]   rw
    nativeAuthenticationApisEnabled   str      rw
    notes                             str      rw
    oauth2RequirePostResponse         bool     rw
    optionalClaims                    optionalClaims rw
    parentalControlSettings           parentalControlSettings rw
    passwordCredentials               passwordCredential[] rw
    publicClient                      publicClient rw
    publisherDomain                   str      ro   eq ge le startswith | ne
    requestSignatureVerification      requestSignatureVerification rw
    requiredResourceAccess            requiredResourceAccess[] rw
    samlMetadataUrl                   str      rw
    serviceManagementReference        str      rw
    servicePrincipalLockConfiguration servicePrincipalLockConfiguration rw
    signInAudience                    str      rw   eq | ne not
    spa                               spa      rw
    tags                              str[]    rw   eq ge le startswith | not
    tokenEncryptionKeyId              guid     rw
    uniqueName                        str      ro   eq
    verifiedPublisher                 verifiedPublisher ro
    web                               web      rw
    owners                            user     nav
    federatedIdentityCredentials      federatedIdentityCredential nav
    """,
)

SERVICE_PRINCIPAL = define(
    "servicePrincipal",
    "servicePrincipals",
    """
    id                                guid     ro   eq in | ne not
    deletedDateTime                   date     ro   eq ge le | ne not
    accountEnabled                    bool     rw   eq in | ne not
    addIns                            addIn[]  rw
    alternativeNames                  str[]    rw   eq ge le startswith | not
    appDescription                    str      ro
    appDisplayName                    str      ro
    appId                             guid     rw   eq in | ne not
    applicationTemplateId             str      ro   eq | ne not
    appOwnerOrganizationId            guid     ro   eq ge le | ne not
    appRoleAssignmentRequired         bool     rw   eq | ne not
    appRoles                          appRole[] ro
    createdByAppId                    guid     ro   eq
    createdDateTime                   date     ro
    description                       str      rw   eq ge le startswith | ne not
    disabledByMicrosoftStatus         str      ro   eq | ne not
    displayName                       str      rw   eq ge le in startswith | ne not endswith
    homepage                          str      rw
    info                              info     ro
    isDisabled                        bool     ro   eq
    keyCredentials                    keyCredential[] rw
    loginUrl                          str      rw
    logoutUrl                         str      ro
    notes                             str      rw
    notificationEmailAddresses        str[]    rw
    oauth2PermissionScopes            permissionScope[] ro
    passwordCredentials               passwordCredential[] rw
    preferredSingleSignOnMode         str      rw
    preferredTokenSigningKeyThumbprint str     rw
    replyUrls                         str[]    rw
    resourceSpecificApplicationPermissions any[] ro
    samlSingleSignOnSettings          samlSingleSignOnSettings rw
    servicePrincipalNames             str[]    rw   eq ge le startswith | not
    servicePrincipalType              str      ro   eq in
    signInAudience                    str      ro
    tags                              str[]    rw   eq ge le startswith | not
    tokenEncryptionKeyId              guid     rw
    verifiedPublisher                 verifiedPublisher ro
    owners                            user     nav
    appRoleAssignments                appRoleAssignment nav
    appRoleAssignedTo                 appRoleAssignment nav
    ownedObjects                      directoryObject nav
    memberOf                          directoryObject nav
    """,
)

USER = define(
    "user",
    "users",
    """
    id                                guid     ro   eq in | ne not
    deletedDateTime                   date     ro
    accountEnabled                    bool     ro   eq in | ne not
    businessPhones                    str[]    ro
    createdDateTime                   date     ro   eq ge le | ne not
    department                        str      ro   eq ge le in startswith | ne not
    displayName                       str      ro   eq ge le in startswith | ne not endswith
    givenName                         str      ro   eq ge le in startswith | ne not
    jobTitle                          str      ro   eq ge le in startswith | ne not
    mail                              str      ro   eq ge le in startswith | ne not endswith
    mobilePhone                       str      ro
    officeLocation                    str      ro
    preferredLanguage                 str      ro
    surname                           str      ro   eq ge le in startswith | ne not
    userPrincipalName                 str      ro   eq ge le in startswith | ne not endswith
    userType                          str      ro   eq in | ne not
    """,
)

GROUP = define(
    "group",
    "groups",
    """
    id                                guid     ro   eq in | ne not
    deletedDateTime                   date     ro
    classification                    str      rw   eq ge le startswith | ne not
    createdDateTime                   date     ro   eq ge le in | ne not
    description                       str      rw   eq ge le startswith | ne not
    displayName                       str      rw   eq ge le in startswith | ne not endswith
    expirationDateTime                date     ro   eq ge le in | ne not
    groupTypes                        str[]    rw   eq | not
    isAssignableToRole                bool     rw   eq | ne not
    mail                              str      ro   eq ge le in startswith | ne not endswith
    mailEnabled                       bool     rw   eq | ne not
    mailNickname                      str      rw   eq ge le in startswith | ne not endswith
    membershipRule                    str      rw   eq ge le startswith | ne not
    membershipRuleProcessingState     str      rw   eq in | ne not
    onPremisesDomainName              str      ro
    onPremisesLastSyncDateTime        date     ro   eq ge le in | ne not
    onPremisesNetBiosName             str      ro
    onPremisesProvisioningErrors      any[]    ro
    onPremisesSamAccountName          str      ro
    onPremisesSecurityIdentifier      str      ro   eq
    onPremisesSyncEnabled             bool     ro   eq in | ne not
    preferredDataLocation             str      rw   eq ge le in startswith | ne not
    preferredLanguage                 str      rw   eq ge le in startswith | ne not
    proxyAddresses                    str[]    ro   eq ge le startswith | ne not endswith
    renewedDateTime                   date     ro   eq ge le in | ne not
    resourceBehaviorOptions           str[]    ro
    resourceProvisioningOptions       str[]    ro
    securityEnabled                   bool     rw   eq in | ne not
    securityIdentifier                str      ro   eq
    serviceProvisioningErrors         any[]    ro
    theme                             str      rw
    uniqueName                        str      ro   eq
    visibility                        str      rw
    members                           directoryObject nav
    owners                            directoryObject nav
    """,
)

DIRECTORY_ROLE = define(
    "directoryRole",
    "directoryRoles",
    """
    id                                guid     ro
    deletedDateTime                   date     ro
    description                       str      ro
    displayName                       str      ro   eq
    roleTemplateId                    guid     ro   eq
    """,
)

FEDERATED_CREDENTIAL = define(
    "federatedIdentityCredential",
    "federatedIdentityCredentials",
    """
    id                                str      ro
    name                              str      rw   eq
    issuer                            str      rw
    subject                           str      rw   eq
    description                       str      rw
    audiences                         str[]    rw
    """,
)

# beta alone has flexible ones: https://learn.microsoft.com/graph/api/resources/federatedidentityexpression
FEDERATED_CREDENTIAL_BETA = define(
    "federatedIdentityCredential",
    "federatedIdentityCredentials",
    """
    id                                str      ro
    name                              str      rw   eq
    issuer                            str      rw
    subject                           str      rw   eq
    description                       str      rw
    claimsMatchingExpression          federatedIdentityExpression rw
    audiences                         str[]    rw
    """,
)

APP_ROLE_ASSIGNMENT = define(
    "appRoleAssignment",
    "appRoleAssignments",
    """
    id                                str      ro
    deletedDateTime                   date     ro
    appRoleId                         guid     rw   eq
    createdDateTime                   date     ro
    principalDisplayName              str      ro   eq startswith
    principalId                       guid     rw   eq
    principalType                     str      ro
    resourceDisplayName               str      ro
    resourceId                        guid     rw   eq
    """,
)

OAUTH2_PERMISSION_GRANT = define(
    "oAuth2PermissionGrant",
    "oauth2PermissionGrants",
    """
    id                                str      ro
    clientId                          str      rw   eq
    consentType                       str      rw   eq
    principalId                       str      rw   eq
    resourceId                        str      rw   eq
    scope                             str      rw
    """,
)

DIRECTORY_OBJECT = define(
    "directoryObject",
    "directoryObjects",
    "\n".join(
        f"{name} any {known.access} eq"
        for resource in (USER, GROUP, DIRECTORY_ROLE, APPLICATION, SERVICE_PRINCIPAL)
        for name, known in resource.properties.items()
        if known.access != "nav"
    ),
)
