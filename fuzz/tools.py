"""The attacker's way to the cloud: plain HTTP, again where the cloud was only busy."""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import httpx
import jwt

from fuzz.grounds import Ground
from fuzz.loot import AUDIENCES, Loot, Proof, Token, read_token
from fuzz.worlds import Json
from sandbox.attacks.attacker import ASSERTION_TYPE, AUDIENCE, STORAGE_VERSION

_BUSY = {429, 500, 502, 503, 504}
_TRIES = 6
_STATE = (
    "applications",
    "servicePrincipals",
    "federatedCredentials",
    "appRoleAssignments",
    "oauth2PermissionGrants",
    "directoryRoleAssignments",
    "groupMembers",
    "owners",
    "deletedItems",
    "roleAssignments",
    "resources",
    "teams",
)


@dataclass
class Tools:
    """One HTTP client that trusts the sandbox."""

    http: httpx.AsyncClient
    ground: Ground
    sent: int = 0  # moves

    async def send(
        self, method: str, url: str, token: Token | None = None, **more: object
    ) -> httpx.Response | None:
        """The answer; None where nobody answers. Faults of the world are meant for Firebreak: he tries again."""
        headers: dict[str, str] = {"x-ms-version": STORAGE_VERSION, "Metadata": "true"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token.value}"
        if (extra := more.pop("headers", None)) is not None and isinstance(extra, Mapping):
            headers |= extra
        answer: httpx.Response | None = None
        self.sent += 1
        for _ in range(_TRIES):
            try:
                answer = await self.http.request(method, url, headers=headers, **more)  # type: ignore[arg-type]
            except httpx.HTTPError:
                continue
            if answer.status_code not in _BUSY:
                return answer
        return answer

    async def control(self, method: str, path: str, body: object = None) -> Json:
        """A call to the sandbox's control API, which is no part of any cloud. Raises `LookupError` where it says no."""
        url = f"{self.ground.endpoints['control']}/sandbox/{path}"
        answer = await self.http.request(method, url, json=body)
        if not answer.is_success:
            raise LookupError(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        found: Json = answer.json()
        return found

    async def state(self, *, clusters: bool = False) -> Json:
        """What is stored of everything that a principal can have; the clusters' objects only where they matter."""
        parts = (*_STATE, "clusters") if clusters else _STATE
        return {part: await self.control("GET", f"state/{part}") for part in parts}

    async def now(self) -> datetime:
        """The sandbox's time."""
        text = str((await self.control("GET", "clock"))["now"])
        return datetime.fromisoformat(text[:26] + "+00:00")

    async def buy(self, proof: Proof, client_id: str, audience: str, now: datetime) -> Token | None:
        """A token for this client with this proof, or None where it is refused."""
        if proof.kind == "machine":
            return await self._from_machine(proof, client_id, audience)
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "scope": f"{AUDIENCES[audience]}/.default",
        }
        if proof.kind == "secret":
            form["client_secret"] = proof.value
        else:
            form["client_assertion_type"] = ASSERTION_TYPE
            form["client_assertion"] = await self._assertion(proof, client_id, now)
        answer = await self.send("POST", self._token_endpoint(proof), data=form)
        if answer is None or not answer.is_success:
            return None
        how = f"{proof.how} as {client_id[:8]}"
        return read_token(how, audience, answer.json()["access_token"], proof.by)

    def _token_endpoint(self, proof: Proof) -> str:
        """Entra's, or what only pods of a cluster reach."""
        origin = self.ground.endpoints["login"]
        if proof.kind == "bound":
            control = self.ground.endpoints["control"]
            origin = f"{control}/sandbox/nodes/{proof.detail[0]}/token-proxy"
        return f"{origin}/{self.ground.described['tenant_id']}/oauth2/v2.0/token"

    async def _assertion(self, proof: Proof, client_id: str, now: datetime) -> str:
        if proof.kind == "certificate":
            moment = int(now.timestamp())
            url = f"{self.ground.endpoints['login']}/{self.ground.described['tenant_id']}"
            claims = {
                "iss": client_id,
                "sub": client_id,
                "aud": f"{url}/oauth2/v2.0/token",
                "jti": str(uuid.UUID(int=time.monotonic_ns())),
                "nbf": moment - 60,
                "exp": moment + 600,
            }
            headers = {"x5t": proof.detail[0]}
            return jwt.encode(claims, proof.value, algorithm="RS256", headers=headers)
        if proof.kind == "forgery":
            issuer, subject = proof.detail
            wish = {"issuer": issuer, "subject": subject, "audience": AUDIENCE}
            return str((await self.control("POST", "foreign-issuer/token", wish))["token"])
        return proof.value

    async def _from_machine(self, proof: Proof, client_id: str, audience: str) -> Token | None:
        name = proof.detail[0]
        control = self.ground.endpoints["control"]
        url = f"{control}/sandbox/machines/{name}/metadata/identity/oauth2/token"
        query = {
            "api-version": "2018-02-01",
            "resource": AUDIENCES[audience],
            "client_id": client_id,
        }
        answer = await self.send("GET", url, params=query)
        if answer is None or not answer.is_success:
            return None
        return read_token(
            f"{proof.how} as {client_id[:8]}", audience, answer.json()["access_token"]
        )

    async def phish(self, person: str, audience: str, loot: Loot) -> None:
        """A session of a person; nothing where the account is disabled."""
        wish = {"user": person, "audience": AUDIENCES[audience]}
        url = f"{self.ground.endpoints['control']}/sandbox/sign-in"
        answer = await self.http.post(url, json=wish)
        if answer.is_success:
            loot.keep(read_token(f"session of {person}", audience, answer.json()["access_token"]))
