"""How a run hands in what it judged to be an attack: as a signal of its own, by the door of all signals."""

import azure.durable_functions as df

from playbooks.failing_sign_ins import ESCALATE
from playbooks.journaled import Work
from playbooks.running import perform
from playbooks.runs.model import RunOrder
from responders.errors import RefusedError
from responders.model import Json, Signal
from triggers import receiving

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
@bp.durable_client_input(client_name="client")
async def escalate_to_incident(order: dict, client: df.DurableOrchestrationClient) -> Json:  # type: ignore[type-arg]  # the worker wants it bare
    """Escalate: the incident that this run opens or joins. Safe to repeat: the signal is the run's."""
    wanted: RunOrder = order  # type: ignore[assignment]  # plain JSON from Durable

    async def act(_work: Work) -> Json:
        received = await receiving.receive(signal(wanted), client)
        if received.status != "accepted":
            raise RefusedError(f"the signal was {received.status}: {received.why}")
        how = "joined" if received.joined else "opened"
        return {
            "status": "done",
            "detail": f"{how} {received.incident_id} in mode {received.mode}",
            "incident_id": received.incident_id,
        }

    return await perform(ESCALATE, wanted, act, acts=True)


def signal(order: RunOrder) -> Signal:
    """What the run found, as a signal. It is about what was resolved, and never about a name."""
    run, facts = order["run"], order["facts"]
    return {
        "source": "firebreak",
        "kind": run["playbook"],
        "signal_id": run["run_id"],
        "fired_at": run["opened_at"],
        "title": str(facts["why"])[:300],
        "severity": "",
        "confidence": "medium",
        "authenticated": "token",  # the run is ours; how deep it may go was capped by what started it
        "hint": {"object_id": facts["object_id"]},
        "asked": facts["mode"],
    }
