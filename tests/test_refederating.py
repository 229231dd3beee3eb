"""Waiting ends nothing while an intruder may request tokens, nor before the last one requested has expired."""

import json
from typing import Any

import pytest

from playbooks.journaled import open_store
from responders import mint_rights
from tests.in_process import InProcess, activities

EVICTED = "2030-01-01T10:00:00+00:00"
SWEEP = "sweep-1-waited-1"
AUDIT = ("AKSAudit", "AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")


@pytest.fixture
async def order(in_process: InProcess) -> Any:
    """An order about one cluster, whose ServiceAccount orders-api is in the plan and in the snapshot."""
    seed = in_process.sandbox.described["seed"]
    opened = await in_process.call({"object_id": seed["orders_api"]["object_id"]}, mode="respond")
    listed = await activities()["list_clusters"](dict(opened))
    ref = next(one for one in listed["clusters"] if one["name"] == "aks-weu")
    account = {"namespace": "shop", "name": "orders-api", "subject": "x"}
    running = {"kind": "Deployment", "namespace": "shop", "name": "orders-api"}
    survey = {"cluster": ref, "service_accounts": [account], "workloads": [running]}
    base = f"incidents/{opened['incident']['incident_id']}"
    open_store().put_json(f"{base}/plan.json", {"clusters": [{"survey": survey}]})
    subject = "system:serviceaccount:shop:orders-api"
    open_store().put_json(
        f"{base}/snapshot.json", {"federated_credentials": [{"subject": subject}]}
    )
    facts = {"sweep": SWEEP, "since": EVICTED, "vector": "unknown"}
    return {**opened, "cluster": ref, "facts": facts}


def holder(created: str, user: str = "eve") -> dict[str, Any]:
    return {
        "who": f"User {user}",
        "user": user,
        "binding": "RoleBinding shop/b",
        "created": created,
        "by_hand": "kubectl -n shop delete rolebinding b",
    }


def requested(minute: int, user: str = "eve", code: int = 201) -> dict[str, Any]:
    reference = {
        "resource": "serviceaccounts",
        "subresource": "token",
        "namespace": "shop",
        "name": "orders-api",
    }
    return {
        "TimeGenerated": f"2030-01-01T10:{minute:02}:00Z",
        "AuditId": f"{minute} {user}",
        "Verb": "create",
        "ObjectRef": json.dumps(reference),
        "User": json.dumps({"username": user}),
        "ResponseStatus": json.dumps({"code": code}),
    }


def keep(order: Any, rows: list[Any], *, sweep: str = SWEEP, gap: str = "") -> None:
    """A sweep in the evidence; `gap` is a source that it has not read whole."""
    base = f"incidents/{order['incident']['incident_id']}/logs/{sweep}"
    store = open_store()
    for source in AUDIT:
        kept = store.put_rows(f"{base}/{source}.jsonl", rows if source == "AKSAudit" else [])
        about = {"complete": source != gap, "gaps": [], "rows": kept, "usernames": []}
        store.put_json(f"{base}/{source}.json", about)


async def check(order: Any, monkeypatch: pytest.MonkeyPatch, *holders: Any) -> Any:
    async def ask(*_: Any, **__: Any) -> list[Any]:
        return list(holders)

    monkeypatch.setattr(mint_rights, "ask", ask)
    return await activities()["check_foothold"](order)


async def look(order: Any) -> Any:
    return await activities()["look_for_requests"](order)


async def test_a_right_that_was_given_in_the_window_keeps_the_name_untrusted(
    order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await check(order, monkeypatch, holder("2100-01-01T00:00:00Z"))

    assert answer["status"] == "refused"
    assert "evicted: Deployment shop/orders-api" in answer["detail"]
    assert "kubectl -n shop delete rolebinding b" in answer["detail"]


async def test_a_right_from_before_the_window_is_named_and_no_foothold(
    order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await check(order, monkeypatch, holder("2020-01-01T00:00:00Z"))

    assert answer["status"] == "done"
    assert "may still request tokens: User eve by RoleBinding shop/b" in answer["detail"]


async def test_whoever_requested_tokens_in_the_window_is_a_foothold_however_old_the_right(
    order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(order, [requested(1)], sweep="sweep-1")

    assert (await check(order, monkeypatch, holder("2020-01-01T00:00:00Z")))["status"] == "refused"
    other = holder("2020-01-01T00:00:00Z", "rosa")
    assert (await check(order, monkeypatch, other))["status"] == "done"


async def test_the_old_identity_itself_is_a_foothold_however_old_its_right(
    order: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokens live on, and a cluster takes them: they request new ones of ServiceAccounts, by new keys too."""
    itself = holder("2020-01-01T00:00:00Z", order["incident"]["principal"]["object_id"])

    answer = await check(order, monkeypatch, itself)

    assert answer["status"] == "refused"
    assert "with tokens of the old identity" in answer["detail"]


async def test_each_token_that_was_requested_since_the_eviction_lives_a_day(order: Any) -> None:
    keep(order, [requested(5), requested(20), requested(30, code=403)])

    answer = await look(order)

    assert answer["until"] == "2030-01-02T10:20:00+00:00"
    assert "2 tokens requested by eve" in answer["detail"]


async def test_tokens_from_before_the_eviction_are_waited_for_already(order: Any) -> None:
    keep(order, [{**requested(0), "TimeGenerated": "2030-01-01T09:59:59Z"}])

    assert (await look(order))["until"] == ""


@pytest.mark.parametrize(("vector", "status"), [("unknown", "done"), ("cluster", "refused")])
async def test_an_audit_log_with_a_gap_is_said_and_is_a_no_after_a_way_in_through_a_cluster(
    order: Any, vector: str, status: str
) -> None:
    keep(order, [], gap="AKSAudit")

    answer = await look({**order, "facts": {**order["facts"], "vector": vector}})

    assert answer["status"] == status
    assert "could not be read whole" in (answer["detail"] + " ".join(answer.get("unread", [])))


async def test_what_an_earlier_sweep_read_whole_says_nothing_of_the_wait(order: Any) -> None:
    keep(order, [], sweep="sweep-1")

    answer = await look({**order, "facts": {**order["facts"], "vector": "cluster"}})

    assert answer["status"] == "refused"
