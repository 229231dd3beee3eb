"""Federated credentials: gone when the list is empty, back only as what the plan says.

What it defends: one that won't go does not keep the others, one planted meanwhile goes too, a name
that another trust took is not overwritten, and a retry makes no second one.
"""

import uuid

import pytest

from responders import federated_credentials
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import FederatedCredential
from tests.a_principal import FOREIGN, PRINCIPAL
from tests.azure_fake import FakeAzure, Say, Seen, page, problem
from tests.sandbox_fixture import RunningSandbox

APPLICATION = str(uuid.UUID(int=0xA3))
LIST = f"/v1.0/applications/{APPLICATION}/federatedIdentityCredentials"
BETA = LIST.replace("/v1.0/", "/beta/")
AUDIENCE = "api://AzureADTokenExchange"


def _trust(number: int, **changed: object) -> dict[str, object]:
    return {
        "id": str(uuid.UUID(int=number)),
        "name": f"trust-{number}",
        "issuer": "https://issuer/",
        "subject": f"system:serviceaccount:shop:{number}",
        "audiences": [AUDIENCE],
        "description": None,
        **changed,
    }


def _wanted(number: int) -> FederatedCredential:
    return {
        "id": "",
        "name": f"trust-{number}",
        "issuer": "https://issuer/",
        "subject": f"system:serviceaccount:shop:{number}",
        "audiences": [AUDIENCE],
    }


def _item(number: int) -> str:
    return f"{LIST}/{uuid.UUID(int=number)}"


async def test_a_flexible_one_has_no_subject(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1, subject=None)))
    expression = {"value": "claims['sub'] matches 'repo:contoso/*'", "languageVersion": 1}
    azure.on("GET", BETA, page(_trust(1, subject=None, claimsMatchingExpression=expression)))
    found = await federated_credentials.read_all(cloud, APPLICATION)
    assert found[0]["subject"] is None
    assert found[0]["claims_matching_expression"] == expression


async def test_a_beta_that_does_not_answer_is_said_and_stops_nothing(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", LIST, page(_trust(1, subject=None)), page(_trust(1, subject=None)), page())
    azure.on("GET", BETA, problem(403, "Authorization_RequestDenied"))
    azure.on("DELETE", _item(1), Say(204))
    found = await federated_credentials.read_all(cloud, APPLICATION)
    assert "403" in found[0]["expression_unread"]
    result = await federated_credentials.remove_all(cloud, APPLICATION)
    assert (result["status"], result["items"][0]["subject"]) == ("done", None)


async def test_beta_is_not_asked_without_need(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1)))
    await federated_credentials.read_all(cloud, APPLICATION)
    assert azure.asked("GET", BETA) == []


async def test_a_flexible_one_is_not_made_again_by_a_machine(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", LIST, page())
    with pytest.raises(RefusedError, match="flexible"):
        await federated_credentials.ensure(cloud, APPLICATION, [{**_wanted(1), "subject": None}])
    assert azure.writes() == []


async def test_a_lost_race_is_run_again_one_after_the_other(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1), _trust(2)), page(_trust(1), _trust(2)), page())
    for number in (1, 2):
        conflict = problem(409, "Directory_ConcurrencyViolation")
        azure.on("DELETE", _item(number), conflict, Say(204))
    assert (await federated_credentials.remove_all(cloud, APPLICATION))["status"] == "done"


async def test_a_plan_says_before_and_after(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1)))
    with read_only():
        planned = await federated_credentials.remove_all(cloud, APPLICATION)
    trust = "trust-1 (https://issuer/ system:serviceaccount:shop:1)"
    assert planned["changes"] == [{"object": trust, "before": "trusted", "after": "removed"}]
    assert azure.writes() == []


async def test_one_planted_meanwhile_goes_too(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1)), page(_trust(2)), page())
    for number in (1, 2):
        azure.on("DELETE", _item(number), Say(204))
    result = await federated_credentials.remove_all(cloud, APPLICATION)
    assert result["status"] == "done"
    assert [one["name"] for one in result["items"]] == ["trust-1", "trust-2"]


async def test_one_that_is_gone_already_is_gone(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1)), page())
    result = await federated_credentials.remove_all(cloud, APPLICATION)
    assert result["status"] == "done"


async def test_a_conflict_is_tried_again(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1)), page(_trust(1)), page())
    azure.on("DELETE", _item(1), problem(409, "Directory_ConcurrencyViolation"), Say(204))
    assert (await federated_credentials.remove_all(cloud, APPLICATION))["status"] == "done"


async def test_one_that_is_refused_does_not_keep_the_others(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1), _trust(2), _trust(3)), page(_trust(2)))
    azure.on("DELETE", _item(1), Say(204))
    azure.on("DELETE", _item(2), problem(403, "Authorization_RequestDenied"))
    azure.on("DELETE", _item(3), Say(204))
    result = await federated_credentials.remove_all(cloud, APPLICATION)
    assert result["status"] == "refused"
    assert [one["name"] for one in result["items"]] == ["trust-1", "trust-3"]
    assert f"DELETE {azure.url}{_item(2)}" in result["detail"]


async def test_ones_that_never_go_are_not_called_done(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1)))
    azure.on("DELETE", _item(1), Say(204))
    with pytest.raises(TransientError, match="still read back"):
        await federated_credentials.remove_all(cloud, APPLICATION)


