"""What is compared with what there is: nothing is done twice, or in passing, or where it can't be whole."""

import copy
from typing import Any

import pytest

from playbooks.provisioning import naming, planning, reporting
from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.model import Actual, IdentityPlan
from playbooks.runs import agreeing
from responders.evidence import canonical

SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-orders"
SCOPE = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/st"
CLUSTER = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks-weu"
ISSUER = "https://westeurope.oic.prod-aks.azure.com/t/c/"
APP_ID = "00000000-0000-4000-8000-0000000000c1"
OBJECT_ID = "00000000-0000-4000-8000-0000000000a1"
SUBJECT = "system:serviceaccount:shop:orders-api"
READER = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/acdd72a7"
CLIENT_ID, TENANT_ID = "azure.workload.identity/client-id", "azure.workload.identity/tenant-id"
NAME = naming.trust_name(CLUSTER, "shop", "orders-api")


def declared(**more: Any) -> Identity:
    said: Any = {
        "version": 1,
        "name": "orders-api",
        "kind": "application",
        "clusters": ["aks-weu"],
        "service_accounts": [
            {"namespace": "shop", "name": "orders-api", "workloads": ["Deployment/orders-api"]}
        ],
        "roles": [{"role": "Reader", "scope": SCOPE}],
        **more,
    }
    return Identity.model_validate(said)


def trust(**more: Any) -> Any:
    return {
        "id": "1",
        "name": NAME,
        "issuer": ISSUER,
        "subject": SUBJECT,
        "audiences": ["api://AzureADTokenExchange"],
        **more,
    }


def grant(**more: Any) -> Any:
    return {
        "id": f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/1",
        "scope": SCOPE,
        "role_definition_id": READER,
        "role_name": "Reader",
        "principal_id": OBJECT_ID,
        "principal_type": "ServicePrincipal",
        "condition": None,
        "condition_version": None,
        "description": None,
        "created_on": None,
        "created_by": None,
        **more,
    }


HOLDER = {
    "kind": "application",
    "app_id": APP_ID,
    "object_id": OBJECT_ID,
    "application_object_id": "00000000-0000-4000-8000-0000000000a2",
    "resource_id": None,
    "display_name": "orders-api",
}


def actual(identity: Any = None, cluster: Any = None, role: Any = None) -> Actual:
    """Everything is as declared, but for what is said."""
    found: Any = {
        "found": HOLDER,
        "known": True,
        "made": "made in May",
        "stop": [],
        "tags": {},
        "trusts": [trust()],
        "grants": [grant()],
        "credentials": 0,
        **(identity or {}),
    }
    notes = {CLIENT_ID: APP_ID, TENANT_ID: "t", "firebreak.dev/identity": "orders-api"}
    where: Any = {
        "ref": {
            "name": "aks-weu",
            "resource_id": CLUSTER,
            "location": "westeurope",
            "issuer_url": ISSUER,
        },
        "issuer_url": ISSUER,
        "command": "",
        "problem": "",
        "namespaces": ["shop"],
        "accounts": {
            "shop/orders-api": {
                "annotations": notes,
                "labelled": False,
                "replaced_by": "",
                "remark": "",
            }
        },
        "workloads": {
            "shop/Deployment/orders-api": {
                "label": "true",
                "service_account": "orders-api",
                "stuck": "",
                "remark": "",
            }
        },
        **(cluster or {}),
    }
    named: Any = {"definition_id": READER, "name": "Reader", "owner_level": "", **(role or {})}
    return {
        "clusters": {"aks-weu": where},
        "unknown_clusters": {},
        "roles": {f"Reader {SCOPE}": named},
        "unknown_roles": {},
        "identities": {"orders-api": found},
    }


def nothing() -> Any:
    return {"found": None, "known": False, "trusts": [], "grants": []}


