"""How a signal starts a run of a quiet-day playbook in place of an incident: one for whom it is about, however many.

Nothing is started for whom nobody knows: an identity has to be in the directory, a ServiceAccount in a cluster.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import azure.durable_functions as df
import structlog

from playbooks.runs.model import Json, RunMode
from playbooks.signal_rules import RUNS
from responders import clusters, known_principals, run_records
from responders.cloud import Cloud
from responders.errors import NotFoundError, RefusedError, TransientError, UnresolvedError
from responders.evidence import EvidenceStore, canonical, digest
from responders.kube_requests import path_of
from responders.model import ServiceAccountHint, Signal
from triggers import instances, intake, starting_runs
from triggers.deciding import Decision
from triggers.starting_runs import BusyError, Wanted

_log = structlog.get_logger("firebreak.alert_runs")
_NOBODY = {"object_id": "", "name": "signal"}
_TRIES = 20  # notes that change between our reading and our writing
_DEEPER = "failing_sign_ins"


@dataclass(frozen=True, slots=True)
class Begun:
    """The run that an alert began, or that was begun for the same one before."""

    run_id: str
    joined: bool
    mode: RunMode


class TooManyRunsError(Exception):
    """Alerts began as many runs within an hour as the policy lets them."""


@dataclass(frozen=True, slots=True)
class _Whom:
    """Whom an alert is about: what tells it from others, and how the playbook is told."""

    key: str
    parameters: Json


async def begin(
    signal: Signal, decided: Decision, client: df.DurableOrchestrationClient, *, came: str
) -> Begun:
    """Start it, or join the one that was begun of late. Safe to repeat: the same signal finds the same run.

    `came`: when it was kept first. When it fired is the sender's word, and runs are counted by their time.

    Raises `UnresolvedError` for nobody's, `TooManyRunsError`, and `TransientError` where time can fix it.
    """
    whom = await _whom(signal, str(decided.playbook))
    if decided.playbook == _DEEPER and signal["authenticated"] != "token":
        whom.parameters["most"] = "contain"
    acts = decided.mode == "apply" and not intake.policy().guards.observe_only
    wanted = Wanted(
        playbook=str(decided.playbook),
        mode="apply" if acts else "plan",
        parameters=whom.parameters,
        by={**_NOBODY},  # type: ignore[typeddict-item]
        started_by="signal",
        reason=f"{signal['source']} {signal['kind']}: {signal['title']}"[:500],
        key=f"{came} {signal['source']} {signal['signal_id']}",
    )
    store = intake.store()
    mine = starting_runs.run_id(wanted, datetime.now(UTC))
    held = await _held(client, store, wanted.playbook, whom, mine)
    if held is not None:
        _log.info("signal joined a run", run_id=held, source=signal["source"], kind=signal["kind"])
        return Begun(held, joined=True, mode=wanted.mode)
    try:
        run = await starting_runs.start(client, wanted)
    except BusyError as busy:
        raise TransientError(str(busy)) from busy
    return Begun(run["run_id"], joined=False, mode=run["mode"])


async def _whom(signal: Signal, playbook: str) -> _Whom:
    """A ServiceAccount stays one: what it names as its identity may be what is wrong."""
    cloud, hint = await Cloud.connect(), signal["hint"]
    account = hint.get("service_account")
    if account is not None and playbook != _DEEPER:
        return await _account(cloud, account)
    principal = await known_principals.lately(cloud, hint)
    if principal["kind"] == "unsupported":
        raise UnresolvedError(f"{principal['object_id']} is {principal['unsupported_because']}")
    return _Whom(principal["object_id"], {"object_id": principal["object_id"]})


async def _account(cloud: Cloud, hint: ServiceAccountHint) -> _Whom:
    named = hint["cluster"]
    found = [
        one
        for one in await clusters.list_all(cloud)
        if named.lower() in {one["resource_id"].lower(), one["name"].lower()}
        or named == one["issuer_url"]
    ]
    if len(found) != 1:
        raise UnresolvedError(f"{len(found)} clusters in sight are {named!r:.120}")
    (cluster,) = found
    try:
        path = path_of("serviceaccounts", hint["namespace"], hint["name"])
        kube = await clusters.connect(cloud, cluster)
        await kube.get(path)
    except NotFoundError:
        where = f"{cluster['name']} {hint['namespace']}/{hint['name']}"
        raise UnresolvedError(f"there is no ServiceAccount {where}") from None
    except TransientError:
        raise
    except RefusedError as problem:
        raise UnresolvedError(str(problem)) from problem
    return _Whom(
        f"{cluster['resource_id'].lower()} {hint['namespace']} {hint['name']}",
        {
            "cluster": cluster["resource_id"],
            "namespace": hint["namespace"],
            "service_account": hint["name"],
        },
    )


async def _held(
    client: df.DurableOrchestrationClient,
    store: EvidenceStore,
    playbook: str,
    whom: _Whom,
    mine: str,
) -> str | None:
    """The run that looks after this one already; None where it is ours to start."""
    path = note_path(playbook, whom.key)
    for _ in range(_TRIES):
        now = datetime.now(UTC)
        note = canonical({"run_id": mine, "at": now.isoformat(timespec="milliseconds")})
        known = await asyncio.to_thread(store.claimed, path)
        if known is None:
            await asyncio.to_thread(_may_begin, store, now)
            if await asyncio.to_thread(store.claim, path, note) is None:
                return None
            continue
        held = json.loads(known)
        if held["run_id"] == mine:
            return None
        age = now - datetime.fromisoformat(held["at"])
        quiet = timedelta(minutes=intake.policy().troubleshooting.one_run_in_minutes)
        if age < quiet or await instances.is_open(client, held["run_id"]):
            return str(held["run_id"])
        await asyncio.to_thread(_may_begin, store, now)
        if await asyncio.to_thread(store.replace_claim, path, known, note):
            return None
    raise TransientError(f"the note of {playbook} about {whom.key} comes and goes")


def note_path(playbook: str, whom: str) -> str:
    """Where it is noted which run looks after this one."""
    return f"claims/alerts/{playbook}/{digest(whom.encode())[:24]}.json"


def _may_begin(store: EvidenceStore, now: datetime) -> None:
    """Whether alerts may begin one more: counted by when theirs began, as their names say it."""
    most = intake.policy().troubleshooting.most_runs_per_hour
    since = f"{now - timedelta(hours=1):%Y%m%dT%H%M%S}"
    begun = [
        one
        for playbook in RUNS
        for one in run_records.names(store, playbook)[: most + 1]
        if one.split("-")[2] >= since
    ]
    if len(begun) >= most:
        raise TooManyRunsError(
            f"alerts began {len(begun)} runs within an hour: policy.toml [troubleshooting] most_runs_per_hour"
        )
