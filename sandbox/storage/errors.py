"""How blob storage says no.

Source      https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
            https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes
"""

from xml.sax.saxutils import escape

from starlette.responses import Response

from sandbox.entra.resources import STORAGE
from sandbox.world import World

_CODES = {
    "AppendPositionConditionNotMet": (412, "The append position condition specified was not met."),
    "AuthorizationPermissionMismatch": (
        403,
        "This request is not authorized to perform this operation using this permission.",
    ),
    "BlobAlreadyExists": (409, "The specified blob already exists."),
    "BlobImmutableDueToPolicy": (
        409,
        "This operation is not permitted as the blob is immutable due to a policy.",
    ),
    "BlobNotFound": (404, "The specified blob does not exist."),
    "BlockCountExceedsLimit": (
        409,
        "The committed block count cannot exceed the maximum limit of 50,000 blocks.",
    ),
    "ConditionNotMet": (
        412,
        "The condition specified using HTTP conditional header(s) is not met.",
    ),
    "ContainerAlreadyExists": (409, "The specified container already exists."),
    "ContainerNotFound": (404, "The specified container does not exist."),
    "InvalidBlobType": (409, "The blob type is invalid for this operation."),
    "InvalidHeaderValue": (
        400,
        "The value for one of the HTTP headers is not in the correct format.",
    ),
    "InvalidQueryParameterValue": (
        400,
        "Value for one of the query parameters specified in the request URI is invalid.",
    ),
    "InvalidRange": (416, "The range specified is invalid for the current size of the resource."),
    "InvalidResourceName": (400, "The specified resource name contains invalid characters."),
    "InvalidUri": (400, "The requested URI does not represent any resource on the server."),
    "MaxBlobSizeConditionNotMet": (412, "The max blob size condition specified was not met."),
    "Md5Mismatch": (
        400,
        "The MD5 value specified in the request did not match with the MD5 value calculated by the server.",
    ),
    "MissingContentLengthHeader": (411, "Content-Length HTTP header was not specified."),
    "MissingRequiredHeader": (
        400,
        "An HTTP header that's mandatory for this request is not specified.",
    ),
    "OutOfRangeQueryParameterValue": (
        400,
        "One of the query parameters specified in the request URI is outside the permissible range.",
    ),
    "PublicAccessNotPermitted": (
        409,
        "Public access is not permitted on this storage account.",
    ),
    "ResourceNotFound": (404, "The specified resource does not exist."),
    "UnsupportedHeader": (
        400,
        "One of the HTTP headers specified in the request is not supported.",
    ),
    "UnsupportedHttpVerb": (405, "The resource doesn't support the specified HTTP verb."),
    "UnsupportedQueryParameter": (
        400,
        "One of the query parameters specified in the request URI is not supported.",
    ),
}


class StorageError(Exception):
    """A refusal, as the service words it."""

    def __init__(self, code: str, status: int | None = None, message: str = "") -> None:
        """A documented code brings its status and words; one that has several is given them."""
        super().__init__(code)
        self.code = code
        self.status = status if status is not None else _CODES[code][0]
        self.message = message or _CODES[code][1]


def answer(world: World, error: StorageError, request_id: str) -> Response:
    """The XML body, with the code in a header as well."""
    moment = world.clock.now().strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
    body = (
        '<?xml version="1.0" encoding="utf-8"?><Error>'
        f"<Code>{error.code}</Code><Message>{escape(error.message)}\n"
        f"RequestId:{request_id}\nTime:{moment}</Message></Error>"
    )
    headers = {"x-ms-error-code": error.code}
    if error.status == 401:
        login = f"{world.endpoints['login']}/{world.tenant_id}/oauth2/authorize"
        headers["www-authenticate"] = f"Bearer authorization_uri={login} resource_id={STORAGE}"
    return Response(body, status_code=error.status, media_type="application/xml", headers=headers)
