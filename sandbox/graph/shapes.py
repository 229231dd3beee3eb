"""Directory objects as Microsoft Graph v1.0 writes them, with every property that has a default.

Seeds and POST share these, so an object looks the same whoever made it. Dates are the caller's, so
that seeds can be old. Secrets, certificates and federated credentials are in `credentials.py`.
Longer than most files here: half of it is two lists of defaults.

Source      https://learn.microsoft.com/graph/api/resources/application
            https://learn.microsoft.com/graph/api/resources/serviceprincipal
            https://learn.microsoft.com/graph/api/resources/approleassignment
"""

import base64
import uuid
from datetime import datetime
from typing import Any

from sandbox.world import Json

DOMAIN = "contoso.com"
# The portal lists only service principals with this tag as enterprise applications.
# https://learn.microsoft.com/graph/api/resources/serviceprincipal (tags)
ENTERPRISE_APP_TAG = "WindowsAzureActiveDirectoryIntegratedApp"


def new_id() -> str:
    """A fresh object id."""
    return str(uuid.uuid4())


def moment(value: datetime) -> str:
    """A directory date: whole seconds, in UTC."""
    return value.strftime("%Y-%m-%dT%H:%M:%SZ")


def new_application(
    display_name: str,
    *,
    created: datetime,
    object_id: str | None = None,
    app_id: str | None = None,
    **properties: Any,
) -> Json:
    """An application registration. `properties` are wire names and replace the defaults."""
    return {
        "id": object_id or new_id(),
        "deletedDateTime": None,
        "appId": app_id or new_id(),
        "applicationTemplateId": None,
        "disabledByMicrosoftStatus": None,
        "isDisabled": None,
        "createdDateTime": moment(created),
        "createdByAppId": None,
        "displayName": display_name,
        "description": None,
        "groupMembershipClaims": None,
        "identifierUris": [],
        "isDeviceOnlyAuthSupported": None,
        "isFallbackPublicClient": None,
        "nativeAuthenticationApisEnabled": None,
        "notes": None,
        "oauth2RequirePostResponse": False,
        "optionalClaims": None,
        "publisherDomain": DOMAIN,
        "samlMetadataUrl": None,
        "serviceManagementReference": None,
        "servicePrincipalLockConfiguration": None,
        "requestSignatureVerification": None,
        # v1.0's default, unlike beta's: https://learn.microsoft.com/graph/api/resources/application
        "signInAudience": "AzureADandPersonalMicrosoftAccount",
        "tags": [],
        "tokenEncryptionKeyId": None,
        "uniqueName": None,
        "defaultRedirectUri": None,
        "certification": None,
        "addIns": [],
        "appRoles": [],
        "keyCredentials": [],
        "passwordCredentials": [],
        "managerApplications": [],
        "requiredResourceAccess": [],
        **_application_parts(),
        **properties,
    }


def _application_parts() -> Json:
    return {
        "api": {
            "acceptMappedClaims": None,
            "knownClientApplications": [],
            "requestedAccessTokenVersion": None,
            "oauth2PermissionScopes": [],
            "preAuthorizedApplications": [],
        },
        "info": _urls(),
        "parentalControlSettings": {"countriesBlockedForMinors": [], "legalAgeGroupRule": "Allow"},
        "publicClient": {"redirectUris": []},
        "spa": {"redirectUris": []},
        "verifiedPublisher": _nobody(),
        "web": {
            "homePageUrl": None,
            "logoutUrl": None,
            "redirectUris": [],
            "implicitGrantSettings": {
                "enableAccessTokenIssuance": False,
                "enableIdTokenIssuance": False,
            },
            "redirectUriSettings": [],
        },
    }


def _urls() -> Json:
    names = ("logoUrl", "marketingUrl", "privacyStatementUrl", "supportUrl", "termsOfServiceUrl")
    return dict.fromkeys(names)


def _nobody() -> Json:
    return dict.fromkeys(("displayName", "verifiedPublisherId", "addedDateTime"))


