"""Responder: something protected that an identity's roles let it read, and whether it can.

Stops    nothing
Leaves   a line in the resource's own log; of what is read nothing is kept, not even looked at
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
         https://learn.microsoft.com/azure/key-vault/general/rbac-guide
         https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit

from responders import key_vault_policies, role_definitions
from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError, TransientError
from responders.model import Grant, Json
from responders.needs import VAULTS, AzureNeed, Needs
from responders.role_definitions import Permission, allows

if TYPE_CHECKING:
    import httpx

# "shut": the resource's network rules keep us out, which says nothing of the identity.
Said = Literal["yes", "not yet", "shut"]
_FORBIDDEN = 403
# https://learn.microsoft.com/troubleshoot/azure/azure-storage/blobs/authentication/storage-troubleshoot-403-errors
# https://learn.microsoft.com/azure/key-vault/general/rest-error-codes
_BY_NETWORK = frozenset({"AuthorizationFailure", "ForbiddenByFirewall", "ForbiddenByConnection"})
_LONGEST_REFUSAL = 10_000
_MOST = 4  # reads that are tried where networks are shut
ACCOUNTS_VERSION = "2025-01-01"
_STORAGE_SCOPE = "https://storage.azure.com/.default"  # the same in every cloud
_STORAGE_VERSION = "2024-11-04"
_SECRETS_VERSION = "7.4"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_SECRETS = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
_GROUP = r"/subscriptions/[^/]+(?P<group>/resourceGroups/[^/]+)?"
_ACCOUNT = re.compile(
    rf"(?P<id>{_GROUP}/providers/Microsoft\.Storage/storageAccounts/[^/]+)"
    r"(/blobServices/default/containers/(?P<container>[^/]+))?",
    re.IGNORECASE,
)
_VAULT = re.compile(rf"{_GROUP}/providers/Microsoft\.KeyVault/vaults/[^/]+", re.IGNORECASE)
# What is read of Resource Manager itself: pattern of the scope, the action, the api-version.
_ARM = (
    (r"/subscriptions/[^/]+", "Microsoft.Resources/subscriptions/read", "2022-12-01"),
    (
        r"/subscriptions/[^/]+/resourceGroups/[^/]+",
        "Microsoft.Resources/subscriptions/resourceGroups/read",
        "2021-04-01",
    ),
    (_ACCOUNT.pattern, "Microsoft.Storage/storageAccounts/read", ACCOUNTS_VERSION),
    (_VAULT.pattern, "Microsoft.KeyVault/vaults/read", key_vault_policies.API_VERSION),
)
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "something that a cut-off identity could read before",
            ("_some_container",),
        ),
        AzureNeed("Microsoft.Storage/storageAccounts/read", "where that is", ("_of_storage",)),
        AzureNeed(f"{VAULTS}/read", "where that is", ("_of_vault",)),
    ),
)


@dataclass(frozen=True, slots=True)
class Read:
    """One request that succeeds only for who has the role."""

    what: str  # "blobs of account/container": for people
    url: str
    scope: str  # what its token is for
    headers: dict[str, str] = field(default_factory=dict)


async def choose(cloud: Cloud, grants: list[Grant]) -> list[Read]:
    """Reads that these grants allow, at most a few: data first, then Resource Manager. None: none that we know.

    What a condition narrows is left alone: it may forbid just this read.
    """
    plain = sorted(
        (one for one in grants if one["condition"] is None),
        key=lambda one: (one["scope"], one["role_definition_id"]),
    )
    found = await role_definitions.read(cloud, [one["role_definition_id"] for one in plain])
    known = [(one["scope"], found.get(one["role_definition_id"], [])) for one in plain]
    reads: list[Read] = []
    for look in (_of_storage, _of_vault, _of_arm):
        for scope, permissions in known:
            if len(reads) == _MOST:
                return reads
            try:
                read = await look(cloud, scope, permissions)
            except (NotFoundError, RefusedError):
                continue  # it is gone, or we may not see it: another one may do
            if read is not None and read not in reads:
                reads.append(read)
    return reads


async def attempt(cloud: Cloud, read: Read, token: str) -> Said:
    """What came of it. What is read is not looked at, and the token goes nowhere else."""
    import httpx  # noqa: PLC0415

    try:
        headers = {**read.headers, "Authorization": f"Bearer {token}"}
        async with cloud.http.stream("GET", read.url, headers=headers) as response:
            refusal = await _refusal(response) if response.status_code == _FORBIDDEN else ""
    except httpx.ConnectError:
        return "shut"  # no way there from our network
    except httpx.HTTPError as error:  # its request holds the token: nothing of it is chained
        raise TransientError(f"{read.what}: {type(error).__name__}") from None
    match response.status_code:
        case 200:
            return "yes"
        case 403 if refusal in _BY_NETWORK:
            return "shut"
        case 401 | 403:
            return "not yet"
        case 408 | 429 | 500 | 502 | 503 | 504 as status:
            raise TransientError(f"{read.what}: {status}")
        case status:
            raise ContractChangedError(f"{read.what}: {status} is neither a yes nor a no")


async def _refusal(response: "httpx.Response") -> str:
    """The code of a refusal: storage has it in a header, a key vault in the body, which holds nothing else."""
    if code := response.headers.get("x-ms-error-code"):
        return str(code)
    content = b""
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > _LONGEST_REFUSAL:
            return ""
    try:
        match json.loads(content):
            case {"error": {"innererror": {"code": str(code)}}}:
                return code
    except ValueError:
        return ""
    return ""


async def _of_storage(cloud: Cloud, scope: str, permissions: Iterable[Permission]) -> Read | None:
    """Blobs of a container: their list takes a data action, which Reader does not have."""
    match = _ACCOUNT.fullmatch(scope)
    if match is None or not allows(permissions, f"{_CONTAINERS}/blobs/read", data=True):
        return None
    container = match["container"] or await _some_container(cloud, match["id"])
    if container is None:
        return None
    match await _resource(cloud, match["id"], ACCOUNTS_VERSION):
        case {"name": str(name), "properties": {"primaryEndpoints": {"blob": str(origin)}}}:
            url = f"{_checked(origin)}/{container}?restype=container&comp=list&maxresults=1"
            what, headers = f"blobs of {name}/{container}", {"x-ms-version": _STORAGE_VERSION}
            return Read(what, url, _STORAGE_SCOPE, headers)
        case _:
            return None  # an account of another kind has no blobs


async def _some_container(cloud: Cloud, account: str) -> str | None:
    """The first by name that is not the service's own."""
    path = f"{account}/blobServices/default/containers"
    found = await cloud.remembered(
        f"containers of {account.lower()}", lambda: cloud.arm.list(path, ACCOUNTS_VERSION)
    )
    names = sorted(str(one.get("name")) for one in found)
    return next((one for one in names if not one.startswith("$")), None)


