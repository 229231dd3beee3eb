"""A person's yes to one exact plan: asked for, waited for, kept. Silence is a no."""

import json
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.settling import perform_one
from playbooks.steps import reporting


def consent_event(plan_hash: str) -> str:
    """The external event that answers this plan: a name of its own, so that no other wait hears it."""
    return f"consent-{plan_hash[:16]}"


def ask(
    context: df.DurableOrchestrationContext, order: Order, progress: Progress, plan: Json
) -> Generator[Any, Any, bool]:
    """Ask for consent to this exact plan, and keep the answer. Silence, or anything unclear, is a no.

    A plan that was drawn anew has a `number`: its card and its answer are kept apart from the first one's.
    """
    if "number" in plan:
        order = {**order, "plan_number": plan["number"]}
    if plan["status"] != "done":
        progress.unplanned(plan)
        return False
    expires = context.current_utc_datetime + timedelta(
        minutes=order["policy"]["consent"]["expires_minutes"]
    )
    # The wait is registered before anybody is asked: an answer that came early would be lost.
    answer = context.wait_for_external_event(consent_event(plan["plan_hash"]))
    silence = context.create_timer(expires)
    shown = {"plan_hash": plan["plan_hash"], "expires_at": expires.isoformat(timespec="seconds")}
    progress.note(phase="awaiting_consent", consent=shown)
    facts = {"Answer before": shown["expires_at"], **progress.clock}
    if "changed" in plan:
        facts["lines"] = [
            f"Changed since the plan that was agreed to: {one}" for one in plan["changed"]
        ]
    key = f"asking-{plan['number']}" if "number" in plan else "asking"
    card: Order = {**order, "notice": "asking", "notice_key": key, "facts": facts}
    told = context.call_activity(reporting.tell_people, card)
    yield context.task_any([answer, silence, told])
    if told.is_completed and isinstance(told.result, dict) and told.result.get("retry"):
        yield from perform_one(context, reporting.tell_people, card)
    winner = yield context.task_any([answer, silence])
    given: Json = {"decision": "none", "reason": "nobody answered in time"}
    if winner == answer:
        silence.cancel()
        # The Python client encodes twice: https://github.com/Azure/azure-functions-durable-python/issues/295
        given = json.loads(answer.result) if isinstance(answer.result, str) else answer.result
    granted = is_consent(given, plan)
    answered = {**given, "plan_hash": plan["plan_hash"], "granted": granted}
    yield from perform_one(context, reporting.record_consent, {**order, "facts": answered})
    progress.note(consent={**shown, **_shown(given)})
    return granted


def is_consent(given: Json, plan: Json) -> bool:
    """A yes to exactly this plan that names every confirmation, and no choice that the plan does not have."""
    return (
        given.get("decision") == "grant"
        and given.get("plan_hash") == plan["plan_hash"]
        and set(plan["confirmations"]) <= set(given.get("confirmed", []))
        and set(given.get("chosen", [])) <= set(plan["choices"])
    )


def _shown(given: Json) -> Json:
    names = ("decision", "approver", "reason", "at", "chosen", "confirmed")
    return {name: given[name] for name in names if name in given}
