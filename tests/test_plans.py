"""A plan is drawn from known-good: these tests pin what comes back, what does not, and why."""

import re
from pathlib import Path
from typing import Any

import pytest

from playbooks import known_good, plans, policy
from playbooks.known import NO_LOG, Known
from playbooks.steps import evidence
from playbooks.vectors import UNSEEN
from tests.snapshot import snapshot

POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()
ISSUER = "https://issuer/weu/"
OLD = "2025-01-01T00:00:00Z"
INCIDENT: Any = {
    "incident_id": "inc-20260101-0123456789ab",
    "window_start": "2026-01-01T00:00:00+00:00",
    "principal": {
        "kind": "application",
        "display_name": "orders-api",
        "app_id": "old",
        "object_id": "its-object-id",
        "resource_id": None,
    },
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
        "minters": [],
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


def grant(
    role: str = "Reader", created: str | None = "2025-01-01T00:00:00Z", definition: str = "reader"
) -> Any:
    found = {"id": "g", "scope": "/s", "role_name": role, "created_on": created}
    return {**found, "role_definition_id": definition}


LOGGED = Known(gifts={**NO_LOG, "known": True}, powers={"reader": "", "root": "it may do *"})


def draw(taken: Any, *surveys: Any, known: Known = LOGGED) -> plans.Plan:
    return plans.draw(INCIDENT, taken, list(surveys or [survey()]), POLICY, UNSEEN, known)


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
    assert "give the new identity a federated credential" in plan["left_out"][0]["reason"]


def test_a_trust_of_a_cluster_in_which_nobody_names_us_is_suspicious() -> None:
    plan = draw(snapshot(federated_credentials=[trust()]), survey(accounts=[]))

    assert plan["federated_credentials"] == []
    assert plan["left_out"][0]["suspicious"]


def test_a_cluster_that_nobody_uses_is_not_called_unready() -> None:
    unasked = {"status": "nothing_to_do", "detail": "not asked"}
    plan = draw(snapshot(), survey(accounts=[], preflight=unasked))

    assert plan["clusters"][0]["reason"].startswith("no ServiceAccount")


def test_a_cluster_in_which_no_service_account_names_it_and_something_else_does_is_used() -> None:
    """Or recovered would be said while what runs there has lost its identity for good."""
    consumer = {"kind": "ConfigMap", "namespace": "shop", "name": "settings", "by_hand": ""}
    (found,) = draw(snapshot(), survey(accounts=[], consumers=[consumer]))["clusters"]

    assert not found["acts"]
    assert not found["reason"].startswith("no ServiceAccount")
    assert "ConfigMap shop/settings" in found["reason"]


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


def test_owner_level_roles_come_back_only_by_choice() -> None:
    plan = draw(snapshot(grants=[grant("Owner")]))

    assert plan["grants"] == []
    ((chosen),) = plan["choices"]
    assert (chosen["what"], chosen["name"]) == ("grant", "Owner at /s")
    assert chosen["restores"]["grant"]["role_name"] == "Owner"


def test_a_role_is_owner_level_by_what_it_allows_whatever_it_is_called() -> None:
    plan = draw(snapshot(grants=[grant("Harmless Reader", definition="root")]))

    assert plan["grants"] == []
    assert plan["choices"][0]["reason"] == "owner-level: it may do *"


def test_a_role_that_could_not_be_read_is_a_choice_too() -> None:
    plan = draw(snapshot(grants=[grant(definition="unreadable")]))

    assert plan["grants"] == []
    assert "could not be read" in plan["choices"][0]["reason"]


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


def app_role(name: str | None = "User.Read.All", created: str | None = OLD) -> Any:
    return {
        "id": "a",
        "role_name": name,
        "app_role_id": "r",
        "resource_id": "graph",
        "resource_name": "Graph",
        "principal_id": "its-object-id",
        "created": created,
    }


def test_application_permissions_from_before_the_window_come_back() -> None:
    plan = draw(snapshot(app_roles=[app_role()]))

    assert [one["role_name"] for one in plan["app_roles"]] == ["User.Read.All"]
    assert plan["choices"] == []


@pytest.mark.parametrize(
    "one",
    [app_role("RoleManagement.ReadWrite.Directory"), app_role(None), app_role(created=None)],
    ids=["opens the tenant", "nameless", "without age"],
)
def test_a_permission_that_may_open_the_tenant_or_has_no_age_is_a_choice(one: Any) -> None:
    plan = draw(snapshot(app_roles=[one]))

    assert plan["app_roles"] == []
    assert [each["restores"]["kind"] for each in plan["choices"]] == ["app_role"]


def test_a_permission_from_inside_the_window_is_no_choice_either() -> None:
    plan = draw(snapshot(app_roles=[app_role(created="2026-01-02T00:00:00Z")]))

    assert (plan["app_roles"], plan["choices"]) == ([], [])
    assert plan["left_out"][0]["suspicious"]


def test_a_permission_that_a_group_holds_is_not_given_to_the_identity() -> None:
    plan = draw(snapshot(app_roles=[{**app_role(), "principal_id": "a-group"}]))

    assert (plan["app_roles"], plan["choices"]) == ([], [])


def ageless() -> Any:
    """One of each kind that Azure keeps no date of."""
    owner = {"id": "o", "of": "application", "display_name": "Eve", "user_principal_name": None}
    return snapshot(
        oauth_grants=[{"scope": "User.Read", "consent_type": "AllPrincipals", "resource_id": "r"}],
        memberships=[
            {"display_name": "readers", "id": "g", "direct": True},
            {"display_name": "above", "id": "h", "direct": False},
        ],
        group_grants=[{"group_id": "G", "role_name": "Reader", "scope": "/x"}],
        key_vault_policies=[{"vault_id": "/kv", "permissions": {"secrets": ["get"]}}],
        owners=[owner],
    )


def test_what_has_no_age_is_a_choice_each_with_its_own_reason() -> None:
    plan = draw(ageless())

    assert [(one["what"], one["name"]) for one in plan["choices"]] == [
        ("delegated permission", "User.Read (AllPrincipals) on r"),
        ("group membership", "readers (g)"),
        ("Key Vault access policy", "secrets: get in /kv"),
        ("owner", "Eve of the application"),
    ]
    assert "it carries Reader at /x" in plan["choices"][1]["reason"]
    assert len({one["key"] for one in plan["choices"]}) == 4
    assert plan["left_out"] == []


def test_what_the_log_saw_inside_the_window_is_no_choice() -> None:
    gifts: Any = {**NO_LOG, "known": True, "groups": ["g"], "owners": ["o"], "consented": ["x"]}
    plan = draw(ageless(), known=Known(gifts=gifts))

    assert [one["what"] for one in plan["left_out"] if one["suspicious"]] == [
        "group membership",
        "owner",
    ]
    assert "inside the compromise window" in plan["choices"][0]["reason"]


def test_a_log_that_could_not_be_read_is_said_in_every_reason() -> None:
    plan = draw(ageless(), known=Known())

    said = [one["reason"] for one in plan["choices"] if one["what"] != "Key Vault access policy"]
    assert all("could not be read" in one for one in said)


def test_a_directory_role_is_never_given_and_a_group_that_others_fill_neither() -> None:
    fed = {"display_name": "all", "id": "g", "direct": True, "stays_because": "its rule fills it"}
    plan = draw(snapshot(directory_roles=[{"role_name": "Directory Readers"}], memberships=[fed]))

    assert plan["choices"] == []
    assert {one["what"] for one in plan["left_out"]} == {"directory role", "group membership"}


def test_a_trust_that_was_made_inside_the_window_does_not_come_back() -> None:
    gifts: Any = {**NO_LOG, "known": True, "trusts": ["a-trust"]}
    plan = draw(snapshot(federated_credentials=[trust()]), known=Known(gifts=gifts))

    assert plan["federated_credentials"] == []
    assert plan["left_out"][0]["suspicious"]
    assert plan["left_out"][0]["reason"] == "made or changed inside the compromise window"


def test_a_trust_that_came_back_and_turns_out_to_be_planted_is_named_with_its_successor() -> None:
    before: Any = snapshot(federated_credentials=[trust()])
    plan = draw(before, survey())
    (back,) = plan["federated_credentials"]
    row: Any = {**NO_LOG, "known": True, "trusts": ["a-trust"]}

    assert known_good.made_late(before, plan, Known(row)) == [("a-trust", back["name"])]
    another: Any = {**row, "trusts": ["other"]}
    assert known_good.made_late(before, plan, Known(another)) == []
    aware = draw(before, survey(), known=Known(row))
    assert known_good.made_late(before, aware, Known(row)) == [], "it never came back"


def test_where_the_log_could_not_be_read_a_person_confirms_the_trusts() -> None:
    plan = draw(snapshot(federated_credentials=[trust()]), known=Known())

    (said,) = plan["confirmations"]
    assert said["key"] == "trusts-of-unknown-age"
    assert "orders-api" in said["sentence"]
    assert draw(snapshot(), known=Known())["confirmations"] == []


def test_an_account_that_was_made_to_name_the_client_id_inside_the_window_is_not_known_good() -> (
    None
):
    named = {**account(), "named_since": "2026-01-01T00:00:01Z"}
    plan = draw(snapshot(federated_credentials=[trust()]), survey(accounts=[named]))

    assert plan["federated_credentials"] == []
    assert plan["clusters"][0]["service_accounts"] == []


def test_an_account_whose_cluster_does_not_say_since_when_is_confirmed() -> None:
    old, unsaid = {**account(), "named_since": OLD}, {**account("two"), "named_since": None}
    plan = draw(snapshot(), survey(accounts=[old, unsaid]))

    (said,) = plan["confirmations"]
    assert (said["key"], "weu shop/two" in said["sentence"]) == ("names-of-unknown-age", True)
    assert "shop/orders-api" not in said["sentence"]


def test_the_trust_of_an_identity_binding_is_no_strangers_and_a_person_makes_it_anew() -> None:
    ids = {"tenantId": "t", "clientId": "c"}
    own, other = (f"https://ib.oic.prod-aks.azure.com/t/{one}/" for one in ("c", "d"))
    taken = [trust(issuer=one, subject="anything") for one in (own, other)]
    plan = draw(snapshot(federated_credentials=taken, identity={"properties": ids}))

    assert plan["federated_credentials"] == []
    assert [one["suspicious"] for one in plan["left_out"]] == [False, True]
    assert "az aks identity-binding create" in plan["left_out"][0]["reason"]


def test_a_trust_in_a_cluster_where_nothing_names_the_client_id_looks_planted() -> None:
    plan = draw(snapshot(federated_credentials=[trust()]), survey(accounts=[]))

    assert plan["left_out"][0]["suspicious"]


@pytest.mark.parametrize("suffix", ["", "USGov", "China"])
def test_a_trust_keeps_the_audience_of_its_cloud(suffix: str) -> None:
    found = {**trust(), "audiences": [f"{plans.AUDIENCE}{suffix}"]}

    (wanted,) = draw(snapshot(federated_credentials=[found]))["federated_credentials"]
    assert wanted["audiences"] == [f"{plans.AUDIENCE}{suffix}"]


@pytest.mark.parametrize("audiences", [[], ["api://mine"], [plans.AUDIENCE, "api://mine"]])
def test_a_trust_for_another_audience_does_not_come_back(audiences: list[str]) -> None:
    plan = draw(snapshot(federated_credentials=[{**trust(), "audiences": audiences}]))

    assert plan["federated_credentials"] == []
    assert plan["left_out"][0]["suspicious"]


def test_names_of_trusts_are_such_as_azure_allows_and_differ() -> None:
    names = [f"a.{'x' * 200}{end}" for end in ("1", "2")]
    taken = [trust(subject=f"system:serviceaccount:shop:{one}") for one in names]
    plan = draw(
        snapshot(federated_credentials=taken), survey(accounts=[account(one) for one in names])
    )

    made = [one["name"] for one in plan["federated_credentials"]]
    assert len(set(made)) == 2
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}", one) for one in made)


