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
    return mint_rights.holders(rbac, [ACCOUNT], ours={OURS})


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

    assert len(mint_rights.holders(rbac, [ACCOUNT], ours={OURS})) == count


def test_a_role_of_the_same_name_in_another_namespace_is_another_role() -> None:
    rbac = Rbac([role("r", "elsewhere")], [], [binding("Role", "r", EVE, "shop")], [])

    assert mint_rights.holders(rbac, [ACCOUNT], ours={OURS}) == []


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


@pytest.mark.parametrize(
    ("group", "resource", "verb", "how"),
    [
        ("", "serviceaccounts", "impersonate", "acts as ServiceAccounts"),
        ("", "users", "impersonate", "acts as anybody"),
        ("", "pods", "create", "runs pods"),
        ("apps", "deployments", "patch", "runs pods"),
        ("batch", "cronjobs", "update", "runs pods"),
        ("argoproj.io", "rollouts", "create", "runs pods"),
        ("", "pods/exec", "create", "gets into pods"),
        ("", "pods/ephemeralcontainers", "patch", "gets into pods"),
        ("rbac.authorization.k8s.io", "clusterroles", "bind", "gives itself any right"),
    ],
)
def test_other_ways_to_a_token_are_found_and_named(
    group: str, resource: str, verb: str, how: str
) -> None:
    (found,) = cluster_wide(apiGroups=[group], resources=[resource], verbs=[verb])
    assert found["how"] == how

    assert cluster_wide(apiGroups=[group], resources=[resource], verbs=["list"]) == []
    assert cluster_wide(apiGroups=["other"], resources=[resource], verbs=[verb]) == []


@pytest.mark.parametrize(
    ("resource", "verb", "name", "count"),
    [
        ("pods", "create", "web", 0),  # nobody creates what is named in a rule
        ("pods/exec", "create", "web", 1),
        ("serviceaccounts", "impersonate", "orders-api", 1),
        ("serviceaccounts", "impersonate", "other", 0),
        ("users", "impersonate", "jane", 0),
    ],
)
def test_a_rule_for_certain_names_gives_what_it_can(
    resource: str, verb: str, name: str, count: int
) -> None:
    found = cluster_wide(resources=[resource], verbs=[verb], resourceNames=[name])
    assert len(found) == count


def test_a_right_to_everything_is_named_once_with_all_that_it_opens() -> None:
    (found,) = cluster_wide(apiGroups=["*"], resources=["*"], verbs=["*"])

    assert found["how"] == (
        "requests tokens, acts as ServiceAccounts, acts as anybody, runs pods, gets into pods, "
        "gives itself any right"
    )
