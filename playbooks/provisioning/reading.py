"""The declared identities and roles as they are, read side by side. What can't be read stops what depends on it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from playbooks.provisioning import naming
from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.model import (
    IdentityState,
)
from playbooks.provisioning.planning import address
from responders import (
    declared_applications,
    declared_identities,
    guards,
    named_roles,
    new_identities,
    principals,
    role_assignments,
    trusts,
)
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.fan_out import fan_out
from responders.guards import Rules
from responders.model import Principal
from responders.named_roles import NamedRole

IncidentOpen = Callable[
    [str], Awaitable[str]
]  # an object id -> the incident that is open about it, or ""


async def of_roles(
    cloud: Cloud, declared: Sequence[Identity]
) -> tuple[dict[str, NamedRole], dict[str, str]]:
    """Every declared role at its scope, and why others are not known."""
    wanted = sorted({(role.role, role.scope) for one in declared for role in one.roles})
    answers = await fan_out(wanted, lambda one: named_roles.resolve(cloud, *one))
    known = {" ".join(one): role for one, role in answers if not isinstance(role, ResponderError)}
    unknown = {
        " ".join(one): str(error) for one, error in answers if isinstance(error, ResponderError)
    }
    return known, unknown


async def of_identities(
    cloud: Cloud,
    store: EvidenceStore,
    declared: Sequence[Identity],
    rules: Rules,
    incident_open: IncidentOpen,
) -> dict[str, IdentityState]:
    """Each identity as it is. One that can't be read is not touched, and says why."""

    async def one(identity: Identity) -> IdentityState:
        where = _application if identity.kind == "application" else _managed
        return await _guarded(cloud, await where(cloud, store, identity), rules, incident_open)

    answers = await fan_out(declared, one)
    return {
        identity.name: {**_NOTHING, "stop": [f"it could not be read: {state}"]}
        if isinstance(state, ResponderError)
        else state
        for identity, state in answers
    }


_NOTHING: IdentityState = {
    "found": None,
    "known": False,
    "made": "",
    "stop": [],
    "tags": {},
    "trusts": [],
    "grants": [],
    "credentials": 0,
}


async def _application(cloud: Cloud, store: EvidenceStore, declared: Identity) -> IdentityState:
    """By the client id that the document or an earlier run says. A tag is a hint: anybody can write one."""
    recorded = await _recorded(store, declared.name)
    named = [declared.client_id.lower()] if declared.client_id else recorded
    apps = [app for one in named if (app := await declared_applications.read(cloud, one))]
    if declared.client_id and not apps:
        return {
            **_NOTHING,
            "stop": [f"client_id: no application has the client id {declared.client_id}"],
        }
    known = bool(apps)
    apps = apps or await declared_applications.find(cloud, declared.name)
    if len(apps) > 1:
        ids = ", ".join(str(one.get("appId")) for one in apps)
        return {
            **_NOTHING,
            "stop": [f"several applications are {declared.name}: {ids}: name one as client_id"],
        }
    if not apps:
        return _NOTHING
    secrets = len(apps[0].get("passwordCredentials") or []) + len(
        apps[0].get("keyCredentials") or []
    )
    principal = await principals.resolve(cloud, {"app_id": str(apps[0]["appId"])})
    stop = [f"it is a {principal['kind']}"] if principal["kind"] != "application" else []
    if apps[0].get("isDisabled"):
        stop.append(_switched_off("application", principal))
    replaced = await declared_applications.successors(cloud, principal["app_id"])
    stop += [_replaced(str(one.get("appId"))) for one in replaced]
    made = f"made {apps[0].get('createdDateTime')}, {secrets} secrets or keys"
    state = {**_NOTHING, "known": known, "made": made, "credentials": secrets, "stop": stop}
    return await _described(cloud, principal, state)  # type: ignore[arg-type]


async def _managed(cloud: Cloud, store: EvidenceStore, declared: Identity) -> IdentityState:
    """By its address, where nothing else can be."""
    at = address(declared)
    found = await new_identities.find(cloud, at)
    if found is None:
        gone = f"client_id: {at} does not exist, and one that is made gets a client id of its own"
        return {**_NOTHING, "stop": [gone] if declared.client_id else []}
    made = await new_identities.described(cloud, at, declared.name)
    stop = []
    if declared.client_id and declared.client_id.lower() != made["app_id"]:
        stop.append(f"client_id: {at} has the client id {made['app_id']}")
    if _place(str(found.get("location"))) != _place(declared.location or ""):
        stop.append(f"location: {at} is in {found.get('location')}, and an identity does not move")
    recorded = made["app_id"] in await _recorded(store, declared.name)
    group = declared.resource_group or ""
    replaced = await declared_identities.successors(cloud, group, made["app_id"])
    stop += [_replaced(str(one.get("id"))) for one in replaced]
    tags = {str(key): str(value) for key, value in (found.get("tags") or {}).items()}
    state: IdentityState = {
        **_NOTHING,
        "known": recorded or bool(declared.client_id),
        "made": f"its tags are {tags or 'none'}",
        "tags": tags,
        "stop": stop,
    }
    principal = await principals.resolve(cloud, {"app_id": made["app_id"]})
    return await _described(cloud, {**principal, "resource_id": at}, state)


def _place(location: str) -> str:
    return location.replace(" ", "").lower()


def _replaced(by: str) -> str:
    return f"an incident put {by} in its place: declare that one, by its client_id, instead"


def _switched_off(what: str, principal: Principal) -> str:
    return (
        f"its {what} is switched off, as an incident leaves it: restore the identity first (docs/how-to/"
        f"restore-an-identity.md), or find out who did it: {principal['object_id']}"
    )


async def _recorded(store: EvidenceStore, name: str) -> list[str]:
    """Client ids of what earlier runs made or took over for this declaration."""
    folder = naming.record_path(name, "").rpartition("/")[0]
    paths = await asyncio.to_thread(store.list, folder)
    return [one.rpartition("/")[2].removesuffix(".json") for one in paths]


async def _described(cloud: Cloud, principal: Principal, state: IdentityState) -> IdentityState:
    stop = [*state["stop"]]
    if principal.get("enabled") is False:
        stop.append(_switched_off("service principal", principal))
    if principal["kind"] not in ("application", "user_assigned_identity"):
        return {**state, "stop": stop}
    holder = trusts.holder_of(principal)
    trusted, granted = await asyncio.gather(
        trusts.read(cloud, holder), role_assignments.read_all(cloud, principal["object_id"])
    )
    return {**state, "found": holder, "stop": stop, "trusts": trusted, "grants": granted}


async def _guarded(
    cloud: Cloud, state: IdentityState, rules: Rules, incident_open: IncidentOpen
) -> IdentityState:
    found = state["found"]
    if found is None:
        return state
    principal = await principals.resolve(cloud, {"app_id": found["app_id"]})
    guarded, incident = await asyncio.gather(
        guards.why_not(cloud, principal, rules), incident_open(found["object_id"])
    )
    said = [guarded, f"incident {incident} is open about it" if incident else ""]
    return {**state, "stop": [*state["stop"], *filter(None, said)]}