def settings(**more: Any) -> planning.Settings:
    said: Any = {
        "remove_undeclared": False,
        "enable_clusters": False,
        "never_regrant": ["Owner"],
        "audience": "api://AzureADTokenExchange",
        **more,
    }
    return planning.Settings(**said)


def plan(found: Actual, one: Identity | None = None, **more: Any) -> IdentityPlan:
    drawn = planning.draw([one or declared()], found, settings(**more))
    return drawn["identities"][0]


def kinds(found: IdentityPlan) -> list[str]:
    return [one["kind"] for one in found["operations"]]


def rules(found: IdentityPlan) -> list[str]:
    return [one["rule"] for one in found["findings"]]


def test_where_all_is_as_declared_nothing_is_done_and_it_is_said() -> None:
    drawn = planning.draw([declared()], actual(), settings())

    assert drawn["identities"][0]["operations"] == []
    assert reporting.planned(drawn)["status"] == "nothing_to_do"


def test_what_is_not_there_is_made_from_the_identity_to_the_pods() -> None:
    bare = actual(nothing(), {"namespaces": [], "accounts": {}, "workloads": {}})

    found = plan(bare)

    assert kinds(found) == ["create_identity", "trust", "grant", "namespace", "account"]
    assert (found["state"], rules(found)) == ("missing", ["workload-missing"])


def test_the_label_goes_on_pods_that_run_as_the_account_and_on_no_others() -> None:
    ours = {"label": None, "service_account": "orders-api", "stuck": "", "remark": ""}
    others = {**ours, "service_account": "default"}

    mine = plan(actual(cluster={"workloads": {"shop/Deployment/orders-api": ours}}))
    strange = plan(actual(cluster={"workloads": {"shop/Deployment/orders-api": others}}))

    assert kinds(mine) == ["label"]
    assert (kinds(strange), rules(strange)) == ([], ["workload-of-another-account"])


def test_a_label_that_would_reach_no_pod_is_left_to_a_person() -> None:
    """Waiting for its rollout would end in taking everything back."""
    paused = {"label": None, "service_account": "orders-api", "stuck": "is paused", "remark": ""}

    found = plan(actual(cluster={"workloads": {"shop/Deployment/orders-api": paused}}))

    assert (kinds(found), rules(found)) == ([], ["workload-does-not-roll-out"])


def test_a_label_on_the_service_account_is_told_for_what_it_does() -> None:
    found = actual()
    found["clusters"]["aks-weu"]["accounts"]["shop/orders-api"]["labelled"] = True

    assert rules(plan(found)) == ["use-label-on-service-account"]


@pytest.mark.parametrize(
    "wrong",
    [{"issuer": ISSUER.rstrip("/")}, {"issuer": ISSUER.upper()}, {"subject": SUBJECT.upper()}],
)
def test_a_trust_that_differs_in_a_letter_is_another_one(wrong: Any) -> None:
    found = plan(actual({"trusts": [trust(name="by-hand", **wrong)]}))

    assert kinds(found) == ["trust"]
    assert rules(found) == ["drift-trust", "undeclared-trust"]


def test_the_same_way_in_under_another_name_is_the_declared_one() -> None:
    """Issuer and subject are unique for an identity: Entra would refuse a second one."""
    assert kinds(plan(actual({"trusts": [trust(name="made-by-hand")]}))) == []


def test_our_name_with_another_issuer_is_replaced() -> None:
    stale = trust(issuer="https://westeurope.oic.prod-aks.azure.com/t/old/")

    [one] = plan(actual({"trusts": [stale]}))["operations"]

    assert (one["kind"], one["before"], (one["after"] or {})["issuer"]) == ("trust", stale, ISSUER)


def test_another_audience_is_replaced_too() -> None:
    [one] = plan(actual({"trusts": [trust(audiences=["api://other"])]}))["operations"]

    assert one["before"] is not None


