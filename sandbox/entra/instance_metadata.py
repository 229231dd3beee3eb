"""The instance metadata service of a virtual machine, as far as it gives tokens.

Simulates   GET http://169.254.169.254/metadata/identity/oauth2/token, as code on the machine calls it: the sandbox has
            no such address, so `/sandbox/machines/{name}` stands in front
Faithful    the header `Metadata: true`; the system-assigned identity where none is named, the only user-assigned one
            where there is no other; numbers as strings
Left out    everything else that the service tells; throttling
Source      https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
"""

from starlette.responses import JSONResponse, Response

from sandbox.entra import hosts
from sandbox.entra.hosts import Wanted
from sandbox.entra.refusals import RefusalError
from sandbox.web import Call
from sandbox.world import Json, World

_API_VERSIONS = ("2018-02-01", "2019-08-01", "2021-02-01")


def token_on(world: World, call: Call, machine: Json) -> Response:
    """What code on this machine gets: 200 with a token, 400."""
    if call.headers.get("metadata", "").lower() != "true":
        return _error("invalid_request", "Required metadata header not specified")
    if call.query.get("api-version") not in _API_VERSIONS:
        return _error("bad_request", "The api-version is missing or not supported.")
    if not call.query.get("resource"):
        return _error("invalid_request", "Required audience parameter not specified")
    principal = _principal(world, call, machine)
    if isinstance(principal, str):
        return _error("invalid_request", principal)
    try:
        issued = hosts.issue(world, call, principal)
    except RefusalError as refusal:
        return _error(refusal.error, f"AADSTS{refusal.code}: {refusal}")
    return JSONResponse(
        {
            "access_token": issued.token,
            "client_id": principal["appId"],
            "expires_in": str(issued.expires_on - int(world.clock.now().timestamp())),
            "expires_on": str(issued.expires_on),
            "ext_expires_in": str(issued.expires_in),
            "not_before": str(issued.not_before),
            "resource": call.query["resource"],
            "token_type": "Bearer",
        }
    )


def _principal(world: World, call: Call, machine: Json) -> Json | str:
    """The identity, or in the service's words why there is none.

    The words: https://github.com/Hexadite/acs-keyvault-agent/pull/43
    """
    wanted = Wanted(
        call.query.get("client_id", ""),
        call.query.get("object_id", ""),
        call.query.get("msi_res_id") or call.query.get("mi_res_id") or "",
    )
    system, user = hosts.attached(world, machine)
    if wanted.is_nobody and system is None and len(user) > 1:
        return (
            "Multiple user assigned identities exist, please specify the clientId / resourceId of "
            "the identity in the token request"
        )
    candidates = [*([system] if system else []), *user]
    found = [each for each in candidates if wanted.is_nobody or wanted.fits(each)]
    return found[0] if found else "Identity not found"


def _error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=400)
