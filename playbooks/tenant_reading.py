"""The whole tenant read in chunks into the evidence store: what an audit and a review both begin with.

By lists and batches, never one by one. Progress is told as the run's phase.
"""

from collections.abc import Generator
from typing import Any, NamedTuple

import azure.durable_functions as df

from playbooks import ending
from playbooks.auditing import dividing
from playbooks.runs.model import Json, RunOrder
from playbooks.settling import GOOD, perform_one, settle
from playbooks.steps import auditing


class Tenant(NamedTuple):
    """`facts` for the steps that judge, or the answer that ended the reading."""

    facts: Json
    around: Json
    lost: Json | None


def read(context: df.DurableOrchestrationContext, order: RunOrder) -> Generator[Any, Any, Tenant]:
    """Read everything; `lost` where the directory could not be read as a whole."""
    # 1. How much there is: the work is shared out by it, and progress is told by it.
    ending.enter(context, "looking around")
    around = yield from perform_one(context, auditing.look_around, order)
    if around["status"] not in GOOD:
        return Tenant({}, around, around)

    # 2. Subscriptions, clusters and logs side by side; pages of the directory one after the other, as they must be.
    ending.enter(context, "reading subscriptions, clusters and logs")
    wide = yield from _wide(context, order, around)
    total = around["applications"]
    pages = dividing.principals_at_once(total)
    principals = yield from _pages(
        context, order, auditing.read_principals, pages, "service principals"
    )
    pages = dividing.pages_at_once(total)
    applications = yield from _pages(
        context, order, auditing.read_applications, pages, "applications", of=total
    )
    # Without the whole directory client ids would look invented and roles orphaned; what else is missing is named.
    lost = [one for one in (*principals, *applications) if one["status"] not in GOOD]
    if lost:
        return Tenant({}, around, lost[0])
    return Tenant(dividing.together(around, wide, principals, applications), around, None)


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
