"""The complex types inside applications and service principals: which properties each has, and of what type.

Source      https://learn.microsoft.com/graph/api/resources/apiapplication (webapplication, approle, …)
"""

_URIS = {"redirectUris": "str[]"}

COMPLEX: dict[str, dict[str, str]] = {
    "addIn": {"id": "guid", "properties": "keyValue[]", "type": "str"},
    "api": {
        "acceptMappedClaims": "bool",
        "knownClientApplications": "guid[]",
        "oauth2PermissionScopes": "permissionScope[]",
        "preAuthorizedApplications": "preAuthorizedApplication[]",
        "requestedAccessTokenVersion": "int",
    },
    "appRole": {
        "allowedMemberTypes": "str[]",
        "description": "str",
        "displayName": "str",
        "id": "guid",
        "isEnabled": "bool",
        "origin": "str",
        "value": "str",
    },
    "authenticationBehaviors": {
        "blockAzureADGraphAccess": "bool",
        "removeUnverifiedEmailClaim": "bool",
        "requireClientServicePrincipal": "bool",
    },
    "federatedIdentityExpression": {"languageVersion": "int", "value": "str"},
    "implicitGrantSettings": {
        "enableAccessTokenIssuance": "bool",
        "enableIdTokenIssuance": "bool",
    },
    "info": {
        "logoUrl": "str",
        "marketingUrl": "str",
        "privacyStatementUrl": "str",
        "supportUrl": "str",
        "termsOfServiceUrl": "str",
    },
    "keyCredential": {
        "customKeyIdentifier": "bytes",
        "displayName": "str",
        "endDateTime": "date",
        "key": "bytes",
        "keyId": "guid",
        "startDateTime": "date",
        "type": "str",
        "usage": "str",
    },
    "keyValue": {"key": "str", "value": "str"},
    "optionalClaim": {
        "additionalProperties": "str[]",
        "essential": "bool",
        "name": "str",
        "source": "str",
    },
    "optionalClaims": {
        "accessToken": "optionalClaim[]",
        "idToken": "optionalClaim[]",
        "saml2Token": "optionalClaim[]",
    },
    "parentalControlSettings": {
        "countriesBlockedForMinors": "str[]",
        "legalAgeGroupRule": "str",
    },
    "passwordCredential": {
        "customKeyIdentifier": "bytes",
        "displayName": "str",
        "endDateTime": "date",
        "hint": "str",
        "keyId": "guid",
        "secretText": "str",
        "startDateTime": "date",
    },
    "permissionScope": {
        "adminConsentDescription": "str",
        "adminConsentDisplayName": "str",
        "id": "guid",
        "isEnabled": "bool",
        "origin": "str",
        "type": "str",
        "userConsentDescription": "str",
        "userConsentDisplayName": "str",
        "value": "str",
    },
    "preAuthorizedApplication": {"appId": "str", "delegatedPermissionIds": "str[]"},
    "publicClient": _URIS,
    "redirectUriSettings": {"index": "int", "uri": "str"},
    "requestSignatureVerification": {
        "allowedWeakAlgorithms": "str",
        "isSignedRequestRequired": "bool",
    },
    "requiredResourceAccess": {"resourceAccess": "resourceAccess[]", "resourceAppId": "str"},
    "resourceAccess": {"id": "guid", "type": "str"},
    "samlSingleSignOnSettings": {"relayState": "str"},
    "servicePrincipalLockConfiguration": {
        "allProperties": "bool",
        "credentialsWithUsageSign": "bool",
        "credentialsWithUsageVerify": "bool",
        "isEnabled": "bool",
        "tokenEncryptionKeyId": "bool",
    },
    "spa": _URIS,
    "verifiedPublisher": {"addedDateTime": "date", "displayName": "str"},
    "web": {
        "homePageUrl": "str",
        "implicitGrantSettings": "implicitGrantSettings",
        "logoutUrl": "str",
        "redirectUriSettings": "redirectUriSettings[]",
        **_URIS,
    },
}
