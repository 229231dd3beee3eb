"""The graph of a real incident: read from the sandbox's clusters, bound to the plan's hash, told in the card."""

from typing import Any, cast

import pytest

from drill.alert import Severity
from playbooks import plans
from playbooks.journaled import open_store
from responders.evidence import canonical, digest
from tests.in_process import InProcess, in_process
from tests.sandbox_fixture import RunningSandbox

__all__ = ["in_process"]


async def drawn(in_process: InProcess, object_id: str, severity: Severity) -> tuple[Any, Any, str]:
    """The graph, the plan or None, and the last card, as text."""
    order = await in_process.alert(object_id, severity)
    await in_process.start(order).until("awaiting_consent", "watching", "closed")
    base, store = f"incidents/{order['incident']['incident_id']}", open_store()
    plan = store.get_json(f"{base}/plan.json") if store.exists(f"{base}/plan.json") else None
    cards = [
        one
        for one in store.list(f"{base}/notices")
        if one.endswith(("/asking/teams.json", "/planned/teams.json"))
    ]
    return store.get_json(f"{base}/graph.json"), plan, store.get(cards[-1]).decode()


async def test_an_application_whose_graph_a_consent_covers(
    in_process: InProcess, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBSITE_HOSTNAME", "firebreak.example")
    graph, plan, card = await drawn(in_process, sandbox.seed["orders_api"]["object_id"], "Sev0")
    assert plan["graph"] == digest(canonical(graph))
    assert plans.plan_hash(plan) != plans.plan_hash(cast(plans.Plan, {**plan, "graph": "another"}))
    workloads = {one["name"] for one in graph["nodes"] if one["kind"] == "workload"}
    assert workloads == {"shop/orders-api", "shop/orders-worker"}
    assert graph["counts"]["service_accounts"] == len(plan["federated_credentials"])
    assert f"Breaks with it: {graph['counts']['workloads']} workloads" in card
    assert "https://firebreak.example/incidents/" in card
    assert "/graph.svg" in card


async def test_a_managed_identity_in_plan_mode(
    in_process: InProcess, sandbox: RunningSandbox
) -> None:
    graph, _, card = await drawn(in_process, sandbox.seed["payments_identity"]["object_id"], "Sev3")
    kinds = {one["kind"] for one in graph["nodes"]}
    assert {"identity", "federated credential", "cluster", "workload"} <= kinds
    assert "Breaks with it:" in card
