"""What the app does by itself: the steps of its playbooks, and what its triggers do before a playbook begins."""

import ast
from functools import cache

from permissions.source import Node, functions

# All triggers but their activities: who is meant by a signal or a call, and may it be acted on.
INTAKE = "intake"
_ACTIVITY = ("activity_trigger",)
_TRIGGERS = ("route", "queue_trigger", "timer_trigger", "event_grid_trigger")


@cache
def entries() -> dict[str, tuple[Node, ...]]:
    """By the name of each step, where it begins in the code."""
    found: dict[str, tuple[Node, ...]] = {}
    for package in ("playbooks", "triggers"):
        for node, tree in functions(package):
            if _is(tree, _ACTIVITY):
                found[node[1]] = (*found.get(node[1], ()), node)
            elif package == "triggers" and _is(tree, _TRIGGERS):
                found[INTAKE] = (*found.get(INTAKE, ()), node)
    return found


def _is(tree: ast.AsyncFunctionDef | ast.FunctionDef, triggers: tuple[str, ...]) -> bool:
    """Decorated as one of these, by a blueprint."""
    for decorator in tree.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(attr=name)) if name in triggers:
                return True
    return False
