"""What each of Firebreak's identities needs: `permissions.json`, made of every responder's needs, deployed along."""

import json
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from responders.errors import ContractChangedError
from responders.model import Json
from responders.needs import BINDINGS, ENABLING, ROTATING, SUSPENDING
from responders.settings import Hand, Profile, Settings

_FILE: Final = Path(__file__).parent / "permissions.json"
_SCHEMA: Final = 1
_EVENTS, _COMMENTS = "FIREBREAK_EVENT_GRID_TOPIC", "notices.sentinel_comments"


class Line(NamedTuple):
    """Why something is needed, and the steps that fail without it."""

    why: str
    steps: tuple[str, ...]

    def said(self) -> str:
        """For a person: what it is for, and what stops."""
        named = ", ".join(self.steps[:3])
        more = f" and {len(self.steps) - 3} more" if len(self.steps) > 3 else ""
        return f"{self.why} ({named}{more})"


class RoleNeed(NamedTuple):
    """A role in Azure, at one kind of scope."""

    hand: Hand
    role: str
    scope: str
    actions: Mapping[str, Line]
    data: Mapping[str, Line]
    condition: str | None
    option: str  # without which it is left out; "" for what every deployment needs
    required: bool  # False: the option is switched off


class Rule(NamedTuple):
    """Verbs on a resource of a cluster, `plural.group/subresource`, or on a path."""

    resource: str
    verbs: tuple[str, ...]
    line: Line
    wanted: bool  # without it less is seen or done, and the rest goes on
    required: bool


class Needed(NamedTuple):
    """Of one identity: all that it needs, of both kinds of work where it does both."""

    graph: Mapping[str, Line]
    roles: tuple[RoleNeed, ...]
    rules: tuple[Rule, ...]


def of(hands: Collection[Hand], profile: Profile, switched_on: Collection[str]) -> Needed:
    """What an identity needs that does this work, in this profile, with what the settings switch on."""
    graph: dict[str, Line] = {}
    roles: list[RoleNeed] = []
    rules: list[Rule] = []
    for hand in sorted(hands):
        found = _document()["hands"][hand]
        graph |= {one["role"]: _line(one) for one in found["graph"] if profile in one["profiles"]}
        roles += [_role(hand, one, profile, switched_on) for one in found["azure"]]
        rules += [_rule(one, switched_on) for one in found["cluster"] if profile in one["profiles"]]
    return Needed(graph, tuple(roles), tuple(rules))


def switched_on(settings: Settings, policy: Json) -> frozenset[str]:
    """The options that this deployment uses, by the names that the file has for them."""
    wanted = {
        _EVENTS: settings.event_grid_topic is not None,
        _COMMENTS: policy["notices"]["sentinel_comments"],
        BINDINGS: True,  # every survey asks for them
        ENABLING: policy["provision"]["enable_clusters"],
        SUSPENDING: policy["recovery"]["gitops"] == "suspend",
        ROTATING: "rotate_keys" in policy["recovery"]["refederation"].values(),
    }
    return frozenset(name for name, is_on in wanted.items() if is_on)


def options() -> frozenset[str]:
    """Every option that the file names. A test compares them with `switched_on`."""
    return frozenset(
        one["optional"]
        for hand in _document()["hands"].values()
        for one in (*hand["azure"], *hand["cluster"])
        if one["optional"]
    )


@cache
def _document() -> Json:
    try:
        found: Json = json.loads(_FILE.read_bytes())
    except (OSError, ValueError) as wrong:
        raise ContractChangedError(
            f"{_FILE.name} was not deployed, or is no JSON: {wrong}"
        ) from wrong
    if found.get("schema") != _SCHEMA:
        raise ContractChangedError(
            f"{_FILE.name} is of schema {found.get('schema')}, not {_SCHEMA}"
        )
    return found


def _is_on(one: Json, switched_on: Collection[str]) -> bool:
    return not one["optional"] or one["optional"] in switched_on


def _line(one: Json) -> Line:
    return Line(one["why"], tuple(one["steps"]))


def _role(hand: Hand, one: Json, profile: Profile, switched_on: Collection[str]) -> RoleNeed:
    def lines(part: str) -> dict[str, Line]:
        return {each["action"]: _line(each) for each in one[part] if profile in each["profiles"]}

    return RoleNeed(
        hand,
        one["role"],
        one["scope"],
        lines("actions"),
        lines("dataActions"),
        one["condition"],
        one["optional"],
        _is_on(one, switched_on),
    )


def _rule(one: Json, switched_on: Collection[str]) -> Rule:
    is_on = _is_on(one, switched_on)
    return Rule(_resource(one), tuple(one["verbs"]), _line(one), bool(one.get("wanted")), is_on)


def _resource(one: dict[str, Any]) -> str:
    if one["nonResourceURLs"]:
        return str(one["nonResourceURLs"][0])
    (group,), (name,) = one["apiGroups"], one["resources"]
    noun, slash, subresource = str(name).partition("/")
    return f"{noun}{'.' if group else ''}{group}{slash}{subresource}"
