"""What of an identity is replaced by what: nothing that would stop, nothing twice, and nothing for good in passing."""

import copy
from typing import Any

import pytest
from pydantic import ValidationError

from playbooks.federation import keys as keys_of
from playbooks.federation import planning, reporting
from playbooks.federation.model import RotationPlan, Seen
from playbooks.federation.parameters import Rotate

APP_ID = "00000000-0000-4000-8000-0000000000c1"
SUBSCRIPTION = "/subscriptions/00000000-0000-4000-8000-000000000001"
KEY = "00000000-0000-4000-8000-0000000000e1"
AUDIENCE = "api://AzureADTokenExchange"
DONE = {"status": "done", "detail": ""}


def ref(name: str = "aks-weu") -> Any:
    at = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/{name}"
    return {
        "name": name,
        "resource_id": at,
        "location": "westeurope",
        "issuer_url": f"https://{name}/",
    }


def trust(name: str = "weu", issuer: str = "https://aks-weu/", account: str = "orders") -> Any:
    return {
        "id": f"id-{name}",
        "name": name,
        "issuer": issuer,
        "subject": f"system:serviceaccount:shop:{account}",
        "audiences": [AUDIENCE],
    }


def account(name: str = "orders", **more: Any) -> Any:
    return {
        "cluster": "aks-weu",
        "namespace": "shop",
        "name": name,
        "client_id": APP_ID,
        "subject": f"system:serviceaccount:shop:{name}",
        "owner": None,
        **more,
    }


def workload(name: str = "orders", **more: Any) -> Any:
    return {
        "cluster": "aks-weu",
        "namespace": "shop",
        "kind": "Deployment",
        "name": name,
        "service_account": name,
        "replicas": 2,
        "paused": False,
        "hard_coded_client_id": False,
        "update_strategy": "RollingUpdate",
        **more,
    }


def cluster(name: str = "aks-weu", **more: Any) -> Any:
    survey: Any = {
        "cluster": ref(name),
        "reachable": True,
        "reason": "",
        "preflight": DONE,
        "service_accounts": [account()],
        "workloads": [workload()],
        "bindings": [],
        **more.pop("survey", {}),
    }
    empty: Any = {"roots": {}, "marks": {}, "named": {}, "runners": [], "variables": {}}
    return {"survey": survey, **empty, **more}


def runner(**more: Any) -> Any:
    secret = {
        "container": "exports",
        "how": "AZURE_CLIENT_SECRET from key s of Secret exports",
        "secret": "exports",
        "client_id": APP_ID,
        "certain": True,
        **more.pop("secret", {}),
    }
    return {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "exports",
        "service_account": "default",
        "labelled": False,
        "legacy": [secret],
        **more,
    }


def seen(**more: Any) -> Seen:
    principal = {"app_id": APP_ID, "object_id": "o", "tenant_id": "t", "display_name": "orders"}
    found: Any = {
        "principal": principal,
        "identity": {"app_id": APP_ID, "object_id": "o", "display_name": "orders"},
        "stop": [],
        "trusts": [trust()],
        "credentials": [],
        "used": {},
        "used_since": "2026-01-01T00:00:00Z",
        "clusters": [cluster()],
        "unread": [],
        **more,
    }
    checked: Seen = found
    return checked


def draw(found: Seen, **more: Any) -> RotationPlan:
    said: Any = {
        "label": "q4",
        "marker": "run-1",
        "clusters": [],
        "remove_unused": False,
        "migrate_secrets": False,
        "remove_credentials": [],
        "canary": "",
        "audience": AUDIENCE,
        **more,
    }
    return planning.draw(found, planning.Wanted(**said))


def rules(plan: RotationPlan) -> list[str]:
    return [one["rule"] for one in plan["findings"]]


def keys(plan: RotationPlan) -> list[str]:
    return [one["key"] for one in plan["confirmations"]]


def test_the_subject_is_what_changes_and_nothing_else_of_the_trust() -> None:
    plan = draw(seen())

    [one] = plan["clusters"][0]["accounts"]
    assert one["new_name"] == "orders-q4"
    assert one["new_trust"]["subject"] == "system:serviceaccount:shop:orders-q4"
    assert (one["new_trust"]["issuer"], one["new_trust"]["audiences"]) == (
        one["trust"]["issuer"],
        one["trust"]["audiences"],
    )
    assert [each["name"] for each in one["workloads"]] == ["orders"]
    assert (plan["blocked"], keys(plan), rules(plan)) == ([], [], [])


