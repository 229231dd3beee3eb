"""What Firebreak's identities are given: the permission file that a deployment goes by, read as data.

The sandbox knows of nothing that Firebreak needs. It plants what the file says and refuses everything else, so that
what is deployed is what is tried.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
FILE = Path(__file__).resolve().parent.parent / "infra" / "permissions" / "permissions.json"
FULL = "full"
HANDS = ("containment", "rebuild")


@dataclass(frozen=True, slots=True)
class Role:
    """A role of Azure with what it lets its holder do, and where it is given."""

    name: str
    scope: str  # guarded, workspace, evidence, claims, topic, sentinel
    actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    condition: str | None

    @property
    def permissions(self) -> list[str]:
        """As they are counted: the same action in two roles is two permissions."""
        return [f"{self.name}: {one}" for one in (*self.actions, *self.data_actions)]


@dataclass(frozen=True, slots=True)
class Granted:
    """What one of the identities is given."""

    graph: tuple[str, ...]  # app roles of Microsoft Graph
    azure: tuple[Role, ...]
    cluster: tuple[Json, ...]  # rules of a ClusterRole

    @property
    def in_clusters(self) -> list[str]:
        """Each verb of each resource, or path, as they are counted."""
        return [
            named(verb, what, group)
            for rule in self.cluster
            for verb in rule["verbs"]
            for group in rule.get("apiGroups") or [""]
            for what in (*rule.get("resources", ()), *rule.get("nonResourceURLs", ()))
        ]


def named(verb: str, what: str, group: str = "") -> str:
    """A permission in a cluster, as kubectl writes it: `list deployments.apps`, `get /openid/v1/jwks`."""
    resource, slash, sub = what.partition("/")
    if what.startswith("/") or not group:
        return f"{verb} {what}"
    return f"{verb} {resource}.{group}{slash}{sub}"


def read(path: Path, profile: str = FULL) -> dict[str, Granted]:
    """Name of the identity -> what it is given. Raises `ValueError` for a profile that the file does not have."""
    return parse(json.loads(path.read_text()), profile)


def parse(content: Json, profile: str = FULL) -> dict[str, Granted]:
    """The same of what such a file says. Raises `KeyError` where something is missing."""
    if profile not in content["profiles"]:
        raise ValueError(f"there is no profile {profile}: {', '.join(content['profiles'])}")
    return {name: _granted(content["hands"][name], profile) for name in HANDS}


def _granted(hand: Json, profile: str) -> Granted:
    roles = [
        Role(
            name=one["role"],
            scope=one["scope"],
            actions=tuple(each["action"] for each in _of(one["actions"], profile)),
            data_actions=tuple(each["action"] for each in _of(one["dataActions"], profile)),
            condition=one.get("condition"),
        )
        for one in hand["azure"]
    ]
    return Granted(
        graph=tuple(one["role"] for one in _of(hand["graph"], profile)),
        azure=tuple(one for one in roles if one.actions or one.data_actions),
        cluster=tuple(_rule(one) for one in _of(hand["cluster"], profile)),
    )


def _of(entries: Iterable[Json], profile: str) -> list[Json]:
    return [one for one in entries if profile in one["profiles"]]


def _rule(entry: Json) -> Json:
    """A PolicyRule of Kubernetes, which has either resources or paths."""
    kept = ("nonResourceURLs",) if entry.get("nonResourceURLs") else ("apiGroups", "resources")
    rule: Json = {name: list(entry[name]) for name in kept}
    return {**rule, "verbs": list(entry["verbs"])}
