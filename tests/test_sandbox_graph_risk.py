"""Identity protection of workloads in the pretend Graph: verdicts, licence, pace, log rows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from sandbox.seed import names
from sandbox.world import Json
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import NOBODY, LocalCaller

RISKY = "/identityProtection/riskyServicePrincipals"
DETECTIONS = "/identityProtection/servicePrincipalRiskDetections"
ORDERS = names.ORDERS_API.object_id
BODY = {"servicePrincipalIds": [ORDERS]}
PREFER = {"Prefer": "include-unknown-enum-members"}


@pytest.fixture
def graph() -> LocalCaller:
    """An app that judges, in a tenant that is never too slow for it."""
    caller = LocalCaller(
        ["IdentityRiskyServicePrincipal.ReadWrite.All", "IdentityRiskEvent.Read.All"]
    )
    caller.world.limits.identity_protection = 1000
    caller.world.delays.ingestion = 0
    return caller


def _state(graph: LocalCaller) -> tuple[str, str, str]:
    found: Json = graph.ok("GET", f"{RISKY}/{ORDERS}", **PREFER)
    return found["riskLevel"], found["riskState"], found["riskDetail"]


def test_a_confirmed_principal_is_at_high_risk_until_it_is_dismissed(graph: LocalCaller) -> None:
    assert graph.refused("GET", f"{RISKY}/{ORDERS}") == "404 Request_ResourceNotFound"

    assert graph.call("POST", f"{RISKY}/confirmCompromised", BODY).status_code == 204
    assert _state(graph) == (
        "high",
        "confirmedCompromised",
        "adminConfirmedServicePrincipalCompromised",
    )
    assert graph.call("POST", f"{RISKY}/microsoft.graph.dismiss", BODY).status_code == 204
    assert _state(graph) == ("none", "dismissed", "adminDismissedAllRiskForServicePrincipal")

    history = graph.ok("GET", f"{RISKY}/{ORDERS}/history")["value"]
    assert [each["riskState"] for each in history] == ["confirmedCompromised", "dismissed"]
    assert history[0]["initiatedBy"] == names.FIREBREAK.object_id


def test_later_members_of_the_enumeration_are_for_those_who_ask(graph: LocalCaller) -> None:
    graph.ok("POST", f"{RISKY}/confirmCompromised", BODY)

    assert graph.ok("GET", f"{RISKY}/{ORDERS}")["riskDetail"] == "unknownFutureValue"


def test_a_verdict_is_a_detection_and_in_the_log_tables(graph: LocalCaller) -> None:
    graph.ok("POST", f"{RISKY}/confirmCompromised", BODY)

    query = f"$filter=servicePrincipalId eq '{ORDERS}'"
    (detection,) = graph.ok("GET", f"{DETECTIONS}?{query}")["value"]
    assert detection["riskEventType"] == "adminConfirmedServicePrincipalCompromised"
    (risky,) = graph.world.logs.rows("AADRiskyServicePrincipals")
    (event,) = graph.world.logs.rows("AADServicePrincipalRiskEvents")
    assert (risky["Id"], risky["RiskLevel"], risky["AccountEnabled"]) == (ORDERS, "high", True)
    assert (event["ServicePrincipalId"], event["RiskState"]) == (ORDERS, "confirmedCompromised")


@pytest.mark.parametrize(
    ("ids", "answer"),
    [
        ([], 400),
        ([ORDERS] * 61, 400),
        ([NOBODY], 404),
        ([names.FIREBREAK.object_id], 400),  # a managed identity
        ("all", 400),
    ],
)
def test_what_cannot_be_judged_is_refused_whole(
    graph: LocalCaller, ids: object, answer: int
) -> None:
    body = {"servicePrincipalIds": ids}

    assert graph.call("POST", f"{RISKY}/confirmCompromised", body).status_code == answer
    assert graph.ok("GET", RISKY)["value"] == []


@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("IdentityRiskyServicePrincipal.ReadWrite.All", (200, 403, 204)),
        ("IdentityRiskyServicePrincipal.Read.All", (200, 403, 403)),
        ("IdentityRiskEvent.Read.All", (403, 200, 403)),
        ("Directory.Read.All", (403, 403, 403)),
    ],
)
def test_what_each_permission_covers(
    graph: LocalCaller, role: str, statuses: tuple[int, int, int]
) -> None:
    caller = replace(graph, roles=[role])

    assert (
        caller.call("GET", RISKY).status_code,
        caller.call("GET", DETECTIONS).status_code,
        caller.call("POST", f"{RISKY}/confirmCompromised", BODY).status_code,
    ) == statuses


def test_one_request_a_second_for_everybody_together(graph: LocalCaller) -> None:
    graph.world.limits.identity_protection = 1
    other = replace(graph, who=names.ORDERS_API)
    graph.ok("GET", RISKY)

    refusal = other.call("GET", RISKY)
    assert refusal.status_code == 429
    assert "retry-after" not in refusal.headers
    graph.world.clock.advance(timedelta(seconds=1))
    other.ok("GET", RISKY)


def test_without_the_licence_there_is_nothing(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "licences", {"workload_id_premium": False})
    sandbox.control("POST", "limits", {"identity_protection": 1000})
    graph = LocalCaller(["IdentityRiskyServicePrincipal.ReadWrite.All"])
    graph.world.directory.workload_id_premium = False

    refusal = graph.call("POST", f"{RISKY}/confirmCompromised", BODY)

    assert sandbox.control("GET", "licences", None) == {"workload_id_premium": False}
    assert sandbox.control("GET", "limits", None)["identity_protection"] == 1000
    assert refusal.status_code == 403
    assert refusal.json()["error"]["code"] == "Forbidden"
    assert "not licensed" in refusal.json()["error"]["message"]
    assert len(graph.world.directory.risky_service_principals) == 0
