"""Readers of a whole tenant against the sandbox: what they keep, how few calls they need, what they can't read."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from responders import (
    assignment_lists,
    clusters,
    credential_use,
    group_workloads,
    identity_lists,
    registered_applications,
    registered_principals,
    role_definitions,
    scopes,
    workload_lists,
)
from responders.audit_model import ApplicationsChunk
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.read_only import read_only
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.sandbox_fixture import RunningSandbox

SIZES = {
    "applications": 250,
    "federated": 45,
    "accounts": 5,
    "subscriptions": 2,
    "assignments": 450,
}


APPLICATION = {
    "id": "00000000-0000-4000-8000-000000000001",
    "appId": "00000000-0000-4000-8000-000000000002",
    "displayName": "one",
    "passwordCredentials": [],
    "keyCredentials": [],
    "federatedIdentityCredentials": [
        {"id": "f", "name": "t", "issuer": "i", "subject": "s", "audiences": ["a"]}
    ],
}


async def _all(cloud: Cloud, most_pages: int) -> list[ApplicationsChunk]:
    chunks = [await registered_applications.chunk(cloud, after=None, most_pages=most_pages)]
    while after := chunks[-1]["next_url"]:
        chunks.append(
            await registered_applications.chunk(cloud, after=after, most_pages=most_pages)
        )
    return chunks


def _calls(sandbox: RunningSandbox, service: str) -> Counter[str]:
    lines = [one for one in sandbox.record() if one["service"] == service]
    return Counter(f"{one['method']} {urlsplit(one['url']).path}" for one in lines)


async def test_a_crowd_of_applications_is_read_by_pages_and_its_owners_by_batches(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "crowd", SIZES)

    with read_only():  # batches of reads are reads
        total = await registered_applications.count(sandbox_cloud)
        chunks = await _all(sandbox_cloud, most_pages=2)
    federated = [one for chunk in chunks for one in chunk["federated"]]

    assert len(federated) + sum(len(chunk["others"]) for chunk in chunks) == total
    crowd = [one for one in federated if one["name"].startswith("crowd-")]
    assert len(crowd) == SIZES["federated"]
    assert all(one["owners"] and one["owners"][0]["kind"] == "user" for one in crowd)
    assert [one["credentials"] != [] for one in crowd[:5]] == [True, False, False, False, True]
    assert all(chunk["unread"] == [] for chunk in chunks)
    calls = _calls(sandbox, "graph")
    assert calls["GET /v1.0/applications"] == 3
    assert calls["POST /v1.0/$batch"] == 3
    assert sum(calls.values()) == 7  # and the count


async def test_role_assignments_are_read_by_one_list_for_each_subscription(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    sandbox.control("POST", "crowd", SIZES)
    where = await scopes.visible(sandbox_cloud)

    lists = [await assignment_lists.at(sandbox_cloud, one) for one in where.subscriptions]
    above = [await assignment_lists.at(sandbox_cloud, one) for one in where.management_groups]

    found = {one["id"]: one for chunk in [*lists, *above] for one in chunk["grants"]}
    expected = sandbox.control("GET", "state/roleAssignments")
    assert found.keys() == {one["id"] for one in expected}
    definitions = {key: one for chunk in lists for key, one in chunk["definitions"].items()}
    roles, unread = await role_definitions.read_facts(sandbox_cloud, definitions)
    assert unread == []
    tiers = {one["name"]: (bool(one["owner_level"]), one["writes"]) for one in roles.values()}
    assert tiers["Reader"] == (False, False)
    assert tiers["User Access Administrator"] == (True, True)
    pages = -(-SIZES["assignments"] // SIZES["subscriptions"] // 100)
    calls = _calls(sandbox, "arm")
    per_list = [n for path, n in calls.items() if path.endswith("/roleAssignments")]
    assert max(per_list) <= pages + 1


async def test_groups_with_roles_are_asked_for_their_workloads_in_batches(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    orders = sandbox.seed["orders_api"]["object_id"]
    dana = sandbox.seed["users"]["dana"]["object_id"]
    inner = {"displayName": "inner", "members": [orders]}
    (made,) = sandbox.control("POST", "seed", {"groups": [inner]})["groups"]
    outer = {"displayName": "outer", "members": [made["object_id"], dana]}
    others = [{"displayName": f"g{one}", "members": []} for one in range(24)]
    planted = sandbox.control("POST", "seed", {"groups": [outer, *others]})["groups"]
    gone = "00000000-0000-4000-8000-000000000099"

    with read_only():
        found, unread = await group_workloads.of(
            sandbox_cloud, [*(one["object_id"] for one in planted), gone]
        )

    assert unread == []
    assert found[planted[0]["object_id"]] == [orders]
    assert len(found) == 25
    assert all(not found[one["object_id"]] for one in planted[1:])
    assert _calls(sandbox, "graph") == {"POST /v1.0/$batch": 2}


async def test_service_principals_say_what_they_are_and_microsofts_are_only_counted(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    seed = sandbox.seed
    planted = {"holderId": seed["orders_api"]["object_id"], "displayName": "hidden"}
    sandbox.control("POST", "seed", {"passwordCredentials": [planted]})

    chunk = await registered_principals.chunk(sandbox_cloud, after=None, most_pages=5)

    found = {one["object_id"]: one for one in chunk["principals"]}
    assert [one["holder"] for one in found[seed["orders_api"]["object_id"]]["credentials"]] == [
        "service_principal"
    ]
    payments = found[seed["payments_identity"]["object_id"]]
    assert payments["kind"] == "ManagedIdentity"
    assert payments["resource_id"] == seed["payments_identity"]["resource_id"]
    assert seed["first_party"]["object_id"] in chunk["microsofts"]
    assert seed["first_party"]["object_id"] not in found


async def test_identities_come_with_their_trusts(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    (subscription,) = await sandbox_cloud.subscription_ids()

    found, unread = await identity_lists.in_subscription(sandbox_cloud, subscription)

    wanted = sandbox.seed["payments_identity"]
    (payments,) = (one for one in found if one["resource_id"] == wanted["resource_id"])
    assert payments["object_id"] == wanted["object_id"]
    assert payments["trusts"]
    assert unread == []


async def test_a_cluster_says_who_runs_as_whom_and_who_has_a_secret(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    def deployment(name: str, spec: dict[str, object], **labels: str) -> dict[str, object]:
        selector = {"app": name}
        return {
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {
                "selector": {"matchLabels": selector},
                "template": {"metadata": {"labels": {**selector, **labels}}, "spec": spec},
            },
        }

    reference = {"secretKeyRef": {"name": "sp", "key": "secret"}}
    env = [
        {"name": "AZURE_CLIENT_ID", "value": sandbox.seed["orders_api"]["app_id"]},
        {"name": "AZURE_CLIENT_SECRET", "valueFrom": reference},
        {"name": "PASSWORD", "value": "never-kept"},
    ]
    legacy: dict[str, object] = {"containers": [{"name": "app", "image": "i", "env": env}]}
    objects = {
        "serviceaccounts": [
            {
                "metadata": {
                    "name": "lonely",
                    "namespace": "shop",
                    "annotations": {"azure.workload.identity/client-id": "someone"},
                }
            }
        ],
        "deployments": [deployment("legacy", legacy)],
    }
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": objects}})
    refs = {one["name"]: one for one in await clusters.list_all(sandbox_cloud)}

    facts = await workload_lists.of_cluster(sandbox_cloud, refs["aks-weu"])

    accounts = {one["name"]: one for one in facts["accounts"]}
    assert accounts["orders-api"]["client_id"] == sandbox.seed["orders_api"]["app_id"]
    assert accounts["orders-api"]["pods"] > 0
    assert accounts["orders-api"]["runners"] == 1
    assert (accounts["lonely"]["pods"], accounts["lonely"]["runners"]) == (0, 0)
    assert "shop/default" in facts["account_names"]
    (runner,) = (one for one in facts["runners"] if one["name"] == "legacy")
    assert runner["kind"] == "Deployment"
    assert [one["secret"] for one in runner["legacy"]] == ["sp"]
    assert "never-kept" not in str(facts)


async def test_a_cluster_that_cant_be_read_says_why(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    (ref, *_) = await clusters.list_all(sandbox_cloud)

    facts = await workload_lists.of_cluster(sandbox_cloud, {**ref, "entra": False})

    assert "no Entra integration" in str(facts["unread"])
    assert facts["accounts"] == []


async def test_use_is_summed_up_by_the_workspace_and_a_missing_table_is_no_silence(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    now = datetime.now(UTC)
    row = {
        "TimeGenerated": (now - timedelta(days=3)).isoformat(),
        "ServicePrincipalId": sandbox.seed["orders_api"]["object_id"],
        "FederatedCredentialId": "f0000000-0000-4000-8000-000000000001",
        "ResultType": "0",
    }
    older = {**row, "TimeGenerated": (now - timedelta(days=9)).isoformat()}
    failed = {**row, "ServicePrincipalId": sandbox.seed["billing_api"]["object_id"]}
    rows = [row, older, {**failed, "ResultType": "7000112"}]
    table = "AADServicePrincipalSignInLogs"
    planted = [{"table": table, "row": one} for one in rows]
    sandbox.control("POST", "seed", {"logRows": planted})
    sandbox.control("POST", "table-plans", {"AzureActivity": None})

    found = await credential_use.read(sandbox_cloud, now - timedelta(days=90), now)

    log = found["application_sign_ins"]
    assert log is not None
    assert list(log["last"]) == [row["ServicePrincipalId"]]
    assert log["last"][str(row["ServicePrincipalId"])][:10] == str(row["TimeGenerated"])[:10]
    assert log["oldest"] is not None
    assert log["oldest"][:10] == str(older["TimeGenerated"])[:10]
    assert list(log["credentials"]) == [row["FederatedCredentialId"]]
    assert found["activity"] is None
    assert any("AzureActivity" in one for one in found["unread"])


async def test_owners_that_are_throttled_in_a_batch_are_asked_for_again(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", "/v1.0/applications", page(APPLICATION))
    answers = [problem(429, "TooManyRequests"), page({"id": "dana"})]
    responses = iter(answers)

    def batch(_: object) -> Say:
        said = next(responses)
        shown = {"id": "0", "status": said.status, "headers": {"Retry-After": "0"}}
        return Say(200, {"responses": [{**shown, "body": said.body}]})

    azure.on("POST", "/v1.0/$batch", batch)

    chunk = await registered_applications.chunk(cloud, after=None, most_pages=1)

    assert chunk["unread"] == []
    assert [one["object_id"] for one in chunk["federated"][0]["owners"] or []] == ["dana"]
    assert next(responses, None) is None


async def test_owners_that_may_not_be_read_are_not_nobody(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", "/v1.0/applications", page(APPLICATION))
    refused = {"error": {"code": "Authorization_RequestDenied", "message": "no"}}
    shown = {"id": "0", "status": 403, "headers": {}, "body": refused}
    azure.on("POST", "/v1.0/$batch", Say(200, {"responses": [shown]}))

    chunk = await registered_applications.chunk(cloud, after=None, most_pages=1)

    assert chunk["federated"][0]["owners"] is None
    assert len(chunk["unread"]) == 1


@pytest.mark.parametrize(
    "body",
    [
        b'{"requests": [{"id": "1", "method": "DELETE", "url": "/applications/x"}]}',
        b'{"requests": [{"id": "1", "method": "GET"}, {"id": "2", "method": "PATCH"}]}',
        b'{"requests": []}',
        b"nonsense",
        None,
    ],
)
def test_plan_mode_refuses_a_batch_that_may_write(body: bytes | None) -> None:
    from responders.read_only import refuse_write_in_plan  # noqa: PLC0415

    with read_only(), pytest.raises(RefusedError, match="plan mode"):
        refuse_write_in_plan("POST", "https://graph.microsoft.com/v1.0/$batch", body)
