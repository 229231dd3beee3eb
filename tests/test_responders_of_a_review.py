"""Readers of a security review on the sandbox: policies by Resource Graph, clusters, when trusts were changed."""

from datetime import UTC, datetime, timedelta

import pytest

from responders import cluster_settings, clusters, hardening_lists, policy_states, trust_changes
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.read_only import read_only
from tests.sandbox_fixture import RunningSandbox

BASELINE = (
    "/providers/Microsoft.Authorization/policySetDefinitions/a8640138-9b0a-4a28-b8cb-1666c838647d"
)


async def test_policies_and_what_violates_them_come_from_resource_graph(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    cluster = sandbox.seed["clusters"]["aks-weu"]["resource_id"]
    subscription = cluster.split("/resourceGroups/")[0]
    assignment = {
        "scope": subscription,
        "name": "baseline",
        "definitionId": BASELINE,
        "enforcementMode": "DoNotEnforce",
    }
    planted = sandbox.control("POST", "seed", {"policyAssignments": [assignment]})
    state = {
        "resourceId": cluster,
        "resourceType": "Microsoft.ContainerService/managedClusters",
        "assignmentId": planted["policyAssignments"][0]["id"],
        "definitionId": "/providers/Microsoft.Authorization/policyDefinitions/x",
    }
    fine = {**state, "state": "Compliant"}
    machine = {**state, "resourceType": "Microsoft.Compute/virtualMachines"}
    sandbox.control("POST", "seed", {"policyStates": [state, fine, machine]})

    with read_only():
        assigned, violated = await policy_states.read(sandbox_cloud)

    assert [(one["definition"], one["enforced"]) for one in assigned] == [
        (BASELINE.rpartition("/")[2], False)
    ]
    assert [one["resource_id"] for one in violated] == [cluster]
    assert violated[0]["assignment_id"] == assigned[0]["id"]


async def test_a_cluster_is_read_for_its_hardening_and_a_forbidden_kind_is_named(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    quota = {"metadata": {"name": "team", "namespace": "shop"}, "spec": {"hard": {"pods": "9"}}}
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": {"resourcequotas": [quota]}}})
    refs = {one["name"]: one for one in await clusters.list_all(sandbox_cloud)}
    fault = {
        "service": "kube-aks-weu",
        "path": "/apis/networking.k8s.io/v1/networkpolicies",
        "kind": "status",
        "status": 403,
    }
    sandbox.control("POST", "faults", [fault])

    found = await hardening_lists.of_cluster(sandbox_cloud, refs["aks-weu"])

    assert [one["metadata"]["name"] for one in found.of("resourcequotas")] == ["team"]
    assert {one["metadata"]["name"] for one in found.of("namespaces")} >= {"shop", "kube-system"}
    assert "orders-api" in {one["name"] for one in found.accounts}
    orders = next(one for one in found.runners if one["name"] == "orders-api")
    assert (orders["kind"], orders["account"], orders["labelled"]) == (
        "Deployment",
        "orders-api",
        True,
    )
    assert list(found.unread) == ["networkpolicies"]


async def test_settings_of_every_cluster(sandbox: RunningSandbox, sandbox_cloud: Cloud) -> None:
    found = await cluster_settings.read_all(sandbox_cloud)

    assert len(found) == len(sandbox.seed["clusters"])
    assert all(not one["local_accounts"] and one["workload_identity"] for one in found)


async def test_a_change_of_trusts_is_found_in_the_logs(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    application = sandbox.seed["orders_api"]["application_object_id"]
    token = sandbox.sign_in("dana", "https://graph.microsoft.com")
    answer = sandbox.http.post(
        f"{sandbox.endpoints['graph']}/v1.0/applications/{application}/federatedIdentityCredentials",
        headers={"Authorization": f"Bearer {token}"},
        json={
            "name": "new",
            "issuer": "https://i.example/",
            "subject": "s",
            "audiences": ["api://AzureADTokenExchange"],
        },
    )
    assert answer.status_code == 201, answer.text
    identity = sandbox.seed["payments_identity"]["resource_id"]
    row = {
        "OperationNameValue": "MICROSOFT.MANAGEDIDENTITY/USERASSIGNEDIDENTITIES/"
        "FEDERATEDIDENTITYCREDENTIALS/WRITE",
        "ActivityStatusValue": "Success",
        "_ResourceId": f"{identity}/federatedIdentityCredentials/x".lower(),
    }
    seeded = {"logRows": [{"table": "AzureActivity", "daysAgo": 4, "row": row}]}
    sandbox.control("POST", "seed", seeded)
    now = datetime.now(UTC) + timedelta(minutes=1)

    found, unread = await trust_changes.read(sandbox_cloud, now - timedelta(days=90), now)

    assert unread == []
    assert found.keys() == {application, identity.lower()}


async def test_a_missing_audit_log_is_named(sandbox: RunningSandbox, sandbox_cloud: Cloud) -> None:
    sandbox.control("POST", "table-plans", {"AuditLogs": None})
    now = datetime.now(UTC)

    found, unread = await trust_changes.read(sandbox_cloud, now - timedelta(days=9), now)

    assert found == {}
    assert len(unread) == 1
    assert "AuditLogs" in unread[0]


@pytest.mark.parametrize(
    ("part", "wish"),
    [
        ("logRows", {"table": "Nope", "row": {}}),
        ("logRows", {"table": "AuditLogs", "row": {"Nope": 1}}),
        ("policyAssignments", {"scope": "/subscriptions/x", "name": "n"}),
    ],
)
def test_a_seed_that_makes_no_sense_is_refused(
    sandbox: RunningSandbox, part: str, wish: dict[str, object]
) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/seed", json={part: [wish]})

    assert answer.status_code == 400


def test_a_crowd_that_does_not_fit_is_refused(sandbox: RunningSandbox) -> None:
    sizes = {"applications": 1, "federated": 2, "accounts": 0, "subscriptions": 0, "assignments": 0}
    too_many = {**sizes, "federated": 0, "subscriptions": 1, "assignments": 4001}

    for body in (sizes, too_many):
        answer = sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/crowd", json=body)
        assert answer.status_code == 400


async def test_a_cluster_without_entra_integration_is_refused(sandbox_cloud: Cloud) -> None:
    (ref, *_) = await clusters.list_all(sandbox_cloud)

    with pytest.raises(RefusedError, match="no Entra integration"):
        await hardening_lists.of_cluster(sandbox_cloud, {**ref, "entra": False})
