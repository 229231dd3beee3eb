"""Which identity needs what, and for which steps: the needs of every module that a step leads to."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, get_args

from permissions import steps
from permissions.reach import looked, reached
from permissions.source import Node, functions, modules
from playbooks.hands import Hand, hand_of
from responders.needs import AzureNeed, ClusterNeed, GraphNeed, Need, Needs

HANDS: Final[tuple[Hand, ...]] = get_args(Hand)
# Opened once for the whole app, whoever acts: what was done is written by the identity that is always on.
_ALWAYS: Final = frozenset({"workspace", "evidence", "claims", "topic", "sentinel"})
_READING_VERBS: Final = frozenset({"get", "list", "watch"})
# Actions that read, though they are no `/read`: see `responders.read_only`.
_READING_ACTIONS: Final = frozenset(
    {"Microsoft.ContainerService/managedClusters/listClusterUserCredential/action"}
)


@dataclass(frozen=True, slots=True)
class Used:
    """A need of one module, by one identity, for these steps."""

    hand: Hand
    module: str
    need: Need
    steps: tuple[str, ...]


@cache
def used() -> tuple[Used, ...]:
    """Every need of every module, once for each identity that has it."""
    return tuple(
        Used(hand, module, part, for_steps)
        for module, needs in declared().items()
        for need in needs.every()
        for part, acting in _parts(need)
        for hand in HANDS
        if (for_steps := _steps(hand, module, part, acting=acting))
    )


@cache
def declared() -> dict[str, Needs]:
    """`NEEDS` of every module of the responders that has one."""
    found: dict[str, Needs] = {}
    for name in modules():
        if name.startswith("responders.") and "NEEDS" in modules()[name].trees:
            found[name] = importlib.import_module(name).NEEDS
    return found


def is_read(need: Need) -> bool:
    """Whether nothing can be changed by it."""
    match need:
        case GraphNeed(role=role):
            return ".ReadWrite." not in role
        case AzureNeed(action=action):
            return action.endswith("/read") or action in _READING_ACTIONS
        case ClusterNeed(verbs=verbs):
            return set(verbs) <= _READING_VERBS


def _parts(need: Need) -> Iterator[tuple[Need, bool]]:
    """The need; where it mixes reading and writing in a cluster, each for itself, with whether it acts."""
    if not isinstance(need, ClusterNeed):
        yield need, not is_read(need)
        return
    for acting in (False, True):
        verbs = tuple(one for one in need.verbs if (one not in _READING_VERBS) is acting)
        if verbs:
            yield replace(need, verbs=verbs), acting


def _steps(hand: Hand, module: str, need: Need, *, acting: bool) -> tuple[str, ...]:
    """The steps of this identity that lead to where it is needed."""
    if isinstance(need, AzureNeed) and need.scope in _ALWAYS:
        if hand != "containment":
            return ()
        hands = set(HANDS)
    else:
        hands = {hand}
    found: set[tuple[str, Hand]] = set()
    for node in _where(module, need):
        found |= _leading(acting=acting).get(node, set())
    return tuple(sorted({step for step, whose in found if whose in hands}))


@cache
def _leading(*, acting: bool) -> dict[Node, set[tuple[str, Hand]]]:
    """By node, the steps that lead there, and whose permissions count; `acting`: with more than reading in mind."""
    found: dict[Node, set[tuple[str, Hand]]] = {}
    for step, starts in steps.entries().items():
        for start in starts:
            for node, may_act in reached(start).items():
                if may_act or not acting:
                    found.setdefault(node, set()).add((step, hand_of(step)))
            for node in () if acting else looked(start):
                found.setdefault(node, set()).add((step, "containment"))
    return found


@cache
def _calling(module: str) -> frozenset[Node]:
    """All in a module that may call out: its asynchronous functions, and what its classes do."""
    alone = {node for node, tree in functions("responders") if _is_async(tree)}
    methods = {
        (module, f"{name}.{method}")
        for name, owned in modules()[module].methods.items()
        for method in owned
    }
    return frozenset({node for node in alone if node[0] == module} | methods)


def _is_async(tree: object) -> bool:
    return type(tree).__name__ == "AsyncFunctionDef"


def _where(module: str, need: Need) -> frozenset[Node]:
    if not need.by:
        return _calling(module)
    return frozenset((module, name) for name in need.by)
