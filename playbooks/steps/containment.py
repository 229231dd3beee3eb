"""Steps 1 to 4: guards, the reversible lever, the snapshot, and the proof."""

import asyncio
import contextlib
from datetime import UTC, datetime

import azure.durable_functions as df

from playbooks import limits, residual
from playbooks.journaled import Keeping, Work, perform
from playbooks.orders import Json, Order, folder
from responders import acts, guards, service_principals, snapshots, verifications
from responders.errors import ConflictError, RefusedError
from responders.model import StepResult

bp = df.Blueprint()
_INSIST_RUNS = 3  # after so many, a part of the snapshot that may be missing is named and left out


@bp.activity_trigger(input_name="order")
async def check_guards(order: Order) -> Json:
    """Guard: may we act on this principal at all? An error reading a guard is a refusal."""
    incident, rules = order["incident"], order["policy"]["guards"]

    async def act(work: Work) -> StepResult:
        answer = await guards.check(work.cloud, incident, rules)
        if incident["mode"] == "plan":
            return answer
        now = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
        count = await asyncio.to_thread(acts.register, work.store, incident, now)
        most = rules["most_principals_per_hour"]
        if count > most:
            raise RefusedError(
                f"{count} identities within an hour, policy.toml [guards] most_principals_per_hour "
                f"allows {most}: look whether somebody makes Firebreak the weapon, then raise it"
            )
        return answer

    return await perform("check_guards", order, act, acts=True)


@bp.activity_trigger(input_name="order")
async def disable_service_principal(order: Order) -> Json:
    """Contain: no new token for this service principal. Reversible, so it goes first."""
    principal = order["incident"]["principal"]
    by_hand = {"by_hand": service_principals.by_hand(principal)}
    return await perform(
        "disable_service_principal",
        order,
        lambda work: service_principals.ensure_disabled(work.cloud, principal),
        acts=True,
        keeping=Keeping("levers/disable_service_principal", if_open=by_hand),
    )


@bp.activity_trigger(input_name="order")
async def take_snapshot(order: Order) -> Json:
    """Record: the identity as it stands, and so the undo of every later step."""

    async def act(work: Work) -> Json:
        path = f"{folder(order['incident'])}/snapshot.json"
        known = await asyncio.to_thread(work.store.exists, path)
        status = "nothing_to_do" if known else "done"
        if not known:
            insist = work.run < _INSIST_RUNS
            taken = await snapshots.take(work.cloud, order["incident"], insist=insist)
            # One that was taken at the same time, by a plan that is left or by a second delivery, was written first: it
            # stands, as no lever is pulled before this step has answered.
            with contextlib.suppress(ConflictError):
                await asyncio.to_thread(work.store.put_json, path, taken)
        snapshot: snapshots.Snapshot = await asyncio.to_thread(work.store.get_json, path)
        unread = "".join(f"; not read: {one}" for one in snapshot["unread"])
        removals = limits.removals(snapshot)
        return {"status": status, "detail": f"{path}{unread}", "removals": removals}

    return await perform("take_snapshot", order, act)


@bp.activity_trigger(input_name="order")
async def verify_containment(order: Order) -> Json:
    """Verify: read every lever back, and ask the token endpoint as workload and intruder would."""

    async def act(work: Work) -> Json:
        path = f"{folder(order['incident'])}/snapshot.json"
        snapshot = await asyncio.to_thread(work.store.get_json, path)
        return dict(
            await verifications.containment(
                work.cloud,
                order["incident"]["principal"],
                snapshot,
                ask_token_endpoint=order["policy"]["verification"]["token_exchange"],
            )
        )

    return await perform("verify_containment", order, act, keeping=Keeping("proof/containment"))


@bp.activity_trigger(input_name="order")
async def state_residual(order: Order) -> Json:
    """Record: until when each kind of resource may still be opened with a token issued before containment."""
    incident = order["incident"]

    async def act(work: Work) -> Json:
        path = f"{folder(incident)}/snapshot.json"
        snapshot = await asyncio.to_thread(work.store.get_json, path)
        moment = datetime.fromisoformat(order["facts"]["contained_at"])
        refused = bool(order["facts"]["token_refused"])
        found = residual.exposures(
            incident["principal"], snapshot, moment, order["policy"], refused=refused
        )
        deadline = residual.deadline(found).isoformat(timespec="seconds")
        return {
            "status": "done",
            "detail": f"until {deadline}",
            "exposures": found,
            "deadline": deadline,
        }

    return await perform("state_residual", order, act)
