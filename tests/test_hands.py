"""Which identity carries out which step, and that the one that rebuilds does nothing that nobody agreed to."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playbooks import consent_records, mandates, plan_files
from playbooks.hands import REBUILD_STEPS, hand_of
from playbooks.journaled import Work, perform
from playbooks.running import perform as perform_in_run
from responders import own_credential, run_records
from responders.cloud import Cloud
from responders.errors import RefusedError, TransientError
from responders.evidence import EvidenceStore
from responders.evidence_folder import EvidenceFolder
from responders.journal import Journal
from responders.settings import Hand, Settings
from tests import acting_steps
from tests.a_rehearsed_incident import order as plain_order
from tests.agreed import agree, answer
from tests.azure_fake import FakeAzure, Say, Seen
from tests.in_process import activities

# What containment does: it reads, proves, tells and takes away. A new step is written here, or in `playbooks/hands.py`.
CONTAINMENT = """
    amend_plan begin_restore capture_pods check_evicted check_foothold check_guards check_key_users
    check_labelled check_moved check_moved_back check_restarted check_taken_back check_workloads
    clear_made_principal collect_activity_log collect_logs collect_successor_sign_ins conclude_alert conclude_keys
    conclude_provisioning conclude_rotation confirm_compromised deactivate_application disable_service_principal
    draw_identity_plan draw_key_plan draw_plan draw_rotation_plan end_restore end_run judge_health
    judge_identities judge_rebuilt judge_review judge_workload list_clusters list_key_users list_token_users
    look_around look_at_alert look_at_clusters look_at_ourselves look_at_sign_ins look_at_workload
    look_for_requests prove_accounts prove_cluster_keys_gone prove_keys_gone prove_new_identity
    prove_old_subjects_refused prove_predecessors_refused prove_successors read_answers read_applications
    read_declarations read_depth read_identities read_key_cluster read_principals read_rotated_cluster
    read_rotated_identity read_scopes read_use read_workloads recheck_cluster record_cancel record_cluster_keys
    record_consent record_identity record_resume record_signing_keys release_principal release_restore
    remove_app_roles remove_application_credentials remove_federated_credentials remove_identity_trusts
    remove_key_vault_policies remove_memberships remove_oauth_grants remove_owners remove_role_assignments
    remove_service_principal_credentials report_attachments report_directory_roles retire_successor review_azure
    review_namespaces revoke_tokens seal_evidence seal_run see_pods_back state_residual survey_again
    survey_cluster take_snapshot tell_of_run tell_people trace_footprint verify_containment verify_restored
    weigh_sign_ins write_manifest_patches write_report
