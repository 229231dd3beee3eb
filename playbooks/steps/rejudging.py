"""What was rebuilt, judged once more by log rows that arrived after the plan was drawn."""

import asyncio

import azure.durable_functions as df

from playbooks import known_good
from playbooks.journaled import Work, perform
from playbooks.known import Known
from playbooks.orders import Json, Order, folder
from playbooks.plan_files import plan_of
from playbooks.steps import sweeps
from playbooks.tracing.gifts import given
from playbooks.undoing.known import quoted, rest
from responders.evidence import EvidenceStore

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def judge_rebuilt(order: Order) -> Json:
    """Verify: no trust that was rebuilt turns out to be made inside the compromise window, by all rows so far."""

    async def act(work: Work) -> Json:
        late = await asyncio.to_thread(_late, work.store, order)
        said = [
            f"Rebuilt, but made in the compromise window, as a late log row says: trust {old} of the old identity, now "
            f"{new} of the new one: is it the business's?"
            for old, new in late
        ]
        commands = [_away(dict(order["identity"]), new) for _, new in late]
        detail = "; ".join(said) or "nothing that was rebuilt was made in the window"
        return {"status": "done", "detail": detail, "late": said, "by_hand": commands}

    return await perform("judge_rebuilt", order, act, target=str(order["facts"]["sweep"]))


def _late(store: EvidenceStore, order: Order) -> list[tuple[str, str]]:
    """(name of the old trust, name of its successor)."""
    incident = order["incident"]
    snapshot = store.get_json(f"{folder(incident)}/snapshot.json")
    rows, start = sweeps.rows_of(store, incident), incident["window_start"]
    gifts = given(rows, incident["principal"], start, snapshot["taken_at"], known=True)
    plan = plan_of(store, incident)
    return known_good.made_late(snapshot, plan, Known(gifts))


def _away(identity: Json, name: str) -> str:
    """The command that takes the trust from the new identity."""
    match identity:
        case {"application_object_id": str(application)}:
            return rest(
                "DELETE", f"/applications/{application}/federatedIdentityCredentials/{name}"
            )
        case {"resource_id": str(resource_id)}:
            parts = resource_id.split("/")
            where = ("--identity-name", parts[-1], "--resource-group", parts[4])
            return quoted(
                "az", "identity", "federated-credential", "delete", "--name", name, *where
            )
        case _:
            return f"# take the trust {name} from the new identity"
