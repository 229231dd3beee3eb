"""A person ends an incident in the middle of a recovery: nothing goes on, and what is half done can be taken back."""

from typing import Any, cast

import pytest

from playbooks.journaled import open_store
from playbooks.orders import CANCEL, Order, cancelled_path
from playbooks.restoring import plans, restoring_id
from responders import incident_index
from responders.journal import Journal
from tests.in_process import Driven, InProcess
from tests.test_restore_on_sandbox import drawn, ordered
from tests.test_resume_on_sandbox import ROSA, asked, running, state

pytestmark = [pytest.mark.timeout(180), pytest.mark.slow]


def cancel(driven: Driven) -> None:
    """As the API does it: the word to the playbook, and a file for all of its parts."""
    phase = driven.status["phase"]
    call = {
        "by": ROSA,
        "reason": "wrong identity",
        "at": "2026-01-01T00:00:00+00:00",
        "phase": phase,
    }
    driven.raise_event(CANCEL, call)
    path = cancelled_path(driven.order["incident"]["incident_id"])
    if not open_store().exists(path):
        open_store().put_json(path, call)


def holders(world: InProcess) -> list[str]:
    return [one.name for one in (world.evidence / "claims").glob("*.json")]


async def test_cancelled_after_the_eviction_it_says_who_is_down_and_a_restore_brings_it_back(
    in_process: InProcess,
) -> None:
    before = {name: running(in_process, name) for name in state(in_process)["clusters"]}
    driven = await asked(in_process)
    driven.agree()
    await driven.until_answered("evict_clusters")
    cancel(driven)
    run = await driven.until()

    ended = run.outcome
    assert (ended["outcome"], ended["phase"]) == ("cancelled", "closed")
    assert "create_identity" not in run.timeline
    assert ended["remaining"][0] == "ended by Rosa while it was evicting: wrong identity"
    assert any("create identity" in one and "never begun" in one for one in ended["remaining"])
    assert any(one.startswith("cluster aks-") for one in ended["remaining"])
    incident = driven.order["incident"]
    text = (
        in_process.evidence / f"incidents/{incident['incident_id']}/report-cancelled.md"
    ).read_text()
    assert "Cancelled by Rosa" in text
    assert holders(in_process) == [], "the next signal opens an incident of its own"
    closed = incident_index.all_closed(open_store())[incident["incident_id"]]
    assert closed.outcome == "cancelled"

    plan = await drawn(driven)
    order = ordered(driven, plan, plans.choices(plan))
    holder = restoring_id(incident["incident_id"], order["facts"]["requested"]["restore_id"])
    back = in_process.start(cast(Order, {**order, "holder": holder}), playbook="restore_identity")
    restored = (await back.until()).outcome

    assert restored["outcome"] in {"restored", "partly_restored"}, restored
    assert {name: running(in_process, name) for name in before} == before


async def test_cancelled_while_a_cluster_is_moved_no_part_of_it_begins_anything_more(
    in_process: InProcess,
) -> None:
    driven = await asked(in_process)
    driven.agree()
    steps = cast(dict[str, Any], driven.steps)
    proven = steps["prove_new_identity"]

    async def and_then_somebody_says_stop(order: Any) -> Any:
        answer = await proven(order)
        cancel(driven)
        return answer

    steps["prove_new_identity"] = and_then_somebody_says_stop
    run = await driven.until()

    assert run.outcome["outcome"] == "cancelled"
    journal = Journal(open_store(), driven.order["incident"]["incident_id"]).steps()
    after = {one["step"]: one for one in journal}
    assert after["prove_new_identity"]["status"] == "done"
    refused = [one for one in journal if "a person ended the incident" in one["detail"]]
    assert refused
    assert {one["status"] for one in refused} == {"refused"}
    assert "move_workloads" not in {one["step"] for one in journal if one["status"] == "done"}
    begun = [one for one in run.timeline if one == "rewire_wave"]
    assert len(begun) == 1, "no other wave is begun"
    assert any("move workloads" in one for one in run.outcome["remaining"])
    assert run.outcome["by_hand"]
