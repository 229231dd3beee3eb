"""What is to know of a workload before it is stopped: replicas, budgets, owners, overrides, the life of its tokens."""

from typing import Any

import pytest

from responders import service_accounts, workloads
from responders.label_selectors import selects
from responders.model import WorkloadRef
from tests.cluster_objects import (
    CLIENT_ID,
    account,
    deployment,
    inventory,
    metadata,
    owned_by,
    template,
)

Json = dict[str, Any]


def running(**lists: list[Json]) -> list[WorkloadRef]:
    found = inventory(**{"serviceaccounts": [account()], "deployments": [deployment()], **lists})
    return workloads.find(found, service_accounts.find(found))


def one(**lists: list[Json]) -> WorkloadRef:
    (ref,) = running(**lists)
    return ref


def budget(allowed: int, selector: Json | None, namespace: str = "shop") -> Json:
    return {
        "metadata": metadata(f"budget-{allowed}", namespace),
        "spec": {"minAvailable": 1, "selector": selector},
        "status": {"disruptionsAllowed": allowed},
    }


def test_budgets_that_select_its_pods_are_named_and_those_that_block() -> None:
    own = {"matchLabels": {"app": "orders"}}
    ref = one(
        poddisruptionbudgets=[
            budget(0, own),
            budget(1, {}),
            budget(2, None),
            budget(3, {"matchLabels": {"app": "other"}}),
            budget(4, own, "elsewhere"),
        ]
    )
    assert ref["budgets"] == ["budget-0", "budget-1"]
    assert ref["blocking_budgets"] == ["budget-0"]


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["a", "b"], True),
        ("NotIn", ["a"], False),
        ("Exists", None, True),
        ("DoesNotExist", None, False),
    ],
)
def test_a_selector_by_expression(operator: str, values: list[str] | None, expected: bool) -> None:
    requirement = {"key": "tier", "operator": operator, "values": values}
    assert selects({"matchExpressions": [requirement]}, {"tier": "a"}) is expected


def test_not_in_selects_what_has_no_such_label() -> None:
    requirement = {"key": "tier", "operator": "NotIn", "values": ["a"]}
    assert selects({"matchExpressions": [requirement]}, {})


def test_owner_strategy_and_age_are_told() -> None:
    labels = {"kustomize.toolkit.fluxcd.io/name": "apps"}
    made = deployment(metadata={"labels": labels}, strategy={"type": "Recreate"})
    ref = one(deployments=[made])

    assert ref["owner"] is not None
    assert ref["owner"]["name"] == "apps"
    assert (ref["update_strategy"], ref["replicas"], ref["created"]) == (
        "Recreate",
        2,
        "2025-01-01T00:00:00Z",
    )


# Tokens


def token(audience: str, seconds: int | None = None) -> Json:
    source = {"audience": audience, "path": "anywhere", "expirationSeconds": seconds}
    return {"name": "t", "projected": {"sources": [{"serviceAccountToken": source}]}}


EXPIRES = "azure.workload.identity/service-account-token-expiration"


@pytest.mark.parametrize(
    ("pods", "of_account", "expected"),
    [
        (template(), {}, 3600),
        (template(), {EXPIRES: "7200"}, 7200),
        (template(annotations={EXPIRES: "3600"}), {EXPIRES: "7200"}, 3600),
        (template(annotations={EXPIRES: "a day"}), {}, 86_400),
        (template(volumes=[token("api://AzureADTokenExchange", 43_200)]), {}, 43_200),
        (template(volumes=[token("api://AzureADTokenExchangeUSGov", 43_200)]), {}, 43_200),
        (template(volumes=[token("api://AKSIdentityBinding")]), {}, 3600),
        (template(volumes=[token("vault", 86_000)]), {}, 3600),
    ],
)
def test_the_longest_token_is_found_by_audience_and_annotation(
    pods: Json, of_account: dict[str, str], expected: int
) -> None:
    ref = one(
        serviceaccounts=[account(annotations=of_account)], deployments=[deployment(pods=pods)]
    )
    assert ref["longest_token_s"] == expected


