"""Client secrets: added and removed by actions, on applications and on service principals.

Simulates   addPassword, removePassword
Faithful    the value is chosen here, shown once, and never again; two years unless an end is named
Left out    app management policies; the limit on the number of credentials
Source      https://learn.microsoft.com/graph/api/application-addpassword
            https://learn.microsoft.com/graph/api/application-removepassword
"""

from datetime import datetime, timedelta

from sandbox.graph import bodies, holders
from sandbox.graph.credentials import new_password_credential, new_secret
from sandbox.graph.errors import bad_request
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.world import Json

_SETTABLE = {"displayName", "startDateTime", "endDateTime", "customKeyIdentifier"}
_DEFAULT_LIFETIME = timedelta(days=730)


def add(request: Request) -> Reply:
    """200 the credential with its value; 400; 403; 404."""
    holder = holders.find_to_update(request)
    parameters = (
        bodies.read_parameters(request, {"passwordCredential": "passwordCredential"})
        if request.body is not None
        else {}
    )
    wanted = parameters.get("passwordCredential") or {}
    if unknown := sorted(name for name in set(wanted) - _SETTABLE if wanted[name] is not None):
        raise bad_request(f"Property '{unknown[0]}' is read-only and cannot be set.")
    start, end = _validity(request, wanted)
    secret = new_secret()
    credential = new_password_credential(
        wanted.get("displayName"), secret=secret, start=start, end=end
    )
    credential["customKeyIdentifier"] = wanted.get("customKeyIdentifier")
    kept = holder.item["passwordCredentials"]
    changed = {**holder.item, "passwordCredentials": [*kept, credential]}
    holders.write_credentials(request, holder, changed)
    request.world.directory.secrets[credential["keyId"]] = secret
    context = f"{request.root}/$metadata#microsoft.graph.passwordCredential"
    return Reply(200, {"@odata.context": context, **credential, "secretText": secret})


def remove(request: Request) -> Reply:
    """204 gone; 400 there is none of this keyId; 403; 404."""
    holder = holders.find_to_update(request)
    key_id = bodies.read_parameters(request, {"keyId": "guid"}).get("keyId")
    before = holder.item["passwordCredentials"]
    kept = [each for each in before if each["keyId"] != key_id]
    if len(kept) == len(before):
        raise bad_request("No password credential found with keyId.")
    request.world.directory.secrets.pop(str(key_id), None)
    holders.write_credentials(request, holder, {**holder.item, "passwordCredentials": kept})
    return Reply(204)


def replace(request: Request, before: list[Json], wanted: list[Json]) -> list[Json]:
    """What a PATCH of passwordCredentials may do: leave some out. Raises 400.

    https://learn.microsoft.com/graph/api/application-update
    """
    known = {each["keyId"]: each for each in before}
    if any(each.get("keyId") not in known for each in wanted):
        raise bad_request("New password credentials must be generated with service actions.")
    kept = [known[each["keyId"]] for each in wanted]
    for key_id in set(known) - {each["keyId"] for each in kept}:
        request.world.directory.secrets.pop(key_id, None)
    return kept


def _validity(request: Request, wanted: Json) -> tuple[datetime, datetime]:
    now = request.world.clock.now()
    start = bodies.parse_date(wanted.get("startDateTime") or now.isoformat())
    default = start + _DEFAULT_LIFETIME
    end = bodies.parse_date(wanted.get("endDateTime") or default.isoformat())
    if end <= start:
        raise bad_request("The credential's end date must be later than its start date.")
    return start, end


ROUTES = [
    Route("POST", f"/{collection}/{{key}}/{action}", handler)
    for collection in ("applications", "servicePrincipals")
    for action, handler in (("addPassword", add), ("removePassword", remove))
]
