"""More of what every object goes through, kind by kind, as seen on real API servers."""

from typing import Any

import pytest

from tests.kubernetes_api import MERGE, STRATEGIC, Api, define, deployment, ready_pod, since

CLASSES = "secretproviderclasses"
LABELS = {"app": "web"}


def _secrets(name: str = "vault", **labels: str) -> dict[str, Any]:
    return {
        "apiVersion": "secrets-store.csi.x-k8s.io/v1",
        "kind": "SecretProviderClass",
        "metadata": {"name": name, "labels": labels},
        "spec": {"provider": "azure"},
    }


def _template() -> dict[str, Any]:
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    return {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}


def _stateful_set(**spec: Any) -> dict[str, Any]:
    selector = {"matchLabels": LABELS}
    whole = {"selector": selector, "template": _template(), "serviceName": "web", **spec}
    return {"metadata": {"name": "web"}, "spec": whole}


def test_a_stateful_set_changes_in_a_few_fields_only(api: Api) -> None:
    api.create("statefulsets", _stateful_set())

    refused = api.merge("statefulsets", "web", {"spec": {"serviceName": "other"}})
    taken = api.merge("statefulsets", "web", {"spec": {"replicas": 0}})

    assert (refused.status_code, taken.status_code) == (422, 200)
    cause = refused.json()["details"]["causes"][0]
    assert (cause["reason"], cause["field"]) == ("FieldValueForbidden", "spec")
    assert taken.json()["metadata"]["generation"] == 2


def test_a_stateful_set_is_filled_with_defaults_and_scaled(api: Api) -> None:
    made = api.create("statefulsets", _stateful_set())
    path = api.path("statefulsets", "web", "scale")

    scaled = api.call("PATCH", path, {"spec": {"replicas": 3}}, MERGE).json()

    assert made["spec"]["replicas"] == 1
    assert made["spec"]["podManagementPolicy"] == "OrderedReady"
    assert made["spec"]["updateStrategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"partition": 0},
    }
    assert (scaled["kind"], scaled["spec"]) == ("Scale", {"replicas": 3})
    assert api.get("statefulsets", "web")["spec"]["replicas"] == 3


def test_a_daemon_set_keeps_its_selector_and_has_no_scale(api: Api) -> None:
    spec = {"selector": {"matchLabels": LABELS}, "template": _template()}
    made = api.create("daemonsets", {"metadata": {"name": "web"}, "spec": spec})

    assert made["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    assert api.call("GET", api.path("daemonsets", "web", "scale")).status_code == 404
    other = {"spec": {"selector": {"matchLabels": {"app": "other"}}}}
    assert api.merge("daemonsets", "web", other).status_code == 422


def test_a_pod_changes_in_a_few_fields_only(api: Api) -> None:
    ready_pod(api, "p", LABELS)

    refused = api.merge("pods", "p", {"spec": {"serviceAccountName": "other"}})
    labelled = api.merge("pods", "p", {"metadata": {"labels": {"more": "x"}}})

    assert (refused.status_code, labelled.status_code) == (422, 200)
    assert refused.json()["details"]["causes"][0]["field"] == "spec"


def test_a_pod_on_a_node_gets_its_grace(api: Api) -> None:
    ready_pod(api, "p", LABELS)

    answer = api.call("DELETE", api.path("pods", "p"))

    assert answer.status_code == 200
    about = answer.json()["metadata"]
    assert (answer.json()["kind"], about["deletionGracePeriodSeconds"]) == ("Pod", 30)


def test_a_pod_without_grace_is_gone_at_once(api: Api) -> None:
    ready_pod(api, "p", LABELS)

    answer = api.call("DELETE", api.path("pods", "p"), gracePeriodSeconds="0")

    assert answer.status_code == 200
    api.eventually(lambda: api.call("GET", api.path("pods", "p")).status_code == 404)


def test_a_pod_gets_a_token_volume_and_two_tolerations(api: Api) -> None:
    since(api, 22)
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    made = api.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container]}})

    [volume] = made["spec"]["volumes"]
    assert volume["name"].startswith("kube-api-access-")
    token = volume["projected"]["sources"][0]["serviceAccountToken"]
    assert token == {"expirationSeconds": 3607, "path": "token"}
    assert [each["tolerationSeconds"] for each in made["spec"]["tolerations"]] == [300, 300]
    assert made["spec"]["serviceAccount"] == made["spec"]["serviceAccountName"] == "default"


