"""Responder: whether each cluster's API server answers, and what each of our identities may do there.

Stops    nothing
Leaves   bindings in namespaces that are not looked at; what authorizers other than RBAC allow and do not list
Undo     none needed
Needs    the way to the API servers; every user may ask what it is allowed
Source   https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
         https://kubernetes.io/docs/concepts/security/rbac-good-practices/#kubernetes-rbac-privilege-escalation-risks
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Final

from responders import clusters, own_identities, preflight
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.kube import Kube
from responders.model import ClusterRef, Json
from responders.own_checks import Row
from responders.own_identities import Acting
from responders.permission_data import Needed, Rule
from responders.settings import Hand

_AT_ONCE = 20  # clusters side by side
_EACH_S = 18.0  # one that is down: three tries to connect
_RIGHTS_S = 40.0  # some hundred questions to each
_SPACES = ("kube-system", "default")  # where bindings of a namespace alone are looked for
_SHOWN = 6
# Whoever may do one of these in a cluster reads its secrets, runs what they like, or gives themselves more.
GRAVE: Final[Mapping[str, tuple[str, ...]]] = {
    "secrets": ("get", "list"),
    "pods": ("create",),
    "pods/exec": ("create",),
    "nodes/proxy": ("get",),
    "clusterroles.rbac.authorization.k8s.io": ("escalate", "bind"),
    "clusterrolebindings.rbac.authorization.k8s.io": ("create",),
    "users": ("impersonate",),
}
# What every signed-in user has. https://kubernetes.io/docs/reference/access-authn-authz/rbac/#default-roles-and-role-bindings
_OF_EVERYBODY: Final = frozenset(
    {"selfsubjectaccessreviews", "selfsubjectrulesreviews", "selfsubjectreviews"}
)


async def reached(cloud: Cloud) -> list[Row]:
    """A row for each cluster."""

    async def ask(cluster: ClusterRef) -> list[Row]:
        kube = await clusters.connect(cloud, cluster)
        version = (await kube.get("/version")).get("gitVersion", "?")
        private = ", private" if cluster.get("private") else ""
        return [Row("ok", f"Kubernetes {version}{private}", about=cluster["name"])]

    def failed(cluster: ClusterRef, why: str) -> list[Row]:
        fix = clusters.how_to_reach(cluster) or (
            f"az aks show --ids {cluster['resource_id']} --query powerState: does it run? And may the app reach it: "
            "--query apiServerAccessProfile"
        )
        return [Row("failed", why, fix, cluster["name"], grave=True)]

    found = await clusters.list_all(cloud)
    if not found:
        fix = "give the app's identity its role where clusters are: docs/reference/permissions.md"
        return [Row("note", "no cluster is in sight", fix)]
    return await _each(found, ask, failed, _EACH_S)


async def rights(cloud: Cloud, wanted: Callable[[Sequence[Hand]], Needed]) -> list[Row]:
    """Of each cluster and each identity what is missing and what is too much."""
    who = await own_identities.acting(cloud)

    async def ask(cluster: ClusterRef) -> list[Row]:
        parts = await asyncio.gather(*(_of(cluster, one, wanted(one.hands)) for one in who))
        return [row for part in parts for row in part]

    def unknown(cluster: ClusterRef, why: str) -> list[Row]:
        return [Row("unknown", why, "see the check clusters", cluster["name"])]

    return await _each(await clusters.list_all(cloud), ask, unknown, _RIGHTS_S)


async def _each(
    found: Sequence[ClusterRef],
    ask: Callable[[ClusterRef], Awaitable[list[Row]]],
    otherwise: Callable[[ClusterRef, str], list[Row]],
    seconds: float,
) -> list[Row]:
    """All side by side, each within its own time."""
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(cluster: ClusterRef) -> list[Row]:
        async with free:
            try:
                async with asyncio.timeout(seconds):
                    return await ask(cluster)
            except TimeoutError:
                return otherwise(cluster, f"no answer within {seconds:.0f} s")
            except ResponderError as error:
                return otherwise(cluster, str(error))

    return [row for rows in await asyncio.gather(*map(one, found)) for row in rows]


async def _of(cluster: ClusterRef, identity: Acting, needed: Needed) -> list[Row]:
    kube = await clusters.connect(identity.cloud, cluster)
    about = f"{cluster['name']}, {identity.name}"
    needed_here, wanted_here = (
        _verbs(one for one in needed.rules if one.required and one.wanted is flag)
        for flag in (False, True)
    )
    denied, wished, grave, listed = await asyncio.gather(
        preflight.missing(kube, needed_here),
        preflight.missing(kube, wanted_here),
        _grave(kube, needed),
        _beyond(kube, needed),
    )
    fix = _grant(identity, cluster)
    rows = []
    if denied:
        said = f"not allowed: {_some(denied)}: incidents are refused here"
        rows.append(Row("failed", said, fix, about, grave=True))
    if wished:
        said = f"not allowed: {_some(wished)}: less is seen or done here"
        rows.append(Row("failed", said, fix, about))
    if identity.itself and (more := list(dict.fromkeys([*grave, *listed]))):
        said = f"allowed, and not needed: {_some(more)}"
        rows.append(Row("failed", said, _take_away(identity, cluster), about, grave=bool(grave)))
    return rows or [Row("ok", "every verb that is needed, and no other", about=about)]


def _verbs(rules: Iterable[Rule]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in rules:
        found[one.resource] = tuple(dict.fromkeys((*found.get(one.resource, ()), *one.verbs)))
    return found


async def _grave(kube: Kube, needed: Needed) -> list[str]:
    """Asked for one by one: authorizers that list nothing answer this, too."""
    mine = {(one.resource, verb) for one in needed.rules for verb in one.verbs}
    asked = {
        resource: tuple(verb for verb in verbs if (resource, verb) not in mine)
        for resource, verbs in GRAVE.items()
    }
    denied = set(await preflight.missing(kube, asked))
    return [
        name
        for resource, verbs in asked.items()
        for verb in verbs
        if (name := f"{verb} {resource}") not in denied
    ]


async def _beyond(kube: Kube, needed: Needed) -> list[str]:
    """What the rules of two namespaces list and no need names, as "verb resource"."""
    mine = {(one.resource, verb) for one in needed.rules for verb in one.verbs}
    found: dict[str, None] = {}
    for rules in await asyncio.gather(*(preflight.rules_in(kube, one) for one in _SPACES)):
        for rule in rules:
            found |= dict.fromkeys(_strange(rule, mine))
    return list(found)


def _strange(rule: Json, mine: set[tuple[str, str]]) -> list[str]:
    return [
        f"{verb} {resource}"
        for group in rule.get("apiGroups") or [""]
        for name in rule.get("resources") or []
        if name not in _OF_EVERYBODY
        for resource in [_named(str(name), str(group))]
        for verb in rule.get("verbs") or []
        if (resource, verb) not in mine
    ]


def _named(name: str, group: str) -> str:
    noun, slash, subresource = name.partition("/")
    return f"{noun}{'.' if group else ''}{group}{slash}{subresource}"


def _grant(identity: Acting, cluster: ClusterRef) -> str:
    commands = [
        f"FIREBREAK_{hand.upper()}_OBJECT_ID={identity.object_id} envsubst < "
        f"infra/permissions/clusterrole-{hand}.yaml | kubectl --context {cluster['name']} apply -f -"
        for hand in identity.hands
    ]
    return "; ".join(commands)


def _take_away(identity: Acting, cluster: ClusterRef) -> str:
    return (
        f"kubectl --context {cluster['name']} get clusterrolebindings,rolebindings -A -o wide | grep "
        f"{identity.object_id}, then delete what is not firebreak-*; with Azure RBAC for Kubernetes: "
        f"az role assignment list --assignee {identity.object_id} --scope {cluster['resource_id']}"
    )


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown
