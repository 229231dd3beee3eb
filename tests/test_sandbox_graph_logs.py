"""What the pretend Graph writes down: the trail that ties a change to a token, and a token to a credential."""

import json
from typing import Any

import pytest

from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import RemoteCaller, federated, firebreak, person


@pytest.fixture
def graph(sandbox: RunningSandbox) -> RemoteCaller:
    sandbox.no_delays()
    return firebreak(sandbox)


def _audited(graph: RemoteCaller) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = graph.sandbox.control("GET", "state/logs/AuditLogs")
    return rows


def test_a_planted_federated_credential_shows_in_the_audit_log(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    ids, dana = sandbox.seed["orders_api"], sandbox.seed["users"]["dana"]
    path = f"/applications/{ids['application_object_id']}/federatedIdentityCredentials"
    who = person(sandbox, "dana")

    who.ok("POST", path, federated("rogue"), **{"x-forwarded-for": "203.0.113.7"})

    row = _audited(who)[-1]
    assert row["OperationName"] == "Update application"
    assert row["InitiatedBy"]["user"]["id"] == dana["object_id"]
    assert row["InitiatedBy"]["user"]["ipAddress"] == "203.0.113.7"
    target = row["TargetResources"][0]
    assert (target["id"], target["type"]) == (ids["application_object_id"], "Application")
    change = target["modifiedProperties"][0]
    assert change["displayName"] == "FederatedIdentityCredentials"
    before, after = json.loads(change["oldValue"]), json.loads(change["newValue"])
    assert {each["Name"] for each in after} - {each["Name"] for each in before} == {"rogue"}


def test_credentials_show_under_the_names_that_hunters_look_for(graph: RemoteCaller) -> None:
    ids = graph.sandbox.seed["orders_api"]
    graph.ok("POST", f"/applications/{ids['application_object_id']}/addPassword", {})
    added = graph.ok("POST", f"/servicePrincipals/{ids['object_id']}/addPassword", {})
    body = {"keyId": added["keyId"]}
    graph.ok("POST", f"/servicePrincipals/{ids['object_id']}/removePassword", body)
    graph.ok("PATCH", f"/servicePrincipals/{ids['object_id']}", {"accountEnabled": False})

    rows = _audited(graph)[-4:]

    assert [row["OperationName"] for row in rows] == [
        "Update application \u2013 Certificates and secrets management ",
        "Add service principal credentials",
        "Remove service principal credentials",
        "Update service principal",
    ]
    initiator = rows[0]["InitiatedBy"]["app"]
    assert initiator["servicePrincipalId"] == graph.sandbox.seed["firebreak"]["object_id"]
    described = rows[1]["TargetResources"][0]["modifiedProperties"][0]
    assert described["displayName"] == "KeyDescription"
    assert added["keyId"] in described["newValue"]
    assert added["keyId"] not in described["oldValue"]
    enabled = rows[3]["TargetResources"][0]["modifiedProperties"][0]
    assert (enabled["oldValue"], enabled["newValue"]) == ("[true]", "[false]")


def test_a_refused_change_is_not_audited(graph: RemoteCaller) -> None:
    graph.refused("PATCH", f"/applications/{graph.sandbox.seed['orders_api']['object_id']}", {})

    rows = graph.sandbox.control("GET", "state/logs")
    assert "AuditLogs" not in rows


def test_every_call_is_logged_with_its_token(graph: RemoteCaller) -> None:
    request_id = "11111111-2222-3333-4444-555555555555"
    graph.ok("GET", "/organization", **{"client-request-id": request_id})
    graph.refused("GET", "/applications/nobody")

    rows = graph.sandbox.control("GET", "state/logs")
    sign_in = rows["AADManagedIdentitySignInLogs"][-1]
    reads, refused = rows["MicrosoftGraphActivityLogs"]
    assert reads["UniqueTokenId"] == sign_in["UniqueTokenIdentifier"] != ""
    assert reads["ClientRequestId"] == request_id
    assert reads["RequestUri"] == f"{graph.sandbox.endpoints['graph']}/v1.0/organization"
    assert "Application.ReadWrite.All" in reads["Roles"].split()
    assert reads["ServicePrincipalId"] == graph.sandbox.seed["firebreak"]["object_id"]
    assert (refused["RequestMethod"], refused["ResponseStatusCode"]) == ("GET", 404)


def test_rows_arrive_late(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "delays", {"ingestion": 3600})
    graph = firebreak(sandbox)
    graph.ok("POST", "/applications", {"displayName": "new"})

    assert sandbox.control("GET", "state/logs").get("AuditLogs", []) == []
    sandbox.control("POST", "clock", {"advance_seconds": 3600})
    assert len(_audited(graph)) == 1


def test_the_audit_log_can_be_read_through_graph(graph: RemoteCaller) -> None:
    created = graph.ok("POST", "/applications", {"displayName": "new"})
    graph.ok("PATCH", f"/applications/{created['id']}", {"notes": "x"})
    query = (
        "$filter=activityDateTime ge 2020-01-01T00:00:00Z and "
        f"targetResources/any(t:t/id eq '{created['id']}')"
    )

    found = graph.ok("GET", f"/auditLogs/directoryAudits?{query}")["value"]

    names = [each["activityDisplayName"] for each in found]
    assert names == ["Update application", "Add application"]
    by = graph.sandbox.seed["firebreak"]["object_id"]
    assert {each["initiatedBy"]["app"]["servicePrincipalId"] for each in found} == {by}
    one = graph.ok("GET", f"/auditLogs/directoryAudits/{found[0]['id']}")
    assert one["id"] == found[0]["id"]


def test_sign_ins_of_principals_are_in_beta_only(graph: RemoteCaller) -> None:
    query = "$filter=signInEventTypes/any(t:t eq 'managedIdentity')"

    assert graph.refused("GET", f"/auditLogs/signIns?{query}") == "400 BadRequest"
    answer = graph.call("GET", f"/auditLogs/signIns?{query}", version="beta")

    found = answer.json()["value"]
    me = graph.sandbox.seed["firebreak"]
    assert {each["servicePrincipalId"] for each in found} == {me["object_id"]}
    assert all(each["uniqueTokenIdentifier"] for each in found)
