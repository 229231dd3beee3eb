"""Writes to one object of the directory: in order, together where they wait, each with an answer of its own."""

import asyncio
import uuid

import pytest

from responders.cloud import Cloud, read_only
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    TransientError,
)
from responders.graph_writes import MOST, Writes
from tests.azure_fake import FakeAzure, Say, problem

APPLICATION = f"/applications/{uuid.UUID(int=1)}"
OTHER = f"/applications/{uuid.UUID(int=2)}"
BATCH = "/v1.0/$batch"


def trust(number: int, application: str = APPLICATION) -> str:
    return f"{application}/federatedIdentityCredentials/{uuid.UUID(int=number)}"


def deletes(azure: FakeAzure, count: int, application: str = APPLICATION) -> list[str]:
    paths = [trust(number, application) for number in range(count)]
    for path in paths:
        azure.on("DELETE", f"/v1.0{path}", Say(204))
    return paths


async def test_a_single_write_is_a_plain_request(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PATCH", f"/v1.0{APPLICATION}", Say(204))
    await cloud.graph.patch(APPLICATION, {"isDisabled": True})

    (sent,) = azure.seen
    assert "application/json" in sent.headers["content-type"]
    assert sent.body == {"isDisabled": True}


async def test_writes_that_start_together_travel_together_in_order(
    azure: FakeAzure, cloud: Cloud, count: int = 45
) -> None:
    trips: list[int] = []
    paths = deletes(azure, count)
    serve = azure._batched

    def counted(seen: object) -> Say | None:
        said = serve(seen)  # type: ignore[arg-type]
        if said is not None:
            trips.append(1)
        return said

    azure._batched = counted  # type: ignore[method-assign]
    await asyncio.gather(*(cloud.graph.delete(path) for path in paths))

    assert [one.path for one in azure.seen] == [f"/v1.0{path}" for path in paths]
    assert len(trips) == 3  # twenty are the most that one batch takes


async def test_each_depends_on_the_one_before_it(azure: FakeAzure, cloud: Cloud) -> None:
    """Without that Graph may run them at once, which is what conflicts come from."""
    sent: list[object] = []

    def ordered(seen: object) -> Say:
        sent.extend(seen.body["requests"])  # type: ignore[attr-defined]
        answers = [{"id": str(number), "status": 204} for number in range(3)]
        return Say(200, {"responses": answers})

    azure.on("POST", BATCH, ordered)
    azure._orders[("POST", BATCH)] = [ordered]
    await asyncio.gather(*(cloud.graph.delete(path) for path in deletes(azure, 3)))

    assert [one.get("dependsOn") for one in sent] == [None, ["0"], ["1"]]  # type: ignore[attr-defined]


async def test_writes_to_other_objects_do_not_wait(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("PATCH", f"/v1.0{APPLICATION}", Say(204, after_s=0.5))
    azure.on("PATCH", f"/v1.0{OTHER}", Say(204))
    slow = asyncio.create_task(cloud.graph.patch(APPLICATION, {"isDisabled": True}))
    await asyncio.sleep(0.05)
    await cloud.graph.patch(OTHER, {"isDisabled": True})

    assert not slow.done()
    await slow


async def test_one_that_fails_has_its_own_error_and_those_behind_it_are_told_to_try_again(
    azure: FakeAzure, cloud: Cloud
) -> None:
    paths = deletes(azure, 4)
    azure.on("DELETE", f"/v1.0{paths[1]}", problem(403, "Authorization_RequestDenied"))
    outcomes = await asyncio.gather(
        *(cloud.graph.delete(path) for path in paths), return_exceptions=True
    )

    kinds = [type(one) for one in outcomes]
    assert kinds == [type(None), RefusedError, ConflictError, ConflictError]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (problem(404, "Request_ResourceNotFound"), NotFoundError),
        (problem(429, "TooManyRequests"), TransientError),
        (problem(503, "ServiceUnavailable"), TransientError),
        (problem(409, "Directory_ConcurrencyViolation"), ConflictError),
    ],
)
async def test_an_answer_inside_a_batch_means_what_it_means_outside(
    azure: FakeAzure, cloud: Cloud, said: Say, error: type[Exception]
) -> None:
    paths = deletes(azure, 2)
    azure.on("DELETE", f"/v1.0{paths[1]}", said)
    first, second = await asyncio.gather(
        *(cloud.graph.delete(path) for path in paths), return_exceptions=True
    )

    assert first is None
    assert isinstance(second, error)


async def test_a_batch_that_fails_as_a_whole_fails_everybody_in_it(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure._orders[("POST", BATCH)] = [problem(503, "ServiceUnavailable")]
    outcomes = await asyncio.gather(
        *(cloud.graph.delete(path) for path in deletes(azure, 3)), return_exceptions=True
    )

    assert [type(one) for one in outcomes] == [TransientError] * 3


async def test_an_answer_that_a_batch_leaves_out_is_not_a_yes(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure._orders[("POST", BATCH)] = [Say(200, {"responses": [{"id": "0", "status": 204}]})]
    first, second = await asyncio.gather(
        *(cloud.graph.delete(path) for path in deletes(azure, 2)), return_exceptions=True
    )

    assert first is None
    assert isinstance(second, ContractChangedError)


async def test_nothing_is_written_in_plan_mode_however_it_would_travel(
    azure: FakeAzure, cloud: Cloud
) -> None:
    paths = deletes(azure, 3)
    with read_only():
        outcomes = await asyncio.gather(
            *(cloud.graph.delete(path) for path in paths), return_exceptions=True
        )

    assert [type(one) for one in outcomes] == [RefusedError] * 3
    assert azure.seen == []


async def test_a_defect_in_one_batch_leaves_nobody_waiting_for_the_next() -> None:
    async def broken(method: str, url: str, body: object) -> None:
        raise ValueError("a defect")

    writes = Writes("https://graph", broken)
    url = f"https://graph/v1.0{APPLICATION}/federatedIdentityCredentials"
    waiting = (writes.write("DELETE", f"{url}/{number}") for number in range(MOST + 5))
    async with asyncio.timeout(5):
        answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert {type(one) for one in answers} == {TransientError}
