"""An alert starts one run for whom it is about, however many alerts there are, and none for nobody."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from responders import clusters, known_principals
from responders.cloud import Cloud
from responders.errors import NotFoundError, TransientError, UnresolvedError
from responders.evidence import EvidenceStore, canonical
from tests.a_principal import PRINCIPAL
from tests.evidence_stores import blobs, storage, store
from triggers import instances, intake, starting_runs
from triggers.alert_runs import TooManyRunsError, begin, note_path
from triggers.deciding import decide
from triggers.starting_runs import BusyError, Wanted

__all__ = ["blobs", "storage", "store"]

CLUSTER = {
    "name": "aks-weu",
    "resource_id": "/c/aks-weu",
    "issuer_url": "https://i/",
    "location": "w",
}
KINDS = {
    "failing_sign_ins": "HighIdentityAuthenticationFailures",
    "misconfigured_federation": "FederatedCredentialMisconfiguration",
    "stale_tokens": "TokenExpirationWarning",
}


class Kube:
    """Has one ServiceAccount."""

    async def get(self, path: str) -> Any:
        if not path.endswith("/namespaces/shop/serviceaccounts/orders-api"):
            raise NotFoundError(path)
        return {}


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, store: EvidenceStore) -> Iterator[list[Wanted]]:
    found: list[Wanted] = []
    open_runs: set[str] = set()

    async def connect(*_: Any) -> Any:
        return SimpleNamespace()

    async def lately(_cloud: Any, hint: Any) -> Any:
        if "object_id" not in hint:
            raise UnresolvedError("nobody")
        kind = "unsupported" if hint["object_id"].endswith("f") else "application"
        return {**PRINCIPAL, "object_id": hint["object_id"], "kind": kind}

    async def start(_client: Any, wanted: Wanted) -> Any:
        run_id = starting_runs.run_id(wanted, datetime.now(UTC))
        if run_id not in open_runs:
            open_runs.add(run_id)
            found.append(wanted)
            path = f"run-index/opened/{wanted.playbook}/{run_id}.json"
            await asyncio.to_thread(store.put_json, path, {"run_id": run_id})
        return {"run_id": run_id, "mode": wanted.mode}

    async def is_open(_client: Any, _run_id: str) -> bool:
        return False

    async def list_all(_cloud: Any) -> Any:
        return [CLUSTER]

    async def kube(*_: Any) -> Kube:
        return Kube()

    monkeypatch.setenv("FIREBREAK_TENANT_ID", "00000000-0000-0000-0000-000000000001")
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", "00000000-0000-0000-0000-000000000002")
    monkeypatch.setattr(Cloud, "connect", connect)
    monkeypatch.setattr(known_principals, "lately", lately)
    monkeypatch.setattr(starting_runs, "start", start)
    monkeypatch.setattr(instances, "is_open", is_open)
    monkeypatch.setattr(intake, "store", lambda: store)
    monkeypatch.setattr(clusters, "list_all", list_all)
    monkeypatch.setattr(clusters, "connect", kube)
    yield found


def signal(number: int = 1, hint: Any = None, **more: Any) -> Any:
    name = more.pop("playbook", "failing_sign_ins")
    return {
        "source": "alertmanager",
        "kind": KINDS[name],
        "signal_id": f"f{number}",
        "fired_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+00:00}",
        "title": "alert",
        "severity": "critical",
        "confidence": "medium",
        "authenticated": "token",
        "hint": hint or {"object_id": "00000000-0000-0000-0000-00000000000a"},
        **more,
    }


async def sent(one: Any) -> Any:
    now = one.get("came") or datetime.now(UTC).isoformat(timespec="milliseconds")
    one["came"] = now  # as its record keeps it
    return await begin(one, decide(one, intake.policy()), SimpleNamespace(), came=now)


def account(name: str = "orders-api", cluster: str = "AKS-WEU") -> Any:
    return {"service_account": {"cluster": cluster, "namespace": "shop", "name": name}}


async def test_a_storm_about_one_identity_starts_one_run(started: list[Wanted]) -> None:
    begun = await asyncio.gather(*(sent(signal(number)) for number in range(60)))

    assert len(started) == 1
    assert len({one.run_id for one in begun}) == 1
    assert sum(not one.joined for one in begun) == 1


async def test_each_identity_and_each_playbook_has_a_run_of_its_own(started: list[Wanted]) -> None:
    other = {"object_id": "00000000-0000-0000-0000-00000000000b"}
    for one in (signal(1), signal(2, other), signal(3, playbook="stale_tokens")):
        assert not (await sent(one)).joined

    assert len(started) == 3


async def test_the_same_signal_finds_its_run_again(started: list[Wanted]) -> None:
    one = signal()
    first, again = await sent(one), await sent(one)

    assert (first.run_id, len(started)) == (again.run_id, 1)


async def test_after_a_while_there_is_a_new_run_unless_the_first_still_runs(
    started: list[Wanted], store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await sent(signal(1))
    long_ago = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="milliseconds")

    def age() -> None:
        path = note_path("failing_sign_ins", "00000000-0000-0000-0000-00000000000a")
        known = store.claimed(path)
        assert known is not None
        assert store.replace_claim(path, known, canonical({"run_id": first.run_id, "at": long_ago}))

    await asyncio.to_thread(age)

    async def is_open(_client: Any, _run_id: str) -> bool:
        return True

    with monkeypatch.context() as patched:
        patched.setattr(instances, "is_open", is_open)
        assert (await sent(signal(2))).run_id == first.run_id
    assert (await sent(signal(3))).run_id != first.run_id
    assert len(started) == 2


async def test_alerts_begin_no_more_runs_in_an_hour_than_the_policy_lets_them(
    started: list[Wanted],
) -> None:
    """Whenever they say that they fired: that is the sender's word."""
    most = intake.policy().troubleshooting.most_runs_per_hour
    long_ago = "2026-01-01T00:00:00+00:00"
    for number in range(most):
        hint = {"object_id": f"00000000-0000-0000-0000-{number:011x}0"}
        await sent(signal(number, hint, fired_at=long_ago))

    with pytest.raises(TooManyRunsError):
        await sent(signal(999, {"object_id": "00000000-0000-0000-0000-0000000000aa"}))
    assert len(started) == most


