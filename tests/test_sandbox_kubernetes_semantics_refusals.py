"""What is refused, kind by kind, with status and field, as seen on real API servers.

What it defends: a write that a real server refuses is refused here, so that no responder rests on one that is not.
"""

from typing import Any

import pytest

from tests.kubernetes_api import JSON_PATCH, MERGE, Api, define, deployment

LABELS = {"app": "web"}
TEMPLATE = {
    "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "pause:3.10"}]}
}


def _field(answer: Any) -> str:
    return str(answer.json()["details"]["causes"][0]["field"])


@pytest.mark.parametrize(
    ("plural", "body", "field"),
    [
        (
            "pods",
            # An old API server wants a token to be there already.
            {"spec": {"containers": [], "automountServiceAccountToken": False}},
            "spec.containers",
        ),
        ("configmaps", {"data": {"bad/key": "x"}}, "data[bad/key]"),
        ("jobs", {"spec": {"parallelism": -1, "template": TEMPLATE}}, "spec.parallelism"),
        (
            "jobs",
            {"spec": {"selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
            "spec.selector",
        ),
    ],
)
def test_an_object_that_makes_no_sense_is_refused_by_its_field(
    api: Api, plural: str, body: dict[str, Any], field: str
) -> None:
    answer = api.call("POST", api.path(plural), {"metadata": {"name": "x"}, **body})

    assert answer.status_code == 422, answer.text
    assert field in {each["field"] for each in answer.json()["details"]["causes"]}


@pytest.mark.parametrize("plural", ["configmaps", "secrets"])
def test_what_was_said_to_be_immutable_keeps_its_data(api: Api, plural: str) -> None:
    data = {"key": "dmFsdWU="}
    api.create(plural, {"metadata": {"name": "x"}, "data": data, "immutable": True})

    refused = api.merge(plural, "x", {"data": {"key": "b3RoZXI="}})
    labelled = api.merge(plural, "x", {"metadata": {"labels": LABELS}})

    assert (refused.status_code, _field(refused), labelled.status_code) == (422, "data", 200)


def test_a_patch_can_not_make_an_object_another_one(api: Api) -> None:
    api.create("deployments", deployment("web", replicas=0))

    for about in ({"name": "other"}, {"namespace": "other"}):
        answer = api.merge("deployments", "web", {"metadata": about})
        assert (answer.status_code, answer.json()["reason"]) == (400, "BadRequest"), about
    uid = api.merge("deployments", "web", {"metadata": {"uid": "other"}})
    assert uid.status_code in (409, 422)
    for other in ({"kind": "Pod"}, {"apiVersion": "v1"}):
        answer = api.merge("deployments", "web", other)
        assert (answer.status_code, _field(answer)) == (422, "patch"), other


def test_a_patch_can_not_make_a_custom_resource_of_another_kind(api: Api) -> None:
    define(api, "secretproviderclasses")
    made = {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": {"name": "vault"},
        "spec": {"provider": "azure"},
    }
    api.create("secretproviderclasses", made)

    kind = api.merge("secretproviderclasses", "vault", {"kind": "Other"})
    version = api.merge("secretproviderclasses", "vault", {"apiVersion": "v1"})
    path = api.path("secretproviderclasses", "vault", "status")

    assert (kind.status_code, _field(kind)) == (422, "kind")
    assert (version.status_code, _field(version)) == (422, "apiVersion")
    assert api.call("GET", path).json()["message"] == (
        'secretproviderclasses.secrets-store.csi.x-k8s.io "vault" not found'
    )


def test_a_json_patch_of_an_unknown_operation_is_rejected(api: Api) -> None:
    api.account("app")
    path = api.path("serviceaccounts", "app")

    answer = api.call("PATCH", path, [{"op": "bogus", "path": "/metadata"}], JSON_PATCH)

    assert (answer.status_code, answer.json()["details"]) == (422, {})


def test_a_scale_is_of_its_object_and_never_negative(api: Api) -> None:
    api.create("deployments", deployment("web", replicas=0))
    path = api.path("deployments", "web", "scale")
    about = {"name": "other", "namespace": api.namespace}

    negative = api.call("PATCH", path, {"spec": {"replicas": -1}}, MERGE)
    other = api.call("PUT", path, {"metadata": about, "spec": {"replicas": 1}})

    assert (negative.status_code, negative.json()["details"]["kind"]) == (422, "Scale")
    assert other.status_code == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [({"propagationPolicy": "Nonsense"}, "propagationPolicy"), ({"dryRun": ["maybe"]}, "dryRun")],
)
def test_options_of_a_delete_are_of_closed_lists(
    api: Api, body: dict[str, Any], field: str
) -> None:
    api.account("app")

    answer = api.call("DELETE", api.path("serviceaccounts", "app"), body)

    assert (answer.status_code, _field(answer)) == (422, field)
    assert answer.json()["details"]["kind"] == "DeleteOptions"
    assert api.get("serviceaccounts", "app")


def test_a_binding_in_a_namespace_may_leave_the_accounts_out(api: Api) -> None:
    subject = {"kind": "ServiceAccount", "name": "app"}
    reference = {"kind": "Role", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"}
    body = {"metadata": {"name": "reader"}, "roleRef": reference, "subjects": [subject]}

    assert api.create("rolebindings", body)["subjects"] == [subject]


def test_a_review_of_no_token_is_a_bad_request(api: Api) -> None:
    answer = api.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {}})

    assert answer.status_code == 400