def test_what_nobody_declares_stays_unless_that_is_asked_and_then_a_person_says_yes() -> None:
    strangers = {
        "trusts": [trust(), trust(name="helper", subject="repo:x")],
        "grants": [grant(), grant(id="/other", role_name="Contributor", scope=GROUP)],
    }

    left = plan(actual(strangers))
    gone = plan(actual(strangers), remove_undeclared=True)

    assert (kinds(left), rules(left)) == ([], ["undeclared-trust", "undeclared-role"])
    assert kinds(gone) == ["untrust", "revoke"]
    assert [one["key"] for one in gone["confirmations"]] == ["remove-undeclared:orders-api"]


def test_a_trust_that_aks_made_for_a_binding_is_nobodys_to_remove() -> None:
    bound = trust(name="aks-identity-binding", issuer="https://ib.oic.prod-aks.azure.com/t/c")

    found = plan(actual({"trusts": [trust(), bound]}), remove_undeclared=True)

    assert (kinds(found), rules(found)) == ([], [])


def test_twenty_trusts_are_all_that_an_identity_has() -> None:
    others = [trust(name=f"t{number}", subject=f"s{number}") for number in range(20)]

    full = plan(actual({"trusts": others}))
    freed = plan(actual({"trusts": others}), remove_undeclared=True)

    assert "21 federated credentials" in full["blocked"][0]
    assert freed["blocked"] == []


def test_an_owner_level_role_is_given_to_nobody_in_passing() -> None:
    powerful = {"name": "Reader", "owner_level": "it may do Microsoft.Authorization/*"}

    asked = plan(actual({"grants": []}, role=powerful))
    named = plan(actual({"grants": []}, role={"name": "owner"}))
    there = plan(actual(role=powerful))

    assert [one["key"].partition(":")[0] for one in asked["confirmations"]] == ["owner-level"]
    assert len(named["confirmations"]) == 1
    assert there["confirmations"] == [], "it was agreed to when it was given"


def test_a_condition_is_part_of_what_is_declared() -> None:
    wanted = declared(roles=[{"role": "Reader", "scope": SCOPE, "condition": "@Request"}])

    [one] = plan(actual(), wanted)["operations"]

    assert (one["kind"], one["before"]) == (
        "grant",
        {"id": grant()["id"], "condition": None, "condition_version": None},
    )
    assert (one["after"] or {})["condition_version"] == "2.0"


def test_an_identity_that_firebreak_did_not_make_is_taken_over_by_nobody_but_a_person() -> None:
    found = plan(actual({"known": False}))

    assert kinds(found) == ["adopt"]
    assert [one["key"] for one in found["confirmations"]] == [f"adopt:orders-api:{APP_ID}"]


def test_roles_beside_secrets_are_asked_for() -> None:
    asked = plan(actual({"credentials": 2, "grants": []}))

    assert [one["key"] for one in asked["confirmations"]] == ["grants-beside-secrets:orders-api"]


def test_another_identitys_service_account_is_not_taken_over_in_passing() -> None:
    found = actual()
    account = found["clusters"]["aks-weu"]["accounts"]["shop/orders-api"]
    account["annotations"] = {CLIENT_ID: "other", "firebreak.dev/identity": "billing"}

    drawn = plan(found)

    assert kinds(drawn) == ["account"]
    assert [one["key"] for one in drawn["confirmations"]] == [
        "takes-over:orders-api:aks-weu/shop/orders-api"
    ]


def test_an_account_that_a_rotation_replaced_is_not_made_the_identity_again() -> None:
    """Whoever holds a token of the old one would be the identity again."""
    found = actual()
    account = found["clusters"]["aks-weu"]["accounts"]["shop/orders-api"]
    account |= {"annotations": {}, "replaced_by": "orders-api-2026q4"}

    drawn = plan(found)

    assert "name orders-api-2026q4 in the document" in drawn["blocked"][0]
    assert "account" not in kinds(drawn)


