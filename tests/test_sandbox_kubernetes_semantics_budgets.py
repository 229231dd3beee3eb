"""Disruption budgets and evictions, as seen on real API servers.

What it defends: a responder that evicts hears no, and why, from a budget; a plain delete does not ask it.
"""

from typing import Any

import pytest

from tests.kubernetes_api import MERGE, Api, ready_pod, since

WEB = {"app": "web"}


def _eviction(api: Api, name: str) -> dict[str, Any]:
    version = api.base("poddisruptionbudgets").removeprefix("apis/")
    return {"apiVersion": version, "kind": "Eviction", "metadata": {"name": name}}


def _budget(api: Api, name: str = "web", **spec: Any) -> dict[str, Any]:
    body = {"metadata": {"name": name}, "spec": {"selector": {"matchLabels": WEB}, **spec}}
    return api.create("poddisruptionbudgets", body)


def _status(api: Api, name: str = "web") -> dict[str, Any]:
    return dict(api.get("poddisruptionbudgets", name)["status"])


def _evict(api: Api, name: str, **query: str) -> Any:
    return api.call("POST", api.path("pods", name, "eviction"), _eviction(api, name), **query)


@pytest.fixture
def two_pods(api: Api) -> Api:
    for name in ("one", "two"):
        ready_pod(api, name, WEB)
    return api


def _settles(api: Api, allowed: int, name: str = "web") -> dict[str, Any]:
    def settled() -> dict[str, Any]:
        status = _status(api, name)
        current = status.get("observedGeneration"), status["disruptionsAllowed"]
        generation = api.get("poddisruptionbudgets", name)["metadata"]["generation"]
        return status if current == (generation, allowed) else {}

    return api.eventually(settled)


def test_a_budget_counts_its_pods(two_pods: Api) -> None:
    _budget(two_pods, minAvailable=1)

    status = _settles(two_pods, 1)

    counts = ("currentHealthy", "desiredHealthy", "expectedPods")
    assert [status[each] for each in counts] == [2, 1, 2]
    since(two_pods, 21)
    assert status["conditions"][0]["type"] == "DisruptionAllowed"
    assert (status["conditions"][0]["status"], status["conditions"][0]["reason"]) == (
        "True",
        "SufficientPods",
    )


def test_an_eviction_that_a_budget_forbids_is_a_429_that_names_it(two_pods: Api) -> None:
    _budget(two_pods, minAvailable=2)
    _settles(two_pods, 0)
    api = two_pods
    api.eventually(lambda: _status(api)["currentHealthy"] == 2)

    answer = _evict(two_pods, "one")

    assert answer.status_code == 429
    assert answer.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "reason": "TooManyRequests",
        "details": {
            "causes": [
                {
                    "reason": "DisruptionBudget",
                    "message": "The disruption budget web needs 2 healthy pods and has 2 currently",
                }
            ]
        },
        "code": 429,
    }
    assert "deletionTimestamp" not in two_pods.get("pods", "one")["metadata"]


def test_an_eviction_uses_up_what_the_budget_allows(two_pods: Api) -> None:
    _budget(two_pods, minAvailable=1)
    _settles(two_pods, 1)

    tried = _evict(two_pods, "one", dryRun="All")
    first, second = _evict(two_pods, "one"), _evict(two_pods, "two")

    assert [tried.status_code, first.status_code, second.status_code] == [201, 201, 429]
    assert first.json() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "code": 201,
    }
    gone = two_pods.call("GET", two_pods.path("pods", "one"))
    assert gone.status_code == 404 or "deletionTimestamp" in gone.json()["metadata"]


def test_a_plain_delete_does_not_ask_the_budget(two_pods: Api) -> None:
    _budget(two_pods, minAvailable=2)
    two_pods.eventually(lambda: _status(two_pods)["currentHealthy"] == 2)

    assert two_pods.call("DELETE", two_pods.path("pods", "one")).status_code == 200


def test_two_budgets_for_one_pod_are_more_than_the_server_can_judge(two_pods: Api) -> None:
    _budget(two_pods, minAvailable=1)
    _budget(two_pods, "again", minAvailable=1)
    _settles(two_pods, 1)

    answer = _evict(two_pods, "one")

    assert answer.status_code == 500
    assert answer.json()["message"].startswith("This pod has more than one PodDisruptionBudget")


def test_an_eviction_is_of_the_pod_in_the_url(two_pods: Api) -> None:
    path = two_pods.path("pods", "one", "eviction")

    assert two_pods.call("POST", path, _eviction(two_pods, "two")).status_code == 400
    assert _evict(two_pods, "nobody").status_code == 404
    assert two_pods.call("GET", path).status_code == 405


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"minAvailable": 1, "maxUnavailable": 1}, "spec"),
        ({"minAvailable": "many"}, "spec.minAvailable"),
        ({"maxUnavailable": -1}, "spec.maxUnavailable"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(
    api: Api, spec: dict[str, Any], field: str
) -> None:
    body = {"metadata": {"name": "web"}, "spec": {"selector": {"matchLabels": WEB}, **spec}}

    answer = api.call("POST", api.path("poddisruptionbudgets"), body)

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == field


def test_a_budget_changes_and_is_counted_anew(two_pods: Api) -> None:
    _budget(two_pods, minAvailable=2)
    _settles(two_pods, 0)
    path = two_pods.path("poddisruptionbudgets", "web")

    changed = two_pods.call("PATCH", path, {"spec": {"minAvailable": 0}}, MERGE).json()

    assert changed["metadata"]["generation"] == 2
    assert changed["status"]["observedGeneration"] == 1
    _settles(two_pods, 2)
