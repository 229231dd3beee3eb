"""Guards fail closed: whoever is protected, ourselves, or not understood is not acted on."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from responders import (
    acts,
    clusters,
    federated_credentials,
    guards,
    identity_trusts,
    managed_identities,
)
from responders.errors import RefusedError, TransientError
from responders.evidence_folder import EvidenceFolder
from responders.model import Principal
from tests.answers import gives

OBJECT_ID = "11111111-1111-1111-1111-11111111111a"
APP_ID = "22222222-2222-2222-2222-22222222222b"
APPLICATION = "33333333-3333-3333-3333-33333333333c"


def principal(kind: str = "application") -> Principal:
    return {
        "kind": kind,  # type: ignore[typeddict-item]
        "object_id": OBJECT_ID,
        "app_id": APP_ID,
        "application_object_id": APPLICATION if kind.startswith("application") else None,
        "display_name": "orders-api",
        "tenant_id": "t",
        "owner_tenant_id": "t",
        "service_principal_type": "Application",
        "resource_id": None,
        "unsupported_because": None,
    }


def incident(kind: str = "application", source: str = "azure-monitor") -> Any:
    return {"principal": principal(kind), "signal": {"source": source}, "mode": "contain"}


RULES: Any = {
    "acting": True,
    "observe_only": False,
    "protected": [],
    "break_glass": [],
    "most_shared_clusters": 2,
    "most_shared_namespaces": 2,
}


def cloud(
    own: str = "99999999-9999-9999-9999-999999999999",
    error: Exception | None = None,
    deployed: Collection[str] = (),
) -> Any:
    async def own_object_id() -> str:
        if error:
            raise error
        return own

    settings = SimpleNamespace(client_ids=set(deployed))
    return SimpleNamespace(own_object_id=own_object_id, settings=settings)


def trust(cluster: str, namespace: str) -> dict[str, str]:
    return {"issuer": f"https://{cluster}/", "subject": f"system:serviceaccount:{namespace}:sa"}


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """An identity that nobody shares and no cluster runs on; a test changes one thing."""
    refs = [{"name": name, "issuer_url": f"https://{name}/"} for name in ("a", "b", "c")]
    monkeypatch.setattr(federated_credentials, "read_all", gives([]))
    monkeypatch.setattr(identity_trusts, "read_all", gives([]))
    monkeypatch.setattr(managed_identities, "cluster_duty", gives(None))
    monkeypatch.setattr(clusters, "list_all", gives(refs))


async def refusal(what: Any = None, rules: Any = None, of: Any = None) -> str:
    with pytest.raises(RefusedError) as raised:
        await guards.check(of or cloud(), what or incident(), RULES | (rules or {}))
    return str(raised.value)


KINDS = [
    "application",
    "application_without_principal",
    "foreign_application",
    "user_assigned_identity",
    "system_assigned_identity",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_ordinary_principal_passes(kind: str) -> None:
    assert (await guards.check(cloud(), incident(kind), RULES))["status"] == "done"


async def test_the_kill_switch_refuses_everybody() -> None:
    assert "kill switch" in await refusal(rules={"acting": False})


async def test_observe_only_refuses_everybody() -> None:
    assert "observe only" in await refusal(rules={"observe_only": True})


@pytest.mark.parametrize("rule", ["protected", "break_glass"])
@pytest.mark.parametrize("listed", [OBJECT_ID, APP_ID, APPLICATION, OBJECT_ID.upper()])
async def test_a_listed_principal_is_refused_by_any_of_its_ids(listed: str, rule: str) -> None:
    assert (await refusal(rules={rule: [listed]})).startswith(rule)


async def test_what_is_not_supported_is_refused_with_the_reason() -> None:
    what = incident("unsupported")
    what["principal"]["unsupported_because"] = "one of Microsoft's own applications"

    assert "orders-api is one of Microsoft's own" in await refusal(what)


async def test_we_do_not_act_on_ourselves() -> None:
    assert "own identity" in await refusal(of=cloud(OBJECT_ID.upper()))


async def test_a_responders_machine_does_not_act_on_the_deployed_app() -> None:
    assert "own identity" in await refusal(of=cloud("somebody", deployed={APP_ID}))


async def test_neither_of_the_two_identities_acts_on_the_other() -> None:
    """The one that rebuilds is known by its client id: no token of it is needed to leave it alone."""
    two = {"77777777-7777-7777-7777-777777777777", APP_ID}
    assert "own identity" in await refusal(of=cloud("containment", deployed=two))


async def test_not_knowing_who_we_are_is_a_refusal() -> None:
    assert "can't tell" in await refusal(of=cloud(error=RefusedError("no token")))


QUESTIONS = [
    (federated_credentials, "read_all", "application"),
    (managed_identities, "cluster_duty", "application"),
    (managed_identities, "cluster_duty", "system_assigned_identity"),
    (identity_trusts, "read_all", "user_assigned_identity"),
]


@pytest.mark.parametrize(("module", "name", "kind"), QUESTIONS)
async def test_what_cannot_be_asked_right_now_is_asked_again_and_lets_nobody_through(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, kind: str
) -> None:
    monkeypatch.setattr(module, name, gives(TransientError("503")))

    with pytest.raises(TransientError):
        await guards.check(cloud(), incident(kind), RULES)


@pytest.mark.parametrize("kind", ["application", *KINDS[3:]])
async def test_an_identity_that_a_cluster_runs_on_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(managed_identities, "cluster_duty", gives("kubelet identity of aks-weu"))

    assert "kubelet identity of aks-weu" in await refusal(incident(kind))


async def test_not_knowing_whether_a_cluster_runs_on_it_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(managed_identities, "cluster_duty", gives(RefusedError("403")))

    assert "can't tell" in await refusal(incident("user_assigned_identity"))


SHARED = [trust(name, "shop") for name in ("a", "b", "c")]
CROWDED = [trust("a", name) for name in ("x", "y", "z")]


@pytest.mark.parametrize(
    ("trusts", "what"), [(SHARED, "3 clusters"), (CROWDED, "3 namespaces")], ids=["wide", "crowded"]
)
async def test_an_alert_alone_does_not_act_on_a_shared_identity_but_a_responder_does(
    monkeypatch: pytest.MonkeyPatch, trusts: Any, what: str
) -> None:
    monkeypatch.setattr(federated_credentials, "read_all", gives(trusts))

    assert what in await refusal()
    answer = await guards.check(cloud(), incident(source="responder"), RULES)
    assert answer["status"] == "done"


async def test_as_many_as_the_policy_allows_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(federated_credentials, "read_all", gives(SHARED[:2]))

    assert (await guards.check(cloud(), incident(), RULES))["status"] == "done"


async def test_an_intruder_cannot_keep_us_away_by_planting_trusts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = [trust(f"evil-{number}", f"ns-{number}") for number in range(9)]
    monkeypatch.setattr(federated_credentials, "read_all", gives([*SHARED[:1], *planted]))

    assert (await guards.check(cloud(), incident(), RULES))["status"] == "done"


async def test_not_knowing_whether_it_is_shared_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(federated_credentials, "read_all", gives(RefusedError("403")))

    assert "can't tell whether this identity is shared" in await refusal()


NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def acting(number: int) -> Any:
    return {"incident_id": f"inc-{number}", "principal": {"object_id": f"object-{number}"}}


def test_identities_of_the_last_hour_are_counted_across_the_turn_of_the_hour(
    tmp_path: Path,
) -> None:
    store = EvidenceFolder(tmp_path)
    acts.register(store, acting(1), NOW - timedelta(minutes=61))
    acts.register(store, acting(2), NOW - timedelta(minutes=59))

    assert acts.register(store, acting(3), NOW) == 2


def test_an_incident_counts_once_however_often_its_step_runs(tmp_path: Path) -> None:
    store = EvidenceFolder(tmp_path)
    for minute in (0, 1, 40):
        assert acts.register(store, acting(1), NOW + timedelta(minutes=minute)) == 1
    assert acts.register(store, acting(2), NOW + timedelta(minutes=50)) == 2
    # It was first written down 61 minutes ago: it does not count any more.
    assert acts.register(store, acting(3), NOW + timedelta(minutes=61)) == 2
