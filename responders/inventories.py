"""Responder: everything in one cluster that has to do with an identity, each kind listed once.

Stops    nothing
Leaves   Secrets unread, on purpose: they hold what an attacker looks for
Undo     none needed
Needs    NEEDS, below
Source   https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from responders import inventory_cuts
from responders.errors import NotFoundError, ResponderError, TransientError
from responders.fan_out import failures, fan_out, worst
from responders.kube import Kube
from responders.kube_requests import group_version_of, path_of
from responders.model import Json
from responders.needs import RBAC, ROLLOUTS, RUNNERS, Needs, on_each
from responders.workload_objects import BUILT_IN, Kind

# Owners after what they own: while something rolls out, whatever a list shows has an owner in a later one.
BOTTOM_UP: tuple[tuple[Kind, ...], ...] = (
    ("Pod",),
    ("ReplicaSet", "Job", "StatefulSet", "DaemonSet"),
    ("Deployment", "CronJob", "Rollout"),
)
# Without these nobody can say who runs as what, so a cluster that does not give them is not read at all.
_ACCOUNTS = ("serviceaccounts", "rolebindings", "clusterrolebindings")
# Without these something is not known, which is said. Of the second some clusters have none.
_BUILT_IN = (
    *("roles", "clusterroles", "poddisruptionbudgets", "configmaps"),
    *("persistentvolumes", "persistentvolumeclaims", "storageclasses"),
)
_ADDED = (
    *("secretproviderclasses", "triggerauthentications", "clustertriggerauthentications"),
    *("scaledobjects", "scaledjobs"),
    "rollouts",
)
_AT_ONCE = (
    6  # clusters: what is cut away of each was in memory while it arrived, some fifty megabytes
)
_reading: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_NEEDED = ("serviceaccounts", "pods", *RUNNERS, *RBAC)
_WANTED = (
    "poddisruptionbudgets.policy",
    "configmaps",
    "persistentvolumes",
    "persistentvolumeclaims",
    "storageclasses.storage.k8s.io",
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "triggerauthentications.keda.sh",
    "clustertriggerauthentications.keda.sh",
    "scaledobjects.keda.sh",
    "scaledjobs.keda.sh",
    ROLLOUTS,
)
NEEDS: Final = Needs(
    cluster=(
        *on_each(_NEEDED, ("list",), "what has to do with an identity"),
        *on_each(
            _WANTED, ("list",), "what else may name it, and what its pods lean on", wanted=True
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Inventory:
    """One cluster as it stands, cut down to what is asked about one client id."""

    cluster: str
    client_id: str
    objects: dict[str, list[Json]]  # by plural; a kind that the cluster does not have is empty
    unread: list[str] = field(default_factory=list)  # what could not be read, and why

    def of(self, plural: str) -> list[Json]:
        """The objects of this kind."""
        return self.objects.get(plural, [])


async def read(kube: Kube, client_id: str, *, insist: bool = False) -> Inventory:
    """List every kind once, side by side where the order does not matter.

    What could not be read beyond who runs as what is named in `unread`; with `insist` not where time may still help.
    """
    async with _reading.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE)):
        return await _read(kube, client_id, insist=insist)


async def _read(kube: Kube, client_id: str, *, insist: bool) -> Inventory:
    running, accounts, (more, unread) = await asyncio.gather(
        _bottom_up(kube, client_id),
        _all(kube, client_id, _ACCOUNTS),
        _more(kube, client_id, insist=insist),
    )
    found = {**running, **accounts, **more}
    _lend_templates(found)
    return Inventory(kube.cluster, client_id, found, unread)


def _lend_templates(found: dict[str, list[Json]]) -> None:
    """A Rollout that references a Deployment runs that one's template."""
    lent = {
        (one["metadata"]["namespace"], one["metadata"]["name"]): one["spec"]["template"]
        for one in found["deployments"]
    }
    for one in found.get("rollouts", []):
        named = one["spec"].get("workloadRef") or {}
        place = (one["metadata"]["namespace"], named.get("name"))
        if named.get("kind") == "Deployment" and place in lent:
            one["spec"]["template"] = lent[place]


async def _bottom_up(kube: Kube, client_id: str) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for kinds in BOTTOM_UP:
        found |= await _all(kube, client_id, [BUILT_IN[kind] for kind in kinds if kind in BUILT_IN])
    return found


async def _all(kube: Kube, client_id: str, plurals: Iterable[str]) -> dict[str, list[Json]]:
    """All of these kinds, or the error that stands for those that could not be read."""
    answers = await _lists(kube, client_id, plurals)
    if lost := failures(answers):
        raise lost[0] if len(lost) == 1 else worst(lost, f"{kube.cluster}: lists")
    return {plural: found for plural, found in answers if not isinstance(found, ResponderError)}


async def _more(
    kube: Kube, client_id: str, *, insist: bool
) -> tuple[dict[str, list[Json]], list[str]]:
    """The kinds without which a survey is still one, and a sentence for each that could not be read."""
    found: dict[str, list[Json]] = {}
    unread: list[str] = []
    added, unknown = _served(await _groups(kube))
    unread += unknown
    for plural, answer in await _lists(kube, client_id, (*_BUILT_IN, *added)):
        match answer:
            case list():
                found[plural] = answer
            case NotFoundError() if plural in _ADDED:
                found[plural] = []  # the cluster has others of its group
            case TransientError() if insist:
                raise answer
            case _:
                unread.append(f"{plural}: {answer}")
    return found, unread


async def _groups(kube: Kube) -> set[str] | None:
    """Every "group/version" that the cluster serves; None where it does not say.

    Authorization precedes existence: a list of what is not there is forbidden too, to somebody who may not list it.
    """
    try:
        groups = (await kube.get("/apis"))["groups"]
        return {str(one["groupVersion"]) for group in groups for one in group["versions"]}
    except (ResponderError, KeyError, TypeError):
        return None


def _served(groups: set[str] | None) -> tuple[list[str], list[str]]:
    """Of the kinds that are added to a cluster: those to list, and a sentence for each in a version we don't know."""
    if groups is None:
        return list(_ADDED), []
    known = {plural: group_version_of(plural) for plural in _ADDED}
    names = {one.partition("/")[0] for one in groups}
    unread = [
        f"{plural}: the cluster does not serve it as {version}: look at them by hand"
        for plural, version in known.items()
        if version not in groups and version.partition("/")[0] in names
    ]
    return [plural for plural, version in known.items() if version in groups], unread


async def _lists(
    kube: Kube, client_id: str, plurals: Iterable[str]
) -> list[tuple[str, list[Json] | ResponderError]]:
    async def one(plural: str) -> list[Json]:
        return await kube.list_all(
            path_of(plural), keep=lambda found: inventory_cuts.cut(plural, found, client_id)
        )

    return await fan_out(plurals, one)
