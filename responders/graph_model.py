"""The nouns of the graph of who breaks with an identity: plain JSON, kept as evidence and shown to people."""

from typing import Literal, TypedDict

from responders.model import Json

NodeKind = Literal[
    "identity",
    "federated credential",
    "attachment",
    "resource",
    "cluster",
    "ServiceAccount",
    "workload",
    "consumer",
]


class Node(TypedDict):
    """Something that the identity reaches, or that reaches it."""

    id: str
    kind: NodeKind
    name: str
    detail: str
    suspicious: str  # why; empty where nothing speaks against it
    breaks: str  # what happens to it between containment and recovery; empty where nothing does
    facts: Json


class Edge(TypedDict):
    """From what gives to what is given."""

    source: str
    target: str
    label: str


class Counts(TypedDict):
    """What a person looks at first."""

    clusters: int  # with somebody who runs as it
    unknown_clusters: int  # could not be asked: their share is not zero but unknown
    federated_credentials: int
    service_accounts: int
    workloads: int
    replicas: int
    blocked_by_budgets: int  # workloads whose budget allows no disruption
    owned_by_gitops: int  # workloads that a controller writes too
    hard_coded: int  # workloads that name a client id in their own template
    consumers: int
    consumers_by_hand: int
    attachments: int
    resources: int
    suspicious: int  # nodes of any kind


class Graph(TypedDict):
    """The whole."""

    nodes: list[Node]
    edges: list[Edge]
    counts: Counts
    unknown: list[str]  # clusters that could not be asked
    unread: list[str]  # what could not be read of the others, a sentence each


Part = tuple[list[Node], list[Edge]]


def node(
    kind: NodeKind,
    node_id: str,
    name: str,
    detail: str,
    *,
    suspicious: str = "",
    breaks: str = "",
    **facts: object,
) -> Node:
    """A node, with whatever else is known of it."""
    return {
        "id": node_id,
        "kind": kind,
        "name": name,
        "detail": detail,
        "suspicious": suspicious,
        "breaks": breaks,
        "facts": dict(facts),
    }


def edge(source: str, target: str, label: str) -> Edge:
    """An edge."""
    return {"source": source, "target": target, "label": label}
