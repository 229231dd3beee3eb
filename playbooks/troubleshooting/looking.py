"""Everything that the checks go by, read side by side. It runs inside activities, which are not replayed.

What can't be read is named in the facts, so that no check takes it for "none".
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from playbooks.journaled import Work
from playbooks.running import incident_open
from playbooks.runs.model import Json, RunOrder
from playbooks.troubleshooting.model import Exchange, Facts, SignIns
from playbooks.troubleshooting.signing_in import summed
from playbooks.troubleshooting.targets import Target
from playbooks.troubleshooting.trust_checks import binds
from playbooks.troubleshooting.wiring import client_id_of
from responders import (
    clusters,
    entitlements,
    identity_webhooks,
    issuer_keys,
    log_sweeps,
    pod_words,
    token_exchange,
    wirings,
)
from responders.cloud import Cloud
from responders.entitlements import Entitlement
from responders.errors import NotFoundError, ResponderError
from responders.kube import Kube
from responders.log_sweeps import Scope
from responders.managed_identities import CLUSTERS_VERSION
from responders.model import ClusterRef, Principal
from responders.read_only import asking_as_a_workload
from responders.settings import is_guid

T = TypeVar("T")
Read = Callable[[], Coroutine[Any, Any, Json]]
SIGN_INS = ("AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")


async def look(work: Work, order: RunOrder, targets: list[Target]) -> list[Facts]:
    """The facts of each. What several of them share is read once."""
    looker = _Looker(work, order)
    return list(await asyncio.gather(*(looker.at(one) for one in targets)))


class _Looker:
    """One run's look: each cluster, identity and log is asked once."""

    def __init__(self, work: Work, order: RunOrder) -> None:
        self._work, self._order = work, order
        self._shared: dict[str, asyncio.Task[Json]] = {}

    async def at(self, target: Target) -> Facts:
        """Everything about one ServiceAccount."""
        cloud, asked = self._work.cloud, self._order["run"]["parameters"]
        facts = _empty(cloud, target, self._order)
        try:
            kube = await clusters.connect(cloud, target.cluster)
        except ResponderError as error:
            facts["unread"]["the cluster's API server"] = str(error)
            facts["wiring"]["unread"]["the ServiceAccount"] = str(error)
            facts["wiring"]["unread"]["its pods"] = str(error)
            kube = None
        if kube is not None:
            where = (target.namespace, target.service_account)
            facts["wiring"] = await wirings.read(kube, *where, pod=target.pod)
        name = target.cluster["resource_id"]
        about = await self._once(
            f"cluster {name}", lambda: _of_cluster(cloud, target.cluster, kube)
        )
        facts |= {key: about[key] for key in ("injects", "webhook", "keys")}  # type: ignore[typeddict-item]
        facts["unread"] |= about["unread"]
        client_id = client_id_of(facts)
        facts["said"] = pod_words.codes(asked.get("error", ""))
        if client_id and is_guid(client_id.strip()):
            client_id = client_id.strip().lower()
            known = await self._once(client_id, lambda: self._of_identity(client_id))
            facts["identity"], facts["incident"] = known["identity"], known["incident"]
            facts["sign_ins"] = known["sign_ins"]
            facts["unread"] |= known["unread"]
        facts["exchange"] = await self._exchange(facts, kube)
        return facts

    async def _once(self, what: str, read: Read) -> Json:
        if what not in self._shared:
            self._shared[what] = asyncio.ensure_future(read())
        return await asyncio.shield(self._shared[what])

    async def _of_identity(self, client_id: str) -> Json:
        work = self._work
        unread: dict[str, str] = {}
        identity: Entitlement = await entitlements.read(work.cloud, client_id)
        principal = identity["principal"]
        incident = sign_ins = None
        if principal is not None:
            incident = await incident_open(work, principal["object_id"])
            hours = self._order["policy"]["troubleshooting"]["sign_in_hours"]
            sign_ins, why = await signed_in(work.cloud, principal, hours)
            unread = {"sign-ins": why} if why else {}
        return {"identity": identity, "incident": incident, "sign_ins": sign_ins, "unread": unread}

    async def _exchange(self, facts: Facts, kube: Kube | None) -> Exchange:
        why = self._why_not(facts, kube)
        identity, wiring = facts["identity"], facts["wiring"]
        if why or kube is None or identity is None:
            return {"verdict": None, "why": why or "the cluster can't be asked"}
        try:
            with asking_as_a_workload():
                where = (wiring["namespace"], wiring["name"])
                verdict = await token_exchange.probe(
                    self._work.cloud, kube, *where, identity["client_id"]
                )
        except NotFoundError:
            return {"verdict": None, "why": "there is no such ServiceAccount"}
        except ResponderError as error:
            return {"verdict": None, "why": str(error)}
        return {"verdict": verdict, "why": ""}

    def _why_not(self, facts: Facts, kube: Kube | None) -> str:
        """Why the token endpoint is not asked; "" where it is."""
        if not self._order["policy"]["troubleshooting"]["ask_token_endpoint"]:
            return "switched off by policy.toml [troubleshooting] ask_token_endpoint"
        if not self._order["run"]["parameters"].get("token_exchange", True):
            return "switched off for this run"
        if kube is None:
            return facts["unread"]["the cluster's API server"]
        if facts["identity"] is None:
            return "no client id is named"
        if binds(facts):
            return "its pods get tokens by an identity binding, from a proxy that only they reach"
        return "" if facts["wiring"]["account"] else "there is no such ServiceAccount"