async def test_a_list_that_can_not_be_read_is_not_empty(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, problem(503, "ServiceUnavailable"))
    with pytest.raises(TransientError):
        await federated_credentials.remove_all(cloud, APPLICATION)
    azure.on("GET", LIST, page({"id": "x"}))
    with pytest.raises(ContractChangedError):
        await federated_credentials.remove_all(cloud, APPLICATION)


async def test_a_create_that_failed_late_makes_no_second_one(
    azure: FakeAzure, cloud: Cloud
) -> None:
    kept: list[object] = []

    def create(seen: Seen) -> Say:
        kept.append(_trust(1, **seen.body))
        return problem(504, "GatewayTimeout")

    azure.on("GET", LIST, lambda _: page(*kept))
    azure.on("POST", LIST, create)
    result = await federated_credentials.ensure(cloud, APPLICATION, [_wanted(1)])
    assert (result["status"], len(kept)) == ("done", 1)


async def test_a_new_application_is_waited_for(azure: FakeAzure, cloud: Cloud) -> None:
    kept: list[object] = []

    def create(seen: Seen) -> Say:
        kept.append(_trust(1, **seen.body))
        return Say(201, kept[0])

    azure.on("GET", LIST, problem(404, "Request_ResourceNotFound"), page(), lambda _: page(*kept))
    azure.on("POST", LIST, problem(404, "Request_ResourceNotFound"), create)
    result = await federated_credentials.ensure(cloud, APPLICATION, [_wanted(1)])
    assert result["status"] == "done"


async def test_a_replica_that_is_late_makes_no_second_one(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(), page(), page(), page(_trust(1)))
    azure.on("POST", LIST, Say(201, _trust(1)))
    assert (await federated_credentials.ensure(cloud, APPLICATION, [_wanted(1)]))[
        "status"
    ] == "done"
    assert len(azure.writes()) == 1


async def test_a_subject_that_another_name_has_is_refused(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1, name="somebody-elses")))
    azure.on("POST", LIST, problem(409, "Request_MultipleObjectsWithSameKeyValue"))
    with pytest.raises(RefusedError, match="another one has its issuer and subject"):
        await federated_credentials.ensure(cloud, APPLICATION, [_wanted(1)])


async def test_a_name_that_another_trust_took_is_refused(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", LIST, page(_trust(1, issuer="https://issuer")))  # a slash makes the difference
    with pytest.raises(RefusedError, match="trust-1 exists with issuer"):
        await federated_credentials.ensure(cloud, APPLICATION, [_wanted(1)])
    assert azure.writes() == []


async def test_more_than_entra_allows_is_refused_before_the_first(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", LIST, page(_trust(99)))
    with pytest.raises(RefusedError, match="would have 21"):
        await federated_credentials.ensure(cloud, APPLICATION, [_wanted(n) for n in range(20)])
    assert azure.writes() == []


def test_by_hand_lists_and_deletes_those_of_an_application_that_is_ours() -> None:
    assert [APPLICATION in one for one in federated_credentials.by_hand(PRINCIPAL)] == [True, True]
    assert federated_credentials.by_hand(FOREIGN) == []


# --- sandbox ------------------------------------------------------------------------------------


async def test_what_was_removed_can_be_put_back_and_nothing_else_is_touched(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    application = sandbox.seed["orders_api"]["application_object_id"]
    bystander = sandbox.seed["billing_api"]["application_object_id"]
    others = await federated_credentials.read_all(sandbox_cloud, bystander)
    before = await federated_credentials.read_all(sandbox_cloud, application)
    assert len(before) == 4

    with read_only():
        planned = await federated_credentials.remove_all(sandbox_cloud, application)
    assert planned["status"] == "planned"
    assert await federated_credentials.read_all(sandbox_cloud, application) == before

    runs = [await federated_credentials.remove_all(sandbox_cloud, application) for _ in range(2)]
    assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await federated_credentials.read_all(sandbox_cloud, application) == []
    assert await federated_credentials.read_all(sandbox_cloud, bystander) == others

    puts = [
        await federated_credentials.ensure(sandbox_cloud, application, before) for _ in range(2)
    ]
    assert [one["status"] for one in puts] == ["done", "nothing_to_do"]
    after = await federated_credentials.read_all(sandbox_cloud, application)
    assert _without_ids(after) == _without_ids(before)


def _without_ids(found: list[FederatedCredential]) -> list[tuple[str, str, str | None]]:
    return sorted((one["name"], one["issuer"], one["subject"]) for one in found)


async def test_a_flexible_one_is_read_with_what_it_matches_and_goes(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    application_id = sandbox.seed["orders_api"]["application_object_id"]
    value = "claims['sub'] matches 'repo:planted/*:ref:refs/heads/main'"
    path = f"/beta/applications/{application_id}/federatedIdentityCredentials"
    token = await sandbox_cloud.get_token(sandbox_cloud.endpoints.graph_scope)
    made = sandbox.http.post(
        f"{sandbox.endpoints['graph']}{path}",
        headers={"Authorization": f"Bearer {token}"},
        json={
            "name": "flexible",
            "issuer": "https://token.actions.githubusercontent.com",
            "audiences": [AUDIENCE],
            "claimsMatchingExpression": {"value": value, "languageVersion": 1},
        },
    )
    assert made.status_code == 201, made.text
    found = await federated_credentials.read_all(sandbox_cloud, application_id)
    (flexible,) = [one for one in found if one["subject"] is None]
    assert flexible["claims_matching_expression"]["value"] == value
    await federated_credentials.remove_all(sandbox_cloud, application_id)
    assert await federated_credentials.read_all(sandbox_cloud, application_id) == []
