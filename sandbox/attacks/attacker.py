"""Attacker: somebody with a phished developer, code execution in a pod, and an OIDC issuer of his own.

Simulates   the moves of a person outside, each a real HTTP call to the pretend cloud
Faithful    nothing is written into the sandbox's state except through the APIs that an attacker has in Azure
Left out    how the developer was phished and how the pod was broken into: the control API stands in for both
Source      https://stratus-red-team.cloud/attack-techniques/azure/
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCE = "api://AzureADTokenExchange"
STORAGE_SCOPE = "https://storage.azure.com/.default"
# The first version in which blobs take bearer tokens is 2017-11-09.
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
STORAGE_VERSION = "2021-08-06"


class AttackFailedError(Exception):
    """A move that had to succeed did not: says which, and what was answered."""


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What the token endpoint said. The token is kept out of every printed form."""

    status: int
    access_token: str | None = field(repr=False)
    error_code: int | None  # AADSTS number
    description: str = ""


@dataclass(frozen=True)
class Attacker:
    """The attacker's tools: an HTTP client that trusts the sandbox's CA, and the public URLs."""

    http: httpx.AsyncClient
    endpoints: Mapping[str, str]
    tenant_id: str

    async def phish(self, user: str, audience: str) -> str:
        """An access token of a person who entered the device code that the attacker had sent."""
        answer = await self._stand_in("sign-in", {"user": user, "audience": audience})
        return str(answer["access_token"])

    async def open_issuer(self, url_path: str) -> str:
        """Put discovery and JWKS of an OIDC issuer on the web; its signing key stays with the attacker."""
        answer = await self._stand_in("foreign-issuer", {"url_path": url_path})
        return str(answer["issuer"])

    async def forge_assertion(self, issuer: str, subject: str) -> str:
        """Sign a token with the key of that issuer, for Entra's token exchange."""
        wish = {"issuer": issuer, "subject": subject, "audience": AUDIENCE}
        return str((await self._stand_in("foreign-issuer/token", wish))["token"])

    async def read_mounted_token(self, cluster: str, namespace: str, account: str) -> str | None:
        """The projected ServiceAccount token, read by code that runs in a pod. None: there is no such pod."""
        wish = {"namespace": namespace, "service_account": account}
        url = f"{self.endpoints['control']}/sandbox/nodes/{cluster}/steal-token"
        answer = await self.http.post(url, json=wish)
        if answer.status_code in (404, 409):
            return None
        return str(_expect(answer, "steal a ServiceAccount token")["token"])

    async def exchange_secret(
        self, app_id: str, secret: str, scope: str = STORAGE_SCOPE
    ) -> TokenAnswer:
        """Client credentials with a secret."""
        return await self._token({"client_id": app_id, "scope": scope, "client_secret": secret})

    async def exchange_assertion(
        self, app_id: str, assertion: str, scope: str = STORAGE_SCOPE
    ) -> TokenAnswer:
        """Client credentials with somebody's signed token, as a federated workload does it."""
        return await self._token(
            {
                "client_id": app_id,
                "scope": scope,
                "client_assertion_type": ASSERTION_TYPE,
                "client_assertion": assertion,
            }
        )

    async def read_blob(self, url: str, access_token: str) -> tuple[int, str]:
        """The status, and the storage error code where there is one."""
        answer = await self.http.get(
            url,
            headers={"Authorization": f"Bearer {access_token}", "x-ms-version": STORAGE_VERSION},
        )
        return answer.status_code, answer.headers.get("x-ms-error-code", "")

    async def read(self, url: str, access_token: str) -> tuple[int, str]:
        """Read something of Resource Manager or Graph: the status, and the error code where there is one."""
        answer = await self.call("GET", url, access_token)
        if answer.is_success:
            return answer.status_code, ""
        return answer.status_code, str(answer.json().get("error", {}).get("code", ""))

    async def call(self, method: str, url: str, token: str, body: Any = None) -> httpx.Response:
        """Any API call with a bearer token."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self.http.request(method, url, json=body, headers=headers)

    async def _token(self, form: dict[str, str]) -> TokenAnswer:
        url = f"{self.endpoints['login']}/{self.tenant_id}/oauth2/v2.0/token"
        answer = await self.http.post(url, data={"grant_type": "client_credentials", **form})
        body = answer.json()
        codes = body.get("error_codes") or [None]
        return TokenAnswer(
            answer.status_code,
            body.get("access_token"),
            codes[0],
            str(body.get("error_description", "")).split("\r\n", maxsplit=1)[0],
        )

    async def _stand_in(self, path: str, wish: dict[str, str]) -> dict[str, Any]:
        answer = await self.http.post(f"{self.endpoints['control']}/sandbox/{path}", json=wish)
        return _expect(answer, path)


def _expect(answer: httpx.Response, move: str) -> dict[str, Any]:
    if not answer.is_success:
        raise AttackFailedError(f"{move}: {answer.status_code} {answer.text[:300]}")
    body: dict[str, Any] = answer.json()
    return body
