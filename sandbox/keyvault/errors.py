"""How a vault says no.

Source      https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
"""

from collections.abc import Mapping

import jwt
from starlette.responses import JSONResponse, Response

from sandbox.entra.bearer import InvalidTokenError
from sandbox.entra.resources import KEY_VAULT
from sandbox.web import Call
from sandbox.world import Json, World


class KeyVaultError(Exception):
    """An answer other than success, in the service's own code and words."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        inner: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`inner` is the code of `innererror`."""
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.inner = inner
        self._headers = headers

    def response(self) -> Response:
        """The error as it goes over the wire."""
        error: Json = {"code": self.code, "message": self.message}
        if self.inner:
            error["innererror"] = {"code": self.inner}
        return JSONResponse({"error": error}, self.status, headers=self._headers)


def secret_not_found(name: str) -> KeyVaultError:
    """404 for a secret or a version of it that is not there."""
    return KeyVaultError(
        404,
        "SecretNotFound",
        f"A secret with (name/id) {name} was not found in this key vault. If you recently deleted "
        "this secret you may be able to recover it using the correct recovery command. For help "
        "resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182",
    )


def unauthorized(world: World, call: Call, invalid: InvalidTokenError) -> KeyVaultError:
    """401 with the challenge: where to get a token, and for what."""
    if not call.headers.get("authorization"):
        message = "AKV10000: Request is missing a Bearer or PoP token."
    elif isinstance(invalid.__cause__, jwt.ExpiredSignatureError):
        message = "[TokenExpired] Error validating token: 'S2S12086'."
    elif invalid.__cause__ is None:
        message = f"AKV10022: Invalid audience. Expected {KEY_VAULT}; {invalid}."
    else:
        message = "AKV10032: Invalid issuer or signature."
    authority = f"{world.endpoints['login']}/{world.tenant_id}"
    challenge = f'Bearer authorization="{authority}", resource="{KEY_VAULT}"'
    return KeyVaultError(401, "Unauthorized", message, headers={"WWW-Authenticate": challenge})
