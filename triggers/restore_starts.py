"""How a restore begins: within its incident while that waits, in an instance of its own once it is over."""

import azure.durable_functions as df
import azure.functions as func
import structlog
from azure.durable_functions.models.DurableOrchestrationStatus import DurableOrchestrationStatus

from playbooks.orders import Order
from playbooks.restoring import RESTORE, restoring_id
from playbooks.restoring.model import Requested
from triggers import instances, intake, status
from triggers.answers import error

_log = structlog.get_logger("firebreak.restore_api")
PLAYBOOK = "restore_identity"
_WAITING = {"watching", "held", "awaiting_resume"}  # what of a running incident a restore may end


def too_early(durable: DurableOrchestrationStatus) -> func.HttpResponse | None:
    """Why an incident can't be restored now, by what it is doing; None where it can."""
    phase = status.phase_of(durable)
    if durable.runtime_status.name in instances.OVER or phase in _WAITING:
        return None
    incident_id = status.incident_of(durable)["incident_id"]
    reason = f"{incident_id} is {phase}: it has to come to rest first"
    return error(409, "NotNow", reason, f"GET /api/incidents/{incident_id}, then again")


async def begin(
    client: df.DurableOrchestrationClient, durable: DurableOrchestrationStatus, asked: Requested
) -> func.HttpResponse | None:
    """Begin it, or say why it can't be. Safe to repeat."""
    incident = status.incident_of(durable)
    incident_id, restore_id = incident["incident_id"], asked["restore_id"]
    if await intake.is_open(client, incident_id):
        if not await instances.tell(client, incident_id, RESTORE, asked):
            reason = f"{incident_id} ended in this moment"
            return error(409, "NotNow", reason, f"GET /api/incidents/{incident_id}, then again")
    else:
        holder = restoring_id(incident_id, restore_id)
        other = await intake.hold(client, incident["principal"]["object_id"], holder)
        if other is not None:
            reason = f"{other} is open about this principal"
            return error(409, "AnotherIncident", reason, f"GET /api/incidents/{other}")
        if not await intake.is_known(client, holder):  # else it is the same order again
            order: Order = {
                "incident": incident,
                "policy": intake.policy().frozen(),
                "facts": {"requested": asked, "alone": True},
                "holder": holder,
            }
            await instances.start(client, PLAYBOOK, holder, order, about=incident_id)
    _log.info("restore ordered", incident_id=incident_id, restore_id=restore_id)
    return None