def new_service_principal(
    application: Json,
    *,
    created: datetime,
    tenant_id: str,
    object_id: str | None = None,
    **properties: Any,
) -> Json:
    """The service principal of an application of this tenant. `properties` replace the defaults."""
    copied = application_mirror(application)
    return {
        "id": object_id or new_id(),
        "deletedDateTime": None,
        "accountEnabled": True,
        "alternativeNames": [],
        "appId": application["appId"],
        "applicationTemplateId": application.get("applicationTemplateId"),
        "appOwnerOrganizationId": tenant_id,
        "appRoleAssignmentRequired": False,
        "createdDateTime": moment(created),
        "createdByAppId": None,
        "description": None,
        "disabledByMicrosoftStatus": None,
        "homepage": None,
        "loginUrl": None,
        "notes": None,
        "notificationEmailAddresses": [],
        "preferredSingleSignOnMode": None,
        "preferredTokenSigningKeyThumbprint": None,
        "samlSingleSignOnSettings": None,
        "servicePrincipalType": "Application",
        "tags": [],
        "tokenEncryptionKeyId": None,
        "verifiedPublisher": _nobody(),
        "addIns": [],
        "keyCredentials": [],
        "passwordCredentials": [],
        "resourceSpecificApplicationPermissions": [],
        **copied,
        **properties,
    }


def application_mirror(application: Json) -> Json:
    """What a service principal shows of its application, and follows when that changes.

    https://learn.microsoft.com/entra/identity-platform/app-objects-and-service-principals
    """
    web = application.get("web") or {}
    redirects = [
        *web.get("redirectUris", []),
        *(application.get("spa") or {}).get("redirectUris", []),
        *(application.get("publicClient") or {}).get("redirectUris", []),
    ]
    return {
        "appDescription": application.get("description"),
        "appDisplayName": application["displayName"],
        "displayName": application["displayName"],
        "appRoles": application.get("appRoles", []),
        "info": application.get("info") or _urls(),
        "isDisabled": application.get("isDisabled"),
        "logoutUrl": web.get("logoutUrl"),
        "oauth2PermissionScopes": (application.get("api") or {}).get("oauth2PermissionScopes", []),
        "replyUrls": redirects,
        "servicePrincipalNames": [application["appId"], *application.get("identifierUris", [])],
        "signInAudience": application.get("signInAudience"),
    }


def new_managed_identity(
    display_name: str,
    *,
    created: datetime,
    resource_id: str,
    object_id: str | None = None,
    app_id: str | None = None,
    **properties: Any,
) -> Json:
    """The service principal of a managed identity: it has no application object.

    https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identities-faq
    """
    user_assigned = "/microsoft.managedidentity/" in resource_id.lower()
    identity = {"appId": app_id or new_id(), "displayName": display_name}
    return new_service_principal(
        identity,
        created=created,
        tenant_id="",
        object_id=object_id,
        **{
            "alternativeNames": [f"isExplicit={user_assigned}", resource_id],
            "appDisplayName": None,
            "appOwnerOrganizationId": None,
            "isDisabled": None,
            "servicePrincipalNames": [identity["appId"]],
            "servicePrincipalType": "ManagedIdentity",
            "signInAudience": None,
            **properties,
        },
    )


def new_app_role_assignment(
    principal: Json,
    resource: Json,
    app_role_id: str,
    *,
    created: datetime,
    assignment_id: str | None = None,
) -> Json:
    """An app role granted to a user or service principal. Its id is no GUID in Entra either."""
    return {
        "id": assignment_id or base64.urlsafe_b64encode(uuid.uuid4().bytes * 2).decode()[:43],
        "deletedDateTime": None,
        "appRoleId": app_role_id,
        "createdDateTime": moment(created),
        "principalDisplayName": principal["displayName"],
        "principalId": principal["id"],
        "principalType": _principal_type(principal),
        "resourceDisplayName": resource["displayName"],
        "resourceId": resource["id"],
    }


def new_permission_grant(
    *, client_id: str, resource_id: str, scope: str | None, grant_id: str | None = None
) -> Json:
    """Delegated permissions that an administrator consented to for everybody."""
    return {
        "id": grant_id or new_id().replace("-", ""),
        "clientId": client_id,
        "consentType": "AllPrincipals",
        "principalId": None,
        "resourceId": resource_id,
        "scope": scope,
    }


def _principal_type(principal: Json) -> str:
    if "userPrincipalName" in principal:
        return "User"
    return "Group" if "securityEnabled" in principal else "ServicePrincipal"


def new_user(
    name: str, *, created: datetime, object_id: str | None = None, **properties: Any
) -> Json:
    """A member of the tenant, called as `name` is: "dana" is dana@contoso.com."""
    upn = f"{name.lower()}@{DOMAIN}"
    return {
        "id": object_id or new_id(),
        "deletedDateTime": None,
        "accountEnabled": True,
        "businessPhones": [],
        "createdDateTime": moment(created),
        "displayName": name.capitalize(),
        "givenName": name.capitalize(),
        "jobTitle": None,
        "mail": upn,
        "mobilePhone": None,
        "officeLocation": None,
        "preferredLanguage": None,
        "surname": None,
        "userPrincipalName": upn,
        "userType": "Member",
        **properties,
    }
