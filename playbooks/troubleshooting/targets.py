"""Which ServiceAccounts a troubleshooting is about. It runs inside activities, which are not replayed."""

from collections.abc import Iterable
from typing import NamedTuple

from playbooks.journaled import Work
from playbooks.runs.model import Json
from responders import clusters, entitlements, wirings
from responders.errors import RefusedError, ResponderError
from responders.fan_out import fan_out
from responders.model import ClusterRef

MOST = 20  # ServiceAccounts of one run; more is an audit
_PARTS, _OURS = 4, ["system", "serviceaccount"]


class Target(NamedTuple):
    """One ServiceAccount of one cluster, and of its pods maybe one."""

    cluster: ClusterRef
    namespace: str
    service_account: str
    pod: str = ""


async def asked_about(work: Work, asked: Json) -> tuple[list[Target], list[str]]:
    """The ServiceAccounts that are asked about, and what could not be asked for them, or is left out.

    Raises `RefusedError` where there is none.
    """
    refs = wanted(await clusters.list_all(work.cloud), asked.get("cluster", ""))
    if asked.get("client_id"):
        found, unread = await naming(work, refs, asked["client_id"], asked.get("namespace", ""))
        if len(found) > MOST:
            unread.append(f"{len(found) - MOST} more ServiceAccounts name it: name a namespace")
        return found[:MOST], unread
    (cluster,) = refs
    if asked["service_account"]:
        return [Target(cluster, asked["namespace"], asked["service_account"])], []
    kube = await clusters.connect(work.cloud, cluster)
    account = await wirings.account_of_pod(kube, asked["namespace"], asked["pod"])
    return [Target(cluster, asked["namespace"], account, asked["pod"])], []


def wanted(found: list[ClusterRef], named: str) -> list[ClusterRef]:
    """The one cluster of this name, ARM id or issuer; all of them where none is named. Raises `RefusedError`."""
    if not named:
        return found
    here = [
        one
        for one in found
        if named.lower() in {one["resource_id"].lower(), one["name"].lower()}
        or named == one["issuer_url"]
    ]
    if len(here) == 1:
        return here
    if here:
        which = ", ".join(one["resource_id"] for one in here)
        raise RefusedError(f"{named!r:.120} is the name of several clusters: {which}")
    known = ", ".join(sorted(one["name"] for one in found)) or "none"
    raise RefusedError(f"no cluster {named!r:.120} in sight; in sight are: {known}")


async def naming(
    work: Work, refs: list[ClusterRef], client_id: str, namespace: str = ""
) -> tuple[list[Target], list[str]]:
    """Whatever names the client id; where nothing does, whatever the identity trusts to."""

    async def named(cluster: ClusterRef) -> list[Target]:
        kube = await clusters.connect(work.cloud, cluster)
        places = await wirings.naming(kube, client_id.strip())
        return [Target(cluster, *one) for one in places if namespace in {"", one[0]}]

    outcomes = await fan_out(refs, named)
    unread = [
        f"{cluster['name']}: whether a ServiceAccount names it: {answer}"
        for cluster, answer in outcomes
        if isinstance(answer, ResponderError)
    ]
    targets = [
        one for _, answer in outcomes if not isinstance(answer, ResponderError) for one in answer
    ]
    if targets:
        return targets, unread
    trusts = (await entitlements.read(work.cloud, client_id.strip().lower()))["trusts"]
    trusted = named_by((dict(one) for one in trusts or []), refs)
    if not trusted and not unread:
        known = ", ".join(one["name"] for one in refs)
        raise RefusedError(
            f"no ServiceAccount of {known} names {client_id!r:.80}, and it trusts none of theirs"
        )
    return trusted, unread


def named_by(trusts: Iterable[Json], refs: list[ClusterRef]) -> list[Target]:
    """The ServiceAccounts of our clusters that these trusts are for, whether there are any such or not."""
    by_issuer = {one["issuer_url"]: one for one in refs}
    found = []
    for one in trusts:
        parts = (one["subject"] or "").split(":")
        if one["issuer"] in by_issuer and len(parts) == _PARTS and parts[:2] == _OURS:
            found.append(Target(by_issuer[one["issuer"]], parts[2], parts[3]))
    return found
