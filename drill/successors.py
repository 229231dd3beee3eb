"""The identity that took the old one's place, whatever its kind, read out of two states of the sandbox."""

from dataclasses import dataclass

from drill.options import Json
from drill.scene import Scene
from drill.states import credentials_of, identity_trusts_of, only, trusts_of

_IDENTITIES = "/microsoft.managedidentity/userassignedidentities/"


@dataclass(frozen=True, slots=True)
class Successor:
    """The one identity that did not exist before, whatever its kind."""

    app_id: str
    object_id: str
    trusts: list[tuple[str, str]]  # issuer, subject
    credentials: list[str]
    holder: str  # what its trusts are written on: application or resource id


def successor_of(scene: Scene) -> Successor:
    """Raises `LookupError` if there isn't just one."""
    return successor_in(scene.staged, scene.after)


def successor_in(staged: Json, after: Json) -> Successor:
    """The one identity that is in the second state alone. Raises `LookupError` if there isn't just one."""
    known = {app["id"] for app in staged["applications"]}
    applications = [app for app in after["applications"] if app["id"] not in known]
    had = {one["id"].lower() for one in staged["resources"]}
    identities = [
        one for one in after["resources"] if _is_identity(one) and one["id"].lower() not in had
    ]
    if len(applications) + len(identities) != 1:
        raise LookupError(f"{len(applications)} new applications, {len(identities)} new identities")
    if applications:
        app = applications[0]
        principal = only(after["servicePrincipals"], "appId", app["appId"])
        trusts = [(one["issuer"], one["subject"]) for one in trusts_of(after, app["id"])]
        held = credentials_of(app) + credentials_of(principal)
        return Successor(app["appId"], principal["id"], trusts, held, app["id"])
    made = identities[0]
    found = [one["properties"] for one in identity_trusts_of(after, made["id"])]
    trusts = [(one["issuer"], one["subject"]) for one in found]
    properties = made["properties"]
    return Successor(properties["clientId"], properties["principalId"], trusts, [], made["id"])


def _is_identity(resource: Json) -> bool:
    path = resource["id"].lower()
    return _IDENTITIES in path and path.count("/") == 8