def test_what_this_rotation_made_is_not_rotated_again() -> None:
    made = seen(
        trusts=[trust(account="orders-q4")],
        clusters=[
            cluster(
                survey={"service_accounts": [account("orders-q4")]},
                marks={"shop/orders-q4": "run-1"},
            )
        ],
    )

    assert draw(made)["clusters"] == []
    assert draw(made, marker="run-2")["clusters"] != [], "a label that somebody else wrote is none"


def test_the_next_rotation_replaces_the_ending_and_does_not_add_another() -> None:
    made = seen(
        trusts=[trust(account="orders-q4")],
        clusters=[
            cluster(
                survey={"service_accounts": [account("orders-q4")]},
                roots={"shop/orders-q4": "orders"},
            )
        ],
    )

    assert draw(made, label="q1")["clusters"][0]["accounts"][0]["new_name"] == "orders-q1"


def test_a_long_name_stays_within_what_kubernetes_takes() -> None:
    assert len(planning.new_name("a" * 253, "2026q4")) == 253


OWNER = {"controller": "Flux Kustomization", "namespace": "f", "name": "s", "mark": "m=s"}


@pytest.mark.parametrize(
    "running",
    [
        {"kind": "Pod"},
        {"kind": "Job"},
        {"paused": True},
        {"update_strategy": "OnDelete"},
        {"owner": OWNER},
    ],
)
def test_what_can_not_be_moved_while_it_runs_keeps_its_trust_and_is_named(running: Any) -> None:
    plan = draw(seen(clusters=[cluster(survey={"workloads": [workload(**running)]})]))

    assert (plan["clusters"], rules(plan)) == ([], ["not-rotated"])
    assert plan["by_hand"] != []


def test_an_account_that_git_writes_keeps_its_trust() -> None:
    plan = draw(seen(clusters=[cluster(survey={"service_accounts": [account(owner=OWNER)]})]))

    assert (plan["clusters"], rules(plan)) == ([], ["not-rotated"])


def test_what_is_down_while_it_is_replaced_is_asked_for() -> None:
    recreated = [workload(update_strategy="Recreate")]
    stopped = [workload(update_strategy="Recreate", replicas=0)]

    assert keys(draw(seen(clusters=[cluster(survey={"workloads": recreated})]))) == [
        "stops:aks-weu/shop/Deployment/orders"
    ]
    assert keys(draw(seen(clusters=[cluster(survey={"workloads": stopped})]))) == []


def test_rights_in_the_cluster_that_the_new_name_would_lack_are_asked_for() -> None:
    binding = {"kind": "RoleBinding", "namespace": "shop", "name": "b", "role": "Role/r"}
    own, group = {**binding, "via": "itself"}, {**binding, "via": "group system:serviceaccounts"}

    assert keys(draw(seen(clusters=[cluster(survey={"bindings": [own]})]))) == ["rights:aks-weu"]
    assert keys(draw(seen(clusters=[cluster(survey={"bindings": [group]})]))) == []


@pytest.mark.parametrize(
    "survey",
    [
        {"reachable": False, "reason": "timeout", "service_accounts": [], "workloads": []},
        {"preflight": {"status": "refused", "detail": "not allowed: patch serviceaccounts"}},
    ],
)
def test_a_cluster_that_can_not_be_worked_in_blocks_and_its_trusts_are_not_called_unused(
    survey: Any,
) -> None:
    plan = draw(seen(clusters=[cluster(survey=survey)]), remove_unused=True)

    assert "can't be worked in" in plan["blocked"][0]
    assert (plan["remove_trusts"], reporting.planned(plan, [])["changes"]) == ([], [])


def test_old_and_new_trusts_of_one_cluster_stand_side_by_side_within_twenty() -> None:
    accounts = [account(f"a{number}") for number in range(11)]
    trusts = [trust(f"t{number}", account=f"a{number}") for number in range(11)]
    here = cluster(survey={"service_accounts": accounts, "workloads": []})
    half = [
        cluster(survey={"service_accounts": accounts[:6], "workloads": []}),
        cluster("aks-neu", survey={"service_accounts": accounts[6:], "workloads": []}),
    ]
    split = [
        *trusts[:6],
        *(trust(f"n{number}", "https://aks-neu/", f"a{number}") for number in range(6, 11)),
    ]

    assert (
        "room for 11 trusts beside 11" in draw(seen(trusts=trusts, clusters=[here]))["blocked"][0]
    )
    assert draw(seen(trusts=split, clusters=half))["blocked"] == []


