"""permissions.json: what each identity holds, line by line, with the reason and the steps. All else is made of it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from permissions import conditions, steps
from permissions.joined import HANDS, Used, is_read, used
from playbooks.hands import Hand
from responders.needs import BINDINGS, ENABLING, ROTATING, AzureNeed, ClusterNeed, GraphNeed

Json = dict[str, Any]
K = TypeVar("K")
EVERY: Final = "every step"
FULL, MANAGED_ONLY = PROFILES = ("full", "managed-identities-only")
# A role that contains another one, as the permissions of the calls say that Firebreak makes.
# https://learn.microsoft.com/graph/api/rbacapplication-list-roleassignments
# https://learn.microsoft.com/graph/api/serviceprincipal-list-memberof
# https://learn.microsoft.com/graph/api/group-list-transitivemembers
# https://learn.microsoft.com/graph/api/oauth2permissiongrant-list
CONTAINED: Final[Mapping[str, frozenset[str]]] = {
    "Directory.Read.All": frozenset(
        {
            "Application.Read.All",
            "DelegatedPermissionGrant.Read.All",
            "GroupMember.Read.All",
            "RoleManagement.Read.Directory",
            "User.ReadBasic.All",
        }
    ),
    "Application.ReadWrite.All": frozenset({"Application.Read.All"}),
    "DelegatedPermissionGrant.ReadWrite.All": frozenset({"DelegatedPermissionGrant.Read.All"}),
    "GroupMember.ReadWrite.All": frozenset({"GroupMember.Read.All"}),
    "IdentityRiskyServicePrincipal.ReadWrite.All": frozenset(
        {"IdentityRiskyServicePrincipal.Read.All"}
    ),
}
# By identity, scope, and the setting without which the role is left out.
ROLES: Final[Mapping[tuple[Hand, str, str], str]] = {
    ("containment", "guarded", ""): "Firebreak Containment",
    ("containment", "guarded", BINDINGS): "Firebreak Identity Binding Reader",
    ("containment", "workspace", ""): "Firebreak Log Reader",
    ("containment", "evidence", ""): "Firebreak Evidence Keeper",
    ("containment", "claims", ""): "Firebreak Claims Keeper",
    ("containment", "topic", "FIREBREAK_EVENT_GRID_TOPIC"): "Firebreak Event Sender",
    ("containment", "sentinel", "notices.sentinel_comments"): "Firebreak Sentinel Commenter",
    ("rebuild", "guarded", ""): "Firebreak Rebuild",
    ("rebuild", "guarded", ENABLING): "Firebreak Cluster Enabler",
    ("rebuild", "guarded", ROTATING): "Firebreak Signing Key Rotator",
}


@dataclass(frozen=True, slots=True)
class Line:
    """What several modules need alike."""

    whys: tuple[str, ...]
    steps: tuple[str, ...]


def document() -> Json:
    """The whole of it."""
    return {
        "schema": 1,
        "profiles": list(PROFILES),
        "hands": {
            hand: {"graph": _graph(hand), "azure": _azure(hand), "cluster": _cluster(hand)}
            for hand in HANDS
        },
    }


def _graph(hand: Hand) -> list[Json]:
    by_profile = {profile: _roles(hand, profile) for profile in PROFILES}
    names = sorted({role for lines in by_profile.values() for role in lines})
    found = []
    for name in names:
        profiles = [profile for profile in PROFILES if name in by_profile[profile]]
        line = by_profile[profiles[0]][name]
        found.append({"role": name, **_told(line), "profiles": profiles})
    return found


def _roles(hand: Hand, profile: str) -> dict[str, Line]:
    """App roles of a profile, each with what it stands for: a role that another one contains is not held."""
    mine = [
        one
        for one in used()
        if one.hand == hand
        and isinstance(one.need, GraphNeed)
        and (profile == FULL or (is_read(one.need) and not one.need.applications_only))
    ]
    wanted = {one.need.role for one in mine if isinstance(one.need, GraphNeed)}
    held = {
        role
        for role in wanted
        if not any(role in CONTAINED.get(other, ()) for other in wanted if other != role)
    }
    return {
        role: _line(
            one
            for one in mine
            if isinstance(one.need, GraphNeed)
            and (one.need.role == role or _stands_for(role, one.need.role, held))
        )
        for role in held
    }


def _stands_for(role: str, other: str, held: set[str]) -> bool:
    """Whether this role is the first that contains one that is not held."""
    holders = sorted(one for one in held if other in CONTAINED.get(one, ()))
    return other not in held and bool(holders) and holders[0] == role


def _azure(hand: Hand) -> list[Json]:
    found = []
    for (whose, scope, only_with), name in ROLES.items():
        if whose != hand:
            continue
        mine = [
            one
            for one in used()
            if one.hand == hand
            and isinstance(one.need, AzureNeed)
            and (one.need.scope, one.need.only_with) == (scope, only_with)
        ]
        actions = _actions(mine, data=False)
        found.append(
            {
                "role": name,
                "scope": scope,
                "optional": only_with,
                "actions": actions,
                "dataActions": _actions(mine, data=True),
                "condition": conditions.of([one["action"] for one in actions], hand),
            }
        )
    return found


def _actions(mine: Iterable[Used], *, data: bool) -> list[Json]:
    def key(one: Used) -> str:
        return one.need.action if isinstance(one.need, AzureNeed) else ""

    of_kind = [one for one in mine if isinstance(one.need, AzureNeed) and one.need.data is data]
    found = []
    for action, line in _grouped(of_kind, key).items():
        untried = {
            one.need.untried
            for one in of_kind
            if isinstance(one.need, AzureNeed) and one.need.action == action
        }
        told = {"action": action, **_told(line), "profiles": list(PROFILES)}
        if untried and all(untried):
            told["untried"] = min(untried)
        found.append(told)
    return found


def _cluster(hand: Hand) -> list[Json]:
    mine = [one for one in used() if one.hand == hand and isinstance(one.need, ClusterNeed)]

    def key(one: Used) -> tuple[str, str]:
        need = one.need
        return (need.resource, need.only_with) if isinstance(need, ClusterNeed) else ("", "")

    found = []
    for (resource, only_with), line in _grouped(mine, key).items():
        needs = [one.need for one in mine if key(one) == (resource, only_with)]
        verbs = {verb for need in needs if isinstance(need, ClusterNeed) for verb in need.verbs}
        wanted = all(need.wanted for need in needs if isinstance(need, ClusterNeed))
        found.append(
            {
                **_rule(resource),
                "verbs": sorted(verbs, key=_VERBS.index),
                **_told(line),
                "profiles": list(PROFILES),
                "optional": only_with,
                "wanted": wanted,
            }
        )
    return found


_VERBS = ("get", "list", "watch", "create", "patch", "delete")


def _rule(resource: str) -> Json:
    """`plural.group/subresource`, or a path, as a rule of a ClusterRole has it."""
    if resource.startswith("/"):
        return {"apiGroups": [], "resources": [], "nonResourceURLs": [resource]}
    noun, _, subresource = resource.partition("/")
    plural, _, group = noun.partition(".")
    name = f"{plural}/{subresource}" if subresource else plural
    return {"apiGroups": [group], "resources": [name], "nonResourceURLs": []}


def _grouped(mine: Iterable[Used], key: Callable[[Used], K]) -> dict[K, Line]:
    groups: dict[K, list[Used]] = {}
    for one in mine:
        groups.setdefault(key(one), []).append(one)
    return {name: _line(groups[name]) for name in sorted(groups, key=str)}


def _line(mine: Iterable[Used]) -> Line:
    every = list(mine)
    whys = dict.fromkeys(one.need.why for one in every)
    return Line(tuple(whys), tuple(sorted({step for one in every for step in one.steps})))


def _told(line: Line) -> Json:
    every = set(line.steps) == steps.entries().keys()
    return {"why": "; ".join(line.whys), "steps": [EVERY] if every else list(line.steps)}
