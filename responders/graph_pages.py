"""The graph as Mermaid text, in which nobody's name can add anything.

Source   https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
"""

import re

from responders.graph_boxes import short
from responders.graph_folding import folded
from responders.graph_model import Graph, Node
from responders.untrusted import visible

# Mermaid refuses more than 500 edges and more than 50,000 characters unless its page allows it.
# https://mermaid.js.org/config/schema-docs/config.html
_MOST_NODES = 150
_LONGEST = 60  # characters of a line in a box
_PLAIN = re.compile(r"[A-Za-z0-9 .,/:_-]")
_SHAPES = {
    "identity": ("([", "])"),
    "cluster": ("[[", "]]"),
    "resource": ("[(", ")]"),
    "federated credential": ("{{", "}}"),
}
_STYLES = """\
classDef suspicious stroke:#c00,stroke-width:3px
classDef breaks stroke:#b60,stroke-width:2px
classDef unknown stroke-dasharray:4 4"""


def mermaid(graph: Graph) -> str:
    """A flowchart from left to right. A graph that is too big for a picture is folded first."""
    small = folded(graph, _MOST_NODES)
    short = {one["id"]: f"n{number}" for number, one in enumerate(small["nodes"])}
    lines = ["flowchart LR"]
    lines += [f"{short[one['id']]}{_box(one)}{_style(one)}" for one in small["nodes"]]
    for one in small["edges"]:
        label = f'|"{_text(one["label"])}"|' if one["label"] else ""
        lines.append(f"{short[one['source']]} -->{label} {short[one['target']]}")
    return "\n".join([*lines, *_STYLES.splitlines()]) + "\n"


def summary(graph: Graph) -> list[str]:
    """What breaks, in sentences: numbers first, then what nobody knows, then what looks planted."""
    counts = graph["counts"]
    lines = [
        f"Breaks with it: {_many(counts['workloads'], 'workload')} with "
        f"{_many(counts['replicas'], 'replica')}, as {_many(counts['service_accounts'], 'ServiceAccount')} in "
        f"{_many(counts['clusters'], 'cluster')}",
        f"Of these {counts['blocked_by_budgets']} with a budget that allows no disruption, {counts['owned_by_gitops']} "
        f"written by GitOps or Helm too, {counts['hard_coded']} with a client id in the template",
        f"Also naming the client id: {_many(counts['consumers'], 'object')}, {counts['consumers_by_hand']} of them for "
        f"a person; attached to {_many(counts['attachments'], 'Azure resource')}; roles or policies at "
        f"{_many(counts['resources'], 'scope')}",
    ]
    lines += [f"Unknown: {name} could not be asked who runs there" for name in graph["unknown"]]
    lines += [f"Not read: {one}" for one in graph["unread"]]
    planted = (one for one in graph["nodes"] if one["suspicious"])
    return lines + [
        f"Suspicious: {one['kind']} {one['name']}: {one['suspicious']}" for one in planted
    ]


def by_hand(graph: Graph) -> list[str]:
    """What a person changes after the move, object by object."""
    return [
        f"{one['detail'].partition(',')[0]} {one['name']}: {one['facts']['by_hand']}"
        for one in graph["nodes"]
        if one["facts"].get("by_hand")
    ]


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def mark_of(one: Node) -> str:
    """How a node is to be marked: what speaks against it goes before what happens to it."""
    if one["suspicious"]:
        return "suspicious"
    if one["facts"].get("known") is False:
        return "unknown"
    return "breaks" if one["breaks"] else ""


def lines_of(one: Node) -> list[str]:
    """What stands in its box."""
    said = f"{one['kind']}: {one['name']}"
    why = f"SUSPICIOUS: {one['suspicious']}" if one["suspicious"] else ""
    return [line for line in (said, one["detail"], why, one["breaks"]) if line]


def _box(one: Node) -> str:
    before, after = _SHAPES.get(one["kind"], ("[", "]"))
    return f'{before}"{"<br/>".join(_text(short(line)) for line in lines_of(one))}"{after}'


def _style(one: Node) -> str:
    mark = mark_of(one)
    return f":::{mark}" if mark else ""


def _text(text: str) -> str:
    """Every character that could mean something to Mermaid or HTML as its number."""
    shown = visible(text)
    cut = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}…"
    return "".join(one if _PLAIN.fullmatch(one) else f"#{ord(one)};" for one in cut)
