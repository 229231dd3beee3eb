"""The first half of the playbook: cut off, prove it, and find out what happened."""

import json
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import azure.durable_functions as df

from playbooks import limits
from playbooks.groups import each_cluster
from playbooks.levers import BESIDE, FIRST, LEVERS
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import (
    GOOD,
    HEARD_WITHIN,
    PROOF_WITHIN,
    Call,
    again,
    begin,
    perform_one,
    settle,
    until_done,
    until_ended,
)
from playbooks.steps import containment as steps
from playbooks.steps import evidence
from playbooks.surveying import survey_clusters
from responders.model import Incident, Signal

if TYPE_CHECKING:  # that module pulls levers again by this one, through holding
    from playbooks.watching import Ears

# A responder's word to an incident that an alert alone may not carry further.
CALLED = "responder-call"


def contain(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, str]:
    """Disable beside the snapshot, pull every lever, prove it. Returns the outcome."""
    incident = order["incident"]
    progress.enter("containing")
    calls = [(lever, order) for lever in FIRST[incident["principal"]["kind"]]]
    written: list[tuple[Any, Order]] = [(steps.take_snapshot, order)]
    first, snapshots = begin(context, calls), begin(context, written)
    # After them, and waited for by nobody: not a moment of containment goes into telling people.
    disabled = yield from until_ended(context, first, beside=[*snapshots, *progress.opening()])
    _mark_disabled(progress, disabled)
    taken = yield from until_ended(context, snapshots)
    (snapshot,) = yield from again(context, written, taken)
    held = _why_held(incident, snapshot, order["policy"])
    if held is not None:
        _mark_disabled(progress, (yield from again(context, calls, disabled)))
        yield from _failed(progress, held)
        yield from progress.expose(context.current_utc_datetime)
        return "held"
    # A switch that time can fix is tried again beside the other levers, which don't wait for it.
    late = [call for call, one in zip(calls, disabled, strict=True) if one.get("retry")]
    settled = [one for one in disabled if not one.get("retry")]
    return (yield from pull(context, order, progress, already=settled, first=late))


def _why_held(incident: Incident, snapshot: Json, policy: Json) -> Json | None:
    """Why no other lever may be pulled, as facts for a card: what is disabled stays disabled."""
    if snapshot["status"] not in GOOD:  # nothing is destroyed before it is written down
        return {"Snapshot failed": snapshot["detail"]}
    too_many = limits.too_many(incident, snapshot["removals"], policy)
    return None if too_many is None else {"Held": too_many}


def _mark_disabled(progress: Progress, answers: Sequence[Json]) -> None:
    """The moment from which no token is issued any more, once."""
    if answers and all(one["status"] in GOOD for one in answers):
        progress.mark_once("disabled")


def pull(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    *,
    already: Sequence[Json] = (),
    first: Sequence[Call] = (),
) -> Generator[Any, Any, str]:
    """Every lever of this kind of principal side by side, then the proof. Safe to repeat.

    `first` are levers of `FIRST` that are still to be pulled, `already` the answers of the others.
    """
    kind = order["incident"]["principal"]["kind"]
    levers = [(lever, order) for lever in LEVERS[kind]]
    answers = yield from settle(context, [*first, *levers])
    _mark_disabled(progress, answers[: len(first)])

    progress.enter("verifying_containment")
    beside = begin(context, [(lever, order) for lever in BESIDE[kind]])
    proving = begin(context, [(steps.verify_containment, order)])
    (asked,) = yield from until_ended(context, proving, beside=beside)
    proof = yield from until_done(
        context, steps.verify_containment, order, PROOF_WITHIN, first=asked, lag=HEARD_WITHIN
    )
    now = context.current_utc_datetime
    if proof["status"] == "done":
        now = progress.mark("contained")
    answers = [*already, *answers, *(yield from until_ended(context, beside))]
    left = [one for one in answers if one["status"] not in GOOD]
    remaining = [*proof.get("remaining", []), *(str(one["detail"]) for one in left)]
    commands = [command for one in answers for command in one.get("by_hand", [])]
    progress.note(
        remaining=remaining,
        unasked=proof.get("unasked", []),
        by_hand=list(dict.fromkeys(commands)),
    )
    progress.open = proof.get("open", [])
    if proof["status"] != "done":
        lines = [*(str(one["detail"]) for one in left), str(proof["detail"])]
        yield from _failed(progress, {"lines": [*lines, *commands]})
        yield from progress.expose(now)
        return "not_contained"
    yield from progress.expose(now, token_refused=bool(proof.get("token_refused")))
    return "partly_contained" if remaining else "contained"


