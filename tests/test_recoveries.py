"""A whole recovery by each way to shut stolen tokens out; the verdict notices when it was only said to be done."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drill.recovering import before_consent, look_recovered, mend
from drill.scenarios.recoveries import RECOVERIES
from drill.scenarios.recovery import Recovery, Trouble
from drill.scene import Pause
from drill.staging import judge, stage
from drill.training_ground import VECTORS
from drill.writings import evidence_of
from playbooks import refederation, shutting_out
from responders import signing_key_rotations
from tests.in_process import Clock
from tests.scenario_play import LIE, Play, Stage, red

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]
ROSA = {"object_id": "rosa", "name": "Rosa"}


@pytest.fixture(autouse=True)
def _paces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of the sandbox become ready in real time, which a jump of its clock does not bring on."""
    jump = Clock.jump

    async def slower(clock: Clock, to: datetime) -> None:
        await asyncio.sleep(0.2)
        await jump(clock, to)

    monkeypatch.setattr(Clock, "jump", slower)
    monkeypatch.setattr(signing_key_rotations, "POLL_S", 0.05)


async def recover(
    stage_: Stage, name: str, pretended: dict[str, Any] | None = None
) -> dict[str, str]:
    """Attack, contain, steal again, consent, recover; the facts of the verdict that do not hold."""
    return await carry_out(stage_, RECOVERIES[name], pretended)


async def carry_out(
    stage_: Stage, recovery: Recovery, pretended: dict[str, Any] | None = None
) -> dict[str, str]:
    """The same for a recovery that no drill has."""
    staged = await stage(recovery, stage_, lambda *_: None)
    alerted_at = datetime.now(UTC)
    victim = recovery.victim(stage_.described)
    order: Any = await stage_.in_process.alert(victim.object_id, "Sev0")
    order["policy"]["recovery"] |= {key: int(value) for key, value in recovery.policy.items()}
    order["policy"]["recovery"]["refederation"] = dict.fromkeys(VECTORS, recovery.method)
    driven = stage_.in_process.start(order, pretended)
    play = Play(stage_, staged, driven, alerted_at)
    await play.until("awaiting_consent")
    await before_consent(recovery, staged, stage_)
    for trouble in recovery.troubles:
        await stage_.control.turn(trouble.cluster, trouble.broken)
    consented_at = datetime.now(UTC)
    driven.agree()
    await play.until("watching", "awaiting_resume", "closed")
    pauses = [await _pause(play, one) for one in recovery.troubles]
    scene = await look_recovered(recovery, staged, stage_, await play.ended(), consented_at)
    return red(judge(recovery, replace(scene, pauses=tuple(pauses))))


async def _pause(play: Play, trouble: Trouble) -> Pause:
    """What is so while it waits; then somebody mends it, and has the recovery go on."""
    status = (await play.ended()).status
    pause = Pause(trouble.cluster, status, await play.stage.control.state())
    await mend(trouble, play.stage)
    if status["resume"] is not None:
        said = {"by": ROSA, "reason": "mended", "at": datetime.now(UTC).isoformat()}
        play.driven.raise_event(status["resume"]["event"], said)
        await play.until("surveying_again", "preflight")
        await play.until("watching", "awaiting_resume", "closed")
    return pause


@pytest.mark.parametrize("name", RECOVERIES)
async def test_a_recovery_is_complete_and_shuts_stolen_tokens_out(
    scenario_stage: Stage, name: str
) -> None:
    assert await recover(scenario_stage, name) == {}


IN_PARTS = replace(
    RECOVERIES["recover-multi-cluster"], name="recover-in-parts", troubles=(), further=()
)


@pytest.fixture
def _where_not_all_can_be_moved(scenario_stage: Stage) -> Iterator[None]:
    """One cluster is down, another one's webhook is; paused, bare and immutable things in those that are well."""
    sandbox = scenario_stage.in_process.sandbox
    sandbox.control("POST", "reset", {"world": "multi-cluster"})
    sandbox.no_delays()
    sandbox.control("POST", "limits", {"identity_protection": 1000})
    yield
    sandbox.control("POST", "reset", {"world": "plain"})


