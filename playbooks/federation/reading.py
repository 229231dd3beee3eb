"""What there is of an identity whose trusts are rotated, read inside a step."""

import asyncio
from datetime import datetime, timedelta

from playbooks.federation.model import ClusterSeen, Seen
from responders import (
    clusters,
    credential_use,
    credentials,
    guards,
    principals,
    service_accounts,
    surveys,
    trusts,
    use_labels,
    workload_lists,
)
from responders.audit_model import RunnerFacts
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.guards import Rules
from responders.inventory_cuts import CLIENT_ID
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.legacy_secrets import of_pod_spec
from responders.model import ClusterRef, Hint, Json, Principal
from responders.namespaces import RUN
from responders.workload_objects import Kind, containers_of, template_of

ROOT = "firebreak.dev/rotated-from"  # the name before all rotations
_LOGS = timedelta(days=90)  # how far back the use of credentials is asked for


async def of_identity(cloud: Cloud, hint: Hint, rules: Rules, now: datetime) -> Seen:
    """The identity itself, its trusts and credentials and their last use; clusters are read one by one."""
    principal = await principals.resolve(cloud, hint)
    identity = trusts.holder_of(principal)
    trusted, (used, since, unread) = await asyncio.gather(
        trusts.read(cloud, identity), _use(cloud, now)
    )
    held = await credentials.read_all(cloud, principal) if identity["kind"] == "application" else []
    guarded = await guards.why_not(cloud, principal, rules)
    off = (
        "it is switched off, as an incident leaves it: restore it first"
        if principal.get("enabled") is False
        else ""
    )
    return {
        "principal": principal,
        "identity": identity,
        "stop": [one for one in (guarded, off) if one],
        "trusts": trusted,
        "credentials": held,
        "used": used,
        "used_since": since,
        "clusters": [],
        "unread": unread,
    }


async def _use(cloud: Cloud, now: datetime) -> tuple[dict[str, str], str, list[str]]:
    """When each credential and trust was last used, how far back the logs tell, and why they do not."""
    try:
        facts = await credential_use.read(cloud, now - _LOGS, now)
    except ResponderError as error:
        return {}, "", [f"when credentials were last used: {error}"]
    logs = [one for one in (facts["application_sign_ins"], facts["identity_sign_ins"]) if one]
    # A table without any row proves nothing: nobody may have sent logs to it yet.
    oldest = [one["oldest"] for one in logs if one["oldest"]]
    used: dict[str, str] = {}
    for log in logs:
        for key, last in log["credentials"].items():
            used[key] = max(used.get(key, ""), last)
    return used, max(oldest, default=""), facts["unread"]


async def of_cluster(cloud: Cloud, ref: ClusterRef, principal: Principal) -> ClusterSeen:
    """One cluster: who names the identity, what runs as it, and what holds a secret of it."""
    survey = await surveys.take(cloud, ref, principal, insist=False)
    seen: ClusterSeen = {
        "survey": survey,
        "roots": {},
        "marks": {},
        "named": {},
        "runners": [],
        "variables": {},
    }
    if not survey["reachable"]:
        return seen
    kube = await clusters.connect(cloud, ref)
    known = await service_accounts.read(kube, survey["service_accounts"])
    for (namespace, name), account in known.items():
        notes: Json = account["metadata"].get("annotations") or {}
        place = f"{namespace}/{name}"
        seen["roots"] |= {place: notes[ROOT]} if ROOT in notes else {}
        # A successor bears one, the ServiceAccount of a workload that gave up its secret the other.
        if mark := notes.get(service_accounts.INCIDENT) or notes.get(RUN):
            seen["marks"][place] = mark
    if principal["kind"] == "application":
        await _add_runners(cloud, kube, ref, principal, seen)
    return seen


async def _add_runners(
    cloud: Cloud, kube: Kube, ref: ClusterRef, principal: Principal, seen: ClusterSeen
) -> None:
    facts = await workload_lists.of_cluster(cloud, ref)
    if facts["unread"]:
        seen["survey"].setdefault("unread", []).append(f"secrets in pods: {facts['unread']}")
        return
    seen["runners"] = [one for one in facts["runners"] if _is_its(one, principal["app_id"])]
    for one in seen["runners"]:
        at = path_of("serviceaccounts", one["namespace"])
        accounts = await kube.list_all(at)
        for account in accounts:
            notes: Json = account["metadata"].get("annotations") or {}
            if CLIENT_ID in notes:
                place = f"{one['namespace']}/{account['metadata']['name']}"
                seen["named"][place] = notes[CLIENT_ID]
        workload = f"{one['kind']}/{one['name']}"
        found = await use_labels.find(kube, one["namespace"], workload)
        if found is not None:
            key = f"{one['namespace']}/{workload}"
            seen["variables"][key] = _variables(use_labels.parsed(workload)[0], found)


def _is_its(one: RunnerFacts, app_id: str) -> bool:
    return any(secret["client_id"] == app_id for secret in one["legacy"])


def _variables(kind: Kind, found: Json) -> dict[str, list[Json]]:
    """The entries that name a key of a Secret. One with a value of its own is never kept anywhere."""
    spec = template_of(kind, found)["spec"]
    return {
        str(container["name"]): entries
        for container in containers_of(spec)
        if (entries := _held(container))
    }


def _held(container: Json) -> list[Json]:
    names = {one["how"].partition(" ")[0] for one in of_pod_spec({"containers": [container]})}
    return [
        one
        for one in container.get("env") or []
        if one.get("name") in names and "secretKeyRef" in (one.get("valueFrom") or {})
    ]
