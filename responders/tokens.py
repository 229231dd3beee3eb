"""Our own tokens: one cache per event loop, one request per scope however many ask at once."""

import asyncio
import base64
import json
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from responders.errors import ContractChangedError

if TYPE_CHECKING:
    from azure.core.credentials import AccessToken
    from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

_EARLY_S = 300  # a token this close to its end is not handed out any more


class Tokens:
    """An azure-core `AsyncTokenCredential` over our own identity. A fan-out asks once."""

    def __init__(self, identity: "ManagedIdentityCredential | AzureCliCredential") -> None:
        self._identity = identity
        self._kept: dict[str, AccessToken] = {}
        self._asking: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def get_token(
        self, *scopes: str, claims: str | None = None, tenant_id: str | None = None, **_: Any
    ) -> "AccessToken":
        """A token for the one scope; a fresh one if `claims` says that a challenge was received."""
        scope = scopes[0]
        async with self._asking[scope]:
            kept = self._kept.get(scope)
            if kept is None or claims or kept.expires_on - time.time() < _EARLY_S:
                kept = await self._identity.get_token(scope, claims=claims, tenant_id=tenant_id)
                self._kept[scope] = kept
            return kept

    async def close(self) -> None:
        """Close the credential's own connections and forget every token."""
        self._kept.clear()
        await self._identity.close()

    async def __aenter__(self) -> "Tokens":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def claims_of(token: str) -> dict[str, Any]:
    """The claims of our own token, unchecked: it came from the platform, and is about us alone."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError) as error:
        raise ContractChangedError("our own access token is not a JWT") from error
    if not isinstance(claims, dict):
        raise ContractChangedError("our own access token has no claims")
    return claims
