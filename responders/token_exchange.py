"""Responder: ask for a token as the workload, or a thief of its ServiceAccount token, would.

Stops    nothing
Leaves   a real token, where Entra says yes: it is dropped here, unread, and expires by itself
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
         https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from responders.cloud import Cloud
from responders.errors import ContractChangedError, TransientError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, TokenVerdict
from responders.needs import ClusterNeed, Needs

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
_LIFETIME_S = 600  # the shortest that an API server accepts
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NOT_A_VERDICT = frozenset({"temporarily_unavailable", "server_error"})
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "serviceaccounts/token",
            ("create",),
            "sign in as the workload does: what Entra says is the proof",
            ("_service_account_token",),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Account:
    """A ServiceAccount, and the client id that it asks a token for."""

    namespace: str
    name: str
    client_id: str


async def probe(
    cloud: Cloud, kube: Kube, namespace: str, service_account: str, client_id: str
) -> TokenVerdict:
    """Whether this ServiceAccount gets a token for this client id, in Entra's own words.

    Neither the ServiceAccount token nor the access token leaves this function: not in a result, not
    in a log line, not in an exception (hence `from None`: httpx's carry the request with its body).
    """
    account, scope = Account(namespace, service_account, client_id), cloud.endpoints.arm_scope
    verdict, _ = await _exchange(cloud, kube, account, scope)
    return verdict


async def use(
    cloud: Cloud,
    kube: Kube,
    account: Account,
    scope: str,
    attempt: Callable[[str], Awaitable[T]],
) -> tuple[TokenVerdict, T | None]:
    """`probe` for this scope; a token is handed to `attempt`, which may neither keep nor show it, and dropped."""
    verdict, token = await _exchange(cloud, kube, account, scope)
    return verdict, None if token is None else await attempt(token)


async def _exchange(
    cloud: Cloud, kube: Kube, account: Account, scope: str
) -> tuple[TokenVerdict, str | None]:
    audience = cloud.endpoints.token_audience
    form = {
        "grant_type": "client_credentials",
        "client_id": account.client_id,
        "scope": scope,
        "client_assertion_type": _ASSERTION,
        "client_assertion": await _service_account_token(kube, account, audience),
    }
    return await _ask(cloud, form)


async def probe_secret(cloud: Cloud, client_id: str) -> TokenVerdict:
    """What Entra says to a random secret: a disabled application is refused as such, whatever the secret."""
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "scope": cloud.endpoints.arm_scope,
        "client_secret": secrets.token_urlsafe(30),
    }
    return (await _ask(cloud, form))[0]


async def _ask(cloud: Cloud, form: dict[str, str]) -> tuple[TokenVerdict, str | None]:
    import httpx  # noqa: PLC0415

    url = f"{cloud.endpoints.login}/{cloud.tenant_id}/oauth2/v2.0/token"
    try:
        response = await cloud.http.post(url, data=form)
    except httpx.HTTPError as error:
        raise TransientError(f"{url}: {type(error).__name__}") from None
    finally:
        del form
    verdict = _verdict(url, response)
    return verdict, response.json()["access_token"] if verdict["accepted"] else None


async def _service_account_token(kube: Kube, account: Account, audience: str) -> str:
    request: Json = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"audiences": [audience], "expirationSeconds": _LIFETIME_S},
    }
    path = path_of("serviceaccounts", account.namespace, account.name, "token")
    match await kube.ask(path, request):
        case {"status": {"token": str(token)}}:
            return token
        case _:  # its content is not shown: it may hold a token elsewhere
            raise ContractChangedError(f"{kube.cluster}: {path}: a TokenRequest without a token")


def _verdict(url: str, response: "httpx.Response") -> TokenVerdict:
    if response.status_code == 429 or response.status_code >= 500:
        raise TransientError(f"{url}: {response.status_code}")
    try:
        body = response.json()
    except ValueError:
        body = None
    match body:
        case {"access_token": str()} if response.status_code == 200:
            return {"accepted": True, "error_code": None, "error": None, "correlation_id": None}
        case {"error": str(error)} if error in _NOT_A_VERDICT:
            raise TransientError(f"{url}: {response.status_code} {error}")
        case {"error": str(error), "error_codes": [int(code), *_]}:
            return {
                "accepted": False,
                "error_code": code,
                "error": error,
                "correlation_id": body.get("correlation_id"),
            }
        case _:
            raise ContractChangedError(f"{url}: {response.status_code} is neither token nor error")
