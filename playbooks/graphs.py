"""Who breaks when this identity is cut off, as a graph: identity, trusts, clusters, ServiceAccounts, workloads. Pure.

Drawn from the snapshot and from the clusters' answers alone, so that it is there for every kind of principal and in
every mode, before anything is asked or done.
"""

from collections.abc import Iterable, Sequence

from playbooks import graph_clusters
from playbooks import graph_suspicions as suspicions
from responders.graph_model import Counts, Edge, Graph, Node, Part, edge, node
from responders.model import FederatedCredential, Incident, Json
from responders.snapshots import Snapshot
from responders.surveys import Survey

_IDENTITY = "identity"


def draw(
    incident: Incident, snapshot: Snapshot, surveys: Sequence[Survey], *, rebuilt: bool
) -> Graph:
    """The same input gives the same graph. `rebuilt`: Firebreak makes a successor of this kind of principal."""
    principal, start = incident["principal"], incident["window_start"]
    kind = principal["kind"].replace("_", " ")
    nodes = [
        node(
            "identity",
            _IDENTITY,
            principal["display_name"],
            f"{kind}, client id {principal['app_id']}",
        )
    ]
    edges: list[Edge] = []
    for part in (
        _trusts(snapshot, surveys),
        _attachments(snapshot),
        _resources(snapshot, start),
        *(graph_clusters.draw(one, start, rebuilt=rebuilt) for one in surveys),
    ):
        nodes += part[0]
        edges += part[1]
    here = {one["id"] for one in nodes}
    edges = [one for one in edges if one["source"] in here and one["target"] in here]
    return {
        "nodes": nodes,
        "edges": edges,
        "counts": _counts(nodes, surveys),
        "unknown": [one["cluster"]["name"] for one in surveys if not one["reachable"]],
        "unread": [
            f"{one['cluster']['name']}: {said}" for one in surveys for said in one.get("unread", [])
        ],
    }


def _trusts(snapshot: Snapshot, surveys: Sequence[Survey]) -> Part:
    nodes, edges = [], []
    for trust in snapshot["federated_credentials"]:
        own = f"trust {trust['name']}"
        said = trust["subject"] or "flexible: an expression instead of a subject"
        why = suspicions.of_trust(trust, surveys)
        nodes.append(
            node(
                "federated credential",
                own,
                trust["name"],
                f"{trust['issuer']} {said}",
                suspicious=why,
            )
        )
        edges.append(edge(_IDENTITY, own, "trusts"))
        edges += _subjects(own, trust, surveys)
    return nodes, edges


def _subjects(own: str, trust: FederatedCredential, surveys: Sequence[Survey]) -> Iterable[Edge]:
    """To the cluster whose issuer it is, and to the ServiceAccount there that has its subject."""
    for survey in surveys:
        if survey["cluster"]["issuer_url"] == trust["issuer"]:
            yield edge(own, graph_clusters.cluster_id(survey), "issuer")
            for account in survey["service_accounts"]:
                if account["subject"] == trust["subject"]:
                    yield edge(own, graph_clusters.account_id(survey, account), "subject")


def _attachments(snapshot: Snapshot) -> Part:
    nodes = [
        node(
            "attachment",
            f"attachment {one['resource_id']}",
            str(one["resource_id"]).rpartition("/")[2],
            f"{one.get('type', '')} {one['resource_id']}".strip(),
            breaks="fails from containment on; a person attaches the new identity",
        )
        for one in snapshot["attachments"]
    ]
    return nodes, [edge(_IDENTITY, one["id"], "is attached to") for one in nodes]


def _resources(snapshot: Snapshot, start: str) -> Part:
    """Every scope once, with all that the identity may do there."""
    held: dict[str, dict[str, str]] = {}  # scope -> role -> why it is suspicious
    for grant in snapshot["grants"]:
        why = suspicions.of_grant(grant, start)
        held.setdefault(grant["scope"], {})[grant["role_name"]] = why
    for carried in snapshot["group_grants"]:
        role = f"{carried.get('role_name', 'a role')} through a group"
        held.setdefault(str(carried["scope"]), {})[role] = ""
    for policy in snapshot["key_vault_policies"]:
        held.setdefault(str(policy["vault_id"]), {})["access policy"] = ""
    nodes, edges = [], []
    for scope in sorted(held):
        roles = held[scope]
        nodes.append(
            node(
                "resource",
                f"resource {scope}",
                scope.rpartition("/")[2] or scope,
                scope,
                suspicious="; ".join(sorted({why for why in roles.values() if why})),
                roles=sorted(roles),
            )
        )
        edges.append(edge(_IDENTITY, f"resource {scope}", ", ".join(sorted(roles))))
    return nodes, edges


def _counts(nodes: Sequence[Node], surveys: Sequence[Survey]) -> Counts:
    of_kind: dict[str, list[Json]] = {}
    for one in nodes:
        of_kind.setdefault(one["kind"], []).append(one["facts"])
    running, consumers = of_kind.get("workload", []), of_kind.get("consumer", [])
    return {
        "clusters": sum(one["known"] for one in of_kind.get("cluster", [])),
        "unknown_clusters": sum(not one["reachable"] for one in surveys),
        "federated_credentials": len(of_kind.get("federated credential", [])),
        "service_accounts": len(of_kind.get("ServiceAccount", [])),
        "workloads": len(running),
        "replicas": sum(one["replicas"] for one in running),
        "blocked_by_budgets": sum(bool(one["blocking_budgets"]) for one in running),
        "owned_by_gitops": sum(bool(one["owner"]) for one in running),
        "hard_coded": sum(one["hard_coded"] for one in running),
        "consumers": len(consumers),
        "consumers_by_hand": sum(bool(one["by_hand"]) for one in consumers),
        "attachments": len(of_kind.get("attachment", [])),
        "resources": len(of_kind.get("resource", [])),
        "suspicious": sum(bool(one["suspicious"]) for one in nodes),
    }