def test_our_own_that_somebody_pointed_elsewhere_is_pointed_back() -> None:
    found = actual()
    found["clusters"]["aks-weu"]["accounts"]["shop/orders-api"]["annotations"][CLIENT_ID] = "other"

    drawn = plan(found)

    assert (kinds(drawn), drawn["confirmations"]) == (["account"], [])


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("identity", {"stop": ["incident inc-1 is open about it"]}, "inc-1"),
        ("cluster", {"problem": "aks-weu can't be read: timeout"}, "can't be read"),
        ("cluster", {"command": "az aks update --ids x --enable-oidc-issuer"}, "az aks update"),
    ],
)
def test_where_something_is_in_the_way_nothing_is_done_about_the_whole_identity(
    part: str, value: Any, said: str
) -> None:
    found = actual(**{part: value})
    found["identities"]["orders-api"]["grants"] = []

    drawn = planning.draw([declared()], found, settings())

    assert drawn["identities"][0]["state"] == "blocked"
    assert said in drawn["identities"][0]["blocked"][0]
    assert reporting.changes_of(drawn) == []
    assert reporting.planned(drawn)["status"] == "refused"


def test_what_is_not_known_blocks() -> None:
    found = actual()
    found["unknown_clusters"] = {"aks-weu": "aks-weu: Firebreak sees no cluster of this name or id"}
    found["unknown_roles"] = {f"Reader {SCOPE}": "no role of the name Reader"}
    found["clusters"], found["roles"] = {}, {}

    assert len(plan(found)["blocked"]) == 2


def test_a_cluster_is_switched_on_where_the_policy_says_so_and_an_identity_needs_it() -> None:
    off = actual(cluster={"command": "az aks update", "issuer_url": None})
    stopped = copy.deepcopy(off)
    stopped["identities"]["orders-api"]["stop"] = ["it is protected"]

    drawn = planning.draw([declared()], off, settings(enable_clusters=True))
    idle = planning.draw([declared()], stopped, settings(enable_clusters=True))

    assert [one["name"] for one in drawn["enable"]] == ["aks-weu"]
    assert (drawn["identities"][0]["blocked"], idle["enable"]) == ([], [])


def test_the_same_world_gives_the_same_plan_and_another_one_another() -> None:
    once = planning.draw([declared()], actual(nothing()), settings())
    twice = planning.draw([declared()], copy.deepcopy(actual(nothing())), settings())
    other = planning.draw([declared()], actual({"grants": []}), settings())

    assert canonical(once) == canonical(twice) != canonical(other)


def test_names_are_computed_and_stay_apart() -> None:
    long = naming.trust_name(CLUSTER, "n" * 63, "a" * 200)
    names = {
        naming.trust_name(CLUSTER, "shop", "a.b"),
        naming.trust_name(CLUSTER, "shop", "a-b"),
        naming.trust_name(CLUSTER.replace("rg-orders", "rg-other"), "shop", "a-b"),
    }

    assert (len(long), len(names)) == (120, 3)
    assert naming.trust_name(CLUSTER.upper(), "shop", "a-b").lower() in names


def _run(**more: Any) -> Any:
    return {"mode": "apply", "accepted": [], **more}


def test_another_plan_than_the_one_that_was_read_is_not_carried_out() -> None:
    assert "another one by now" in agreeing.why_not(_run(plan_hash="b" * 64), "a" * 64, [])
    assert agreeing.why_not(_run(plan_hash="a" * 64), "a" * 64, []) == ""


def test_what_was_not_accepted_by_its_key_is_not_carried_out() -> None:
    asked: Any = [{"key": "adopt:x", "text": "t"}, {"key": "y", "text": "u"}]

    refused = agreeing.why_not(_run(accepted=["y"]), "a", asked)

    assert "adopt:x" in refused
    assert "y: u" not in refused
    assert agreeing.why_not(_run(accepted=["y", "adopt:x"]), "a", asked) == ""
    assert agreeing.why_not(_run(mode="plan"), "a", asked) == ""
