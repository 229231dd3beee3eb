"""Operations of the activity log: what each says about an identity.

https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations
"""

from dataclasses import dataclass
from typing import Any

from responders.model import Hint
from responders.settings import is_guid
from triggers.formats.reading import NobodyError, embedded

_TRUSTS = "microsoft.managedidentity/userassignedidentities/federatedidentitycredentials"
_ASSIGNMENTS = "microsoft.authorization/roleassignments"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
# What only tokens of people have.
# https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
_OF_PEOPLE = (
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
    "http://schemas.microsoft.com/identity/claims/scope",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
    "upn",
    "unique_name",
    "scp",
)
KINDS = {
    f"{_TRUSTS}/write": "federated-credential-write",
    f"{_TRUSTS}/delete": "federated-credential-delete",
    f"{_ASSIGNMENTS}/write": "role-assignment-write",
    f"{_ASSIGNMENTS}/delete": "role-assignment-delete",
}
_LIST_KEYS = "/listkeys/action"


@dataclass(frozen=True, slots=True)
class Operation:
    """One entry of the activity log, as far as we read it."""

    name: str
    scope: str  # the resource that it was done to
    claims: dict[str, Any]  # of the caller's token
    caller: str | None = None
    properties: Any = None


def kind_of(name: str) -> str | None:
    """What the operation is to us; None for one that tells nothing about an identity."""
    lowered = name.lower()
    return "list-keys" if lowered.endswith(_LIST_KEYS) else KINDS.get(lowered)


def hint(done: Operation) -> Hint:
    """The identity that the operation is about. Raises `NobodyError`."""
    match kind_of(done.name):
        case "federated-credential-write" | "federated-credential-delete":
            return {"resource_id": _above(done.scope, "/federatedidentitycredentials/")}
        case "role-assignment-write":
            return _given_to(done)
        case "list-keys":
            return {"object_id": _used_by(done)}
        case "role-assignment-delete":
            raise NobodyError(
                "NoPrincipal", "a role was taken away; the entry does not say from whom"
            )
    raise NobodyError(
        "NoPrincipal",
        f"{done.name[:120]} says nothing about an identity: alert on {', '.join(sorted(KINDS))} or listKeys",
    )


def actor(done: Operation) -> str | None:
    """Object id of whoever did it. For a service principal it is the caller as well."""
    for said in (done.claims.get(_OBJECT_ID), done.claims.get("oid"), done.caller):
        if isinstance(said, str) and is_guid(said):
            return said.lower()
    return None


def _above(scope: str, part: str) -> str:
    at = scope.lower().find(part)
    return scope[:at] if at > 0 else scope


def _given_to(done: Operation) -> Hint:
    """The request's body where the entry keeps it, else the assignment itself, which has to be read.

    https://learn.microsoft.com/azure/role-based-access-control/change-history-report
    """
    wished = _field(
        _field(embedded(_field(done.properties, "requestbody")), "properties"), "principalid"
    )
    if isinstance(wished, str) and is_guid(wished):
        return {"object_id": wished.lower()}
    return {"role_assignment_id": done.scope}


def _field(found: Any, name: str) -> Any:
    """Azure writes the names in the log as it likes: in capitals, or as the caller wrote them."""
    if not isinstance(found, dict):
        return None
    return next((value for key, value in found.items() if str(key).lower() == name), None)


def _used_by(done: Operation) -> str:
    """Keys were read by somebody: if that is a workload identity, it is who the signal is about."""
    by = actor(done)
    if by is None:
        raise NobodyError("NoPrincipal", "keys were listed; the entry does not say by whom")
    if any(done.claims.get(one) for one in _OF_PEOPLE) or done.claims.get("idtyp") == "user":
        raise NobodyError("NoPrincipal", "keys were listed by a person, not a workload identity")
    return by
