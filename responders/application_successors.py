"""Responder: the application that takes the place of a compromised one.

Stops    nothing: the old one is contained, and stays for whoever looks into it
Leaves   app roles, scopes and URIs of the old one, which a person carries over after looking at them
Undo     DELETE /applications/{id}, which can be restored for 30 days
Needs    what new_applications.py needs
Source   https://learn.microsoft.com/graph/api/application-post-applications
         https://learn.microsoft.com/graph/api/serviceprincipal-post-serviceprincipals
"""

from responders import new_applications
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.model import Json, NewIdentity, Principal

_NAME = "application_successors.ensure"


async def ensure(
    cloud: Cloud,
    principal: Principal,
    incident_id: str,
    display_name: str,
    *,
    intent_on_record: bool = False,
) -> NewIdentity:
    """Find the successor that this incident made, by its tag, or make it. There is never a second.

    With `intent_on_record` an earlier run may have created it just before a crash: the index is
    then given its time before anything is created. Without it nobody of us can have made one, whatever its
    tags say: raises `RefusedError`, because whoever prepared it may hold a secret of it.
    """
    found = await _find(cloud, incident_id, new_applications.INDEX_S if intent_on_record else 0)
    if found is not None:
        _refuse_prepared(found, incident_id, ours=intent_on_record)
    else:
        tags = [_tag(incident_id), f"firebreak:replaces:{principal['app_id']}"]
        found = await new_applications.create(cloud, display_name, tags, responder=_NAME)
    return await new_applications.completed(cloud, found, display_name, responder=_NAME)


async def _find(cloud: Cloud, incident_id: str, seconds: float) -> Json | None:
    found = await new_applications.tagged(cloud, _tag(incident_id), seconds)
    if len(found) > 1:
        ids = ", ".join(str(one.get("appId")) for one in found)
        raise RefusedError(f"incident {incident_id} has more than one successor: {ids}; keep one")
    return found[0] if found else None


def _refuse_prepared(found: Json, incident_id: str, *, ours: bool) -> None:
    """One that somebody else made under our tag, or put a credential on: it would be theirs as well."""
    armed = found.get("passwordCredentials") or found.get("keyCredentials")
    if ours and not armed:
        return
    what = "has a secret or key" if armed else f"was not made by incident {incident_id}"
    raise RefusedError(
        f"application {found.get('appId')} carries the tag of this incident, but {what}: find out "
        "whose it is, delete it"
    )


def _tag(incident_id: str) -> str:
    return f"firebreak:incident:{incident_id}"