async def signed_in(
    cloud: Cloud, principal: Principal, hours: int
) -> tuple[list[SignIns] | None, str]:
    """How often each answer came of late, and what of the logs is missing. None: neither log could be read."""
    rows, why = await sign_in_rows(cloud, principal, hours)
    return (None if rows is None else summed(rows)), why


async def sign_in_rows(
    cloud: Cloud, principal: Principal, hours: int
) -> tuple[list[Json] | None, str]:
    """The rows themselves, both logs together."""
    end = datetime.now(UTC)  # noqa: TID251 - an activity, never replayed
    scope = Scope(principal, end - timedelta(hours=hours), end)
    try:
        found = await log_sweeps.sweep(cloud, scope, SIGN_INS)
    except ResponderError as error:
        return None, str(error)
    rows: list[Json] = []
    gaps: list[str] = []
    for one in found.values():
        if isinstance(one, ResponderError):
            gaps.append(str(one))
            continue
        rows += one["rows"]
        gaps += [] if one.get("complete") else one["gaps"][:1]
    if len(gaps) == len(SIGN_INS) and not rows:
        return None, "; ".join(gaps)
    return rows, "; ".join(gaps)


async def _of_cluster(cloud: Cloud, cluster: ClusterRef, kube: Kube | None) -> Json:
    """What holds for every workload of it."""
    unread: dict[str, str] = {}

    async def asked(what: str, question: Awaitable[T]) -> T | None:
        try:
            return await question
        except ResponderError as error:
            unread[what] = str(error)
            return None

    questions: list[Awaitable[object]] = [asked("the cluster", _injects(cloud, cluster))]
    if kube is not None:
        questions.append(asked("the webhook", identity_webhooks.problem(kube)))
        if cluster["issuer_url"]:
            questions.append(asked("the issuer's keys", issuer_keys.mismatch(cloud, cluster, kube)))
    answers = [*await asyncio.gather(*questions), None, None]
    injects, webhook, keys = answers[:3]
    return {"injects": injects, "webhook": webhook, "keys": keys, "unread": unread}


async def _injects(cloud: Cloud, cluster: ClusterRef) -> bool:
    """Resource Manager's own switch of workload identity."""
    found = await cloud.arm.get(cluster["resource_id"], CLUSTERS_VERSION)
    profile = (found.get("properties") or {}).get("securityProfile") or {}
    return (profile.get("workloadIdentity") or {}).get("enabled") is True


def _empty(cloud: Cloud, target: Target, order: RunOrder) -> Facts:
    asked = order["run"]["parameters"]
    return {
        "cluster": target.cluster,
        "wiring": {
            "namespace": target.namespace,
            "name": target.service_account,
            "account": None,
            "pods": [],
            "templates": [],
            "words": [],
            "unread": {},
        },
        "asked_for": asked.get("client_id", ""),
        "injects": None,
        "webhook": None,
        "keys": None,
        "identity": None,
        "incident": None,
        "exchange": {"verdict": None, "why": ""},
        "sign_ins": None,
        "hours": order["policy"]["troubleshooting"]["sign_in_hours"],
        "looked_at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - an activity, never replayed
        "tenant_id": cloud.tenant_id,
        "audience": cloud.endpoints.token_audience,
        "authority": cloud.endpoints.login,
        "resource": asked.get("resource", ""),
        "said": [],
        "unread": {},
    }