@pytest.mark.parametrize(
    "hint",
    [
        {"app_id": "00000000-0000-0000-0000-00000000dead"},
        {"object_id": "00000000-0000-0000-0000-00000000000f"},
        account("nobody"),
        account(cluster="aks-nowhere"),
        account("../../secrets/x"),
    ],
)
async def test_nobody_starts_nothing(started: list[Wanted], hint: Any) -> None:
    with pytest.raises(UnresolvedError):
        await sent(signal(1, hint, playbook="misconfigured_federation"))

    assert started == []


async def test_a_service_account_is_told_by_its_cluster_and_not_by_what_it_names(
    started: list[Wanted],
) -> None:
    await sent(signal(1, account(), playbook="misconfigured_federation"))
    await sent(signal(2, account(cluster="https://i/"), playbook="misconfigured_federation"))

    (only,) = started
    assert only.parameters == {
        "cluster": "/c/aks-weu",
        "namespace": "shop",
        "service_account": "orders-api",
    }


@pytest.mark.parametrize(("known_by", "most"), [("key", "contain"), ("token", None)])
async def test_a_key_lets_no_incident_go_deeper_than_contain(
    started: list[Wanted], known_by: str, most: str | None
) -> None:
    await sent(signal(authenticated=known_by))

    assert started[0].parameters.get("most") == most


async def test_where_the_policy_only_observes_a_run_only_plans(
    started: list[Wanted], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = intake.policy()
    guards = told.guards.model_copy(update={"observe_only": True})
    monkeypatch.setattr(intake, "policy", lambda: told.model_copy(update={"guards": guards}))

    assert (await sent(signal())).mode == "plan"
    assert started[0].mode == "plan"


async def test_beside_another_run_that_acts_it_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: Any) -> Any:
        raise BusyError("run-x")

    monkeypatch.setattr(starting_runs, "start", start)
    with pytest.raises(TransientError, match="run-x"):
        await sent(signal())
