"""What a write changes and what it leaves alone; deletes, grace and finalizers.

Facts of real API servers, as in test_sandbox_kubernetes_semantics.py.
"""

from concurrent.futures import ThreadPoolExecutor

from tests.kubernetes_api import MERGE, STRATEGIC, Api, deployment, since


def test_a_new_object_gets_its_identity_from_the_server(api: Api) -> None:
    about = api.account("app", labels={"a": "1"})["metadata"]

    assert len(about["uid"]) == 36
    assert about["creationTimestamp"].endswith("Z")
    assert about["resourceVersion"].isdigit()
    assert "generation" not in about
    assert about["managedFields"][0]["operation"] == "Update"


def test_a_body_needs_neither_kind_nor_content_type(api: Api) -> None:
    answer = api.http.post(api.path("serviceaccounts"), content=b'{"metadata":{"name":"app"}}')

    assert answer.status_code == 201
    assert list(answer.json())[:3] == ["kind", "apiVersion", "metadata"]


def test_a_write_that_changes_nothing_keeps_the_version(api: Api) -> None:
    before = api.account("app", annotations={"a": "1"})
    same = {"metadata": {"annotations": {"a": "1", "absent": None}}}

    patched = api.merge("serviceaccounts", "app", same).json()
    put = api.call("PUT", api.path("serviceaccounts", "app"), patched).json()

    versions = {each["metadata"]["resourceVersion"] for each in (before, patched, put)}
    assert len(versions) == 1


def test_generation_counts_spec_and_annotations_but_not_labels(api: Api) -> None:
    api.create("deployments", deployment("web", replicas=0, paused=True))
    before = api.get("deployments", "web")["metadata"]["generation"]

    def after(body: dict[str, object]) -> int:
        changed = api.merge("deployments", "web", body).json()
        return int(changed["metadata"]["generation"]) - int(before)

    assert after({"metadata": {"labels": {"a": "1"}}}) == 0
    assert after({"metadata": {"annotations": {"a": "1"}}}) == 1
    assert after({"spec": {"revisionHistoryLimit": 3}}) == 2


def test_a_deployment_is_filled_with_defaults(api: Api) -> None:
    spec = api.create("deployments", deployment("web", replicas=0))["spec"]

    rolling = {"maxSurge": "25%", "maxUnavailable": "25%"}
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": rolling}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 30


