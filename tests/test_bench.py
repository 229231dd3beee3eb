"""What the benchmark of a fleet counts, and what it calls too much."""

from typing import Any, cast

import pytest

from bench import __main__ as bench
from bench import audit, fleet, page, recovery
from bench.audit import Audited
from bench.chains import Call
from bench.recovery import Recovery

APPS = "kubernetes /apis/apps/v1/namespaces/team-0"
CORE = "kubernetes /api/v1/namespaces/team-0"


def figures(**parts: Any) -> Recovery:
    whole = {
        "clusters": 50,
        "service_accounts": 10_000,
        "moved": 20,
        "survey_s": 20.0,
        "recovery_s": 15.0,
        "bound_s": 10.0,
        "ratio": 1.5,
        "calls": 1000,
        "calls_per_moved": 3.0,
        "calls_to_stop": 2.0,
        "by_kind": {"list": 300, "object": 100},
        "app_cpu_s": 9.0,
        "sandbox_cpu_s": 5.0,
        "no_core_s": 0.1,
        "most_actions": 75,
        "most_actions_of": "compromised_identity",
        "peak_memory_mb": 240.0,
        "chain": [],
        **parts,
    }
    return cast(Recovery, whole)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (f"PATCH {APPS}/deployments/bench", "object"),
        (f"GET {CORE}/serviceaccounts/bench", "object"),
        (f"POST {CORE}/serviceaccounts", "object"),
        (f"GET {CORE}/serviceaccounts", "list"),
        ("GET kubernetes /api/v1/pods", "list"),
        (f"GET {CORE}/pods/bench-1/log", "log"),
        (f"POST {CORE}/serviceaccounts/bench/token", "token"),
        ("POST kubernetes /apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "review"),
        ("POST kubernetes /apis/networking.k8s.io/v1/namespaces/a/networkpolicies", "fence"),
        ("DELETE kubernetes /apis/networking.k8s.io/v1/namespaces/a/networkpolicies/b", "fence"),
        ("GET kubernetes /apis/networking.k8s.io/v1/namespaces/a/networkpolicies", "list"),
        ("GET graph /v1.0/applications/x", "graph"),
    ],
)
def test_a_call_is_counted_for_what_it_is_about(name: str, kind: str) -> None:
    assert recovery.kind_of(Call(name, 0.0, 1.0, 25.0)) == kind


def test_a_fleet_within_its_budget_is_not_complained_about() -> None:
    assert bench.fleet_over_budget(figures()) == []


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"ratio": 2.01}, "2.01 of its bound"),
        ({"calls_per_moved": 3.05}, "3.05 calls"),
        ({"peak_memory_mb": 400.1}, "400.1 MB"),
        ({"most_actions": 101}, "101 actions"),
    ],
)
def test_what_costs_more_than_it_may_is_named(parts: dict[str, Any], said: str) -> None:
    (complaint,) = bench.fleet_over_budget(figures(**parts))

    assert said in complaint


def test_the_table_has_every_figure_that_has_a_budget() -> None:
    table = page.fleet_table(figures())

    assert all(f"| {value} |" in table for value in ("1.5", "3.0", "240 MB", "15.0 s"))
    assert "object" not in table.split("other calls")[1]


def test_the_fleet_is_as_big_as_the_page_says() -> None:
    assert fleet.CLUSTERS * fleet.ACCOUNTS == 10_000
    assert fleet.ACCOUNTS * fleet.REPLICAS == 400
    assert fleet.TRUSTS == 20


def audited(**parts: Any) -> Audited:
    whole = {
        "calls_ratio": 0.02,
        "time_ratio": 0.05,
        "peak_memory_mb": 300.0,
        "unread": [],
        "progress": ["looking around", "reading applications: 1000 of 20000", "ended"],
    }
    return cast(Audited, whole | parts)


def test_an_audit_within_its_budget_is_not_complained_about() -> None:
    assert audit.over_budget(audited()) == []


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"calls_ratio": 0.06}, "of the calls"),
        ({"time_ratio": 0.2}, "of the time"),
        ({"peak_memory_mb": 400.1}, "400.1 MB"),
        ({"progress": ["ended"]}, "no progress"),
        ({"unread": ["aks-07: down"]}, "aks-07: down"),
    ],
)
def test_an_audit_that_costs_too_much_is_named(parts: dict[str, Any], said: str) -> None:
    (complaint,) = audit.over_budget(audited(**parts))

    assert said in complaint


def test_the_audited_tenant_is_as_big_as_the_page_says() -> None:
    assert (audit.APPLICATIONS, audit.ASSIGNMENTS, fleet.CLUSTERS) == (20_000, 50_000, 50)
    assert audit.FEDERATED < audit.APPLICATIONS
