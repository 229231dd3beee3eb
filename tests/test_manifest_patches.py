"""What goes into Git: the exact patch of every object that a controller owns, and nothing that a name smuggles in."""

from typing import Any

import yaml  # type: ignore[import-untyped]

from responders import manifest_patches
from responders.model import GitOpsOwner

NEW_ID = "11111111-1111-4111-8111-111111111111"
FLUX: GitOpsOwner = {
    "controller": "Flux Kustomization",
    "namespace": "flux-system",
    "name": "shop",
    "mark": "kustomize.toolkit.fluxcd.io/name=shop",
}
RENAMED = {"shop/orders-api": "orders-api-r1"}
KEPT = {"shop/orders-api": "orders-api"}
ANNOTATION = "azure.workload.identity/client-id"


def account(**parts: Any) -> Any:
    return {"namespace": "shop", "name": "orders-api", "owner": FLUX, **parts}


def workload(**parts: Any) -> Any:
    base = {"namespace": "shop", "kind": "Deployment", "name": "orders-api", "owner": FLUX}
    return {**base, "service_account": "orders-api", "hard_coded_client_id": False, **parts}


def consumer(**parts: Any) -> Any:
    base = {"namespace": "shop", "kind": "ConfigMap", "name": "ids", "owner": FLUX}
    return {**base, "field": "data.app.client.id", "patchable": True, **parts}


def documents(patches: list[manifest_patches.ManifestPatch]) -> list[Any]:
    return list(yaml.safe_load_all(manifest_patches.as_yaml(patches)))


def test_under_a_new_name_the_old_account_loses_its_id_and_the_new_one_is_added() -> None:
    old, new = documents(manifest_patches.of_accounts([account()], RENAMED, NEW_ID))

    assert old["metadata"] == {
        "namespace": "shop",
        "name": "orders-api",
        "annotations": {ANNOTATION: None},
    }
    assert (new["apiVersion"], new["kind"]) == ("v1", "ServiceAccount")
    assert new["metadata"]["name"] == "orders-api-r1"
    assert new["metadata"]["annotations"] == {ANNOTATION: NEW_ID}


def test_under_its_own_name_an_account_says_the_new_id_and_its_workload_stays_as_it_is() -> None:
    (patch,) = documents(manifest_patches.of_accounts([account()], KEPT, NEW_ID))

    assert patch["metadata"]["annotations"] == {ANNOTATION: NEW_ID}
    assert manifest_patches.of_workloads([workload()], KEPT, NEW_ID) == []


def test_a_workload_names_its_new_account_where_its_kind_keeps_it() -> None:
    refs = [workload(), workload(kind="CronJob"), workload(kind="Pod")]
    deployment, cron_job, pod = documents(manifest_patches.of_workloads(refs, RENAMED, NEW_ID))

    named = {"serviceAccountName": "orders-api-r1"}
    assert deployment["spec"] == {"template": {"spec": named}}
    assert cron_job["apiVersion"] == "batch/v1"
    assert cron_job["spec"] == {"jobTemplate": {"spec": {"template": {"spec": named}}}}
    assert pod["spec"] == named


def test_a_client_id_that_a_template_says_itself_is_named_in_the_instruction() -> None:
    refs = [workload(hard_coded_client_id=True)]
    text = manifest_patches.as_yaml(manifest_patches.of_workloads(refs, KEPT, NEW_ID))

    assert f"wherever it says a client id, say {NEW_ID}" in text


def test_a_key_of_a_config_map_keeps_its_dots() -> None:
    (patch,) = documents(manifest_patches.of_consumers([consumer()], NEW_ID))

    assert patch["data"] == {"app.client.id": NEW_ID}


def test_what_nobody_owns_needs_no_patch() -> None:
    assert manifest_patches.of_accounts([account(owner=None)], RENAMED, NEW_ID) == []
    assert manifest_patches.of_workloads([workload(owner=None)], RENAMED, NEW_ID) == []
    assert manifest_patches.of_consumers([consumer(owner=None)], NEW_ID) == []
    assert manifest_patches.of_consumers([consumer(patchable=False)], NEW_ID) == []


def test_a_mark_can_not_write_into_the_file() -> None:
    evil: GitOpsOwner = {**FLUX, "mark": "x\n---\nkind: ClusterRoleBinding\n#"}
    (patch,) = documents(manifest_patches.of_accounts([account(owner=evil)], KEPT, NEW_ID))

    assert patch["kind"] == "ServiceAccount"
