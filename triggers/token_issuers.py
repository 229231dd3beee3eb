"""The issuer of our tenant's tokens: its names and signing keys, as its own discovery documents say.

The documents are those of the login endpoint that the cloud's metadata names, one for tokens of version 1.0 and one for
2.0, so every cloud is configuration. https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

import asyncio
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import structlog

from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ContractChangedError, ResponderError, TransientError
from responders.settings import is_web_origin

if TYPE_CHECKING:
    import httpx
    import jwt

_log = structlog.get_logger("firebreak.token_issuers")
_READ_S = 10.0
# "check for key updates every 24 hours", and at once for an unknown key, but not for everybody's invented one:
# https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
_FRESH_S, _AGAIN_S = 24 * 3600.0, 30.0
_SOON_S = 3.0  # while there is no key at all: callers that come at once share one try
_LONGEST_S = 7 * 24 * 3600.0  # known keys are believed so long where new ones can't be had


class BadTokenError(Exception):
    """The token proves nobody. Says why, and never repeats it."""


class Issuer:
    """One version of the tenant's issuer: its name and its keys, read when they are first needed."""

    def __init__(self, http: "httpx.AsyncClient", discovery: str, tenant_id: str) -> None:
        self.name = ""
        self._http = http
        self._discovery = discovery
        self._tenant_id = tenant_id
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = self._tried_at = float("-inf")  # monotonic seconds
        self._reading = asyncio.Lock()

    async def key(self, key_id: str) -> "jwt.PyJWK":
        """The signing key. Raises `BadTokenError` for none of Entra's, `ResponderError` where keys can't be had."""
        if self._is_due(key_id):
            async with self._reading:
                if self._is_due(key_id):  # not read meanwhile, by somebody else's call
                    await self._refresh()
        if not self._keys:
            raise TransientError(f"{self._discovery} could not be read a moment ago")
        if key_id not in self._keys:
            raise BadTokenError("it is signed with a key that is not the issuer's")
        return self._keys[key_id]

    def _is_due(self, key_id: str) -> bool:
        now = time.monotonic()
        wanted = key_id not in self._keys or now - self._read_at >= _FRESH_S
        return wanted and now - self._tried_at >= (_AGAIN_S if self._keys else _SOON_S)

    async def _refresh(self) -> None:
        """Where the keys can't be had, those that are known go on, for a while: an outage must lock nobody out."""
        self._tried_at = time.monotonic()
        try:
            document = await self._read(self._discovery)
            match document:
                case {"issuer": str(issuer), "jwks_uri": str(uri)} if _is_https(uri):
                    keys = self._usable(await self._read(uri))
                case _:
                    raise ContractChangedError(f"{self._discovery} names no issuer with its keys")
        except ResponderError as problem:
            if not self._keys or time.monotonic() - self._read_at >= _LONGEST_S:
                self._keys = {}
                raise
            _log.warning("signing keys can't be read anew", reason=str(problem))
            return
        self.name, self._keys, self._read_at = issuer, keys, time.monotonic()

    async def _read(self, url: str) -> Any:
        async with azure_call(f"GET {url}", seconds=_READ_S):
            answer = await self._http.get(url)
            answer.raise_for_status()
            try:
                return answer.json()
            except ValueError:
                raise ContractChangedError(f"{url} is not JSON") from None

    def _usable(self, document: Any) -> "dict[str, jwt.PyJWK]":
        """RSA keys for signatures, less those that say that they are another tenant's.

        https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-the-signing-key-issuer
        """
        import jwt  # noqa: PLC0415 - loaded with the first token, not with the app

        listed = document.get("keys") if isinstance(document, dict) else None
        ours = [one for one in listed or [] if self._is_ours(one)]
        if not ours:
            raise ContractChangedError(f"{self._discovery} leads to no signing key")
        try:
            found = jwt.PyJWKSet.from_dict({"keys": ours})
        except jwt.PyJWTError as unreadable:
            raise ContractChangedError(
                f"{self._discovery} leads to unreadable keys"
            ) from unreadable
        return {str(key.key_id): key for key in found.keys if key.key_id}

    def _is_ours(self, key: Any) -> bool:
        if not isinstance(key, dict) or key.get("kty") != "RSA" or key.get("use", "sig") != "sig":
            return False
        issuer = str(key.get("issuer", "{tenantid}"))
        return "{tenantid}" in issuer or self._tenant_id in issuer


class Trust:
    """The one tenant whose tokens are believed, with its issuer's two versions."""

    def __init__(self, http: "httpx.AsyncClient", login: str, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        base, document = f"{login}/{tenant_id}", ".well-known/openid-configuration"
        self._issuers: dict[object, Issuer] = {
            "1.0": Issuer(http, f"{base}/{document}", tenant_id),
            "2.0": Issuer(http, f"{base}/v2.0/{document}", tenant_id),
        }

    def issuer(self, version: object) -> Issuer:
        """Of tokens of this version: what an unverified token says only chooses between two that are trusted."""
        if not isinstance(version, str) or version not in self._issuers:
            raise BadTokenError("it is no access token of Entra")
        return self._issuers[version]


_trusted: WeakKeyDictionary[Cloud, Trust] = WeakKeyDictionary()


async def trust() -> Trust:
    """Of the cloud and the tenant that the settings name. Raises `ResponderError` where they can't be asked."""
    cloud = await Cloud.connect()
    if cloud not in _trusted:
        _trusted[cloud] = Trust(cloud.http, cloud.endpoints.login, cloud.tenant_id)
    return _trusted[cloud]


def _is_https(url: str) -> bool:
    scheme, _, rest = url.partition("://")
    return is_web_origin(f"{scheme}://{rest.partition('/')[0]}")
