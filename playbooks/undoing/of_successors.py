"""Commands that make the new identity, give it what the plan says, and take it back. Pure.

Source   https://learn.microsoft.com/cli/azure/ad/app, https://learn.microsoft.com/cli/azure/identity
"""

from playbooks.undoing.known import Known, quoted, rest
from playbooks.undoing.of_containment import grant_commands


def new_id(known: Known) -> str:
    """The client id of the new identity, or a place for it."""
    return str((known.successor or {}).get("app_id") or "<new client id>")


def make(known: Known, _: str) -> list[str]:
    """An application or an identity under its name."""
    if known.plan is None:
        return []
    name = known.plan["display_name"]
    if known.plan["kind"] == "application":
        return [quoted("az", "ad", "app", "create", "--display-name", name)]
    return [quoted("az", "identity", "create", "--name", name, "--resource-group", "<group>")]


def close(known: Known, _: str) -> list[str]:
    """Closed and kept; deleting it is one more decision."""
    match known.successor:
        case {"kind": "application", "object_id": str(object_id)}:
            words = ("az", "ad", "sp", "update", "--id", object_id, "--set", "accountEnabled=false")
            return [quoted(*words)]
        case {"resource_id": str(resource_id)}:
            return [
                f"{quoted('az', 'identity', 'delete', '--ids', resource_id)}  # it has no switch"
            ]
        case _:
            return []


def federate(known: Known, _: str) -> list[str]:
    """The trusts of the plan, on an application."""
    application = (known.successor or {}).get("application_object_id") or "<new application>"
    found = known.plan["federated_credentials"] if known.plan else []
    names = ("name", "issuer", "subject", "audiences")
    return [
        rest(
            "POST",
            f"/applications/{application}/federatedIdentityCredentials",
            {name: one[name] for name in names},  # type: ignore[literal-required]
        )
        for one in found
        if known.plan is not None and known.plan["kind"] == "application"
    ]


def unfederate(known: Known, _: str) -> list[str]:
    """The trusts of the plan, taken off again."""
    application = (known.successor or {}).get("application_object_id")
    found = known.plan["federated_credentials"] if known.plan else []
    path = f"/applications/{application}/federatedIdentityCredentials"
    return [rest("DELETE", f"{path}/{one['name']}") for one in found] if application else []


def grant(known: Known, _: str) -> list[str]:
    """The roles of the plan."""
    to = str((known.successor or {}).get("object_id") or "<object id of the new identity>")
    return grant_commands([dict(one) for one in known.plan["grants"]], to) if known.plan else []


def ungrant(known: Known, _: str) -> list[str]:
    """What it created itself: one that was there before is not its to take."""
    items = [item for one in known.kept.get("grant_roles", []) for item in one.get("items", [])]
    ids = [one["id"] for one in items if one.get("created")]
    return [
        quoted("az", "role", "assignment", "delete", "--ids", one) for one in dict.fromkeys(ids)
    ]
