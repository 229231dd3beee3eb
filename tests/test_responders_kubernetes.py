"""The port to a cluster: every answer gets the name of what happens next, and no write is doubled.

What it defends: an expired list is not a short one, a lost update is noticed, nothing is written in
plan mode, and a name that an attacker chose addresses nothing but what it says.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import trustme

from responders import kube as port
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.kube_requests import path_of
from responders.read_only import read_only
from tests.kubernetes_fake import FakeApi, Seen, running

PODS = path_of("pods", "shop")
ACCOUNT = path_of("serviceaccounts", "shop", "orders-api")
FORBIDDEN = (
    'deployments.apps "web" is forbidden: User "0f0e-oid" cannot patch resource "deployments" in '
    'API group "apps" in the namespace "shop"'
)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0, 0.0))
    with running() as fake:
        yield fake


def _page(*names: str, token: str = "") -> dict[str, object]:
    return {"metadata": {"continue": token}, "items": [{"name": name} for name in names]}


async def test_a_list_is_read_to_its_last_page(api: FakeApi) -> None:
    api.say(200, _page("a", "b", token="more"))
    api.say(200, _page("c"))

    found = await api.kube().list_all(PODS, {"labelSelector": "app=web"})

    assert [one["name"] for one in found] == ["a", "b", "c"]
    assert api.seen[1].query == {"labelSelector": "app=web", "limit": "500", "continue": "more"}


async def test_of_each_item_only_what_is_wanted_is_kept(api: FakeApi) -> None:
    api.say(200, _page("a", "b", token="more"))
    api.say(200, _page("c"))

    found = await api.kube().list_all(
        PODS, keep=lambda one: {"kept": one["name"]} if one["name"] != "b" else None
    )

    assert found == [{"kept": "a"}, {"kept": "c"}]


async def test_one_cluster_is_never_asked_more_than_a_few_things_at_once(api: FakeApi) -> None:
    under_way, most = [0], [0]
    answer, lock = api.answer, threading.Lock()

    def counted(request: Seen) -> tuple[int, Any, dict[str, str]]:
        with lock:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1
        return answer(request)

    api.answer = counted  # type: ignore[method-assign]
    kube = api.kube()
    await asyncio.gather(*(kube.list_all(PODS) for _ in range(30)))

    assert 1 < most[0] <= port._AT_ONCE


async def test_a_list_that_expires_between_pages_starts_again(api: FakeApi) -> None:
    api.say(200, _page("old", token="stale"))
    api.say(410, {"message": "The provided continue parameter is too old"})
    api.say(200, _page("new", token="fresh"))
    api.say(200, _page("newer"))

    found = await api.kube().list_all(PODS)

    assert [one["name"] for one in found] == ["new", "newer"]
    assert "continue" not in api.seen[2].query


async def test_a_list_that_always_expires_is_an_error_and_not_a_short_list(api: FakeApi) -> None:
    for _ in range(3):
        api.say(200, _page("old", token="stale"))
        api.say(410, {"message": "too old"})

    with pytest.raises(TransientError, match="expired 3 times"):
        await api.kube().list_all(PODS)


async def test_a_403_names_the_missing_verb_and_the_command_that_grants_it(api: FakeApi) -> None:
    api.say(403, {"message": FORBIDDEN}, Audit_Id="audit-1")

    with pytest.raises(RefusedError) as refused:
        await api.kube().get(PODS)

    said = str(refused.value)
    assert "Missing: patch deployments.apps." in said
    assert "--verb=patch --resource=deployments.apps &&" in said
    assert "--user=0f0e-oid" in said
    assert "Audit-Id audit-1" in said


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, RefusedError),
        (403, RefusedError),
        (404, NotFoundError),
        (409, ConflictError),
        (408, TransientError),
        (422, ContractChangedError),
        (500, TransientError),
        (504, TransientError),
    ],
)
async def test_each_status_means_what_happens_next(
    api: FakeApi, status: int, error: type[ResponderError]
) -> None:
    api.say(status, {"message": "as it says"})

    with pytest.raises(error, match=rf"aks-test: PATCH {ACCOUNT}: {status}: as it says") as raised:
        await api.kube().patch(ACCOUNT, {})

    assert type(raised.value) is error
    assert "a-bearer-token" not in str(raised.value)
    assert len(api.seen) == 1


async def test_a_redirect_is_not_followed_with_our_token(api: FakeApi) -> None:
    with running() as other:
        api.say(302, "", Location=f"{other.url}/api/v1/pods")

        with pytest.raises(ContractChangedError):
            await api.kube().get(PODS)

        assert other.seen == []


async def test_an_answer_that_is_not_json_is_a_changed_contract(api: FakeApi) -> None:
    api.say(200, "<html>sign in</html>")

    with pytest.raises(ContractChangedError, match="not a JSON object"):
        await api.kube().get(PODS)


async def test_a_list_without_items_is_a_changed_contract_and_not_an_empty_list(
    api: FakeApi,
) -> None:
    api.say(200, {"kind": "Status", "metadata": {}})

    with pytest.raises(ContractChangedError, match="is no list"):
        await api.kube().list_all(PODS)


async def test_a_read_is_repeated_and_a_write_is_not(api: FakeApi) -> None:
    api.say(503, {"message": "starting"})
    api.say(500, {"message": "etcd"})
    api.say(200, {"kind": "Pod"})
    assert await api.kube().get(PODS) == {"kind": "Pod"}

    api.say(503, {"message": "starting"})
    with pytest.raises(TransientError):
        await api.kube().create(PODS, {"metadata": {"name": "a"}})
    assert [one.method for one in api.writes()] == ["POST"]


async def test_a_throttled_write_was_not_taken_so_it_is_repeated(api: FakeApi) -> None:
    api.put(ACCOUNT)
    api.say(429, {"message": "too many requests"}, Retry_After="0")

    await api.kube().patch(ACCOUNT, {"metadata": {"annotations": {"a": "b"}}})

    assert api.objects[ACCOUNT]["metadata"]["annotations"] == {"a": "b"}


async def test_a_long_retry_after_is_left_to_durable(api: FakeApi) -> None:
    api.say(429, {"message": "too many requests"}, Retry_After="60")

    with pytest.raises(TransientError, match="429"):
        await api.kube().get(PODS)

    assert len(api.seen) == 1


async def test_a_server_that_is_not_there_is_transient_and_named(api: FakeApi) -> None:
    kube = api.kube()
    kube.server = "http://127.0.0.1:1"  # a port on which nothing listens

    with pytest.raises(TransientError, match=r"aks-test: GET .* no answer"):
        await kube.get(PODS)


async def test_a_certificate_of_another_ca_is_refused(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running(certificate=trustme.CA().issue_cert("127.0.0.1")) as impostor:
        kube = impostor.kube(ca_pem=trustme.CA().cert_pem.bytes().decode())
        with pytest.raises(RefusedError, match="Nothing was sent"):
            await kube.get(PODS)

    assert impostor.seen == []


async def test_a_certificate_of_the_cluster_s_ca_is_trusted() -> None:
    authority = trustme.CA()
    with running(certificate=authority.issue_cert("127.0.0.1")) as fake:
        fake.put(ACCOUNT)
        kube = fake.kube(ca_pem=authority.cert_pem.bytes().decode())
        assert (await kube.get(ACCOUNT))["metadata"]["name"] == "orders-api"


async def test_plan_mode_sends_no_write_but_may_ask_what_is_allowed(api: FakeApi) -> None:
    kube = api.kube()
    api.put(ACCOUNT)
    with read_only():
        assert await kube.get(ACCOUNT)
        for write in (
            kube.patch(ACCOUNT, {}),
            kube.create(path_of("serviceaccounts", "shop"), {"metadata": {"name": "a"}}),
            kube.ask(f"{ACCOUNT}/token", {"metadata": {"name": "a"}}),
        ):
            with pytest.raises(RefusedError, match="plan mode"):
                await write
        assert api.writes() == []

        api.say(201, {"status": {"allowed": True}})
        assert await kube.ask(path_of("selfsubjectaccessreviews"), {"spec": {}})


async def test_an_update_that_lost_a_race_is_decided_again_on_the_new_state(api: FakeApi) -> None:
    found = api.put(ACCOUNT, metadata={"annotations": {"count": "1"}})
    decided: list[str] = []

    def change(account: dict[str, object]) -> dict[str, object]:
        if not decided:  # somebody else writes between our read and our write
            api.put(ACCOUNT, metadata={"annotations": {"count": "2"}, "resourceVersion": "7"})
        decided.append(account["metadata"]["annotations"]["count"])  # type: ignore[index]
        return {"metadata": {"annotations": {"ours": "yes"}}}

    before, written = await api.kube().update(ACCOUNT, change)

    assert decided == ["1", "2"]
    assert written
    assert before["metadata"]["annotations"] == {"count": "2"} != found["metadata"]["annotations"]
    assert api.objects[ACCOUNT]["metadata"]["annotations"] == {"count": "2", "ours": "yes"}


async def test_a_race_that_is_always_lost_ends(api: FakeApi) -> None:
    def change(_: object) -> dict[str, object]:
        version = str(len(api.seen) + 100)
        api.put(ACCOUNT, metadata={"resourceVersion": version})
        return {}

    api.put(ACCOUNT)
    with pytest.raises(TransientError, match="others wrote first"):
        await api.kube().update(ACCOUNT, change)


async def test_writes_name_the_writer_and_the_kind_of_patch(api: FakeApi) -> None:
    api.put(ACCOUNT)

    await api.kube().patch(ACCOUNT, {"metadata": {"annotations": {"a": None}}})

    (write,) = api.writes()
    assert write.query == {"fieldManager": "firebreak"}
    assert write.headers["content-type"] == "application/merge-patch+json"
    assert write.headers["authorization"] == "Bearer a-bearer-token"
    assert "firebreak/" in write.headers["user-agent"]
    assert write.body == {"metadata": {"annotations": {"a": None}}}


@pytest.mark.parametrize("name", ["..", "../secrets/x", "a/b", "a?x=1", "A", "", "a" * 254, "a\n"])
def test_what_is_no_kubernetes_name_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(RefusedError, match="not a Kubernetes name"):
        path_of("serviceaccounts", "shop", name, "token")
    with pytest.raises(RefusedError, match="not a Kubernetes name"):
        path_of("serviceaccounts", name, "orders-api")
