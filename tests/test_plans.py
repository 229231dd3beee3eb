"""A plan is drawn from known-good: these tests pin what comes back, what does not, and why."""

from pathlib import Path
from typing import Any

from playbooks import plans, policy
from playbooks.steps import evidence
from tests.snapshot import snapshot

POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()
ISSUER = "https://issuer/weu/"
INCIDENT: Any = {
    "incident_id": "inc-20260101-0123456789ab",
    "window_start": "2026-01-01T00:00:00+00:00",
    "principal": {"kind": "application", "display_name": "orders-api", "app_id": "old"},
}


def account(name: str = "orders-api", cluster: str = "weu") -> dict[str, Any]:
    return {
        "cluster": cluster,
        "namespace": "shop",
        "name": name,
        "client_id": "old",
        "created": "2025-01-01T00:00:00Z",
        "subject": f"system:serviceaccount:shop:{name}",
    }


def survey(name: str = "weu", *, accounts: Any = None, **more: Any) -> Any:
    return {
        "cluster": {
            "name": name,
            "resource_id": f"/clusters/{name}",
            "location": "x",
            "issuer_url": f"https://issuer/{name}/",
        },
        "reachable": True,
        "reason": "",
        "preflight": {"status": "done"},
        "service_accounts": [account(cluster=name)] if accounts is None else accounts,
        "workloads": [],
        "bindings": [],
        **more,
    }


def trust(
    issuer: str = ISSUER, subject: str | None = "system:serviceaccount:shop:orders-api"
) -> Any:
    return {
        "id": "1",
        "name": "a-trust",
        "issuer": issuer,
        "subject": subject,
        "audiences": [plans.AUDIENCE],
    }


def grant(role: str = "Reader", created: str | None = "2025-01-01T00:00:00Z") -> Any:
    return {"id": "g", "scope": "/s", "role_name": role, "created_on": created}


def draw(taken: Any, *surveys: Any) -> plans.Plan:
    return plans.draw(INCIDENT, taken, list(surveys or [survey()]), POLICY)


def test_a_known_good_trust_comes_back_for_a_new_subject() -> None:
    plan = draw(snapshot(federated_credentials=[trust()]))

    (wanted,) = plan["federated_credentials"]
    assert wanted["issuer"] == ISSUER
    assert wanted["subject"] == f"system:serviceaccount:shop:orders-api-{plans.suffix(INCIDENT)}"
    assert plan["left_out"] == []


def test_a_foreign_issuer_is_listed_and_never_copied() -> None:
    plan = draw(snapshot(federated_credentials=[trust(issuer="https://evil/")]))

    assert plan["federated_credentials"] == []
    assert plan["left_out"][0]["suspicious"]


def test_an_issuer_that_differs_by_its_trailing_slash_is_foreign() -> None:
    plan = draw(snapshot(federated_credentials=[trust(issuer=ISSUER.rstrip("/"))]))

    assert plan["federated_credentials"] == []


def test_a_trust_for_a_service_account_that_does_not_name_us_is_suspicious() -> None:
    planted = trust(subject="system:serviceaccount:kube-system:evil")
    plan = draw(snapshot(federated_credentials=[planted]))

    assert plan["federated_credentials"] == []
    assert plan["left_out"][0]["suspicious"]


def workload(name: str = "orders-api", created: str | None = "2025-01-01T00:00:00Z") -> Any:
    return {
        "cluster": "weu",
        "namespace": "shop",
        "kind": "Deployment",
        "name": name,
        "service_account": "orders-api",
        "created": created,
    }


def test_a_service_account_made_inside_the_window_gets_no_successor() -> None:
    planted = {**account("evil"), "created": "2026-01-01T00:00:00Z"}
    trusts = [trust(subject="system:serviceaccount:shop:evil"), trust()]
    plan = draw(snapshot(federated_credentials=trusts), survey(accounts=[account(), planted]))

    assert [one["name"] for one in plan["clusters"][0]["service_accounts"]] == ["orders-api"]
    assert len(plan["federated_credentials"]) == 1
    whats = [one["what"] for one in plan["left_out"] if one["suspicious"]]
    assert whats == ["federated credential", "ServiceAccount"]


def test_a_workload_made_inside_the_window_is_evicted_and_not_brought_back() -> None:
    new, unknown = workload("evil", "2026-01-02T00:00:00Z"), workload("odd", None)
    plan = draw(snapshot(), survey(workloads=[workload(), new, unknown]))

    (cluster,) = plan["clusters"]
    assert [one["name"] for one in cluster["workloads"]] == ["orders-api"]
    assert len(cluster["survey"]["workloads"]) == 3
    assert [one["what"] for one in plan["left_out"]] == ["Deployment", "Deployment"]