def _failed(progress: Progress, facts: Json) -> Generator[Any, Any, None]:
    """Told each time: a card that was handed over is not handed over again under the same name."""
    key = f"not_contained-{progress.pulls}" if progress.pulls else "not_contained"
    progress.pulls += 1
    yield from progress.tell("not_contained", facts, key=key)


def until_called(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, ears: "Ears"
) -> Generator[Any, Any, str]:
    """Wait for a responder who says go on, as long as the residual deadline. Returns the outcome, or "held"."""
    progress.enter("held")
    called = context.wait_for_external_event(CALLED)
    silence = context.create_timer(progress.deadline or context.current_utc_datetime)
    taking_back, deepening = ears.restorable, ears.deepening
    try:
        # Who called before it was held is heard as well.
        yield from deepening.take_in([called, taking_back.call, deepening.call, silence])
        while not (called.is_completed or silence.is_completed or by_responder(order)):
            yield context.task_any([called, taking_back.call, deepening.call, silence])
            if deepening.call.is_completed:
                yield from deepening.take_in()
            if taking_back.call.is_completed and not called.is_completed:
                outcome = yield from taking_back.answer("held")
                if outcome != "held":
                    return outcome
                progress.enter("held")
    finally:
        if not silence.is_completed:
            silence.cancel()
    if not (called.is_completed or by_responder(order)):
        return "held"
    if called.is_completed:
        # The Python client encodes twice: https://github.com/Azure/azure-functions-durable-python/issues/295
        said = json.loads(called.result) if isinstance(called.result, str) else called.result
        progress.asked_by(said.get("by"))
    incident = order["incident"]
    signal: Signal = {**incident["signal"], "source": "responder"}
    return (
        yield from contain(context, {**order, "incident": {**incident, "signal": signal}}, progress)
    )


def by_responder(order: Order) -> bool:
    """Whether a responder's word stands behind what is done, and not an alert alone."""
    return order["incident"]["signal"]["source"] == "responder"


def plan(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, None]:
    """What every lever would change, what happened, and what a rebuild would do."""
    yield from preview(context, order, progress)
    yield from investigate(context, order, progress)


def preview(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, None]:
    """What every lever would change, before -> after. The HTTP layer refuses every write meanwhile."""
    progress.enter("planning")
    kind = order["incident"]["principal"]["kind"]
    yield from settle(context, [(steps.take_snapshot, order)])
    yield from settle(
        context, [(lever, order) for lever in (*FIRST[kind], *LEVERS[kind], *BESIDE[kind])]
    )


def investigate(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress
) -> Generator[Any, Any, Json]:
    """Logs and clusters side by side, then the findings and the plan. Gaps never stop it.

    Without the list of clusters there is no plan: an unread list is not an empty one, and a plan drawn from it
    would call every trust a stranger's.
    """
    progress.enter("collecting_evidence")
    swept: Order = {**order, "facts": {"sweep": "sweep-1"}}
    listed, *_ = yield from settle(
        context,
        [
            (evidence.list_clusters, order),
            (evidence.collect_activity_log, swept),
            (evidence.collect_logs, swept),
        ],
    )
    facts = {"sweep": "sweep-1", "contained": progress.clock.get("contained")}
    traced: Order = {**order, "facts": facts}
    if listed["status"] != "done":
        detail = f"no plan: the clusters could not be listed: {listed['detail']}"
        progress.note(clusters={"all": {"status": "failed", "detail": detail}})
        yield from perform_one(context, evidence.trace_footprint, traced)
        return {"status": "failed", "detail": detail}
    clusters = listed["clusters"]
    yield from each_cluster(context, survey_clusters, order, clusters)
    # The plan is drawn from the footprint: how they got in says how their tokens are shut out.
    yield from perform_one(context, evidence.trace_footprint, traced)
    drawn: Order = {**order, "facts": {"clusters": clusters}}
    return (yield from perform_one(context, evidence.draw_plan, drawn))
