"""What of the old identity is never copied, each with its reason. Pure."""

from playbooks.known import after, left
from playbooks.orders import Json
from playbooks.plan_model import LeftOut
from responders import attachment_commands, identity_successors
from responders.model import Incident
from responders.snapshots import Snapshot

# Properties of an application that a person looks at: path, what it is, why it is not copied.
_OF_THE_APPLICATION = (
    ("identifierUris", "identifier URI", "unique in the tenant: take it off the old one first"),
    ("web.redirectUris", "redirect URI", "whoever owns it receives sign-ins: look at each"),
    ("spa.redirectUris", "redirect URI", "whoever owns it receives sign-ins: look at each"),
    (
        "publicClient.redirectUris",
        "redirect URI",
        "whoever owns it receives sign-ins: look at each",
    ),
    (
        "appRoles",
        "app role definition",
        "clients hold it on the old one: define it and give it anew",
    ),
    (
        "api.oauth2PermissionScopes",
        "exposed scope",
        "clients ask the old one for it: expose it anew",
    ),
    ("api.preAuthorizedApplications", "pre-authorized client", "no consent is asked of it"),
)


def credentials(snapshot: Snapshot, incident: Incident) -> list[LeftOut]:
    """No secret and no key ever comes back; which of them look planted."""
    gone: list[LeftOut] = []
    for credential in snapshot["credentials"]:
        started = credential["started"]
        recent = started is not None and after(started, incident["window_start"])
        reason = "made inside the compromise window" if recent else "may be exposed; not re-issued"
        name = f"{credential['display_name'] or 'unnamed'} ({credential['key_id']})"
        what = f"{credential['kind']} on the {credential['holder'].replace('_', ' ')}"
        gone.append(left(what, name, reason, suspicious=recent))
    return gone


def of_the_object(snapshot: Snapshot, incident: Incident, name: str) -> list[LeftOut]:
    """What others rely on, and what could not be read."""
    return [
        *_of_the_application(snapshot),
        *_attachments(snapshot, incident, name),
        *_tags(snapshot),
        *_unread(snapshot),
    ]


def _of_the_application(snapshot: Snapshot) -> list[LeftOut]:
    """What names the old client id, or lets somebody in."""
    application = snapshot["application"] or {}
    return [
        left(what, _said(one), reason)
        for path, what, reason in _OF_THE_APPLICATION
        for one in _at(application, path)
    ]


def _attachments(snapshot: Snapshot, incident: Incident, name: str) -> list[LeftOut]:
    """Where the old one is attached, with the command that attaches the new one."""
    if incident["principal"]["kind"] != "user_assigned_identity":
        return []
    successor = identity_successors.resource_id_of(incident["principal"], name)
    return [
        left(
            "attachment",
            str(one["resource_id"]),
            "code there runs as the old one; a person attaches the new one: "
            + attachment_commands.attach(one, successor),
        )
        for one in snapshot["attachments"]
    ]


def _tags(snapshot: Snapshot) -> list[LeftOut]:
    tags: Json = (snapshot["identity"] or {}).get("tags") or {}
    reason = "not copied: Azure Policy or a bill may want it on the new one"
    return [left("tag", f"{name}={value}", reason) for name, value in tags.items()]


def _unread(snapshot: Snapshot) -> list[LeftOut]:
    """Parts of the snapshot that are not known: what was there is not there for the new one."""
    return [
        left(part.replace("_", " "), "all of them", f"could not be read, so not known: {why}")
        for part, why in snapshot["unread"].items()
    ]


def _at(application: Json, path: str) -> list[object]:
    found: object = application
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, list) else []


def _said(one: object) -> str:
    if not isinstance(one, dict):
        return str(one)
    return str(one.get("value") or one.get("displayName") or one.get("appId") or one.get("id"))
