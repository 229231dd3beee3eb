"""Every step that acts has its way back in the book, or says why there is none; a half-way incident says both ways."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from playbooks.steps import undo_books
from playbooks.undoing import book
from playbooks.undoing.known import Known, UndoEntry
from responders import undo_pages
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal, Step
from tests import acting_steps
from tests.a_principal import APPLICATION, OBJECT
from tests.restore_world import ISSUER, grant, incident, trust
from tests.snapshot import snapshot

HOSTILE = "x'; rm -rf / #`$(id)`"


def test_every_step_that_acts_has_its_entry() -> None:
    found = acting_steps.names()

    assert {"disable_service_principal", "evict_workloads", "return_trusts"} <= found
    assert found - set(book.BOOK) == set()


@pytest.mark.parametrize("step", book.BOOK)
def test_what_has_no_undo_says_why(step: str) -> None:
    undoing = book.BOOK[step]

    assert bool(undoing.by) != bool(undoing.why_not)


def test_what_takes_a_step_back_is_a_step_that_acts() -> None:
    undone_by = {one.by for one in book.BOOK.values() if one.by}

    assert undone_by - acting_steps.names() - {"take_back_cluster", "retire_successor"} == set()


def step(name: str, status: str = "done", target: str = OBJECT) -> Step:
    return {
        "step": name,
        "target": target,
        "status": status,
        "runs": 1,
        "started": "t",
        "duration_ms": 1,
        "detail": f"{name} ended",
    }


def entry(known: Known, name: str) -> UndoEntry:
    (found,) = [one for one in book.entries(known) if one["step"] == name]
    return found


def known(*steps: Step, **more: Any) -> Known:
    taken = snapshot(
        grants=[grant(condition="@Resource[x] StringEquals 'y'", condition_version="2.0")],
        federated_credentials=[trust(HOSTILE), trust("flexible", subject=None)],
    )
    facts: dict[str, Any] = {"snapshot": taken, **more}
    return Known(incident=incident(), steps=steps, **facts)


def test_the_last_step_is_the_first_to_be_taken_back_and_what_never_began_stands_before_it() -> (
    None
):
    found = book.entries(known(step("disable_service_principal"), step("remove_role_assignments")))
    begun = [one["step"] for one in found if one["state"] != "not begun"]

    assert begun == ["remove_role_assignments", "disable_service_principal"]
    assert [one["state"] for one in found[-2:]] == ["done", "done"]
    assert "deactivate_application" in {one["step"] for one in found[:-2]}


@pytest.mark.parametrize(
    ("status", "state", "finish", "back"),
    [
        ("done", "done", False, True),
        ("nothing_to_do", "nothing to do", False, False),
        ("unknown", "unknown", True, True),
        ("refused", "open", True, True),
        ("failed", "open", True, True),
    ],
)
def test_a_step_that_ended_half_way_has_commands_both_ways(
    status: str, state: str, finish: bool, back: bool
) -> None:
    found = entry(known(step("remove_role_assignments", status)), "remove_role_assignments")

    assert found["state"] == state
    assert (bool(found["finish"]), bool(found["take_back"])) == (finish, back)


def test_what_never_began_is_only_to_be_finished() -> None:
    found = entry(known(), "deactivate_application")

    assert (found["state"], found["take_back"]) == ("not begun", [])
    assert found["finish"] == [
        f"az rest --method PATCH --url https://graph.microsoft.com/v1.0/applications/{APPLICATION} "
        "--body '{\"isDisabled\": true}'"
    ]


def test_a_role_comes_back_with_its_condition() -> None:
    (command,) = entry(known(step("remove_role_assignments")), "remove_role_assignments")[
        "take_back"
    ]
    words = shlex.split(command)

    assert words[words.index("--condition") + 1] == "@Resource[x] StringEquals 'y'"
    assert words[words.index("--assignee-object-id") + 1] == OBJECT


def test_a_hostile_name_stays_one_word_and_a_flexible_trust_is_left_to_a_person() -> None:
    (command,) = entry(known(step("remove_federated_credentials")), "remove_federated_credentials")[
        "take_back"
    ]
    words = shlex.split(command)

    assert json.loads(words[-1])["name"] == HOSTILE
    assert json.loads(words[-1])["issuer"] == ISSUER
    assert len(words) == 8


def test_no_secret_is_taken_back() -> None:
    found = entry(known(step("remove_application_credentials")), "remove_application_credentials")

    assert (found["undone_by"], "never revived" in found["why_not"]) == ("", True)
    assert found["take_back"] == [f"az ad app credential reset --append --id {APPLICATION}"]


CLUSTER = {"name": "aks-weu", "resource_id": "r", "location": "l", "issuer_url": ISSUER}
WORKLOAD = {
    "cluster": "aks-weu",
    "namespace": "shop",
    "kind": "Deployment",
    "name": "orders-api",
    "service_account": "orders-api",
    "replicas": 3,
}
ACCOUNT = {"namespace": "shop", "name": "orders-api", "client_id": "old-id"}


def plan(method: str = "new_subject", new: str = "orders-api-1234") -> Any:
    survey = {"cluster": CLUSTER, "workloads": [WORKLOAD], "service_accounts": [ACCOUNT]}
    return {
        "kind": "application",
        "display_name": "orders-api-1234",
        "refederation": {"method": method},
        "federated_credentials": [],
        "grants": [],
        "clusters": [
            {
                "survey": survey,
                "acts": True,
                "workloads": [WORKLOAD],
                "service_accounts": [ACCOUNT],
                "consumers": [],
                "new_names": {"shop/orders-api": new},
            }
        ],
    }


def test_a_recovery_that_stopped_half_way_says_what_is_left_in_each_cluster() -> None:
    found = book.entries(
        known(step("evict_workloads", target="aks-weu"), plan=plan(), consented=True)
    )
    left = [
        one["step"] for one in found if one["target"] == "aks-weu" and one["state"] == "not begun"
    ]

    assert left == [
        "retire_service_accounts",
        "move_workloads",
        "move_consumers",
        "create_service_accounts",
    ]


def test_an_evicted_workload_gets_its_replicas_back() -> None:
    found = entry(known(step("evict_workloads", target="aks-weu"), plan=plan()), "evict_workloads")
    words = shlex.split(found["take_back"][0])

    assert words[:5] == ["kubectl", "--context", "aks-weu", "-n", "shop"]
    assert json.loads(words[-1]) == {"spec": {"replicas": 3}}


@pytest.mark.parametrize(
    ("new", "patched"),
    [
        (
            "orders-api-1234",
            {"replicas": 3, "template": {"spec": {"serviceAccountName": "orders-api"}}},
        ),
        ("orders-api", {"replicas": 3}),
    ],
)
def test_a_moved_workload_goes_back_to_its_account_or_is_restarted_under_it(
    new: str, patched: Any
) -> None:
    facts = {"plan": plan(new=new), "consented": True}
    found = entry(known(step("move_workloads", target="aks-weu"), **facts), "move_workloads")

    assert json.loads(shlex.split(found["take_back"][0])[-1]) == {"spec": patched}
    restarts = [one for one in found["take_back"] if "rollout restart" in one]
    assert bool(restarts) == (new == "orders-api")


def test_without_consent_no_recovery_is_expected() -> None:
    found = book.entries(known(plan=plan(), consented=False))

    assert {one["target"] for one in found} == {OBJECT}


def test_the_new_identity_is_closed_and_kept() -> None:
    successor = {"kind": "application", "object_id": "new", "application_object_id": "app"}
    found = entry(known(step("create_identity"), successor=successor), "create_identity")

    assert found["take_back"] == ["az ad sp update --id new --set accountEnabled=false"]


def test_the_book_is_read_from_the_evidence_of_an_incident_that_crashed(tmp_path: Path) -> None:
    store, about = EvidenceFolder(tmp_path), incident()
    base = f"incidents/{about['incident_id']}"
    journal = Journal(store, about["incident_id"])
    journal.intent("remove_role_assignments", OBJECT)
    journal.intent("evict_workloads", "aks-weu")
    journal.outcome("evict_workloads", "aks-weu", run=1, status="done", detail="d", duration_ms=1)
    store.put_json(f"{base}/snapshot.json", snapshot(grants=[grant()]))
    store.put_json(f"{base}/plan.json", plan())
    item = {"workload": "aks-weu shop Deployment/x", "replicas_before": 3, "replicas_after": 0}
    kept = {"items": [{"items": [item]}], "status": "done"}
    store.put_json(f"{base}/recovery/evict_workloads-aks-weu-0123abcd-1.json", kept)
    found = {one["step"]: one for one in undo_books.read(store, about)}

    assert found["remove_role_assignments"]["state"] == "unknown"
    assert found["evict_workloads"]["changed"] == [
        {"object": "aks-weu shop Deployment/x replicas", "before": "3", "after": "0"}
    ]


def test_an_incident_that_only_planned_has_nothing_to_take_back(tmp_path: Path) -> None:
    about: Any = {**incident(), "mode": "plan"}

    assert undo_books.read(EvidenceFolder(tmp_path), about) == []


def test_the_report_shows_both_ways_and_nobodys_name_ends_the_block() -> None:
    fenced = f"az x {HOSTILE}```\n# Heading"
    one = {
        "step": "s",
        "target": "t",
        "state": "open",
        "why_not": "",
        "undone_by": "return_trusts",
        "finish": ["az finish"],
        "take_back": [fenced],
    }
    text = undo_pages.by_hand([one])

    assert text.index("## To finish by hand") < text.index("## To take back by hand")
    assert text.count("```") == 4
    assert "\n# Heading" not in text
    assert "# s t, open (restore_identity does it: return_trusts)" in text
