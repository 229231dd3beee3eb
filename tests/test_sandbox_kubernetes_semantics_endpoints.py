"""Services and the slices of what they reach, and webhooks that the API server is told of, as on real API servers.

What it defends: a webhook that does not serve is told from one that does, before a single pod is restarted.
"""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.kubernetes_api import MERGE, STRATEGIC, Api, ready_pod

WEB = {"app": "web"}
SERVICE = "kubernetes.io/service-name"
WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


@pytest.fixture
def service(api: Api) -> dict[str, Any]:
    if not api.serves("apis/discovery.k8s.io/v1", "endpointslices"):
        pytest.skip(f"{api.target.url} serves no discovery.k8s.io/v1; it came with 1.21")
    spec = {"selector": WEB, "ports": [{"name": "https", "port": 443, "targetPort": 8443}]}
    return api.create("services", {"metadata": {"name": "web"}, "spec": spec})


def endpoints(api: Api) -> dict[str, dict[str, Any]]:
    """By the pod's name."""
    query = {"labelSelector": f"{SERVICE}=web"}
    slices = api.call("GET", api.path("endpointslices"), **query).json()["items"]
    return {one["targetRef"]["name"]: one for each in slices for one in each.get("endpoints") or []}


def addressed(api: Api, name: str, number: int) -> None:
    """Ready, with an address: where there is no node, by our word."""
    ready_pod(api, name, WEB)
    if not api.get("pods", name)["status"].get("podIP"):
        address = f"10.0.0.{number}"
        body = {"status": {"podIP": address, "podIPs": [{"ip": address}]}}
        answer = api.call("PATCH", api.path("pods", name, "status"), body, STRATEGIC)
        assert answer.is_success, answer.text


@pytest.mark.usefixtures("service")
def test_a_service_reaches_the_pods_that_it_chooses_and_says_whether_they_are_ready(
    api: Api,
) -> None:
    addressed(api, "one", 1)
    ready_pod(api, "other", {"app": "other"})

    found = api.eventually(lambda: endpoints(api) if "one" in endpoints(api) else {})
    assert set(found) == {"one"}
    api.eventually(lambda: endpoints(api)["one"]["conditions"]["ready"])
    # Whoever runs the pod may give it another address than the one that it was said to have.
    api.eventually(
        lambda: endpoints(api)["one"]["addresses"] == [api.get("pods", "one")["status"]["podIP"]]
    )
    (kept,) = api.call("GET", api.path("endpointslices")).json()["items"]
    assert kept["addressType"] == "IPv4"
    assert (kept["ports"][0]["name"], kept["ports"][0]["port"]) == ("https", 8443)
    assert kept["metadata"]["name"].startswith("web-")
    assert kept["metadata"]["ownerReferences"][0]["kind"] == "Service"


@pytest.mark.usefixtures("service")
def test_a_pod_that_is_not_ready_any_more_is_an_endpoint_that_is_not(api: Api) -> None:
    addressed(api, "one", 1)
    api.eventually(lambda: endpoints(api).get("one", {}).get("conditions", {}).get("ready"))
    body = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}

    api.call("PATCH", api.path("pods", "one", "status"), body, STRATEGIC)

    api.eventually(lambda: endpoints(api)["one"]["conditions"]["ready"] is False)


def test_which_addresses_a_slice_holds_is_one_of_three_and_does_not_change(
    api: Api, service: dict[str, Any]
) -> None:
    about = {"name": "mine", "labels": {SERVICE: service["metadata"]["name"]}}
    body = {"metadata": about, "addressType": "IPv4", "endpoints": []}
    wrong = api.call("POST", api.path("endpointslices"), {**body, "addressType": "Fax"})
    assert (wrong.status_code, wrong.json()["reason"]) == (422, "Invalid")

    made = api.create("endpointslices", {**body, "ports": [{"port": 443}]})

    assert (made["ports"][0]["protocol"], made["ports"][0]["name"]) == ("TCP", "")
    refused = api.merge("endpointslices", "mine", {"addressType": "IPv6"})
    assert refused.status_code == 422
    assert refused.json()["details"]["causes"][0]["field"] == "addressType"


@pytest.fixture
def configuration(api: Api) -> Iterator[str]:
    """The name of one that is taken away again: it belongs to no namespace."""
    name = f"firebreak-test-{uuid4().hex[:8]}"
    yield name
    api.call("DELETE", f"{WEBHOOKS}/{name}")


def webhook(**parts: Any) -> dict[str, Any]:
    """One that is asked about nothing that exists."""
    service = {"namespace": "nowhere", "name": "nobody"}
    rule = {"apiGroups": ["none.example"], "apiVersions": ["v1"], "operations": ["CREATE"],
            "resources": ["nothings"]}  # fmt: skip
    return {
        "name": "nobody.firebreak.example",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "clientConfig": {"service": service},
        "rules": [rule],
        **parts,
    }


def test_a_webhook_is_kept_with_what_it_leaves_open_filled_in(api: Api, configuration: str) -> None:
    body = {"metadata": {"name": configuration}, "webhooks": [webhook()]}
    made = api.call("POST", WEBHOOKS, body)
    assert made.status_code == 201, made.text

    (found,) = made.json()["webhooks"]
    assert (found["failurePolicy"], found["timeoutSeconds"]) == ("Fail", 10)
    assert found["clientConfig"]["service"]["port"] == 443
    assert found["rules"][0]["scope"] == "*"
    assert "caBundle" not in found["clientConfig"]
    bundle = {"webhooks": [webhook(clientConfig={**webhook()["clientConfig"], "caBundle": "Y2E="})]}
    answer = api.call("PATCH", f"{WEBHOOKS}/{configuration}", bundle, MERGE)
    # A bundle that is no certificate is believed by newer servers only.
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize(
    ("parts", "field"),
    [
        ({"name": "short"}, "webhooks[0].name"),
        ({"sideEffects": "Some"}, "webhooks[0].sideEffects"),
        ({"clientConfig": {}}, "webhooks[0].clientConfig"),
        ({"failurePolicy": "Perhaps"}, "webhooks[0].failurePolicy"),
        ({"timeoutSeconds": 31}, "webhooks[0].timeoutSeconds"),
    ],
)
def test_a_webhook_that_nobody_could_call_is_refused(
    api: Api, configuration: str, parts: dict[str, Any], field: str
) -> None:
    body = {"metadata": {"name": configuration}, "webhooks": [webhook(**parts)]}

    answer = api.call("POST", WEBHOOKS, body)

    assert (answer.status_code, answer.json()["reason"]) == (422, "Invalid")
    assert field in {one["field"] for one in answer.json()["details"]["causes"]}
