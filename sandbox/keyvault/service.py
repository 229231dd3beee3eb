"""The data plane of key vaults: what an attacker reads in a second, and nobody can take back.

Simulates   Get, List, List Versions and Set Secret (7.4), path-style: https://host/{vault}/secrets/{name}
Faithful    access policies decide, or Azure RBAC where the vault says so, never both; groups count; a token for
            another audience is 401 with the challenge that SDKs follow; a row per request, refused ones too
Left out    keys, certificates, deleted secrets, networks, throttling
Source      https://learn.microsoft.com/rest/api/keyvault/secrets/operation-groups
            https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
"""

import uuid

from starlette.responses import JSONResponse, Response

from sandbox.entra import bearer
from sandbox.entra.bearer import Caller, InvalidTokenError
from sandbox.entra.resources import KEY_VAULT
from sandbox.keyvault import logs, secrets
from sandbox.keyvault.decisions import Wish, decide
from sandbox.keyvault.errors import KeyVaultError, secret_not_found, unauthorized
from sandbox.web import Call, Route, Router
from sandbox.world import Json, World

_VERSIONS = ("7.0", "7.1", "7.2", "7.3", "7.4", "7.5", "7.6", "2025-07-01")
_ACTIONS = "Microsoft.KeyVault/vaults/secrets"
_GET = Wish("SecretGet", "get", f"{_ACTIONS}/getSecret/action")
_LIST = Wish("SecretList", "list", f"{_ACTIONS}/readMetadata/action")
_LIST_VERSIONS = Wish("SecretListVersions", "list", f"{_ACTIONS}/readMetadata/action")
_SET = Wish("SecretSet", "set", f"{_ACTIONS}/setSecret/action")
_SET_SHAPE = {"value", "contentType", "attributes", "tags"}


async def serve(world: World, call: Call) -> Response:
    """Answer and leave a row in AZKVAuditLogs."""
    request_id = str(uuid.uuid4())
    found = _ROUTER.find(call)
    if found is None:
        return KeyVaultError(404, "NotFound", "The resource was not found.").response()
    call = found[1]
    vault, wish = _vault(world, call), _wish(call)
    row = logs.Row(world, call, vault, bearer.peek(world, call), wish, request_id)
    try:
        if vault is None:
            raise KeyVaultError(404, "VaultNotFound", f"No vault '{call.params['vault']}'.")
        caller = _authenticate(world, call)
        _check_version(call)
        row.decision = decide(world, vault, caller, wish, _scope(vault, call))
        row.decision.insist()
        response = await found[0](world, call)
    except KeyVaultError as error:
        response = error.response()
        row.failure = error
    row.record(response.status_code)
    response.headers["x-ms-request-id"] = request_id
    response.headers["x-ms-keyvault-region"] = vault["location"] if vault else ""
    return response


async def get(world: World, call: Call) -> Response:
    """200 with the value; 401; 403; 404 no such secret."""
    vault, name = _require(world, call), call.params["name"]
    version = secrets.find(world, vault["id"], name, call.params.get("version", ""))
    if version is None:
        raise secret_not_found(name)
    return JSONResponse(
        {"value": version["value"], **_bundle(vault, name, version, versioned=True)}
    )


async def list_all(world: World, call: Call) -> Response:
    """200 with names and attributes, never values; 401; 403."""
    vault = _require(world, call)
    items = [
        _bundle(vault, secret["name"], secret["versions"][-1], versioned=False)
        for secret in secrets.secrets_of(world, vault["id"])
    ]
    return JSONResponse({"value": items, "nextLink": None})


async def list_versions(world: World, call: Call) -> Response:
    """200, empty for a secret that is not there; 401; 403."""
    vault, name = _require(world, call), call.params["name"]
    items = [
        _bundle(vault, secret["name"], version, versioned=True)
        for secret in secrets.secrets_of(world, vault["id"])
        if secret["name"].lower() == name.lower()
        for version in secret["versions"]
    ]
    return JSONResponse({"value": items, "nextLink": None})


async def put(world: World, call: Call) -> Response:
    """200 with the new version; 400; 401; 403."""
    vault, name = _require(world, call), call.params["name"]
    try:
        body = call.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or body.keys() - _SET_SHAPE:
        raise KeyVaultError(400, "BadParameter", "The request body is not a SecretSetParameters.")
    if not isinstance(body.get("value"), str):
        raise KeyVaultError(400, "BadParameter", "Property value is required.")
    version = secrets.new_secret(world, vault["id"], name, body["value"])
    return JSONResponse(
        {"value": version["value"], **_bundle(vault, name, version, versioned=True)}
    )


def _wish(call: Call) -> Wish:
    if call.method == "PUT":
        return _SET
    if "name" not in call.params:
        return _LIST
    return _LIST_VERSIONS if call.path.rstrip("/").endswith("/versions") else _GET


def _vault(world: World, call: Call) -> Json | None:
    name = call.path.strip("/").partition("/")[0].lower()
    for resource in world.azure.resources.values():
        if resource["type"] == "Microsoft.KeyVault/vaults" and resource["name"].lower() == name:
            return resource
    return None


def _require(world: World, call: Call) -> Json:
    vault = _vault(world, call)
    if vault is None:
        raise KeyVaultError(404, "VaultNotFound", f"No vault '{call.params['vault']}'.")
    return vault


def _scope(vault: Json, call: Call) -> str:
    """What Azure RBAC is asked about: the secret, or the vault for its list."""
    name = call.params.get("name")
    return f"{vault['id']}/secrets/{name}" if name else str(vault["id"])


def _authenticate(world: World, call: Call) -> Caller:
    try:
        return bearer.authenticate(world, call, (KEY_VAULT,))
    except InvalidTokenError as invalid:
        raise unauthorized(world, call, invalid) from invalid


def _check_version(call: Call) -> None:
    version = call.query.get("api-version", "")
    if not version:
        raise KeyVaultError(400, "BadParameter", "api-version must be specified")
    if version not in _VERSIONS:
        raise KeyVaultError(
            400,
            "BadParameter",
            f"The specified version ({version}) is not recognized. Consider using the latest "
            f"supported version ({_VERSIONS[-1]}).",
        )


def _bundle(vault: Json, name: str, version: Json, *, versioned: bool) -> Json:
    base = f"{vault['properties']['vaultUri']}secrets/{name}"
    return {
        "id": f"{base}/{version['version']}" if versioned else base,
        "attributes": version["attributes"],
        "tags": {},
    }


_SECRETS = "/{vault}/secrets"
ROUTES = [
    Route("GET", _SECRETS, list_all),
    Route("GET", f"{_SECRETS}/{{name}}/versions", list_versions),
    Route("GET", f"{_SECRETS}/{{name}}", get),
    Route("GET", f"{_SECRETS}/{{name}}/{{version}}", get),
    Route("PUT", f"{_SECRETS}/{{name}}", put),
]
_ROUTER = Router(ROUTES, ignore_case=True)