async def _of_vault(cloud: Cloud, scope: str, permissions: Iterable[Permission]) -> Read | None:
    audience = cloud.endpoints.vault_scope
    if (
        _VAULT.fullmatch(scope) is None
        or audience is None
        or not allows(permissions, _SECRETS, data=True)
    ):
        return None
    match await _resource(cloud, scope, key_vault_policies.API_VERSION):
        case {
            "name": str(name),
            "properties": {"vaultUri": str(origin), "enableRbacAuthorization": True},
        }:
            url = f"{_checked(origin)}/secrets?maxresults=1&api-version={_SECRETS_VERSION}"
            return Read(f"names of secrets in {name}", url, audience)
        case _:
            return None  # its access policies decide


async def _of_arm(cloud: Cloud, scope: str, permissions: Iterable[Permission]) -> Read | None:
    for pattern, action, version in _ARM:
        at = re.fullmatch(pattern, scope, re.IGNORECASE)
        if at is not None and allows(permissions, action) and not at.groupdict().get("container"):
            url = f"{cloud.endpoints.arm}{scope}?api-version={version}"
            return Read(scope, url, cloud.endpoints.arm_scope)
    return None


async def _resource(cloud: Cloud, resource_id: str, api_version: str) -> Json:
    return await cloud.remembered(
        f"endpoints of {resource_id.lower()}", lambda: cloud.arm.get(resource_id, api_version)
    )


def _checked(origin: str) -> str:
    """A token goes to an https address and nowhere else."""
    parts = urlsplit(origin)
    if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ContractChangedError(f"{origin!r} is no https address of a resource")
    return origin.rstrip("/")