@pytest.mark.usefixtures("_where_not_all_can_be_moved")
async def test_what_can_be_moved_is_and_what_can_not_is_named(scenario_stage: Stage) -> None:
    assert await carry_out(scenario_stage, IN_PARTS) == {}

    # Trusted, and without the annotation: nobody's to move, and said wherever somebody looks.
    cards = json.dumps((await scenario_stage.control.state())["teams"])
    written = {
        one.path.rpartition("/")[2]: one.text for one in evidence_of(scenario_stage.evidence)
    }
    for text in (cards, written["plan.json"], written["report.md"], written["report.html"]):
        assert "aks-weu-shop-orders-tools" in text
        assert "not moved: no ServiceAccount of aks-weu with this subject" in text
    for text in (written["plan.json"], written["report.md"]):
        assert "give the new identity a federated credential for it" in text


# A step that only says that it did it -> what the verdict notices, where others could not be moved either.
LEFT_OUT = {
    "move_workloads": "every workload is back with all its replicas",
    "retire_service_accounts": "no ServiceAccount names the old client id",
    "move_consumers": "of each cluster it says whether it was moved",
    "federate_identity": "it trusts every ServiceAccount that needs it",
}


@pytest.mark.usefixtures("_where_not_all_can_be_moved")
@pytest.mark.parametrize(
    "step",
    [
        "retire_service_accounts",
        *(
            pytest.param(one, marks=pytest.mark.exhaustive)
            for one in LEFT_OUT
            if one != "retire_service_accounts"
        ),
    ],
)
async def test_that_some_can_not_be_moved_excuses_nothing_else(
    scenario_stage: Stage, step: str
) -> None:
    proofs = dict.fromkeys(("check_workloads", "prove_new_identity"), LIE)

    found = await carry_out(scenario_stage, IN_PARTS, {step: LIE, **proofs})

    assert LEFT_OUT[step] in found


STOLEN_REFUSED = "stolen ServiceAccount tokens do not open the new identity"


async def test_a_name_that_is_kept_without_any_wait_is_noticed(
    scenario_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutting_out, "_SKEW", -timedelta(days=1))

    found = await recover(scenario_stage, "recover-wait-out")

    assert STOLEN_REFUSED in found
    assert "the new identity trusted nobody before the last stolen token had expired" in found


async def test_keys_that_were_only_said_to_be_rotated_are_noticed(scenario_stage: Stage) -> None:
    pretended = {"rotate_signing_keys": LIE, "prove_keys_gone": {**LIE, "max_age_s": 0}}

    assert STOLEN_REFUSED in await recover(scenario_stage, "recover-rotate-keys", pretended)


async def test_bystanders_that_were_not_restarted_are_noticed(scenario_stage: Stage) -> None:
    """Their tokens are worthless since the rotation: nobody else would bring them back."""
    nobody = {**LIE, "batches": 0, "remaining": [], "by_hand": []}

    found = await recover(scenario_stage, "recover-rotate-keys", {"list_token_users": nobody})

    assert "billing-api still reads its blob" in found


async def test_a_risk_that_is_said_to_end_too_early_is_noticed(
    scenario_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refederation, "_longest", lambda *_: (60, "a guess"))

    found = await recover(scenario_stage, "recover-accept-risk")

    assert "a stolen token opens the new identity no longer than the incident says" in found


async def test_a_risk_that_the_report_keeps_to_itself_is_noticed(
    scenario_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refederation, "lines", lambda *_: [])

    found = await recover(scenario_stage, "recover-accept-risk")

    assert "the report says what risk was accepted, and until when" in found
    assert "plan and report explain how stolen tokens are shut out" in found


@pytest.mark.exhaustive
@pytest.mark.timeout(
    600
)  # five clusters, each asked until its time is up: three minutes where others work beside it
async def test_a_cluster_that_is_only_said_to_be_well_is_noticed(scenario_stage: Stage) -> None:
    pretended = {"check_workloads": LIE, "recheck_cluster": LIE}

    found = await recover(scenario_stage, "recover-multi-cluster", pretended)

    assert "of each cluster it says what is so" in found
    assert "while the canary failed, no other cluster was moved" in found


async def test_an_old_name_under_the_method_of_new_names_is_noticed(
    scenario_stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refederation, "keeps_subject", lambda _method: True)

    found = await recover(scenario_stage, "recover-managed-identity")

    assert STOLEN_REFUSED in found
    assert "it trusts no subject that the old one trusted" in found