def test_a_pod_that_still_has_a_longer_token_counts() -> None:
    top = deployment()
    old = template(volumes=[token("api://AzureADTokenExchange", 86_400)])
    pod = {"metadata": metadata("old", ownerReferences=owned_by(top)), "spec": old["spec"]}

    assert one(deployments=[top], pods=[pod])["longest_token_s"] == 86_400


# Overrides


@pytest.mark.parametrize(
    ("container", "said"),
    [
        (
            {"env": [{"name": "AZURE_CLIENT_ID", "value": CLIENT_ID.upper()}]},
            "AZURE_CLIENT_ID is the client id",
        ),
        (
            {"env": [{"name": "IDENTITY", "value": f"id={CLIENT_ID}"}]},
            "IDENTITY holds the client id",
        ),
        (
            {"env": [{"name": "AZURE_CLIENT_ID", "value": "other"}]},
            "AZURE_CLIENT_ID is another client id",
        ),
        (
            {
                "env": [
                    {
                        "name": "AZURE_CLIENT_ID",
                        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
                    }
                ]
            },
            "AZURE_CLIENT_ID is taken from Secret s, k, which is never read",
        ),
        (
            {
                "env": [
                    {
                        "name": "AZURE_CLIENT_ID",
                        "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "ID"}},
                    }
                ]
            },
            "AZURE_CLIENT_ID is taken from ConfigMap settings: the client id",
        ),
        (
            {"envFrom": [{"prefix": "AZURE_CLIENT_", "configMapRef": {"name": "settings"}}]},
            "AZURE_CLIENT_ID is taken from ConfigMap settings: the client id",
        ),
        ({"args": ["--client-id", CLIENT_ID]}, "its arguments hold the client id"),
    ],
)
def test_a_client_id_that_the_webhook_does_not_set_is_said(container: Json, said: str) -> None:
    settings = {"metadata": metadata("settings"), "data": {"ID": CLIENT_ID}}
    ref = one(deployments=[deployment(pods=template(container=container))], configmaps=[settings])

    assert ref["overrides"] == [f"container app: {said}"]
    assert ref["hard_coded_client_id"]


def test_init_containers_are_looked_at_too() -> None:
    variable = {"name": "AZURE_CLIENT_ID", "value": CLIENT_ID}
    pods = template(initContainers=[{"name": "migrate", "env": [variable]}])

    ref = one(deployments=[deployment(pods=pods)])

    assert ref["overrides"] == ["container migrate: AZURE_CLIENT_ID is the client id"]


def test_a_whole_secret_may_hold_one_and_proves_nothing() -> None:
    pods = template(container={"envFrom": [{"secretRef": {"name": "settings"}}]})
    ref = one(deployments=[deployment(pods=pods)])

    assert "Secret settings" in ref["overrides"][0]
    assert not ref["hard_coded_client_id"]


# Owners


def test_owners_in_a_circle_end_and_are_reported() -> None:
    first, second = deployment("first"), deployment("second")
    first["metadata"]["ownerReferences"] = owned_by(second)
    second["metadata"]["ownerReferences"] = owned_by(first)

    assert running(deployments=[first, second]) != []


def test_an_owner_in_another_namespace_owns_nothing() -> None:
    """Kubernetes would not heed it either; it must not hide the pod behind somebody else's Deployment."""
    innocent = deployment("innocent", pods=template("other"))
    innocent["metadata"] |= {"namespace": "elsewhere"}
    pod = {
        "metadata": metadata("rogue", ownerReferences=owned_by(innocent)),
        "spec": template()["spec"],
    }
    assert [ref["kind"] for ref in running(deployments=[innocent], pods=[pod])] == ["Pod"]