def test_the_canary_is_first() -> None:
    both = seen(
        trusts=[trust(), trust("neu", "https://aks-neu/")], clusters=[cluster(), cluster("aks-neu")]
    )

    order = [one["ref"]["name"] for one in draw(both)["clusters"]]
    chosen = [one["ref"]["name"] for one in draw(both, canary="aks-weu")["clusters"]]
    only = [one["ref"]["name"] for one in draw(both, clusters=["AKS-WEU"])["clusters"]]

    assert (order, chosen, only) == (["aks-neu", "aks-weu"], ["aks-weu", "aks-neu"], ["aks-weu"])


def test_trusts_that_nobody_answers_to_are_named_and_go_where_a_person_says_so() -> None:
    strangers = [trust(), trust("x", "https://elsewhere/"), trust("y", account="gone")]

    left = draw(seen(trusts=strangers))
    gone = draw(seen(trusts=strangers), remove_unused=True)

    assert sorted(rules(left)) == ["trust-of-no-cluster", "trust-without-account"]
    assert (left["remove_trusts"], keys(left)) == ([], [])
    assert [one["name"] for one in gone["remove_trusts"]] == ["x", "y"]
    assert keys(gone) == [f"remove-unused:{APP_ID}"]


def test_a_trust_of_an_identity_binding_is_aks_own() -> None:
    bound = trust("b", f"https://ib.oic.prod-aks.azure.com/t/{APP_ID}")

    assert rules(draw(seen(trusts=[trust(), bound]), remove_unused=True)) == []


CREDENTIAL = {
    "key_id": KEY,
    "kind": "password",
    "display_name": "old",
    "started": "2024-01-01",
    "ends": "2027-01-01",
    "usage": None,
    "holder": "application",
}


def test_a_secret_is_told_with_its_last_use_and_goes_by_its_id_alone() -> None:
    found = seen(credentials=[CREDENTIAL], used={KEY: "2026-11-01T10:00:00Z"})

    told, gone = draw(found), draw(found, remove_credentials=[KEY.upper()])

    assert rules(told) == ["credential-beside-federation"]
    assert "last used 2026-11-01" in told["findings"][0]["detail"]
    assert told["remove_credentials"] == []
    assert [one["key_id"] for one in gone["remove_credentials"]] == [KEY]
    assert keys(gone) == [f"remove-credential:{KEY}:in-use"]


def test_a_log_that_could_not_be_read_is_no_proof_that_nobody_uses_it() -> None:
    blind = draw(seen(credentials=[CREDENTIAL], used_since=""), remove_credentials=[KEY])

    assert keys(blind) == [f"remove-credential:{KEY}:use-unknown"]
    assert "not known" in blind["confirmations"][0]["text"]


def test_a_credential_that_it_has_not_blocks() -> None:
    assert KEY in draw(seen(), remove_credentials=[KEY])["blocked"][0]


def test_a_yes_to_an_unused_secret_is_none_to_one_that_is_used_since() -> None:
    unused, used = seen(credentials=[CREDENTIAL]), seen(credentials=[CREDENTIAL], used={KEY: "x"})
    later = seen(credentials=[CREDENTIAL], used={KEY: "y"})

    hashes = [
        planning.plan_hash(draw(one, remove_credentials=[KEY])) for one in (unused, used, later)
    ]

    assert hashes[0] != hashes[1] == hashes[2], "only the moment differs: the plan is the same"


def test_a_workload_that_holds_a_secret_gets_a_trust_of_its_own_account() -> None:
    entries = {"exports": [{"name": "AZURE_CLIENT_SECRET", "valueFrom": {"secretKeyRef": {}}}]}
    here = cluster(runners=[runner()], variables={"shop/Deployment/exports": entries})

    plan = draw(seen(clusters=[here]), migrate_secrets=True)

    [one] = plan["clusters"][0]["migrations"]
    assert (one["before"], one["account"], one["variables"]) == ("default", "exports-id", entries)
    assert one["new_trust"] is not None
    assert one["new_trust"]["subject"] == "system:serviceaccount:shop:exports-id"
    assert keys(plan) == ["migrates:aks-weu/shop/Deployment/exports"]
    assert draw(seen(clusters=[here]))["clusters"][0]["migrations"] == []