def test_annotations_have_room_for_256_kibibytes(api: Api) -> None:
    api.account("app")
    body = {"metadata": {"annotations": {"a": "x" * (256 * 1024)}}}

    answer = api.merge("serviceaccounts", "app", body)

    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["reason"] == "FieldValueTooLong"


def test_an_object_without_a_name_is_refused(api: Api) -> None:
    answer = api.call("POST", api.path("serviceaccounts"), {"metadata": {}})

    assert answer.status_code == 422
    assert (
        "metadata.name: Required value: name or generateName is required"
        in (answer.json()["message"])
    )


def test_a_generated_name_begins_as_it_was_asked_for(api: Api) -> None:
    made = api.create("serviceaccounts", {"metadata": {"generateName": "app-"}})

    assert made["metadata"]["name"].startswith("app-")
    assert len(made["metadata"]["name"]) == len("app-") + 5


def test_an_unknown_representation_is_not_acceptable(api: Api) -> None:
    path = api.path("serviceaccounts")

    assert api.http.get(path, headers={"accept": "text/html"}).status_code == 406


def test_a_restart_is_a_new_template_and_a_paused_deployment_takes_it_too(api: Api) -> None:
    api.create("deployments", deployment("web", paused=True, replicas=0))
    note = {"kubectl.kubernetes.io/restartedAt": "2026-11-26T10:00:00Z"}
    body = {"spec": {"template": {"metadata": {"annotations": note}}}}

    answer = api.call("PATCH", api.path("deployments", "web"), body, STRATEGIC).json()

    assert answer["metadata"]["generation"] == 2
    assert answer["spec"]["template"]["metadata"]["annotations"] == note
    assert answer["spec"]["paused"] is True


def test_a_custom_resource_loses_races_and_keeps_its_version_like_any_other(api: Api) -> None:
    define(api, CLASSES)
    made = api.create(CLASSES, _secrets())
    version = made["metadata"]["resourceVersion"]

    same = api.merge(CLASSES, "vault", {"spec": {"provider": "azure"}}).json()
    tried = api.merge(CLASSES, "vault", {"spec": {"provider": "x"}}, dryRun="All").json()
    changed = api.merge(CLASSES, "vault", {"spec": {"provider": "other"}}).json()
    stale = {"metadata": {"resourceVersion": version}, "spec": {"provider": "late"}}
    late = api.merge(CLASSES, "vault", stale)

    assert same["metadata"]["resourceVersion"] == version
    assert tried["spec"]["provider"] == "x"
    assert changed["metadata"]["resourceVersion"] != version
    assert (late.status_code, late.json()["reason"]) == (409, "Conflict")


def test_custom_resources_are_selected_watched_and_deleted_together(api: Api) -> None:
    define(api, CLASSES)
    api.create(CLASSES, _secrets("a", colour="red"))
    api.create(CLASSES, _secrets("b", colour="blue"))
    path = api.path(CLASSES)

    red = api.call("GET", path, labelSelector="colour=red").json()["items"]
    query = {"watch": "true", "timeoutSeconds": "1"}
    events = [each for each in api.http.get(path, params=query).text.splitlines() if each]
    deleted = api.call("DELETE", path, labelSelector="colour=blue").json()

    assert [each["metadata"]["name"] for each in red] == ["a"]
    assert len(events) == 2
    assert all('"type":"ADDED"' in each and "SecretProviderClass" in each for each in events)
    assert deleted["kind"] == "SecretProviderClassList"
    left = api.call("GET", path).json()["items"]
    assert [each["metadata"]["name"] for each in left] == ["a"]


