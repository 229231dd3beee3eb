"""Why the token endpoint says no: AADSTS codes, in Microsoft's words.

Source      https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

_FEDERATION_DOC = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


class RefusalError(Exception):
    """No token. Carries the AADSTS code, the OAuth error and the status of the answer."""

    def __init__(self, code: int, error: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.error = error
        self.status = status


def invalid_request(code: int, message: str) -> RefusalError:
    """The request itself is wrong."""
    return RefusalError(code, "invalid_request", 400, message)


def invalid_client(code: int, message: str) -> RefusalError:
    """The client did not prove who it is."""
    return RefusalError(code, "invalid_client", 401, message)


def missing(parameter: str) -> RefusalError:
    """A parameter is not there."""
    return invalid_request(
        900144, f"The request body must contain the following parameter: '{parameter}'."
    )


def unknown_tenant(tenant: str) -> RefusalError:
    """The tenant in the URL does not exist."""
    return invalid_request(
        90002,
        f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are "
        "signing into the correct cloud. This may happen if there are no active subscriptions for "
        "the tenant. Check with your subscription administrator.",
    )


def unknown_client(client_id: str) -> RefusalError:
    """No application, or none with a service principal: also what deletion looks like."""
    return RefusalError(
        700016,
        "unauthorized_client",
        400,
        f"Application with identifier '{client_id}' was not found in the directory 'Contoso'. This "
        "can happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You may have sent your authentication request to "
        "the wrong tenant.",
    )


def disabled(client_id: str, name: str) -> RefusalError:
    """The service principal is not enabled, or the application is deactivated."""
    return RefusalError(
        7000112, "unauthorized_client", 400, f"Application '{client_id}'({name}) is disabled."
    )


def wrong_secret(client_id: str) -> RefusalError:
    """No secret on the application or on the service principal has this value."""
    return invalid_client(
        7000215,
        "Invalid client secret provided. Ensure the secret being sent in the request is the client "
        "secret value, not the client secret ID, for a secret added to app "
        f"'{client_id}'.",
    )


def expired_secret(client_id: str) -> RefusalError:
    """The secret was right once."""
    return invalid_client(
        7000222,
        f"The provided client secret keys for app '{client_id}' are expired. Visit the Azure portal "
        "to create new keys for your app: https://aka.ms/NewClientSecret, or consider using "
        "certificate credentials for added security: https://aka.ms/certCreds.",
    )


def bad_signature(reason: str) -> RefusalError:
    """The assertion's signature does not hold, or its key is unknown."""
    return invalid_client(
        700027, f"Client assertion contains an invalid signature. [Reason - {reason}]"
    )


def malformed_assertion(why: str) -> RefusalError:
    """The assertion is no JWT that this endpoint reads."""
    return invalid_client(50027, f"JWT token is invalid or malformed. {why}")


def outside_validity(now: str, valid_from: str, expires: str) -> RefusalError:
    """The assertion has expired or is not valid yet."""
    return invalid_client(
        700024,
        "Client assertion is not within its valid time range. Current time: "
        f"{now}, assertion valid from {valid_from}, expiry time of assertion {expires}. Review the "
        "documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
    )


def no_federation(client_id: str, name: str) -> RefusalError:
    """The application has no federated credential at all."""
    return invalid_client(
        70025,
        f"The client '{client_id}'({name}) has no configured federated identity credentials.",
    )


def no_matching_federation(code: int, what: str, value: str) -> RefusalError:
    """700211 issuer, 700212 audience, 700213 subject."""
    return invalid_client(
        code,
        f"No matching federated identity record found for presented assertion {what} '{value}'. "
        "Check your federated identity credential Subject, Audience and Issuer against the "
        f"presented assertion. {_FEDERATION_DOC}",
    )


def unknown_federation_key(key_id: str, issuer: str) -> RefusalError:
    """The issuer's JWKS has no such key."""
    return invalid_client(
        7000272,
        f"The certificate with identifier {key_id} used to sign the federated credential could not "
        f"be found in the metadata of identity provider {issuer}. Please validate that your Identity "
        "Provider's metadata exposes the key used to sign the incoming token.",
    )


def unreachable_issuer() -> RefusalError:
    """The issuer's discovery document or JWKS cannot be read."""
    return invalid_request(90061, "Request to External OIDC endpoint failed.")


def unknown_resource(name: str) -> RefusalError:
    """There is no such API in this tenant."""
    return RefusalError(
        500011,
        "invalid_resource",
        400,
        f"The resource principal named {name} was not found in the tenant named Contoso. This can "
        "happen if the application has not been installed by the administrator of the tenant or "
        "consented to by any user in the tenant. You might have sent your authentication request to "
        "the wrong tenant.",
    )


def invalid_scope(scope: str) -> RefusalError:
    """Client credentials take one scope, and it ends in /.default."""
    if " " in scope.strip() or not scope.strip("/"):
        return RefusalError(
            70011,
            "invalid_scope",
            400,
            "The provided request must include a 'scope' input parameter. The provided value for "
            f"the input parameter 'scope' is not valid. The scope {scope} is not valid.",
        )
    return RefusalError(
        1002012,
        "invalid_scope",
        400,
        f"The provided value for scope {scope} is not valid. Client credential flows must have a "
        "scope value with /.default suffixed to the resource identifier (application ID URI).",
    )


def unknown_reply_address(address: str, client_id: str) -> RefusalError:
    """The app has not registered where its answer is to go: it goes nowhere."""
    return invalid_request(
        50011,
        f"The redirect URI '{address}' specified in the request does not match the redirect URIs "
        f"configured for the application '{client_id}'. Make sure the redirect URI sent in the request "
        "matches one added to your application in the Azure portal.",
    )


def disabled_response_type(response_type: str) -> RefusalError:
    """The app is not allowed to be answered like this."""
    return RefusalError(
        700054,
        "unsupported_response_type",
        400,
        f"response_type '{response_type}' is not enabled for the application.",
    )


def unsupported_grant(grant: str) -> RefusalError:
    """This endpoint serves client credentials only."""
    return RefusalError(
        70003,
        "unsupported_grant_type",
        400,
        f"The app requested an unsupported grant type '{grant}'.",
    )