def test_a_network_policy_without_types_is_ingress_and_egress_where_it_has_one(api: Api) -> None:
    plain = api.create("networkpolicies", {"metadata": {"name": "a"}, "spec": {"podSelector": {}}})
    both = api.create(
        "networkpolicies",
        {
            "metadata": {"name": "b"},
            "spec": {"podSelector": {}, "egress": [{"ports": [{"port": 53}]}]},
        },
    )

    assert plain["spec"]["policyTypes"] == ["Ingress"]
    assert both["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert both["spec"]["egress"] == [{"ports": [{"protocol": "TCP", "port": 53}]}]
    assert plain["metadata"]["generation"] == 1


def test_another_objects_uid_is_refused(api: Api) -> None:
    about = api.account("app")["metadata"]
    body = {"metadata": {**about, "uid": "00000000-0000-0000-0000-000000000000"}}

    put = api.call("PUT", api.path("serviceaccounts", "app"), body)
    patched = api.merge("serviceaccounts", "app", {"metadata": {"uid": "other"}})

    assert (put.status_code, put.json()["reason"]) == (409, "Conflict")
    assert "Precondition failed: UID in precondition" in put.json()["message"]
    assert patched.status_code == 422
    assert "field is immutable" in patched.json()["message"]


def test_versions_are_the_servers_to_give(api: Api) -> None:
    about = {"name": "app", "resourceVersion": "1"}
    created = api.call("POST", api.path("serviceaccounts"), {"metadata": about})
    api.account("app")
    about["resourceVersion"] = "abc"
    put = api.call("PUT", api.path("serviceaccounts", "app"), {"metadata": about})

    assert (created.status_code, put.status_code) == (500, 500)
    assert "resourceVersion should not be set" in created.json()["message"]


def test_a_collection_is_deleted_by_selector(api: Api) -> None:
    api.account("a", labels={"go": "yes"})
    api.account("b")

    answer = api.call("DELETE", api.path("serviceaccounts"), labelSelector="go=yes").json()

    assert answer["kind"] == "ServiceAccountList"
    assert [each["metadata"]["name"] for each in answer["items"]] == ["a"]
    assert api.call("GET", api.path("serviceaccounts", "b")).is_success
    assert api.call("GET", api.path("serviceaccounts", "a")).status_code == 404


def test_which_kinds_answer_a_delete_with_the_object(api: Api) -> None:
    api.account("app")
    created = api.create("networkpolicies", {"metadata": {"name": "a"}, "spec": {}})

    account = api.call("DELETE", api.path("serviceaccounts", "app")).json()
    policy = api.call("DELETE", api.path("networkpolicies", "a")).json()

    assert account["kind"] == "ServiceAccount"
    assert (policy["kind"], policy["status"]) == ("Status", "Success")
    assert policy["details"] == {
        "name": "a",
        "group": "networking.k8s.io",
        "kind": "networkpolicies",
        "uid": created["metadata"]["uid"],
    }


def test_a_finalizer_holds_an_object_until_it_is_cleared(api: Api) -> None:
    api.account("app", finalizers=["firebreak.dev/held"])

    deleted = api.call("DELETE", api.path("serviceaccounts", "app")).json()["metadata"]
    assert deleted["deletionGracePeriodSeconds"] == 0
    assert api.merge("serviceaccounts", "app", {"metadata": {"labels": {"a": "1"}}}).is_success
    api.merge("serviceaccounts", "app", {"metadata": {"finalizers": None}})

    assert api.call("GET", api.path("serviceaccounts", "app")).status_code == 404


def test_a_dry_run_answers_as_if_and_stores_nothing(api: Api) -> None:
    path = api.path("serviceaccounts")
    tried = api.call("POST", path, {"metadata": {"name": "app"}}, dryRun="All")
    assert tried.status_code == 201
    assert api.call("GET", f"{path}/app").status_code == 404

    before = api.account("app")["metadata"]["resourceVersion"]
    patched = api.merge(
        "serviceaccounts", "app", {"metadata": {"labels": {"a": "1"}}}, dryRun="All"
    ).json()
    assert patched["metadata"]["labels"] == {"a": "1"}
    assert patched["metadata"]["resourceVersion"] == before
    assert "labels" not in api.get("serviceaccounts", "app")["metadata"]
    assert api.merge("serviceaccounts", "app", {}, dryRun="maybe").status_code == 422


def test_unknown_fields_warn_or_are_refused(api: Api) -> None:
    since(api, 27)
    path = api.path("serviceaccounts")
    body = {"metadata": {"name": "app"}, "bogus": 1}

    warned = api.call("POST", path, body)
    assert warned.status_code == 201
    assert warned.headers["warning"] == '299 - "unknown field \\"bogus\\""'
    assert "bogus" not in warned.json()

    strict = {"fieldValidation": "Strict"}
    posted = api.call("POST", path, {**body, "metadata": {"name": "b"}}, **strict)
    assert posted.status_code == 400
    assert 'strict decoding error: unknown field "bogus"' in posted.json()["message"]
    assert api.merge("serviceaccounts", "app", {"bogus": 1}, **strict).status_code == 422
    silent = api.merge("serviceaccounts", "app", {"bogus": 1}, fieldValidation="Ignore")
    assert (silent.status_code, "warning" in silent.headers) == (200, False)


def test_the_manager_of_a_field_is_named_by_query_or_user_agent(api: Api) -> None:
    since(api, 32)
    api.account("app")
    api.merge(
        "serviceaccounts",
        "app",
        {"metadata": {"annotations": {"a": "1"}}},
        fieldManager="firebreak",
    )
    api.http.patch(
        api.path("serviceaccounts", "app"),
        json={"metadata": {"annotations": {"b": "2"}}},
        headers={"content-type": MERGE, "user-agent": "drill/1.0 (x)"},
    )

    managed = api.get("serviceaccounts", "app")["metadata"]["managedFields"]

    assert {"firebreak", "drill"} <= {each["manager"] for each in managed}


def test_patches_without_a_version_never_lose_each_other(api: Api) -> None:
    api.account("app")

    def patch(number: int) -> int:
        body = {"metadata": {"annotations": {f"k{number}": "x"}}}
        type_ = (MERGE, STRATEGIC)[number % 2]
        return api.call("PATCH", api.path("serviceaccounts", "app"), body, type_).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(patch, range(80))) == {200}

    assert len(api.get("serviceaccounts", "app")["metadata"]["annotations"]) == 80


def test_every_namespace_gets_a_default_account_and_the_ca(api: Api) -> None:
    found = api.eventually(lambda: api.call("GET", api.path("configmaps", "kube-root-ca.crt")))

    assert "BEGIN CERTIFICATE" in found.json()["data"]["ca.crt"]
    assert "secrets" not in api.get("serviceaccounts", "default")