def test_more_trusts_than_one_identity_can_have_are_said_before_anybody_is_asked() -> None:
    names = [f"a{number}" for number in range(21)]
    taken = [trust(subject=f"system:serviceaccount:shop:{one}") for one in names]
    plan = draw(
        snapshot(federated_credentials=taken), survey(accounts=[account(one) for one in names])
    )

    assert "Entra allows 20" in (known_good.too_many(plan["federated_credentials"]) or "")
    assert known_good.too_many(plan["federated_credentials"][:20]) is None


def test_of_an_application_what_others_rely_on_is_listed() -> None:
    application = {
        "identifierUris": ["api://orders"],
        "web": {"redirectUris": ["https://orders.example/cb"]},
        "appRoles": [{"value": "Orders.Read"}],
    }
    plan = draw(snapshot(application=application))

    assert [(one["what"], one["name"]) for one in plan["left_out"]] == [
        ("identifier URI", "api://orders"),
        ("redirect URI", "https://orders.example/cb"),
        ("app role definition", "Orders.Read"),
    ]


def test_where_an_identity_is_attached_is_listed_with_the_command_for_its_successor() -> None:
    at = "/subscriptions/5b500000-0000-4000-8000-000000000000/resourceGroups/rg/providers"
    resource_id = f"{at}/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"
    principal = {
        **INCIDENT["principal"],
        "kind": "user_assigned_identity",
        "resource_id": resource_id,
    }
    machine = {"resource_id": "/vm", "type": "Microsoft.Compute/virtualMachines"}
    taken = snapshot(attachments=[machine], identity={"tags": {"team": "shop"}})
    incident: Any = {**INCIDENT, "principal": principal}
    plan = plans.draw(incident, taken, [survey()], POLICY)

    assert plan["kind"] == "user_assigned_identity"
    assert plan["display_name"] == f"id-payments-{plans.suffix(INCIDENT)}"
    attached, tagged = plan["left_out"]
    command = f"az vm identity assign --ids '/vm' --identities '{resource_id}-r"
    assert command in attached["reason"]
    assert tagged["name"] == "team=shop"


def test_what_could_not_be_read_is_not_taken_for_empty() -> None:
    plan = draw(snapshot(unread={"app_roles": "403"}))

    ((what, reason),) = [(one["what"], one["reason"]) for one in plan["left_out"]]
    assert (what, reason) == ("app roles", "could not be read, so not known: 403")


@pytest.mark.parametrize(
    ("kind", "word"),
    [("foreign_application", "another tenant"), ("system_assigned_identity", "its resource")],
)
def test_what_has_no_successor_says_why(kind: Any, word: str) -> None:
    incident: Any = {**INCIDENT, "principal": {"kind": kind}}

    assert word in (plans.not_rebuilt(incident) or "")
    assert plans.not_rebuilt(INCIDENT) is None


def test_two_clusters_of_one_name_are_told_apart() -> None:
    found: Any = [
        {"name": name, "resource_id": f"/rg{number}/{name}"}
        for number, name in enumerate(("prod", "Prod", "test"))
    ]
    names = [one["name"] for one in evidence.told_apart(found)]

    assert len(set(names)) == 3
    assert names[2] == "test"
    assert names[0].startswith("prod-")
