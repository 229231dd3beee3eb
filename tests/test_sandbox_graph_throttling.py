"""When the pretend Graph says not now: too much, at the same time, too early."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from sandbox.graph.service import serve
from tests.sandbox_graph_calls import NOBODY, ORDERS, ORDERS_PRINCIPAL, LocalCaller


def _together(graph: LocalCaller, calls: Sequence[tuple[str, str, object]]) -> list[int]:
    """The statuses of calls that are all under way at once."""

    async def run() -> list[int]:
        prepared = [graph.prepare(*call) for call in calls]
        answers = await asyncio.gather(*(serve(graph.world, each) for each in prepared))
        return [answer.status_code for answer in answers]

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("path", "units"),
    [
        (ORDERS, 1),
        ("/applications", 2),
        ("/applications?$select=id", 1),
        ("/applications?$select=id&$top=5", 1),
        ("/applications?$expand=owners", 3),
        (f"{ORDERS_PRINCIPAL}/appRoleAssignments", 2),
        (f"{ORDERS_PRINCIPAL}/transitiveMemberOf", 2),
        ("/oauth2PermissionGrants", 2),
    ],
)
def test_every_answer_says_what_it_cost(path: str, units: int) -> None:
    assert LocalCaller().call("GET", path).headers["x-ms-resource-unit"] == str(units)


def test_who_asks_too_much_is_told_when_to_come_again() -> None:
    graph = LocalCaller()
    graph.world.limits.graph_resource_units = 10
    answers = [graph.call("GET", ORDERS) for _ in range(11)]

    assert [each.status_code for each in answers] == [200] * 10 + [429]
    assert "x-ms-throttle-limit-percentage" not in answers[6].headers
    assert float(answers[9].headers["x-ms-throttle-limit-percentage"]) > 0.8
    refusal = answers[-1]
    assert refusal.json()["error"]["code"] == "TooManyRequests"
    assert refusal.headers["x-ms-throttle-scope"].startswith("Tenant_Application/ReadWrite/")
    graph.world.clock.advance(timedelta(seconds=int(refusal.headers["retry-after"])))
    graph.ok("GET", ORDERS)


def test_writes_have_a_limit_of_their_own() -> None:
    graph = LocalCaller()
    graph.world.limits.graph_writes = 1
    graph.ok("PATCH", ORDERS, {"notes": "1"})

    refusal = graph.call("PATCH", ORDERS, {"notes": "2"})

    assert refusal.status_code == 429
    assert refusal.headers["x-ms-throttle-information"] == "WriteLimitExceeded"
    graph.ok("GET", ORDERS)


def test_applications_for_personal_accounts_are_written_slowly() -> None:
    graph = LocalCaller()
    graph.world.limits.graph_personal_account_writes = 1
    personal = graph.new_application(signInAudience="AzureADandPersonalMicrosoftAccount")
    path = f"/applications/{personal['id']}"
    graph.ok("PATCH", path, {"notes": "1"})

    assert graph.call("PATCH", path, {"notes": "2"}).status_code == 429
    graph.ok("PATCH", ORDERS, {"notes": "of the tenant only"})


def test_inside_a_batch_each_request_has_its_own_429() -> None:
    graph = LocalCaller()
    graph.world.limits.graph_resource_units = 2
    steps = [{"id": str(n), "method": "GET", "url": ORDERS} for n in range(3)]

    found = graph.ok("POST", "/$batch", {"requests": steps})["responses"]

    assert [each["status"] for each in found] == [200, 200, 429]
    assert "Retry-After" in found[2]["headers"]


def test_of_two_writes_to_one_object_at_once_one_is_refused() -> None:
    graph = LocalCaller()
    both = [("PATCH", ORDERS, {"notes": note}) for note in ("a", "b")]

    assert sorted(_together(graph, both)) == [204, 409]
    graph.ok("PATCH", ORDERS, {"notes": "afterwards"})


def test_writes_to_different_objects_and_reads_go_side_by_side() -> None:
    graph = LocalCaller()
    calls = [
        ("PATCH", ORDERS, {"notes": "x"}),
        ("PATCH", ORDERS_PRINCIPAL, {"notes": "x"}),
        ("GET", ORDERS, None),
    ]

    assert _together(graph, calls) == [204, 204, 200]


def test_a_conflict_names_itself_however_the_object_is_addressed() -> None:
    graph = LocalCaller()
    graph.world.caches["graph writes"] = {ORDERS.rpartition("/")[2]}
    app_id = graph.ok("GET", ORDERS)["appId"]

    refusal = graph.refused("PATCH", f"/applications(appId='{app_id}')", {"notes": "x"})

    assert refusal == "409 Directory_ConcurrencyViolation"


def test_what_was_just_created_is_not_found_yet() -> None:
    graph = LocalCaller()
    graph.world.delays.replication = 60
    path = f"/applications/{graph.new_application()['id']}"

    assert graph.refused("GET", path) == "404 Request_ResourceNotFound"
    graph.world.clock.advance(timedelta(seconds=61))
    graph.ok("GET", path)
    assert graph.refused("GET", f"/applications/{NOBODY}").startswith("404")
