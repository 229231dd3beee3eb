"""Responder: what a person has to look at although containment holds.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    what the readers that it asks need, one for each question
Source   https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from collections.abc import Awaitable

from responders import (
    app_roles,
    applications,
    directory_roles,
    managed_identities,
    memberships,
    oauth_grants,
    owners,
    service_principals,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError
from responders.model import MANAGED, Json, Principal

Question = tuple[str, str, Awaitable[list[str]]]  # the fact, what is said of an exception, its ids


def questions(cloud: Cloud, principal: Principal) -> list[Question]:
    """What remains for a person where it could not be taken away, or must not be by a machine."""
    found: list[Question] = []
    if principal["kind"] in MANAGED:
        can = "can, and nobody can stop them but by detaching it"
        found.append(("no Azure resource can ask for its tokens", can, _attached(cloud, principal)))
    else:
        found.append(("nobody owns it", "left", _owning(cloud, principal)))
        back = "can be restored for 30 days, with all it had"
        found.append(("nothing of it was deleted", back, _deleted(cloud, principal)))
    if principal["kind"] != "application_without_principal":
        readings = {
            "no application permission": app_roles.read_all(cloud, principal),
            "no delegated permission": oauth_grants.read_all(cloud, principal),
            "member of no group": memberships.read_all(cloud, principal),
            "no directory role": directory_roles.read_all(cloud, principal),
        }
        found += [(name, "left", _ids(reading)) for name, reading in readings.items()]
    return found


async def _ids(reading: Awaitable[list[Json]]) -> list[str]:
    return [str(one.get("id")) for one in await reading]


async def _owning(cloud: Cloud, principal: Principal) -> list[str]:
    """Firebreak itself doesn't count: where it may write only to what it owns, it has to stay."""
    found, own = await asyncio.gather(owners.read_all(cloud, principal), cloud.own_object_ids())
    return [str(one["id"]) for one in found if str(one["id"]).lower() not in own]


async def _deleted(cloud: Cloud, principal: Principal) -> list[str]:
    """Whoever restores one of these has its credentials and trusts back.

    https://learn.microsoft.com/entra/architecture/recover-from-deletions
    """
    gone: list[str] = []
    application_id = principal["application_object_id"]
    if application_id is not None:
        try:
            await applications.is_deactivated(cloud, application_id)
        except NotFoundError:
            gone.append(f"application {application_id}")
    if principal["kind"] != "application_without_principal":
        try:
            await service_principals.is_enabled(cloud, principal["object_id"])
        except NotFoundError:
            gone.append(f"service principal {principal['object_id']}")
    return gone


async def _attached(cloud: Cloud, principal: Principal) -> list[str]:
    found = (await managed_identities.attachments(cloud, principal)).get("items", [])
    return [str(one["resource_id"]) for one in found]
