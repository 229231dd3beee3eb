"""What the health check reads of a cluster. Each question is its own: one that fails leaves the others be."""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from playbooks.health.model import ClusterSeen
from playbooks.runs.model import Json, RunOrder
from responders import clusters, identity_webhooks, issuer_keys, preflight, webhook_pods
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError
from responders.kube import Kube
from responders.model import ClusterRef
from responders.quiet_permissions import ON_QUIET_DAYS

_AT_ONCE = 20  # clusters side by side
_EACH_S = 40  # a cluster that is down holds up as little as that; a hundred of them still fit into one step
Answer = TypeVar("Answer")


async def look(cloud: Cloud, order: RunOrder) -> list[ClusterSeen]:
    """Every cluster that is asked about. Raises `RefusedError` for one that nobody sees."""
    wanted = _wanted(await clusters.list_all(cloud), order["run"]["parameters"]["clusters"])
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(cluster: ClusterRef) -> ClusterSeen:
        async with free:
            return await _look(cloud, cluster, order["policy"])

    return list(await asyncio.gather(*(one(each) for each in wanted)))


def _wanted(found: list[ClusterRef], named: list[str]) -> list[ClusterRef]:
    """Those that were asked for."""
    if not named:
        return found
    by_name = {one["resource_id"].lower(): one for one in found}
    by_name |= {one["name"].lower(): one for one in found}
    if strange := [one for one in named if one.lower() not in by_name]:
        known = ", ".join(sorted(one["name"] for one in found)) or "none"
        raise RefusedError(f"no cluster {strange[0]!r:.120} in sight; in sight are: {known}")
    return [by_name[one.lower()] for one in named]


class _Asking:
    """Questions to one cluster, and what could not be answered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.unread: list[str] = []
        self.asked = 0

    async def ask(self, what: str, question: Awaitable[Answer], otherwise: Answer) -> Answer:
        """The answer; `otherwise`, and a line that says why, where there is none."""
        self.asked += 1
        try:
            return await question
        except ResponderError as error:
            self.unread.append(f"{self.name}: {what}: {error}")
            return otherwise


async def _look(cloud: Cloud, cluster: ClusterRef, policy: Json) -> ClusterSeen:
    asking = _Asking(cluster["name"])
    seen: ClusterSeen = {
        "cluster": cluster,
        "webhook": "",
        "pods": [],
        "metrics": "",
        "issuer": "",
        "keys": "",
        "denied": [],
        "wanted": [],
        "unread": asking.unread,
    }
    try:
        async with asyncio.timeout(_EACH_S):
            await _fill(cloud, cluster, seen, asking, policy)
    except TimeoutError:
        asking.unread.append(f"{cluster['name']}: no answer within {_EACH_S} s")
    except ResponderError as error:
        asking.unread.append(f"{cluster['name']}: {error}")
    if asking.asked and len(asking.unread) == asking.asked:  # nothing answers: once is enough
        del asking.unread[1:]
    return seen


async def _fill(
    cloud: Cloud, cluster: ClusterRef, seen: ClusterSeen, asking: _Asking, policy: Json
) -> None:
    kube = await clusters.connect(cloud, cluster)
    nothing = issuer_keys.IssuerSeen("", "")
    webhook, issuer, denied, wanted, pods = await asyncio.gather(
        asking.ask("its identity webhook", identity_webhooks.problem(kube), ""),
        asking.ask("its issuer's keys", issuer_keys.look(cloud, cluster, kube), nothing),
        asking.ask("our rights in it", _missing(cloud, cluster, kube, preflight.NEEDED), []),
        asking.ask("our rights in it", _missing(cloud, cluster, kube, _better(policy)), []),
        _pods(kube, asking, policy["health"]),
    )
    seen["webhook"], seen["issuer"], seen["keys"] = webhook, issuer.document, issuer.keys
    seen["denied"], seen["wanted"] = denied, wanted
    for one in pods:
        seen["pods"] += one["pods"]
        seen["metrics"] = one["metrics"]
        asking.unread += [f"{cluster['name']}: {line}" for line in one["unread"]]


async def _pods(kube: Kube, asking: _Asking, limits: Any) -> list[webhook_pods.PodsSeen]:
    """Of every namespace that a webhook runs in."""
    spaces = await asking.ask("where its webhook runs", identity_webhooks.namespaces(kube), [])
    since = timedelta(hours=limits["look_back_hours"])
    now = datetime.now(UTC)  # noqa: TID251 - in an activity, never replayed
    nothing: webhook_pods.PodsSeen = {"pods": [], "metrics": "not asked", "unread": []}
    found = [
        asking.ask("its webhook's pods", webhook_pods.look(kube, one, since, now), nothing)
        for one in spaces
    ]
    return list(await asyncio.gather(*found))


async def _missing(
    cloud: Cloud, cluster: ClusterRef, kube: Kube, wanted: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Of both identities, each asked for its own."""
    other = await cloud.acting_as("rebuild")
    if other is cloud:
        return await preflight.missing(kube, wanted)
    acting = await clusters.connect(other, cluster)
    reading, changing = await asyncio.gather(
        preflight.missing(kube, preflight.reads(wanted)),
        preflight.missing(acting, preflight.changes(wanted)),
    )
    return list(dict.fromkeys([*reading, *changing]))


def _better(policy: Json) -> dict[str, tuple[str, ...]]:
    """What surveys and runs want; a URL is asked for by using it."""
    wanted = {**preflight.WANTED, **ON_QUIET_DAYS}
    if policy["recovery"]["gitops"] == "suspend":
        wanted |= preflight.IF_SUSPENDED
    return {name: verbs for name, verbs in wanted.items() if not name.startswith("/")}
