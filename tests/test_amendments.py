"""A plan that is drawn again: what has changed is named, and what was moved stands in it as it stood before."""

import copy
from typing import Any

import pytest

from playbooks import amendments

PART: dict[str, Any] = {
    "survey": {
        "cluster": {"name": "aks-1", "resource_id": "/aks-1", "issuer_url": "https://aks-1/"},
        "service_accounts": [{"namespace": "shop", "name": "orders-api"}],
        "workloads": [{"kind": "Deployment", "namespace": "shop", "name": "orders-api"}],
    },
    "acts": True,
    "reason": "",
    "new_names": {"shop/orders-api": "orders-api-r1"},
    "consumers": [],
}
TRUST = {"name": "t", "issuer": "https://aks-1/", "subject": "system:serviceaccount:shop:a-r1"}
PLAN: Any = {
    "clusters": [PART],
    "federated_credentials": [TRUST],
    "refederation": {"method": "new_subject", "because": "rows"},
}


def plan(**part: Any) -> Any:
    """The plan with something else in its cluster."""
    other = copy.deepcopy(PLAN)
    for name, value in part.items():
        place = other["clusters"][0]
        (place["survey"] if name in place["survey"] else place)[name] = value
    return other


def test_the_same_world_is_no_difference() -> None:
    assert amendments.differences(PLAN, plan()) == []


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {
                "service_accounts": [
                    *PART["survey"]["service_accounts"],
                    {"namespace": "x", "name": "y"},
                ]
            },
            "aks-1: ServiceAccount x/y is new",
        ),
        ({"workloads": []}, "aks-1: Deployment shop/orders-api is gone"),
        (
            {"consumers": [{"kind": "ConfigMap", "namespace": "shop", "name": "ids"}]},
            "aks-1: ConfigMap shop/ids is new",
        ),
    ],
)
def test_whatever_a_consent_covers_is_compared(part: Any, said: str) -> None:
    assert amendments.differences(PLAN, plan(**part)) == [said]


def test_a_cluster_that_answers_now_is_a_difference() -> None:
    away = plan(acts=False, reason="unreachable: timeout", service_accounts=[], workloads=[])

    assert "aks-1: can be reached now" in amendments.differences(away, PLAN)


def test_what_was_moved_has_to_keep_its_names_and_its_trusts() -> None:
    renamed, bare = plan(new_names={"shop/orders-api": "other"}), plan()
    bare["federated_credentials"] = []

    assert amendments.contradiction(PLAN, plan(), {"/aks-1"}) is None
    assert "other names" in (amendments.contradiction(PLAN, renamed, {"/aks-1"}) or "")
    assert "trusts of what was moved" in (amendments.contradiction(PLAN, bare, {"/aks-1"}) or "")
    assert amendments.contradiction(PLAN, bare, set()) is None


def test_another_way_to_shut_stolen_tokens_out_can_not_take_the_place_of_the_first() -> None:
    other = plan()
    other["refederation"] = {"method": "wait_out", "because": "exec in kube-audit"}

    assert "exec in kube-audit" in (amendments.contradiction(PLAN, other, set()) or "")
