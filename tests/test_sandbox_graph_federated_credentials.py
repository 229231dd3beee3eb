"""Federated credentials of the pretend Graph: the limits that a rebuild runs into, as documented."""

import pytest

from sandbox.seed.names import ORDERS_API
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import (
    AUDIENCES,
    GraphCaller,
    LocalCaller,
    federated,
    firebreak,
    person,
)

PREFER = {"Prefer": "create-if-missing"}


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


@pytest.fixture
def trusts(graph: LocalCaller) -> str:
    """The credentials of a new application, none yet."""
    return f"/applications/{graph.new_application()['id']}/federatedIdentityCredentials"


def _names(graph: GraphCaller, trusts: str) -> list[str]:
    return [each["name"] for each in graph.ok("GET", trusts)["value"]]


def test_one_is_created_read_by_id_and_name_and_deleted(graph: LocalCaller, trusts: str) -> None:
    created = graph.ok("POST", trusts, federated("ci-main"))

    assert created["audiences"] == AUDIENCES
    assert created["description"] is None
    assert "applicationId" not in created
    by_id = graph.ok("GET", f"{trusts}/{created['id']}")
    by_name = graph.ok("GET", f"{trusts}/ci-main")
    assert by_id["id"] == by_name["id"] == created["id"]
    assert graph.call("DELETE", f"{trusts}/{created['id']}").status_code == 204
    assert graph.refused("DELETE", f"{trusts}/{created['id']}") == "404 Request_ResourceNotFound"
    assert _names(graph, trusts) == []


def test_a_name_is_taken_once(graph: LocalCaller, trusts: str) -> None:
    graph.ok("POST", trusts, federated("ci-main"))

    answer = graph.call("POST", trusts, federated("ci-main", "other"))

    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "Request_MultipleObjectsWithSameKeyValue")
    assert error["message"] == "FederatedIdentityCredential with name ci-main already exists."


def test_issuer_and_subject_are_taken_once(graph: LocalCaller, trusts: str) -> None:
    graph.ok("POST", trusts, federated("ci-main"))

    refusal = graph.refused("POST", trusts, federated("another"))

    assert refusal == "400 InvalidFederatedIdentityCredentialValue"


def test_a_slash_at_the_end_makes_another_issuer(graph: LocalCaller, trusts: str) -> None:
    graph.ok("POST", trusts, federated("ci-main"))

    graph.ok("POST", trusts, federated("ci-main-2") | {"issuer": "https://token.example.org"})

    assert len(_names(graph, trusts)) == 2


def test_twenty_is_all(graph: LocalCaller, trusts: str) -> None:
    for number in range(20):
        graph.ok("POST", trusts, federated(f"number-{number}", str(number)))

    refusal = graph.refused("POST", trusts, federated("number-20", "20"))

    assert refusal == "400 Directory_QuotaExceeded"
    assert len(_names(graph, trusts)) == 20


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "ci"},
        {"name": "x" * 121},
        {"name": "a b c"},
        {"name": "a/b/c"},
        {"name": None},
        {"issuer": ""},
        {"subject": None},
        {"subject": "x" * 601},
        {"audiences": []},
        {"audiences": [*AUDIENCES, "api://another"]},
        {"audiences": "api://AzureADTokenExchange"},
        {"description": "x" * 601},
        {"claimsMatchingExpression": None},
        {"id": "mine"},
    ],
)
def test_a_wrong_value_creates_nothing(
    graph: LocalCaller, trusts: str, changed: dict[str, object]
) -> None:
    answer = graph.call("POST", trusts, federated("ci-main") | changed)

    assert answer.status_code == 400
    assert _names(graph, trusts) == []


def test_the_longest_name_is_120_characters(graph: LocalCaller, trusts: str) -> None:
    graph.ok("POST", trusts, federated("x" * 120))

    assert _names(graph, trusts) == ["x" * 120]


def test_everything_but_the_name_can_change(graph: LocalCaller, trusts: str) -> None:
    created = graph.ok("POST", trusts, federated("ci-main"))
    one = f"{trusts}/{created['id']}"

    assert graph.call("PATCH", one, {"subject": "other", "name": "ci-main"}).status_code == 204
    assert graph.ok("GET", one)["subject"] == "other"
    assert graph.refused("PATCH", one, {"name": "renamed"}) == "400 Request_BadRequest"
    assert graph.refused("PATCH", f"{trusts}/nobody", {"subject": "x"}).startswith("404")


def test_upsert_by_name_only_where_it_is_preferred(graph: LocalCaller, trusts: str) -> None:
    body = {name: value for name, value in federated("x").items() if name != "name"}
    one = f"{trusts}(name='ci-main')"

    assert graph.refused("PATCH", one, body).startswith("404")
    assert graph.call("PATCH", one, body, **PREFER).status_code == 201
    assert graph.call("PATCH", one, body, **PREFER).status_code == 204
    assert _names(graph, trusts) == ["ci-main"]


def test_names_are_filtered(graph: LocalCaller, trusts: str) -> None:
    graph.ok("POST", trusts, federated("first-one"))
    graph.ok("POST", trusts, federated("second-one", "other"))

    found = graph.ok("GET", f"{trusts}?$filter=name eq 'second-one'&$select=subject")["value"]

    assert found == [{"subject": "other"}]
    assert graph.refused("GET", f"{trusts}?$filter=issuer eq 'x'").startswith("400")


def test_an_owner_plants_one_and_a_stranger_cannot(sandbox: RunningSandbox) -> None:
    """The way in that everything else is about: whoever phished the developer."""
    trusts = f"/applications(appId='{ORDERS_API.app_id}')/federatedIdentityCredentials"

    assert person(sandbox, "vera").refused("POST", trusts, federated("rogue")).startswith("403")
    planted = person(sandbox, "dana").ok("POST", trusts, federated("rogue"))

    assert planted["name"] in _names(firebreak(sandbox), trusts)
