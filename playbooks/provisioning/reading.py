"""What there is of what is declared, read side by side inside a step. What can't be read stops what depends on it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from playbooks.provisioning import naming
from playbooks.provisioning.declarations import Identity, ServiceAccount
from playbooks.provisioning.model import (
    AccountState,
    ClusterState,
    IdentityState,
    WorkloadState,
)
from playbooks.provisioning.planning import address
from responders import (
    cluster_features,
    clusters,
    declared_applications,
    declared_identities,
    guards,
    named_roles,
    namespaces,
    new_identities,
    preflight,
    principals,
    role_assignments,
    trusts,
    use_labels,
    wired_accounts,
)
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.fan_out import fan_out
from responders.gitops import remark
from responders.guards import Rules
from responders.kube import Kube
from responders.model import ClusterRef, Json, Principal
from responders.named_roles import NamedRole
from responders.preflight import Question
from responders.service_accounts import REPLACED_BY
from responders.workload_objects import PLURALS, USE_LABEL, service_account_of, template_of

IncidentOpen = Callable[
    [str], Awaitable[str]
]  # an object id -> the incident that is open about it, or ""
_API_GROUPS = {"Deployment": "apps", "StatefulSet": "apps", "DaemonSet": "apps", "CronJob": "batch"}


async def of_clusters(
    cloud: Cloud, declared: Sequence[Identity]
) -> tuple[dict[str, ClusterState], dict[str, str]]:
    """Every declared cluster by what it is called, and why others are not known."""
    known = await clusters.list_all(cloud)
    called = sorted({name for one in declared for name in one.clusters})
    found: dict[str, ClusterRef] = {}
    unknown: dict[str, str] = {}
    for name in called:
        same = [
            one
            for one in known
            if name.lower() in (one["name"].lower(), one["resource_id"].lower())
        ]
        if len(same) == 1:
            found[name] = same[0]
        elif same:
            ids = ", ".join(one["resource_id"] for one in same)
            unknown[name] = f"{name} is the name of {len(same)} clusters: name it by its id: {ids}"
        else:
            unknown[name] = f"{name}: Firebreak sees no cluster of this name or id"
    states = await fan_out(
        found, lambda name: _cluster(cloud, found[name], _declared_in(declared, name))
    )
    readable = {name: one for name, one in states if not isinstance(one, ResponderError)}
    unknown |= {name: f"{name}: {one}" for name, one in states if isinstance(one, ResponderError)}
    return readable, unknown


def _declared_in(declared: Sequence[Identity], name: str) -> list[ServiceAccount]:
    return [
        account
        for one in declared
        for account in one.service_accounts
        if name in one.clusters_of(account)
    ]


async def _cluster(cloud: Cloud, ref: ClusterRef, accounts: list[ServiceAccount]) -> ClusterState:
    """One cluster. That its API server can't be reached, or that something is not allowed, is part of the answer."""
    features = await cluster_features.read(cloud, ref)
    state: ClusterState = {
        "ref": ref,
        "issuer_url": features["issuer_url"],
        "command": features["command"],
        "problem": "",
        "namespaces": [],
        "accounts": {},
        "workloads": {},
    }
    try:
        kube = await clusters.connect(cloud, ref)
        acting = await clusters.connect(await cloud.acting_as("rebuild"), ref)
        return await _inside(kube, acting, state, accounts)
    except ResponderError as error:
        said = "; ".join(filter(None, (str(error), clusters.how_to_reach(ref))))
        return {**state, "problem": f"{ref['name']} can't be read: {said}"}


async def _inside(
    kube: Kube, acting: Kube, state: ClusterState, accounts: list[ServiceAccount]
) -> ClusterState:
    wanted = sorted({one.namespace for one in accounts})
    webhook = "" if state["command"] else await preflight.webhook_problem(kube)
    proves, acts, found = await asyncio.gather(
        preflight.denied(kube, _of_the_proof(accounts)),
        preflight.denied(acting, _questions(accounts)),
        asyncio.gather(*(namespaces.find(kube, one) for one in wanted)),
    )
    there = [name for name, one in zip(wanted, found, strict=True) if one is not None]
    lists = await asyncio.gather(*(wired_accounts.read_all(kube, one) for one in there))
    by_namespace = dict(zip(there, lists, strict=True))
    running = [(one.namespace, workload) for one in accounts for workload in one.workloads]
    objects = await asyncio.gather(*(use_labels.find(kube, *one) for one in running))
    return {
        **state,
        "problem": "; ".join(filter(None, (webhook, proves, acts))),
        "namespaces": there,
        "accounts": {
            f"{one.namespace}/{one.name}": _account(by_namespace[one.namespace][one.name])
            for one in accounts
            if one.name in by_namespace.get(one.namespace, {})
        },
        "workloads": {
            f"{namespace}/{workload}": _workload(workload, each)
            for (namespace, workload), each in zip(running, objects, strict=True)
            if each is not None
        },
    }


def _of_the_proof(accounts: list[ServiceAccount]) -> list[Question]:
    """What it takes to see that it works."""
    spaces = dict.fromkeys(one.namespace for one in accounts)
    wanted = (("create", "serviceaccounts/token"), ("list", "pods"))
    return [(verb, resource, space) for space in spaces for verb, resource in wanted]


def _questions(accounts: list[ServiceAccount]) -> list[Question]:
    """What making and unmaking all of it takes."""
    asked: list[Question] = [(verb, "namespaces", "") for verb in ("get", "create", "delete")]
    for one in accounts:
        verbs = ("get", "list", "create", "patch", "delete")
        asked += [(verb, "serviceaccounts", one.namespace) for verb in verbs]
        for workload in one.workloads:
            kind = use_labels.parsed(workload)[0]
            resource = f"{PLURALS[kind]}.{_API_GROUPS[kind]}"
            asked += [(verb, resource, one.namespace) for verb in ("get", "patch")]
    return list(dict.fromkeys(asked))


def _account(found: Json) -> AccountState:
    return {
        "annotations": wired_accounts.annotations_of(found),
        "labelled": USE_LABEL in (found["metadata"].get("labels") or {}),
        "replaced_by": (found["metadata"].get("annotations") or {}).get(REPLACED_BY, ""),
        "remark": remark(found["metadata"]),
    }


def _workload(workload: str, found: Json) -> WorkloadState:
    kind = use_labels.parsed(workload)[0]
    return {
        "label": use_labels.value_of(workload, found),
        "service_account": service_account_of(template_of(kind, found)["spec"]),
        "stuck": _stuck(found["spec"]),
        "remark": remark(found["metadata"]),
    }


def _stuck(spec: Json) -> str:
    if spec.get("paused"):
        return "is paused"
    on_delete = (spec.get("updateStrategy") or {}).get("type") == "OnDelete"
    return "replaces pods only when somebody deletes them" if on_delete else ""


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
