"""A secret leaves a template and comes back as it was; a credential goes by its id; a client id that stays is kept."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from responders import credentials, move_patches, moves, secret_variables
from responders import kube as port
from responders.cloud import Cloud
from responders.secret_variables import Place
from tests.azure_fake import FakeAzure, Say
from tests.kubernetes_fake import FakeApi, running
from tests.suspects import suspect

DEPLOYMENT = "/apis/apps/v1/namespaces/shop/deployments/orders-api"
PLACE = Place("shop", "Deployment/orders-api")
ENTRY = {
    "name": "AZURE_CLIENT_SECRET",
    "valueFrom": {"secretKeyRef": {"name": "orders", "key": "secret"}},
}
ENTRIES = {"app": [ENTRY]}
USE = "azure.workload.identity/use"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def deployed(api: FakeApi, env: list[Any], **labels: str) -> None:
    pods = {"containers": [{"name": "app", "env": env}], "serviceAccountName": "old"}
    api.put(DEPLOYMENT, spec={"template": {"metadata": {"labels": labels}, "spec": pods}})


async def test_a_secret_is_taken_out_with_the_label_and_the_account_in_one_write(
    api: FakeApi,
) -> None:
    deployed(api, [ENTRY, {"name": "LEVEL", "value": "1"}])

    assert await secret_variables.give_up(api.kube(), PLACE, "new", ENTRIES)

    [patch] = [one for one in api.writes() if one.method == "PATCH"]
    assert patch.headers["content-type"] == "application/strategic-merge-patch+json"
    template = patch.body["spec"]["template"]
    assert template["metadata"]["labels"] == {USE: "true"}
    assert template["spec"]["serviceAccountName"] == "new"
    assert template["spec"]["containers"] == [
        {"name": "app", "env": [{"name": "AZURE_CLIENT_SECRET", "$patch": "delete"}]}
    ]


async def test_what_runs_so_already_is_not_written(api: FakeApi) -> None:
    deployed(api, [], **{USE: "true"})

    assert not await secret_variables.give_up(api.kube(), PLACE, "old", ENTRIES)


async def test_it_is_put_back_as_it_was_and_once(api: FakeApi) -> None:
    deployed(api, [], **{USE: "true"})

    assert await secret_variables.put_back(api.kube(), PLACE, "before", ENTRIES)
    deployed(api, [ENTRY])
    assert not await secret_variables.put_back(api.kube(), PLACE, "old", ENTRIES)

    template = api.writes()[0].body["spec"]["template"]
    assert template["metadata"]["labels"] == {USE: None}
    assert template["spec"]["serviceAccountName"] == "before"
    assert template["spec"]["containers"] == [{"name": "app", "env": [ENTRY]}]


def test_a_client_id_that_stays_is_not_written_anew() -> None:
    to = moves.Move("new", "same", "same", "run-1")
    container = {"name": "app", "env": [{"name": "AZURE_CLIENT_ID", "value": "same"}]}
    template = {"metadata": {}, "spec": {"serviceAccountName": "old", "containers": [container]}}
    now = {"metadata": {}, "spec": {"template": template}}

    patch: Any = move_patches.patch("Deployment", now, to)
    moved = {"serviceAccountName": "new", "containers": [container]}
    notes = {"firebreak.dev/incident": "run-1"}
    then = {
        "metadata": {},
        "spec": {"template": {"metadata": {"annotations": notes}, "spec": moved}},
    }

    assert patch["spec"]["template"]["spec"] == {"serviceAccountName": "new"}
    assert move_patches.patch("Deployment", then, to) is None


async def test_only_the_credentials_that_were_named_go(azure: FakeAzure, cloud: Cloud) -> None:
    named, other = (str(uuid.UUID(int=number)) for number in (1, 2))
    principal = suspect()
    at = f"/v1.0/applications/{principal['application_object_id']}"

    def holding(*keys: str) -> Say:
        secrets = [{"keyId": one, "displayName": "x"} for one in keys]
        return Say(200, {"id": "a", "passwordCredentials": secrets, "keyCredentials": []})

    azure.on("GET", at, holding(named, other), holding(other))
    azure.on("POST", f"{at}/removePassword", Say(204))
    doomed: Any = {"key_id": named, "kind": "password", "holder": "application"}

    [answer] = await credentials.remove_named(cloud, principal, [doomed])

    assert answer["status"] == "done"
    assert [one.body for one in azure.writes()] == [{"keyId": named}]