"""
FIRST, SECOND = (f"00000000-0000-4000-8000-00000000000{number}" for number in (1, 2))
PLAN = {"incident_id": "inc-20260101-0123456789ab", "graph": "g"}


def order(policy: dict[str, Any] | None = None, **signal: Any) -> Any:
    """Of an incident in mode respond, by a policy that wants one person, or as it is changed."""
    one = plain_order("respond")
    rule = {"people_for_irreversible": 2, "requester_may_approve": False, **(policy or {})}
    incident = {**one["incident"], "signal": {**one["incident"]["signal"], **signal}}
    return {**one, "incident": incident, "policy": {**one["policy"], "consent": rule}}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvidenceStore:
    for name in ("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID"):
        monkeypatch.setenv(name, FIRST)
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path))
    return EvidenceFolder(tmp_path)


@pytest.fixture
def apart(azure: FakeAzure, store: EvidenceStore, monkeypatch: pytest.MonkeyPatch) -> FakeAzure:
    """The fake Azure, before an app with two identities."""
    monkeypatch.setenv("FIREBREAK_CLIENT_ID", FIRST)
    monkeypatch.setenv("FIREBREAK_REBUILD_CLIENT_ID", SECOND)
    return azure


def test_every_step_is_somebodys_on_purpose() -> None:
    every = set(activities())

    assert every >= REBUILD_STEPS
    assert every - REBUILD_STEPS == set(CONTAINMENT.split())
    assert {hand_of(one) for one in CONTAINMENT.split()} == {"containment"}
    assert {hand_of(one) for one in REBUILD_STEPS} == {"rebuild"}


def test_nothing_that_a_quiet_day_changes_is_containments() -> None:
    assert acting_steps.of_runs() - REBUILD_STEPS == set()
    assert len(acting_steps.of_runs()) > 5


# --- Connections -------------------------------------------------------------------------------


async def test_each_hand_has_its_own_token_and_both_share_what_is_open(apart: FakeAzure) -> None:
    asked: list[str] = []
    platform = apart._platform

    def counted(seen: Seen) -> Say | None:
        if seen.path == "/msi/token":
            asked.append(seen.query["client_id"])
        return platform(seen)

    apart._platform = counted  # type: ignore[method-assign]
    first, second, again = await asyncio.gather(
        Cloud.connect(), Cloud.connect("rebuild"), Cloud.connect("rebuild")
    )
    for one in (first, second, second):
        await one.get_token(one.endpoints.arm_scope)

    assert asked == [FIRST, SECOND]
    assert second is again
    assert first is not second
    assert (first.http, first._transport) == (second.http, second._transport)
    assert (first.arm, first.graph) != (second.arm, second.graph)
    assert await first.acting_as("rebuild") is second
    await second.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"FIREBREAK_CLIENT_ID": FIRST},
        {"FIREBREAK_CLIENT_ID": FIRST, "FIREBREAK_REBUILD_CLIENT_ID": FIRST},
        {},
    ],
)
async def test_where_one_identity_is_deployed_it_does_all(
    azure: FakeAzure, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    cloud = await Cloud.connect()

    assert await Cloud.connect("rebuild") is cloud
    assert await cloud.acting_as("rebuild") is cloud
    await cloud.close()


def test_a_person_on_a_laptop_is_one_whoever_is_deployed() -> None:
    required = dict.fromkeys(("FIREBREAK_TENANT_ID", "FIREBREAK_LOG_WORKSPACE_ID"), FIRST)
    ids = {"FIREBREAK_CLIENT_ID": FIRST, "FIREBREAK_REBUILD_CLIENT_ID": SECOND}
    deployed = Settings.from_environ({**required, **ids})
    laptop = Settings.from_environ({**required, **ids, "FIREBREAK_CREDENTIAL": "azure-cli"})

    assert deployed.hands == ("containment", "rebuild")
    assert laptop.hands == ("containment",)
    assert laptop.client_ids == {FIRST, SECOND}
    with pytest.raises(RefusedError, match="FIREBREAK_REBUILD_CLIENT_ID is not a GUID"):
        Settings.from_environ({**required, "FIREBREAK_REBUILD_CLIENT_ID": "id-firebreak-rebuild"})


async def test_containment_goes_on_where_the_other_identity_gets_no_token(
    apart: FakeAzure, store: EvidenceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = own_credential.asynchronous

    def broken(settings: Settings, hand: Hand = "containment") -> Any:
        return _NoIdentity() if hand == "rebuild" else real(settings, hand)

    monkeypatch.setattr(own_credential, "asynchronous", broken)
    cloud = await Cloud.connect()

    assert await cloud.own_object_ids() == {await cloud.own_object_id()}
    pulled = await perform("remove_app_roles", order(), _who, acts=True)
    await cloud.close()
    assert pulled["hand"] == "containment"


class _NoIdentity:
    async def get_token(self, *_: str, **__: Any) -> Any:
        raise RefusedError("no such identity is attached to the app")

    async def close(self) -> None:
        """Nothing is open."""


# --- Who carries it out ------------------------------------------------------------------------


async def _who(work: Work) -> Any:
    return {"status": "done", "detail": "acted", "hand": work.cloud.hand}


async def test_a_step_acts_as_its_hand_and_the_journal_says_which(
    apart: FakeAzure, store: EvidenceStore
) -> None:
    asked = order()
    agree(store, asked["incident"], PLAN)

    said = [
        (await perform(step, asked, _who, acts=True))["hand"]
        for step in ("remove_app_roles", "grant_roles")
    ]
    await (await Cloud.connect()).close()

    assert said == ["containment", "rebuild"]
    entries = Journal(store, asked["incident"]["incident_id"]).entries()
    intents = [(one["step"], one["hand"]) for one in entries if one["kind"] == "intent"]
    assert intents == [("remove_app_roles", "containment"), ("grant_roles", "rebuild")]


async def test_nothing_is_rebuilt_without_a_consent_whoever_schedules_it(
    apart: FakeAzure, store: EvidenceStore
) -> None:
    answered = await perform("create_identity", order(), _who, acts=True)

    assert answered["status"] == "refused"
    assert "nobody has decided" in answered["detail"]


async def test_nothing_is_given_back_without_an_order_to_restore(
    apart: FakeAzure, store: EvidenceStore
) -> None:
    asked = order()
    agree(store, asked["incident"], PLAN)  # to rebuild it, which is no yes to open it
    wanted = {"restore_id": "restore-1", "plan_hash": "0" * 64, "chosen": []}

    restoring: Any = {**asked, "facts": {"requested": wanted}}
    answered = await perform("enable_service_principal", restoring, _who, acts=True)

    assert answered["status"] == "refused"
    assert "no order to restore lies in the evidence" in answered["detail"]


# --- What stands behind it ---------------------------------------------------------------------


async def behind(store: EvidenceStore, asked: Any) -> str:
    said = await mandates.why_not(store, asked)
    return "" if said is None else str(said["detail"])


async def test_peoples_own_answers_stand_behind_it(store: EvidenceStore) -> None:
    agree(store, order()["incident"], PLAN)

    assert await behind(store, order()) == ""


async def test_a_decision_without_anybodys_own_answer_is_none(store: EvidenceStore) -> None:
    agree(store, order()["incident"], PLAN, people=0)

    assert "too few people's own answers" in await behind(store, order())


async def test_what_nothing_brings_back_takes_as_many_as_the_policy_wants(
    store: EvidenceStore,
) -> None:
    plan = {**PLAN, "irreversible": ["pods are gone"]}
    agree(store, order()["incident"], plan, people=1)

    assert "too few" in await behind(store, order())
    assert await behind(store, order({"people_for_irreversible": 1})) == ""


async def test_whoever_had_it_opened_does_not_agree_to_it_alone(store: EvidenceStore) -> None:
    agree(store, order()["incident"], PLAN)
    asked_by = {"object_id": "person-0", "name": "rosa"}

    assert "too few" in await behind(store, order(asked_by=asked_by))
    assert await behind(store, order({"requester_may_approve": True}, asked_by=asked_by)) == ""


async def test_a_plan_that_was_changed_afterwards_is_another_one(store: EvidenceStore) -> None:
    incident = order()["incident"]
    agree(store, incident, PLAN)
    other = {**store.get_json(plan_files.plan_path(incident)), "graph": "h"}
    store.put_json(plan_files.plan_path(incident, 2), other)
    store.put_json(plan_files.consent_path(incident, 2), {**answer(other), "granted": True})

    assert "too few" in await behind(store, order()), "the yes was to the first plan"


async def test_one_no_is_a_no(store: EvidenceStore) -> None:
    incident = order()["incident"]
    agree(store, incident, PLAN, people=0)
    plan = store.get_json(plan_files.plan_path(incident))
    no = answer(plan, decision="deny")
    consent_records.keep(store, incident["incident_id"], no)
    consent_records.keep(
        store, incident["incident_id"], answer(plan, person="late", at="2026-01-01T00:20:00+00:00")
    )

    assert "person-0 said no" in await behind(store, order())


async def test_what_can_not_be_read_stands_behind_nothing(store: EvidenceStore) -> None:
    agree(store, order()["incident"], PLAN)
    path = plan_files.plan_path(order()["incident"])
    real = store.get_json

    def fails(error: Exception) -> Any:
        def read(asked: str) -> Any:
            if asked == path:
                raise error
            return real(asked)

        return read

    store.get_json = fails(RefusedError("403"))  # type: ignore[method-assign]
    assert "can't be read: 403" in await behind(store, order())
    store.get_json = fails(TransientError("503"))  # type: ignore[method-assign]
    said = await mandates.why_not(store, order())
    assert said is not None and said["retry"], "it is asked again, and nothing acts meanwhile"


def run(store: EvidenceStore, *, listed: bool = True, mode: str = "apply", **more: Any) -> Any:
    """An order of a run that says it is applied, as it stands on the list."""
    one = {
        "run_id": "run-misconfigured_federation-20260101T000000-aaaaaa",
        "playbook": "misconfigured_federation",
        "mode": mode,
        "started_by": "person",
        "parameters": {},
        **more,
    }
    if listed:
        run_records.opened(store, one)
    policy = {"troubleshooting": {"fix_trusts": "report", "restart_stale_pods": False}}
    return {"run": {**one, "mode": "apply"}, "policy": policy, "facts": {}}


async def behind_run(store: EvidenceStore, asked: Any, step: str = "mend_trusts") -> str:
    said = await mandates.why_no_run(store, asked, step)
    return "" if said is None else str(said["detail"])


async def test_a_run_that_a_person_applied_stands_behind_its_steps(store: EvidenceStore) -> None:
    assert await behind_run(store, run(store)) == ""


async def test_a_run_that_nobody_opened_changes_nothing(store: EvidenceStore) -> None:
    asked = run(store, listed=False)
    asked["policy"]["guards"] = {"observe_only": False}

    answered = await perform_in_run("mend_trusts", asked, _who, acts=True)

    assert answered["status"] == "refused"
    assert "no run run-misconfigured" in answered["detail"]


async def test_a_run_that_was_opened_to_be_looked_at_changes_nothing(store: EvidenceStore) -> None:
    assert "in mode plan" in await behind_run(store, run(store, mode="plan"))


async def test_an_alert_has_done_what_the_policy_lets_it_and_no_more(store: EvidenceStore) -> None:
    asked = run(store, started_by="signal")

    assert "the policy lets none do this" in await behind_run(store, asked)
    asked["policy"]["troubleshooting"]["fix_trusts"] = "slips"
    assert await behind_run(store, asked) == ""
    assert "the policy lets none" in await behind_run(store, asked, "make_identity")
    assert "the policy lets none" in await behind_run(store, asked, "restart_stale_pods")
