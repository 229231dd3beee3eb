"""Lists, selectors, pages and watches.

Facts of real API servers, as in test_sandbox_kubernetes_semantics.py.
"""

import json
from typing import Any

import pytest

from tests.kubernetes_api import Api, since


@pytest.fixture
def letters(api: Api) -> list[str]:
    """ServiceAccounts a to e, labelled with their number; c has no label."""
    names = ["a", "b", "c", "d", "e"]
    for number, name in enumerate(names, 1):
        labels = {} if name == "c" else {"n": str(number), "odd": str(number % 2)}
        api.account(name, labels=labels)
    return names


def _names(api: Api, **query: str) -> list[str]:
    answer = api.call("GET", api.path("serviceaccounts"), **query)
    assert answer.status_code == 200, answer.text
    found = [each["metadata"]["name"] for each in answer.json()["items"]]
    return [name for name in found if name != "default"]


def test_items_of_a_list_carry_no_kind_and_are_in_byte_order(api: Api, letters: list[str]) -> None:
    listed = api.call("GET", api.path("serviceaccounts")).json()

    assert listed["kind"] == "ServiceAccountList"
    assert all("kind" not in each and "apiVersion" not in each for each in listed["items"])
    assert _names(api) == letters


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("odd=1", "ae"),
        ("odd==0", "bd"),
        ("odd!=1", "bcd"),
        ("odd in (0,1)", "abde"),
        ("odd notin (1)", "bcd"),
        ("odd", "abde"),
        ("!odd", "c"),
        ("odd=", ""),
        ("n>2", "de"),
        ("n<4", "ab"),
        ("odd=1,n>1", "e"),
    ],
)
def test_label_selectors(api: Api, letters: list[str], selector: str, expected: str) -> None:
    assert _names(api, labelSelector=selector) == list(expected)


@pytest.mark.parametrize("query", [{"labelSelector": "a in (b"}, {"fieldSelector": "spec.foo=1"}])
def test_bad_selectors_are_bad_requests(api: Api, query: dict[str, str]) -> None:
    answer = api.call("GET", api.path("serviceaccounts"), **query)

    assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest")


def test_a_field_selector_finds_by_name(api: Api, letters: list[str]) -> None:
    assert _names(api, fieldSelector="metadata.name=b") == ["b"]
    assert _names(api, fieldSelector="metadata.name!=b") == ["a", "c", "d", "e"]


def test_pages_are_of_one_revision(api: Api, letters: list[str]) -> None:
    path = api.path("serviceaccounts")
    first = api.call("GET", path, limit="2").json()
    api.account("aa")

    about = first["metadata"]
    rest = api.call("GET", path, limit="10", **{"continue": about["continue"]}).json()

    assert about["remainingItemCount"] == 4  # with the default account
    names = [each["metadata"]["name"] for each in [*first["items"], *rest["items"]]]
    assert names == ["a", "b", "c", "d", "default", "e"]
    assert rest["metadata"]["resourceVersion"] == about["resourceVersion"]


def test_a_selected_page_does_not_count_the_rest(api: Api, letters: list[str]) -> None:
    page = api.call("GET", api.path("serviceaccounts"), limit="1", labelSelector="odd").json()

    assert "continue" in page["metadata"]
    assert "remainingItemCount" not in page["metadata"]


def test_a_garbled_continue_token_is_a_bad_request(api: Api) -> None:
    answer = api.call("GET", api.path("serviceaccounts"), **{"continue": "garbage"})

    assert answer.status_code == 400


def _watch(api: Api, **query: str) -> list[dict[str, Any]]:
    query = {"watch": "true", "timeoutSeconds": "1", **query}
    answer = api.call("GET", api.path("serviceaccounts"), **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return [json.loads(line) for line in answer.text.splitlines()]


def _version(api: Api) -> str:
    listed = api.call("GET", api.path("serviceaccounts")).json()
    return str(listed["metadata"]["resourceVersion"])


def _label(api: Api, name: str, value: str | None) -> None:
    assert api.merge("serviceaccounts", name, {"metadata": {"labels": {"on": value}}}).is_success


def test_a_watch_begins_with_what_is_there(api: Api, letters: list[str]) -> None:
    events = _watch(api)

    assert [each["type"] for each in events[:6]] == ["ADDED"] * 6
    assert events[0]["object"]["kind"] == "ServiceAccount"
    # What comes after is news: an old API server gives each account a Secret.
    assert "ADDED" not in {each["type"] for each in events[6:]}


def test_a_watch_from_a_revision_tells_what_came_after(api: Api) -> None:
    since = _version(api)
    api.account("app")
    _label(api, "app", "1")
    _label(api, "app", "1")  # changes nothing, so nobody hears of it
    api.call("DELETE", api.path("serviceaccounts", "app"))

    events = _watch(api, resourceVersion=since)

    assert [each["type"] for each in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in events]
    assert versions == sorted(versions)


def test_an_object_that_leaves_a_selection_is_deleted_with_its_old_labels(api: Api) -> None:
    api.account("app", labels={"on": "1"})
    since = _version(api)
    _label(api, "app", None)
    _label(api, "app", "1")

    left, entered = _watch(api, resourceVersion=since, labelSelector="on=1")

    assert (left["type"], entered["type"]) == ("DELETED", "ADDED")
    assert left["object"]["metadata"]["labels"] == {"on": "1"}
    assert int(left["object"]["metadata"]["resourceVersion"]) > int(since)


def test_a_revision_that_is_gone_is_an_error_event_in_a_200(api: Api) -> None:
    (event,) = _watch(api, resourceVersion="1")

    assert event["type"] == "ERROR"
    assert (event["object"]["reason"], event["object"]["code"]) == ("Expired", 410)
    assert event["object"]["message"].startswith("too old resource version: 1 (")


def test_initial_events_end_with_a_bookmark(api: Api) -> None:
    since(api, 32)
    events = _watch(
        api,
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch="NotOlderThan",
    )

    assert [each["type"] for each in events][:2] == ["ADDED", "BOOKMARK"]
    annotations = events[1]["object"]["metadata"]["annotations"]
    assert annotations == {"k8s.io/initial-events-end": "true"}
