"""A cluster is read once: each kind by one list, cut down as it arrives, and what can't be read is named.

What it defends: an unread kind is never an empty one, and no value of an environment variable or ConfigMap is kept that
does not say which identity is used.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from responders import inventories, service_accounts
from responders import kube as port
from responders.errors import RefusedError, TransientError
from responders.inventories import Inventory
from tests.cluster_objects import CLIENT_ID, deployment, inventory, metadata, template
from tests.kubernetes_fake import FakeApi, running


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def serve(api: FakeApi, *versions: str) -> None:
    api.objects["/apis"] = {"groups": [{"versions": [{"groupVersion": one} for one in versions]}]}


async def read(api: FakeApi, *, insist: bool = False) -> Inventory:
    return await inventories.read(api.kube(), CLIENT_ID, insist=insist)


async def test_every_kind_is_listed_once_however_many_accounts_there_are(api: FakeApi) -> None:
    serve(api, "apps/v1")
    for number in range(50):
        api.put(f"/api/v1/namespaces/shop/serviceaccounts/a-{number}")

    await read(api)

    asked = Counter(one.path for one in api.seen)
    assert set(asked.values()) == {1}
    assert len(asked) == 18


async def test_kinds_that_the_cluster_does_not_have_are_not_asked_for(api: FakeApi) -> None:
    serve(api, "apps/v1", "keda.sh/v1alpha1")

    found = await read(api)

    paths = {one.path.rpartition("/")[2] for one in api.seen}
    assert "triggerauthentications" in paths
    assert "secretproviderclasses" not in paths
    assert found.unread == []


async def test_a_kind_in_a_version_that_nobody_knows_is_unread(api: FakeApi) -> None:
    serve(api, "secrets-store.csi.x-k8s.io/v2")

    (said,) = (await read(api)).unread

    assert said.startswith("secretproviderclasses: the cluster does not serve it as")


async def test_what_may_not_be_listed_is_named_and_is_not_empty(api: FakeApi) -> None:
    api.refused["configmaps"] = 403

    found = await read(api, insist=True)

    assert "configmaps" not in found.objects
    (said,) = found.unread
    assert said.startswith("configmaps: ")
    assert "allow" in said


async def test_what_time_can_heal_is_waited_for_once_and_then_named(api: FakeApi) -> None:
    api.refused["storageclasses"] = 503

    with pytest.raises(TransientError):
        await read(api, insist=True)
    assert [one.partition(":")[0] for one in (await read(api)).unread] == ["storageclasses"]


@pytest.mark.parametrize("plural", ["serviceaccounts", "pods", "deployments", "rolebindings"])
async def test_without_who_runs_as_what_there_is_no_inventory(api: FakeApi, plural: str) -> None:
    api.refused[plural] = 403

    with pytest.raises(RefusedError, match=plural):
        await read(api)


def test_no_other_value_of_a_variable_is_kept() -> None:
    variables = [
        {"name": "PASSWORD", "value": "hunter2"},
        {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    found = inventory(deployments=[deployment(pods=template(container={"env": variables}))])

    (kept,) = found.of("deployments")
    names = [one["name"] for one in kept["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["AZURE_CLIENT_ID", "KEY"]
    assert "hunter2" not in str(kept)


def test_a_manifest_that_kubectl_kept_is_not_kept() -> None:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "x" * 2_000, "team": "orders"}
    (kept,) = inventory(deployments=[deployment(metadata={"annotations": notes})]).of("deployments")

    assert kept["metadata"]["annotations"] == {"team": "orders"}


def test_a_config_map_that_has_nothing_to_do_with_it_is_not_kept() -> None:
    maps = [
        {"metadata": metadata("other"), "data": {"a": "b"}},
        {"metadata": metadata("settings"), "data": {"ID": CLIENT_ID, "PASSWORD": "hunter2"}},
    ]
    (kept,) = inventory(configmaps=maps).of("configmaps")

    assert kept["data"] == {"ID": CLIENT_ID}


def _written(*writers: tuple[str, str | None, bool]) -> list[dict[str, object]]:
    annotations: dict[str, object] = {"f:annotations": {"f:azure.workload.identity/client-id": {}}}
    return [
        {"manager": name, "time": time, "fieldsV1": {"f:metadata": annotations if ours else {}}}
        for name, time, ours in writers
    ]


@pytest.mark.parametrize(
    ("writers", "expected"),
    [
        (
            _written(
                ("helm", "2025-01-01T00:00:00Z", True),
                ("kubectl", "2026-01-01T00:00:00Z", True),
                ("other", "2027-01-01T00:00:00Z", False),
            ),
            "2026-01-01T00:00:00Z",
        ),
        (_written(("helm", None, True)), None),
        (_written(("other", "2027-01-01T00:00:00Z", False)), None),
    ],
)
def test_the_client_id_is_as_old_as_its_last_writer_says(
    writers: list[dict[str, object]], expected: str | None
) -> None:
    notes = {"azure.workload.identity/client-id": CLIENT_ID.lower()}
    account = {"metadata": metadata("web", annotations=notes, managedFields=writers)}

    (ref,) = service_accounts.find(inventory(serviceaccounts=[account]))

    assert ref["named_since"] == expected
