"""Playbook: which workload identities there are, what they may do, and what is wrong with them, once a week.

Starts    a schedule, a person
Asks      nobody: it only reads
Undo      none needed
Runbook   docs/runbooks/audit-identities.md
"""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import ending
from playbooks.auditing import dividing
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one, settle
from playbooks.steps import auditing

bp = df.Blueprint()
_PRINCIPALS_PAGES = 5  # of 999


@bp.orchestration_trigger(context_name="context")
def audit_identities(context: df.DurableOrchestrationContext) -> Generator[Any, Any, Json]:
    """Read everything in chunks, by lists and never one by one; then judge it as a whole."""
    order: RunOrder = context.get_input(expected_type=dict)

    # 1. How much there is: the work is shared out by it, and progress is told by it.
    ending.enter(context, "looking around")
    around = yield from perform_one(context, auditing.look_around, order)
    if around["status"] not in GOOD:
        return (yield from ending.end(context, order, around))

    # 2. Subscriptions, clusters and logs side by side; pages of the directory one after the other, as they must be.
    ending.enter(context, "reading subscriptions, clusters and logs")
    wide = yield from _wide(context, order, around)
    principals = yield from _pages(
        context, order, auditing.read_principals, _PRINCIPALS_PAGES, "service principals"
    )
    pages = dividing.pages_at_once(around["applications"])
    applications = yield from _pages(
        context,
        order,
        auditing.read_applications,
        pages,
        "applications",
        of=around["applications"],
    )
    # Without the whole directory client ids would look invented and roles orphaned; what else is missing is named.
    if lost := [one for one in (*principals, *applications) if one["status"] not in GOOD]:
        return (yield from ending.end(context, order, lost[0]))

    # 3. Judge it.
    ending.enter(context, "judging")
    facts = dividing.together(around, wide, principals, applications)
    judging: RunOrder = {**order, "facts": facts}
    judged = yield from perform_one(context, auditing.judge_identities, judging)
    return (yield from ending.end(context, order, judged))


def _wide(
    context: df.DurableOrchestrationContext, order: RunOrder, around: Json
) -> Generator[Any, Any, list[Json]]:
    calls: list[tuple[Any, RunOrder]] = [
        (auditing.read_scopes, {**order, "facts": facts})
        for facts in dividing.scopes(around["scopes"])
    ]
    calls += [
        (auditing.read_workloads, {**order, "facts": facts})
        for facts in dividing.clusters(around["clusters"], around["clusters_path"])
    ]
    calls.append((auditing.read_use, order))
    return (yield from settle(context, calls))


def _pages(
    context: df.DurableOrchestrationContext,
    order: RunOrder,
    step: Any,
    pages: int,
    what: str,
    *,
    of: int | None = None,
) -> Generator[Any, Any, list[Json]]:
    """A collection to its end, some pages a step; the answers so far, the last one being bad, where it breaks off."""
    answers: list[Json] = []
    after: str | None = None
    while True:
        done = sum(one["count"] for one in answers)
        ending.enter(context, f"reading {what}: {done}" + (f" of {of}" if of else ""))
        facts: Json = {"after": after, "pages": pages, "number": len(answers)}
        answer = yield from perform_one(context, step, {**order, "facts": facts})
        answers.append(answer)
        after = answer.get("after")
        if answer["status"] not in GOOD or after is None:
            return answers