def test_a_workload_under_an_account_that_is_rotated_goes_to_its_successor() -> None:
    here = cluster(runners=[runner(service_account="orders")])

    [one] = draw(seen(clusters=[here]), migrate_secrets=True)["clusters"][0]["migrations"]

    assert (one["account"], one["new_trust"]) == ("orders-q4", None)


@pytest.mark.parametrize(
    "one",
    [
        runner(kind="Pod"),
        runner(secret={"certain": False}),
        runner(secret={"secret": None}),
        runner(service_account="other"),
    ],
)
def test_a_secret_that_a_person_has_to_move_is_named(one: Any) -> None:
    here = cluster(runners=[one], named={"shop/other": "another-client-id"})

    plan = draw(seen(clusters=[here]), migrate_secrets=True)

    assert plan["clusters"][0]["migrations"] == []
    assert rules(plan) == ["secret-not-migrated"]


def test_the_same_world_gives_the_same_plan() -> None:
    found = seen(credentials=[CREDENTIAL])

    assert planning.plan_hash(draw(found)) == planning.plan_hash(draw(copy.deepcopy(found)))


def test_what_was_not_done_is_not_among_the_changes() -> None:
    both = seen(
        trusts=[trust(), trust("neu", "https://aks-neu/")], clusters=[cluster(), cluster("aks-neu")]
    )
    plan = draw(both)
    answers = [{"status": "done", "detail": ""}, {"status": "failed", "detail": "AADSTS700213"}]

    done = reporting.done(plan, answers, None, [])

    assert done["status"] == "partly"
    assert {one["object"].split()[0] for one in done["changes"]} == {"aks-neu"}
    assert [one["rule"] for one in done["findings"]] == ["cluster-not-rotated"]
    assert reporting.done(plan, [answers[1]] * 2, None, [])["status"] == "failed"


@pytest.mark.parametrize(
    "parameters",
    [
        {"label": "q4"},
        {"label": "q4", "app_id": APP_ID, "object_id": APP_ID},
        {"label": "Q 4", "app_id": APP_ID},
        {"app_id": APP_ID},
        {"label": "q4", "app_id": "orders-api"},
        {"label": "q4", "app_id": APP_ID, "force": True},
        {"label": "q4", "app_id": APP_ID, "method": "signing_keys", "remove_unused": True},
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: Any) -> None:
    with pytest.raises(ValidationError):
        Rotate.model_validate(parameters)


def key_cluster(name: str = "aks-weu", **more: Any) -> Any:
    users: Any = {"restart": [{"name": "a"}], "report": [{"what": "w", "why": "y", "by_hand": "c"}]}
    return {"ref": ref(name), "problem": "", "users": users, "published": 2, **more}


def test_new_keys_are_asked_for_cluster_by_cluster_with_what_they_break() -> None:
    plan = keys_of.draw([key_cluster(), key_cluster("aks-neu")], [], "aks-weu")

    asked = keys_of.confirmations(plan)
    assert [one["key"] for one in asked] == ["rotate-keys:aks-weu", "rotate-keys:aks-neu"]
    assert "1 workloads of all its teams are restarted" in asked[0]["text"]
    assert keys_of.planned(plan)["by_hand"] == ["c"]


def test_the_plan_of_new_keys_is_the_same_while_pods_come_and_go() -> None:
    busy, idle = key_cluster(), key_cluster(users={"restart": [], "report": []})

    assert keys_of.plan_hash(keys_of.draw([busy], [], "")) == keys_of.plan_hash(
        keys_of.draw([idle], [], "")
    )


def test_keys_that_can_not_be_turned_block_all() -> None:
    plan = keys_of.draw([key_cluster(problem="not allowed"), key_cluster("aks-neu")], [], "")

    assert plan["blocked"] == ["not allowed"]
    assert keys_of.planned(plan)["status"] == "refused"
    assert keys_of.draw([], [], "")["blocked"] != []


def test_clusters_whose_keys_are_still_the_old_ones_are_named() -> None:
    plan = keys_of.draw([key_cluster(), key_cluster("aks-neu")], [], "")
    answers = [{"status": "done", "detail": "", "remaining": ["Not restarted: w"]}]
    answers.append({"status": "failed", "detail": "rotate: why", "remaining": []})

    done = keys_of.done(plan, answers)

    assert done["status"] == "partly"
    assert [one["rule"] for one in done["findings"]] == ["keys-not-turned"]
    assert len(done["changes"]) == 1
