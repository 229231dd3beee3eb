"""Pieces of an identity are made once, found again by what can not be forged, and unmade where they are still ours."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from responders import (
    declared_applications,
    declared_grants,
    declared_identities,
    named_roles,
    namespaces,
    new_applications,
    preflight,
    trusts,
    use_labels,
    wired_accounts,
)
from responders import kube as port
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from responders.model import NewIdentity
from responders.wired_accounts import Wiring
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.kubernetes_fake import FakeApi, running
from tests.suspects import CLIENT, IDENTITY, OBJECT

RUN, OTHER = "run-provision_identity-20260101T000000-aaaaaa", "run-x"
APPLICATION = str(uuid.UUID(int=0xA2))
HOLDER: NewIdentity = {
    "kind": "application",
    "app_id": CLIENT,
    "object_id": OBJECT,
    "application_object_id": APPLICATION,
    "resource_id": None,
    "display_name": "orders",
}
MANAGED: NewIdentity = {**HOLDER, "kind": "user_assigned_identity", "resource_id": IDENTITY}
SPACE, ACCOUNT = "/api/v1/namespaces/shop", "/api/v1/namespaces/shop/serviceaccounts/orders-api"
DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/orders-api"
CLIENT_ID, USE = "azure.workload.identity/client-id", "azure.workload.identity/use"
MARKS = ("orders", RUN)
SCOPE = "/subscriptions/00000000-0000-4000-8000-000000000001/resourceGroups/rg"
ROLE = str(uuid.UUID(int=0xB0))


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def wiring(**more: Any) -> Wiring:
    said: Any = {
        "namespace": "shop",
        "name": "orders-api",
        "client_id": CLIENT,
        "tenant_id": "t",
        "expiration": None,
        "identity": "orders",
        "run_id": RUN,
        **more,
    }
    return Wiring(**said)


# In a cluster


async def test_a_namespace_is_made_once_and_unmade_while_it_is_empty(api: FakeApi) -> None:
    assert await namespaces.ensure(api.kube(), "shop", MARKS)
    assert not await namespaces.ensure(api.kube(), "shop", MARKS)
    api.put(f"{SPACE}/serviceaccounts/default")

    assert await namespaces.remove(api.kube(), "shop", RUN) == ""
    assert SPACE not in api.objects


async def test_a_namespace_into_which_somebody_put_something_stays_and_is_named(
    api: FakeApi,
) -> None:
    await namespaces.ensure(api.kube(), "shop", MARKS)
    api.put(f"{SPACE}/pods/cart-1")

    assert "kubectl --context aks-test delete namespace shop" in await namespaces.remove(
        api.kube(), "shop", RUN
    )
    assert SPACE in api.objects


async def test_another_runs_namespace_is_not_ours_to_delete(api: FakeApi) -> None:
    await namespaces.ensure(api.kube(), "shop", ("orders", OTHER))

    assert await namespaces.remove(api.kube(), "shop", RUN) == ""
    assert SPACE in api.objects


async def test_a_namespace_that_is_going_is_waited_for(api: FakeApi) -> None:
    api.put(SPACE, status={"phase": "Terminating"})

    with pytest.raises(TransientError, match="being deleted"):
        await namespaces.ensure(api.kube(), "shop", MARKS)


async def test_an_account_is_made_found_again_and_unmade(api: FakeApi) -> None:
    first = await wired_accounts.ensure(api.kube(), wiring())
    again = await wired_accounts.ensure(api.kube(), wiring())

    assert (first, again) == ("created", "")
    assert api.objects[ACCOUNT]["metadata"]["annotations"][CLIENT_ID] == CLIENT
    assert await wired_accounts.restore(api.kube(), wiring(), None) == ""
    assert ACCOUNT not in api.objects


async def test_an_account_that_was_there_gets_back_what_it_said(api: FakeApi) -> None:
    notes = {CLIENT_ID: "other", "team": "shop"}
    api.put(ACCOUNT, metadata={"annotations": dict(notes)})
    before = wired_accounts.annotations_of(api.objects[ACCOUNT])

    assert await wired_accounts.ensure(api.kube(), wiring(expiration="7200")) == "changed"
    assert api.objects[ACCOUNT]["metadata"]["annotations"]["team"] == "shop"
    assert await wired_accounts.restore(api.kube(), wiring(expiration="7200"), before) == ""

    assert api.objects[ACCOUNT]["metadata"]["annotations"] == notes


async def test_an_account_that_was_not_changed_yet_is_not_spoken_of(api: FakeApi) -> None:
    """The run failed before it came to it."""
    api.put(ACCOUNT, metadata={"annotations": {"team": "shop"}})

    assert await wired_accounts.restore(api.kube(), wiring(), {}) == ""
    assert await wired_accounts.restore(api.kube(), wiring(), None) == ""
    assert [one for one in api.writes() if one.method != "GET"] == []


async def test_an_account_that_somebody_changed_since_stays_as_they_left_it(api: FakeApi) -> None:
    await wired_accounts.ensure(api.kube(), wiring(run_id=OTHER))
    api.objects[ACCOUNT]["metadata"]["annotations"][CLIENT_ID] = "theirs"

    said = await wired_accounts.restore(api.kube(), wiring(), {})

    assert "names theirs by now" in said
    assert api.objects[ACCOUNT]["metadata"]["annotations"][CLIENT_ID] == "theirs"


@pytest.mark.parametrize("before", [None, "false"])
async def test_a_label_goes_onto_the_pods_and_back_to_what_it_was(
    api: FakeApi, before: str | None
) -> None:
    labels = {"app": "orders"} | ({USE: before} if before else {})
    api.put(DEPLOYMENT, spec={"template": {"metadata": {"labels": labels}, "spec": {}}})

    async def put(value: str | None) -> bool | None:
        return await use_labels.ensure(api.kube(), "shop", "Deployment/orders-api", value)

    assert [await put("true"), await put("true"), await put(before)] == [True, False, True]
    assert api.objects[DEPLOYMENT]["spec"]["template"]["metadata"]["labels"] == labels
    assert USE not in api.objects[DEPLOYMENT]["metadata"].get("labels", {})


async def test_a_workload_that_is_not_there_is_not_labelled(api: FakeApi) -> None:
    assert await use_labels.ensure(api.kube(), "shop", "CronJob/orders-api", "true") is None


async def test_what_is_not_allowed_comes_with_the_command_that_allows_it(api: FakeApi) -> None:
    api.denied = {"create namespaces"}
    asked: list[preflight.Question] = [("create", "namespaces", ""), ("get", "namespaces", "")]

    said = await preflight.denied(api.kube(), asked)

    assert "not allowed: create namespaces" in said
    assert "--verb=create --resource=namespaces" in said
    assert await preflight.denied(api.kube(), asked[1:]) == ""


# In the directory and in Azure


def _application(*tags: str, app_id: str = CLIENT) -> dict[str, Any]:
    return {"id": APPLICATION, "appId": app_id, "displayName": "orders", "tags": list(tags)}


async def test_an_application_that_somebody_tagged_meanwhile_is_not_ours(
    azure: FakeAzure, cloud: Cloud
) -> None:
    strange = _application("firebreak:identity:orders", "firebreak:run:other")
    azure.on("GET", "/v1.0/applications", page(strange, key="@odata.nextLink"))

    with pytest.raises(RefusedError, match="whose it is"):
        await declared_applications.ensure(cloud, "orders", RUN, again=True)
    assert azure.writes() == []


async def test_after_a_crash_the_application_that_was_made_is_found(
    azure: FakeAzure, cloud: Cloud
) -> None:
    ours = _application("firebreak:identity:orders", f"firebreak:run:{RUN}")
    azure.on("GET", "/v1.0/applications", page(), page(ours))
    azure.on("GET", f"/v1.0/servicePrincipals(appId='{CLIENT}')", Say(200, {"id": OBJECT}))
    azure.on("GET", f"/v1.0/applications/{APPLICATION}", Say(200, {"id": APPLICATION}))

    made = await declared_applications.ensure(cloud, "orders", RUN, again=True)

    assert made["app_id"] == CLIENT
    assert azure.writes() == []


async def test_only_the_application_of_this_run_is_unmade(
    azure: FakeAzure, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new_applications, "INDEX_S", 0.1)
    tag = "firebreak:identity:orders"
    theirs = {**_application(tag, "firebreak:run:other"), "id": str(uuid.UUID(int=9))}
    ours = _application(tag, f"firebreak:run:{RUN}")
    azure.on("GET", "/v1.0/applications", page(theirs, ours), page(theirs))
    azure.on("DELETE", f"/v1.0/applications/{APPLICATION}", Say(204))

    assert await declared_applications.remove(cloud, "orders", RUN) == [CLIENT]
    assert [one.path for one in azure.writes() if one.method == "DELETE"] == [
        f"/v1.0/applications/{APPLICATION}"
    ]


async def test_an_identity_of_another_run_is_neither_taken_nor_unmade(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", IDENTITY, Say(200, {"id": IDENTITY, "tags": {"firebreak-run": OTHER}}))

    with pytest.raises(RefusedError, match="whose it is"):
        await declared_identities.ensure(cloud, IDENTITY, "westeurope", {}, MARKS)
    assert not await declared_identities.remove(cloud, IDENTITY, RUN)
    assert azure.writes() == []


async def test_tags_that_nobody_declares_stay(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", IDENTITY, Say(200, {"id": IDENTITY, "tags": {"a": "1", "b": "2"}}))
    azure.on("PATCH", IDENTITY, Say(200, {}))

    await declared_identities.retag(cloud, IDENTITY, {"b": None, "c": "3"})
    await declared_identities.retag(cloud, IDENTITY, {"a": "1"})

    assert [one.body for one in azure.writes()] == [{"tags": {"a": "1", "c": "3"}}]


def _trust(name: str = "weu", issuer: str = "https://i/") -> Any:
    return {
        "id": str(uuid.UUID(int=7)),
        "name": name,
        "issuer": issuer,
        "subject": "s",
        "audiences": ["a"],
        "description": None,
    }


@pytest.mark.parametrize("holder", [HOLDER, MANAGED])
async def test_a_trust_that_is_another_one_by_now_stays(
    azure: FakeAzure, cloud: Cloud, holder: NewIdentity
) -> None:
    there, at = _trust(issuer="https://other/"), f"{IDENTITY}/federatedIdentityCredentials"
    azure.on("GET", f"/v1.0/applications/{APPLICATION}/federatedIdentityCredentials", page(there))
    azure.on("GET", at, page({"id": "i", "name": "weu", "properties": there}, key="nextLink"))

    assert await trusts.remove(cloud, holder, [_trust()]) == []
    assert azure.writes() == []


async def test_a_trust_goes_when_it_reads_back_as_gone(azure: FakeAzure, cloud: Cloud) -> None:
    at = f"/v1.0/applications/{APPLICATION}/federatedIdentityCredentials"
    azure.on("GET", at, page(_trust()), page(_trust()), page())
    azure.on("DELETE", f"{at}/{_trust()['id']}", Say(204), problem(404, "Request_ResourceNotFound"))

    assert [one["name"] for one in await trusts.remove(cloud, HOLDER, [_trust()])] == ["weu"]


def _role(name: str = "Reader", key: str = ROLE) -> dict[str, Any]:
    at = f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions/{key}"
    block = {"actions": ["*/read"], "notActions": [], "dataActions": [], "notDataActions": []}
    return {"id": at, "name": key, "properties": {"roleName": name, "permissions": [block]}}


DEFINITIONS = f"{SCOPE}/providers/Microsoft.Authorization/roleDefinitions"


@pytest.mark.parametrize("said", ["Reader", ROLE, f"/any/{ROLE}"])
async def test_a_role_is_known_by_its_name_and_by_its_id(
    azure: FakeAzure, cloud: Cloud, said: str
) -> None:
    azure.on("GET", DEFINITIONS, page(_role(), key="nextLink"))
    azure.on("GET", f"{DEFINITIONS}/{ROLE}", Say(200, _role()))

    found = await named_roles.resolve(cloud, said, SCOPE)

    assert (found["name"], found["owner_level"]) == ("Reader", "")


@pytest.mark.parametrize("found", [[], [_role(), _role(key=str(uuid.UUID(int=3)))]])
async def test_a_name_that_means_nothing_or_two_roles_is_no_role(
    azure: FakeAzure, cloud: Cloud, found: list[Any]
) -> None:
    azure.on("GET", DEFINITIONS, page(*found, key="nextLink"))

    with pytest.raises(RefusedError, match="name it by its id"):
        await named_roles.resolve(cloud, "Reader", SCOPE)


async def test_a_role_of_which_nobody_knows_what_it_allows_is_not_given(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", DEFINITIONS, page(_role(), key="nextLink"))

    with pytest.raises(RefusedError, match="could not be read"):
        await named_roles.resolve(cloud, "Reader", SCOPE)


async def test_another_principals_assignment_is_not_removed(azure: FakeAzure, cloud: Cloud) -> None:
    at = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/{ROLE}"
    azure.on("GET", at, Say(200, {"id": at, "properties": {"principalId": "somebody"}}))

    with pytest.raises(RefusedError, match="another principal"):
        await declared_grants.remove(cloud, OBJECT, at)
    assert azure.writes() == []
