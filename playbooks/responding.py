"""What is done beyond containment: a person is asked, and a yes rebuilds the identity. Silence is a no."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

from playbooks import consents
from playbooks.orders import Json, Order
from playbooks.progress import Progress
from playbooks.recovery import Recovery


def respond(
    context: df.DurableOrchestrationContext,
    order: Order,
    progress: Progress,
    outcome: str,
    plan: Json,
) -> Generator[Any, Any, tuple[str, Recovery | None]]:
    """Ask for consent to this plan, carry it out, report. Returns the outcome, and the recovery where there is one.

    A plan that people were asked about and did not agree to is one that nothing was done of: they can be asked anew.
    """
    # 7. and 8. Tell people, and ask.
    agreed = yield from consents.ask(context, order, progress, plan)
    if not agreed and plan["status"] != "done":  # nobody was asked: there is no such plan
        yield from progress.report(outcome)
        return outcome, None

    # 9. to 12. Evict, rebuild, re-wire cluster by cluster, and prove it from both sides.
    rebuilt = Recovery(context, order, progress, plan, is_agreed=agreed)
    if agreed:
        outcome = yield from rebuilt.run()

    # 13. Report.
    yield from progress.report(outcome)
    return outcome, rebuilt
