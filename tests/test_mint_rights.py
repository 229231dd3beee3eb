"""Who may request tokens of a ServiceAccount can sign in as what it federates into: none may be overlooked."""

from typing import Any

import pytest

from responders import mint_rights
from responders.mint_rights import Rbac

ACCOUNT: Any = {"namespace": "shop", "name": "orders-api"}
OURS = "11111111-1111-1111-1111-111111111111"
EVE = {"kind": "User", "name": "eve"}


def role(name: str, namespace: str | None = None, **rule: Any) -> dict[str, Any]:
    wanted = {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"metadata": metadata, "rules": [{**wanted, **rule}]}


def binding(kind: str, name: str, subject: Any, namespace: str | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": "b", "creationTimestamp": "2026-01-01T00:00:00Z"}
    metadata |= {"namespace": namespace} if namespace else {}
    return {"metadata": metadata, "roleRef": {"kind": kind, "name": name}, "subjects": [subject]}


def cluster_wide(subject: Any = EVE, **rule: Any) -> list[dict[str, Any]]:
    rbac = Rbac([], [role("r", **rule)], [], [binding("ClusterRole", "r", subject)])
    return mint_rights.holders(rbac, [ACCOUNT], ours=OURS)


def test_a_cluster_wide_right_is_found_with_the_binding_that_gives_it() -> None:
    (found,) = cluster_wide()

    assert found["who"] == "User eve"
    assert found["binding"] == "ClusterRoleBinding b"
    assert found["by_hand"] == "kubectl delete clusterrolebinding b"


@pytest.mark.parametrize(
    "rule",
    [
        {"resources": ["*"]},
        {"resources": ["*/token"]},
        {"verbs": ["*"]},
        {"apiGroups": ["*"]},
        {"resourceNames": ["orders-api"]},
    ],
)
def test_wildcards_and_named_accounts_reach(rule: Any) -> None:
    assert len(cluster_wide(**rule)) == 1


@pytest.mark.parametrize(
    "rule",
    [
        {"resources": ["serviceaccounts"]},
        {"verbs": ["get", "list"]},
        {"apiGroups": ["apps"]},
        {"resourceNames": ["other"]},
    ],
)
def test_rights_that_request_no_token_of_ours_do_not_count(rule: Any) -> None:
    assert cluster_wide(**rule) == []


@pytest.mark.parametrize(("where", "count"), [("shop", 1), ("elsewhere", 0)])
def test_a_role_binding_reaches_its_own_namespace(where: str, count: int) -> None:
    roles, cluster_roles = [role("r", where)], [role("r")]
    bindings = [binding("Role", "r", EVE, where), binding("ClusterRole", "r", EVE, where)]
    rbac = Rbac(roles, cluster_roles, bindings, [])

    assert len(mint_rights.holders(rbac, [ACCOUNT], ours=OURS)) == count


def test_a_role_of_the_same_name_in_another_namespace_is_another_role() -> None:
    rbac = Rbac([role("r", "elsewhere")], [], [binding("Role", "r", EVE, "shop")], [])

    assert mint_rights.holders(rbac, [ACCOUNT], ours=OURS) == []


@pytest.mark.parametrize(
    "subject",
    [
        {"kind": "User", "name": OURS.upper()},
        {"kind": "User", "name": "system:kube-controller-manager"},
        {"kind": "Group", "name": "system:masters"},
        {"kind": "ServiceAccount", "namespace": "kube-system", "name": "token-cleaner"},
    ],
)
def test_firebreak_and_the_platform_are_left_out(subject: Any) -> None:
    assert cluster_wide(subject) == []


@pytest.mark.parametrize(
    "subject",
    [
        {"kind": "Group", "name": "system:serviceaccounts:shop"},
        {"kind": "Group", "name": "system:authenticated"},
        {"kind": "Group", "name": "22222222-2222-2222-2222-222222222222"},
        {"kind": "ServiceAccount", "namespace": "ci", "name": "deployer"},
    ],
)
def test_groups_of_everybody_and_workloads_count(subject: Any) -> None:
    assert len(cluster_wide(subject)) == 1
