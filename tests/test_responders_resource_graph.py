"""Resource Graph: only checked ids get into a query, and half an answer is none."""

import re
from pathlib import Path

import pytest

from responders import resource_graph
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, TransientError
from tests.azure_fake import RESOURCE_GRAPH, FakeAzure, Say, problem
from tests.suspects import CLIENT, IDENTITY, MACHINE, OBJECT

QUERIES = Path(resource_graph.__file__).parent / "queries" / "resource_graph"


def _rows(*rows: object, token: str | None = None) -> Say:
    body = {"data": list(rows), "count": len(rows), "resultTruncated": "false"}
    return Say(200, body | ({"$skipToken": token} if token else {}))


async def test_it_pages_and_sees_what_is_assigned_above(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("POST", RESOURCE_GRAPH, _rows({"id": "/a"}, token="next"), _rows({"id": "/b"}))
    assert await resource_graph.grants(cloud, OBJECT) == ["/a", "/b"]
    first, second = (one.body["options"] for one in azure.seen)
    assert first == {
        "resultFormat": "objectArray",
        "$top": 1000,
        "authorizationScopeFilter": "AtScopeAboveAndBelow",
    }
    assert second == {**first, "$skipToken": "next"}


async def test_the_query_is_the_files_with_the_id_in_place_of_its_name(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("POST", RESOURCE_GRAPH, _rows())
    await resource_graph.vaults_naming(cloud, OBJECT.upper(), CLIENT)
    query = azure.seen[0].body["query"]
    assert f"contains '{OBJECT}'" in query
    assert f"contains '{CLIENT}'" in query
    assert "_id" not in query
    assert "//" not in query


@pytest.mark.parametrize("path", sorted(QUERIES.glob("*.kql")), ids=lambda path: path.stem)
def test_every_query_says_what_it_is_and_uses_what_it_declares(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("// ")
    declared = re.findall(r"^// param (\w+):string$", text, re.MULTILINE)
    body = resource_graph.bind(text, dict.fromkeys(declared, OBJECT))
    # What asks about everything in sight takes no value at all.
    assert (f"'{OBJECT}'" in body) is bool(declared)
    # A page is only continued where rows have an id, in a fixed order.
    # https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
    assert re.search(r"\| project id\b", body)
    assert body.endswith("| order by id asc")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x",
        f"{OBJECT}' or true //",
        "/subscriptions/x' | take 1 //",
        f"{IDENTITY}'",
        f"{IDENTITY}\n| take 1",
        IDENTITY.replace("rg-orders", ".."),
        IDENTITY + "/..",
        f"{IDENTITY}?x=1",
    ],
)
def test_nothing_but_an_id_gets_into_a_query(value: str) -> None:
    with pytest.raises(RefusedError):
        resource_graph.bind("// param x:string\nresources | where id == x", {"x": value})


def test_ids_of_any_kind_get_in() -> None:
    for value in (OBJECT, IDENTITY, MACHINE, f"{MACHINE}/extensions/a b(1)"):
        bound = resource_graph.bind("// param x:string\nresources | where id == x", {"x": value})
        assert bound == f"resources | where id == '{value}'"


def test_file_and_values_have_to_agree() -> None:
    with pytest.raises(ContractChangedError):
        resource_graph.bind("// param x:string\nresources", {"y": OBJECT})


async def test_an_answer_that_was_cut_or_is_none_is_not_believed(
    azure: FakeAzure, cloud: Cloud
) -> None:
    answers: list[object] = [
        {"data": [{"id": "/a"}], "resultTruncated": "true"},
        {"data": {"columns": [], "rows": []}},
        {"data": [{"no": "id"}]},
        {},
    ]
    for body in answers:
        azure.on("POST", RESOURCE_GRAPH, Say(200, body))
        with pytest.raises(ContractChangedError):
            await resource_graph.grants(cloud, OBJECT)
    azure.on("POST", RESOURCE_GRAPH, problem(429, "RateLimiting", Retry_After="30"))
    with pytest.raises(TransientError):
        await resource_graph.grants(cloud, OBJECT)


async def test_pages_without_end_are_a_loop(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource_graph, "_MOST_PAGES", 3)
    azure.on("POST", RESOURCE_GRAPH, _rows({"id": "/a"}, token="again"))
    with pytest.raises(ContractChangedError, match="did not end"):
        await resource_graph.grants(cloud, OBJECT)