def test_a_table_of_custom_resources_has_the_columns_of_the_definition(api: Api) -> None:
    define(api, "triggerauthentications")
    api.create(
        "triggerauthentications",
        {
            "apiVersion": "keda.sh/v1alpha1",
            "kind": "TriggerAuthentication",
            "metadata": {"name": "queue"},
            "spec": {"podIdentity": {"provider": "azure-workload"}},
        },
    )
    accept = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}

    table = api.http.get(api.path("triggerauthentications"), headers=accept).json()

    names = [each["name"] for each in table["columnDefinitions"]]
    assert names[:3] == ["Name", "PodIdentity", "Secret"]
    assert table["rows"][0]["cells"][:3] == ["queue", "azure-workload", None]


@pytest.mark.parametrize("plural", ["deployments", "serviceaccounts", "networkpolicies", "jobs"])
def test_a_subresource_that_a_kind_lacks_is_not_found(api: Api, plural: str) -> None:
    answer = api.call("GET", api.path(plural, "web", "colour"))

    assert (answer.status_code, answer.json()["message"]) == (
        404,
        "the server could not find the requested resource",
    )


def test_a_variable_that_is_there_twice_earns_a_warning(api: Api) -> None:
    since(api, 27)
    body = deployment("web", replicas=0)
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    body["spec"]["template"]["spec"]["containers"][0]["env"] = twice

    made = api.call("POST", api.path("deployments"), body)
    labelled = api.merge("deployments", "web", {"metadata": {"labels": {"a": "b"}}})

    assert made.status_code == 201
    assert made.headers["warning"].startswith("299 - ")
    assert "spec.template.spec.containers[0].env[1]" in made.headers["warning"]
    assert "warning" not in labelled.headers


def test_the_query_of_a_delete_with_a_body_counts_for_nothing(api: Api) -> None:
    api.account("app")

    answer = api.call("DELETE", api.path("serviceaccounts", "app"), {}, dryRun="All")

    assert answer.status_code == 200
    api.eventually(lambda: api.call("GET", api.path("serviceaccounts", "app")).status_code == 404)


def test_pods_of_a_deleted_job_stay_and_the_server_says_so(api: Api) -> None:
    template = _template()
    template["spec"]["restartPolicy"] = "Never"
    api.create("jobs", {"metadata": {"name": "load"}, "spec": {"template": template}})
    path = api.path("jobs", "load")

    tried = {"propagationPolicy": "Background", "dryRun": ["All"]}
    silent = api.call("DELETE", path, tried)
    answer = api.call("DELETE", path)

    assert "warning" not in silent.headers
    assert answer.json()["kind"] == "Job"
    since(api, 32)
    assert "child pods are preserved by default when jobs are deleted" in answer.headers["warning"]


def test_text_in_a_secret_becomes_data_and_is_not_shown(api: Api) -> None:
    made = api.create("secrets", {"metadata": {"name": "s"}, "stringData": {"key": "value"}})
    patched = api.merge("secrets", "s", {"stringData": {"key": "other"}}).json()

    assert made["data"] == {"key": "dmFsdWU="}
    assert patched["data"] == {"key": "b3RoZXI="}
    assert "stringData" not in made
    assert "stringData" not in patched


def test_a_service_gets_an_address_and_a_headless_one_keeps_none(api: Api) -> None:
    ports = [{"port": 80}]
    made = api.create("services", {"metadata": {"name": "a"}, "spec": {"ports": ports}})
    none = {"clusterIP": "None", "ports": ports}
    headless = api.create("services", {"metadata": {"name": "b"}, "spec": none})

    assert made["spec"]["clusterIP"].count(".") == 3
    assert headless["spec"]["clusterIP"] == "None"


def test_a_job_without_labels_has_those_of_its_pods(api: Api) -> None:
    template = _template()
    template["spec"]["restartPolicy"] = "Never"
    made = api.create("jobs", {"metadata": {"name": "load"}, "spec": {"template": template}})

    labels = made["metadata"]["labels"]
    assert (labels["app"], labels["job-name"]) == ("web", "load")
    assert labels == made["spec"]["template"]["metadata"]["labels"]
