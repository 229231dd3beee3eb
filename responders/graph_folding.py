"""A graph that is too big to look at, made smaller: what is alike and unsuspicious becomes one node. Pure."""

from collections.abc import Mapping

from responders.graph_model import Edge, Graph, Node, NodeKind, node

# What is folded first: the leaves, then what they hang on, which makes more leaves alike.
_ORDER: tuple[NodeKind, ...] = (
    *("workload", "consumer", "resource", "ServiceAccount"),
    *("workload", "attachment", "federated credential", "cluster"),
    *("ServiceAccount", "workload", "consumer"),
)
_PLURALS: Mapping[NodeKind, str] = {
    "federated credential": "federated credentials",
    "attachment": "attachments",
    "resource": "resources",
    "cluster": "clusters",
    "ServiceAccount": "ServiceAccounts",
    "workload": "workloads",
    "consumer": "consumers",
}


def folded(graph: Graph, most: int) -> Graph:
    """The graph with at most so many nodes, as far as folding goes: what is suspicious is never folded."""
    for kind in _ORDER:
        if len(graph["nodes"]) <= most:
            break
        graph = _folded(graph, kind)
    return graph


def _folded(graph: Graph, kind: NodeKind) -> Graph:
    """All nodes of this kind that hang on the same ones, each group as one."""
    parents: dict[str, set[str]] = {}
    for edge in graph["edges"]:
        parents.setdefault(edge["target"], set()).add(edge["source"])
    groups: dict[tuple[str, ...], list[Node]] = {}
    for one in graph["nodes"]:
        if one["kind"] == kind and not one["suspicious"]:
            groups.setdefault(tuple(sorted(parents.get(one["id"], ()))), []).append(one)
    instead = {
        one["id"]: _group(kind, group)
        for group in groups.values()
        if len(group) > 1
        for one in group
    }
    nodes = {one["id"]: one for one in (instead.get(one["id"], one) for one in graph["nodes"])}
    return {**graph, "nodes": list(nodes.values()), "edges": _moved(graph["edges"], instead)}


def _group(kind: NodeKind, group: list[Node]) -> Node:
    """One node for all of them: how many there are, and how they break."""
    number = sum(one["facts"].get("folded", 1) for one in group)
    replicas = sum(one["facts"].get("replicas", 0) for one in group)
    breaks = sorted({one["breaks"] for one in group if one["breaks"]})
    return node(
        kind,
        f"all of {group[0]['id']}",
        f"{number} {_PLURALS[kind]}",
        f"{replicas} replicas" if replicas else ", ".join(one["name"] for one in group[:3]),
        breaks="; ".join(breaks),
        folded=number,
        replicas=replicas,
    )


def _moved(edges: list[Edge], instead: Mapping[str, Node]) -> list[Edge]:
    """The edges between what is left, each once."""
    moved: dict[tuple[str, str], Edge] = {}
    for one in edges:
        ends = [
            instead[end]["id"] if end in instead else end for end in (one["source"], one["target"])
        ]
        label = one["label"] if ends == [one["source"], one["target"]] else ""
        moved.setdefault((ends[0], ends[1]), {"source": ends[0], "target": ends[1], "label": label})
    return list(moved.values())
