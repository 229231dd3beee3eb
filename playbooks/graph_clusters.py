"""One cluster's part of the graph: ServiceAccounts, what runs as them, what else names the client id. Pure."""

from playbooks import graph_suspicions as suspicions
from responders.gitops import sentence
from responders.graph_model import Node, Part, edge, node
from responders.model import Consumer, ServiceAccountRef, WorkloadRef
from responders.surveys import Survey


def draw(survey: Survey, start: str, *, rebuilt: bool) -> Part:
    """A cluster in which nobody runs as it is no part of the graph; one that could not be asked is."""
    accounts, consumers = survey["service_accounts"], survey.get("consumers", [])
    if survey["reachable"] and not accounts and not consumers:
        return [], []
    own = cluster_id(survey)
    ready = survey["reachable"] and survey["preflight"]["status"] == "done"
    detail = survey["reason"] if not survey["reachable"] else survey["cluster"]["location"]
    nodes = [
        node(
            "cluster",
            own,
            survey["cluster"]["name"],
            detail,
            known=survey["reachable"],
            ready=ready,
        )
    ]
    edges = []
    for account in accounts:
        nodes.append(_account(survey, account, start))
        edges.append(edge(own, account_id(survey, account), "names it"))
    for workload in survey["workloads"]:
        nodes.append(_workload(survey, workload, start, moves=rebuilt and ready))
        place = f"{workload['namespace']}/{workload['service_account']}"
        edges.append(edge(f"{own} account {place}", nodes[-1]["id"], "runs"))
    for consumer in consumers:
        nodes.append(_consumer(survey, consumer, start))
        edges.append(edge(own, nodes[-1]["id"], consumer["field"]))
    return nodes, edges


def _account(survey: Survey, account: ServiceAccountRef, start: str) -> Node:
    return node(
        "ServiceAccount",
        account_id(survey, account),
        f"{account['namespace']}/{account['name']}",
        account["subject"],
        suspicious=suspicions.of_account(account, start),
        created=account.get("created"),
        named_since=account.get("named_since"),
    )


def _workload(survey: Survey, workload: WorkloadRef, start: str, *, moves: bool) -> Node:
    why = suspicions.of_age(workload.get("created"), start)
    if not moves:
        breaks = "gets no new token from containment on; not moved"
    elif why:
        breaks = "stopped with the eviction, and not brought back"
    else:
        breaks = "down from the eviction until it is moved"
    name = f"{workload['namespace']}/{workload['name']}"
    owner = workload.get("owner")
    return node(
        "workload",
        f"{cluster_id(survey)} {workload['kind']} {name} as {workload['service_account']}",
        name,
        f"{workload['kind']}, {_replicas(workload['replicas'])}",
        suspicious=why,
        breaks=breaks,
        replicas=workload["replicas"],
        paused=workload["paused"],
        created=workload.get("created"),
        budgets=workload.get("budgets", []),
        blocking_budgets=workload.get("blocking_budgets", []),
        owner=sentence(owner) if owner else "",
        overrides=workload.get("overrides", []),
        hard_coded=workload["hard_coded_client_id"],
        update_strategy=workload.get("update_strategy", ""),
        longest_token_s=workload.get("longest_token_s"),
    )


def _consumer(survey: Survey, consumer: Consumer, start: str) -> Node:
    place = "/".join(filter(None, (consumer["namespace"], consumer["name"])))
    created = consumer["created"]
    hand = consumer["by_hand"]
    return node(
        "consumer",
        f"{cluster_id(survey)} {consumer['kind']} {place} {consumer['field']}",
        place,
        f"{consumer['kind']}, {consumer['field']}",
        suspicious=suspicions.of_age(created, start) if created else "",
        breaks="fails until a person changes it" if hand else "fails until it is patched",
        by_hand=hand,
        used_by=consumer.get("used_by", []),
        owner=sentence(consumer["owner"]) if consumer["owner"] else "",
    )


def _replicas(number: int) -> str:
    return f"{number} replica" if number == 1 else f"{number} replicas"


def cluster_id(survey: Survey) -> str:
    """Of the cluster's node."""
    return f"cluster {survey['cluster']['name']}"


def account_id(survey: Survey, account: ServiceAccountRef) -> str:
    """Of a ServiceAccount's node."""
    return f"{cluster_id(survey)} account {account['namespace']}/{account['name']}"