def test_rights_inside_the_cluster_are_listed_for_a_person_to_move() -> None:
    own = {
        "kind": "RoleBinding",
        "namespace": "shop",
        "name": "reader",
        "role": "Role/reader",
        "via": "itself",
        "created": "2025-01-01T00:00:00Z",
    }
    planted = {**own, "name": "admin", "created": "2026-01-01T00:00:01Z"}
    everybody = {**own, "name": "all", "via": "group system:serviceaccounts"}
    plan = draw(snapshot(), survey(bindings=[own, planted, everybody]))

    assert [(one["name"], one["suspicious"]) for one in plan["left_out"]] == [
        ("weu shop/reader (Role/reader)", False),
        ("weu shop/admin (Role/reader)", True),
    ]


def test_a_flexible_trust_without_a_subject_does_not_come_back() -> None:
    assert (
        draw(snapshot(federated_credentials=[trust(subject=None)]))["federated_credentials"] == []
    )


def test_an_unreachable_cluster_keeps_its_trust_out_without_accusing_it() -> None:
    dark = survey(accounts=[], reachable=False, reason="timeout")
    plan = draw(snapshot(federated_credentials=[trust()]), dark)

    assert plan["federated_credentials"] == []
    assert not plan["left_out"][0]["suspicious"]
    assert plan["clusters"][0]["reason"] == "unreachable: timeout"


def test_a_cluster_that_fails_its_preflight_is_left_alone() -> None:
    broken = survey(preflight={"status": "refused", "detail": "webhook not ready"})
    plan = draw(snapshot(federated_credentials=[trust()]), broken)

    assert not plan["clusters"][0]["acts"]
    assert plan["federated_credentials"] == []


def test_grants_from_inside_the_window_do_not_come_back() -> None:
    plan = draw(snapshot(grants=[grant(), grant("Storage", "2026-01-01T00:00:00Z")]))

    assert [one["role_name"] for one in plan["grants"]] == ["Reader"]
    assert plan["left_out"][0]["suspicious"]


def test_a_grant_of_unknown_age_does_not_come_back() -> None:
    assert draw(snapshot(grants=[grant(created=None)]))["grants"] == []


def test_owner_level_roles_do_not_come_back_by_themselves() -> None:
    plan = draw(snapshot(grants=[grant("Owner")]))

    assert plan["grants"] == []
    assert not plan["left_out"][0]["suspicious"]


def test_no_secret_or_key_comes_back() -> None:
    old = {
        "key_id": "k",
        "kind": "password",
        "display_name": "ci",
        "started": "2025-01-01T00:00:00Z",
        "holder": "application",
    }
    planted = {**old, "key_id": "p", "started": "2026-01-02T00:00:00Z"}
    plan = draw(snapshot(credentials=[old, planted]))

    assert [one["suspicious"] for one in plan["left_out"]] == [False, True]


def test_the_canary_goes_first_and_the_rest_by_name() -> None:
    order = [survey("weu"), survey("frc"), survey("neu")]
    chosen = {**POLICY, "recovery": {**POLICY["recovery"], "canary_cluster": "neu"}}
    plan = plans.draw(INCIDENT, snapshot(), order, chosen)

    assert [one["survey"]["cluster"]["name"] for one in plan["clusters"]] == ["neu", "frc", "weu"]


def test_the_same_facts_make_the_same_hash_and_any_change_another() -> None:
    taken = snapshot(federated_credentials=[trust()])

    assert plans.plan_hash(draw(taken)) == plans.plan_hash(draw(taken))
    assert plans.plan_hash(draw(taken)) != plans.plan_hash(
        draw(taken, survey(workloads=[workload()]))
    )


def test_what_stood_outside_rbac_is_listed_for_a_person_and_given_to_nobody() -> None:
    plan = draw(
        snapshot(
            app_roles=[
                {"role_name": "User.Read.All", "app_role_id": "r", "resource_name": "Graph"}
            ],
            oauth_grants=[{"scope": "User.Read", "consent_type": "AllPrincipals"}],
            memberships=[
                {"display_name": "readers", "id": "g", "direct": True},
                {"display_name": "above", "id": "h", "direct": False},
            ],
            key_vault_policies=[{"vault_id": "/kv"}],
            directory_roles=[{"role_name": "Directory Readers"}],
        )
    )

    assert [(one["what"], one["name"]) for one in plan["left_out"]] == [
        ("application permission", "User.Read.All on Graph"),
        ("delegated permission", "User.Read (AllPrincipals)"),
        ("group membership", "readers (g)"),
        ("Key Vault access policy", "/kv"),
        ("directory role", "Directory Readers"),
    ]


def test_two_clusters_of_one_name_are_told_apart() -> None:
    found: Any = [
        {"name": name, "resource_id": f"/rg{number}/{name}"}
        for number, name in enumerate(("prod", "Prod", "test"))
    ]
    names = [one["name"] for one in evidence.told_apart(found)]

    assert len(set(names)) == 3
    assert names[2] == "test"
    assert names[0].startswith("prod-")
