"""The steps of a restore: each gives back one kind of thing, as the ordered plan names it, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import cast

import azure.durable_functions as df

from playbooks.journaled import Keeping, Work, perform
from playbooks.orders import Json, Order
from playbooks.restoring import consents, doors, plans
from playbooks.restoring.comparing import Compared
from playbooks.restoring.model import Piece, RestorePlan
from playbooks.steps import restorable
from responders import (
    acts,
    app_roles,
    applications,
    deleted_items,
    federated_credentials,
    guards,
    identity_trust_additions,
    key_vault_policies,
    memberships,
    oauth_grants,
    owners,
    risk,
    role_assignments,
    service_principals,
)
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.evidence import EvidenceStore
from responders.looking import as_containment
from responders.model import FederatedCredential, Grant, Incident, StepResult

bp = df.Blueprint()
Give = Callable[[Work, list[Piece]], Awaitable[StepResult]]


@bp.activity_trigger(input_name="order")
async def begin_restore(order: Order) -> Json:
    """Guard: may we act on it, and is the world still the one of the plan that was ordered?"""
    incident, asked = order["incident"], restorable.requested(order)

    async def act(work: Work) -> Json:
        path = f"{restorable.folder_of(order)}/plan.json"
        if await asyncio.to_thread(work.store.exists, path):  # an earlier run began it
            plan = await asyncio.to_thread(work.store.get_json, path)
            return {"status": "nothing_to_do", "detail": path, **_taken_back(plan)}
        why_not = await asyncio.to_thread(
            consents.why_not, work.store, incident, asked, order["policy"]
        )
        if why_not:
            return {"status": "refused", "detail": why_not}
        await guards.check(work.cloud, incident, order["policy"]["guards"])
        await _within_cap(work, order)
        plan = await restorable.draw(work.cloud, work.store, incident)
        if plans.plan_hash(plan) != asked["plan_hash"]:
            drawn = await asyncio.to_thread(restorable.ordered, work.store, order)
            found = plans.differences(drawn, plan) if drawn else []
            said = "; ".join(f"{one['object']}: {one['before']} -> {one['after']}" for one in found)
            detail = f"the world has changed: {said or 'nobody was shown this plan'}"
            return {"status": "refused", "detail": detail, "diff": found}
        await asyncio.to_thread(work.store.put_json, path, plan)
        return {"status": "done", "detail": path, **_taken_back(plan)}

    return await perform("begin_restore", order, act, acts=True)


def _taken_back(plan: RestorePlan) -> Json:
    """What of a recovery is taken back first: clusters that it changed, and the identity that it made."""
    changed = [one["cluster"] for one in plan["clusters"] if one["verdict"] != "there"]
    return {"clusters": changed, "successor": plan["successor"]}


async def _within_cap(work: Work, order: Order) -> None:
    """A restore counts as an act on an identity: whoever can order many of them could open the whole estate."""
    now = datetime.now(UTC)  # noqa: TID251 - an activity: it runs once, it is not replayed
    count = await asyncio.to_thread(acts.register, work.store, order["incident"], now)
    most = order["policy"]["guards"]["most_principals_per_hour"]
    if count > most:
        raise RefusedError(
            f"{count} identities within an hour, policy.toml [guards] most_principals_per_hour allows {most}"
        )


@bp.activity_trigger(input_name="order")
async def restore_objects(order: Order) -> Json:
    """Restore: application and service principal out of the directory's bin, the application first."""

    async def give(work: Work, pieces: list[Piece]) -> StepResult:
        said: list[StepResult] = []
        for piece in pieces:
            kind: deleted_items.Kind = (
                "application" if piece["kind"] == "application" else "servicePrincipal"
            )
            said.append(
                await deleted_items.restore(work.cloud, kind, piece["restores"]["object_id"])
            )
        return _all(said)

    return await _given("restore_objects", order, ("application", "service_principal"), give)


@bp.activity_trigger(input_name="order")
async def return_role_assignments(order: Order) -> Json:
    """Restore: its roles in Azure, each under a name of its own."""
    object_id = order["incident"]["principal"]["object_id"]

    async def give(work: Work, pieces: list[Piece]) -> StepResult:
        grants = [cast("Grant", one["restores"]) for one in pieces]
        return await role_assignments.ensure(work.cloud, object_id, grants)

    return await _given("return_role_assignments", order, ("role_assignment",), give)


@bp.activity_trigger(input_name="order")
async def return_memberships(order: Order) -> Json:
    """Restore: the groups that it was a member of."""
    object_id = order["incident"]["principal"]["object_id"]
    return await _given(
        "return_memberships",
        order,
        ("membership",),
        lambda work, pieces: memberships.ensure(work.cloud, object_id, _items(pieces)),
    )


@bp.activity_trigger(input_name="order")
async def return_app_roles(order: Order) -> Json:
    """Restore: its application permissions."""
    object_id = order["incident"]["principal"]["object_id"]
    return await _given(
        "return_app_roles",
        order,
        ("app_role",),
        lambda work, pieces: app_roles.ensure(work.cloud, object_id, _items(pieces)),
    )


@bp.activity_trigger(input_name="order")
async def return_oauth_grants(order: Order) -> Json:
    """Restore: what users and administrators had let it do in their name."""
    object_id = order["incident"]["principal"]["object_id"]
    return await _given(
        "return_oauth_grants",
        order,
        ("consent",),
        lambda work, pieces: oauth_grants.ensure(work.cloud, object_id, _items(pieces)),
    )


@bp.activity_trigger(input_name="order")
async def return_key_vault_policies(order: Order) -> Json:
    """Restore: access policies of Key Vault."""
    return await _given(
        "return_key_vault_policies",
        order,
        ("vault_policy",),
        lambda work, pieces: key_vault_policies.ensure(work.cloud, _items(pieces)),
    )


@bp.activity_trigger(input_name="order")
async def return_owners(order: Order) -> Json:
    """Restore: who could change it."""
    principal = order["incident"]["principal"]
    return await _given(
        "return_owners",
        order,
        ("owner",),
        lambda work, pieces: owners.ensure(
            work.cloud,
            principal["object_id"],
            principal["application_object_id"],
            _items(pieces),
        ),
    )


@bp.activity_trigger(input_name="order")
async def return_trusts(order: Order) -> Json:
    """Restore: the federated credentials that nobody else can use. A managed identity has no other door."""
    principal = order["incident"]["principal"]

    async def give(work: Work, pieces: list[Piece]) -> StepResult:
        wanted = [cast("FederatedCredential", one["restores"]) for one in pieces]
        match principal:
            case {"application_object_id": str(object_id)}:
                return await federated_credentials.ensure(work.cloud, object_id, wanted)
            case {"kind": "user_assigned_identity", "resource_id": str(resource_id)}:
                await _closed_to_strangers(work, order)
                return await identity_trust_additions.ensure(work.cloud, resource_id, wanted)
        raise RefusedError(f"{principal['display_name']} is nothing that can be federated")

    return await _given("return_trusts", order, ("trust",), give)


@bp.activity_trigger(input_name="order")
async def dismiss_risk(order: Order) -> Json:
    """Restore: tell Entra ID Protection that it is not compromised."""
    principal = order["incident"]["principal"]
    return await _given(
        "dismiss_risk", order, ("risk",), lambda work, _: risk.dismiss(work.cloud, principal)
    )


@bp.activity_trigger(input_name="order")
async def reactivate_application(order: Order) -> Json:
    """Restore: the application gives tokens again, to whoever its service principal lets in."""
    principal = order["incident"]["principal"]
    return await _given(
        "reactivate_application",
        order,
        ("active",),
        lambda work, _: applications.reactivate(work.cloud, principal),
    )


@bp.activity_trigger(input_name="order")
async def enable_service_principal(order: Order) -> Json:
    """Restore: the door itself, last, and only while nothing is on it that anybody may have stolen."""
    principal = order["incident"]["principal"]

    async def give(work: Work, _pieces: list[Piece]) -> StepResult:
        if principal["kind"] == "application_without_principal":
            return await service_principals.remove_made(work.cloud, principal)
        await _closed_to_strangers(work, order)
        return await service_principals.enable(work.cloud, principal)

    return await _given("enable_service_principal", order, ("enabled",), give)


@bp.activity_trigger(input_name="order")
async def verify_restored(order: Order) -> Json:
    """Verify: everything that was to come back reads back as it was before containment."""

    async def act(work: Work) -> Json:
        ordered = await asyncio.to_thread(restorable.agreed, work.store, order)
        wanted = {
            one["key"] for one in plans.wanted(ordered, restorable.requested(order)["chosen"])
        }
        plan = await restorable.draw(work.cloud, work.store, order["incident"])
        left = [
            f"{one['name']}: {one['now']}" + (f" ({one['reason']})" if one["reason"] else "")
            for one in plan["pieces"]
            if one["key"] in wanted and one["now"] != one["before"]
        ]
        left += [
            f"cluster {one['cluster']['name']}: {one['reason'] or 'not as it was yet'}"
            for one in plan["clusters"]
            if one["verdict"] != "there"
        ]
        if left:
            return {"status": "failed", "detail": "; ".join(left), "missing": left}
        return {"status": "done", "detail": f"{len(wanted)} things read back as before"}

    return await perform("verify_restored", order, act, keeping=_kept("verify_restored", order))


async def _closed_to_strangers(work: Work, order: Order) -> None:
    """Raises `RefusedError` while a way in is on it that nobody vouches for."""
    world = await _world(work.cloud, work.store, order["incident"])
    if unread := world.now["unread"].get("federated_credentials"):
        raise RefusedError(f"not opened: nobody can say which trusts it has: {unread}")
    allowed = {
        str(one["restores"].get("key_id") or one["restores"].get("name"))
        for one in plans.wanted(
            await asyncio.to_thread(restorable.agreed, work.store, order),
            restorable.requested(order)["chosen"],
        )
        if one["kind"] in {"trust", "credential"}
    }
    strangers = doors.added(world, allowed)
    if strangers:
        raise RefusedError(
            f"not opened: {'; '.join(strangers)}: nobody vouches for it. Remove it, then restore again"
        )


@as_containment
async def _world(cloud: Cloud, store: EvidenceStore, incident: Incident) -> Compared:
    return await restorable.look(cloud, store, incident)


async def _given(step: str, order: Order, kinds: tuple[str, ...], give: Give) -> Json:
    """Give back what the plan names of these kinds; a plan without any leaves the world alone."""

    async def act(work: Work) -> StepResult:
        plan = await asyncio.to_thread(restorable.agreed, work.store, order)
        chosen = restorable.requested(order)["chosen"]
        pieces = [one for one in plans.wanted(plan, chosen) if one["kind"] in kinds]
        if not pieces:
            return {"status": "nothing_to_do", "detail": "nothing of this kind comes back"}
        return await give(work, pieces)

    return await perform(step, order, act, acts=True, keeping=_kept(step, order))


def _kept(step: str, order: Order) -> Keeping:
    return Keeping(f"restore/{restorable.requested(order)['restore_id']}/{step}")


def _items(pieces: list[Piece]) -> list[Json]:
    return [one["restores"] for one in pieces]


def _all(said: list[StepResult]) -> StepResult:
    """One answer for a few: the first that is not good stands for all."""
    bad = [one for one in said if one["status"] not in {"done", "nothing_to_do"}]
    done = [one for one in said if one["status"] == "done"]
    lead = (bad or done or said)[0]
    return {
        **lead,
        "detail": "; ".join(one["detail"] for one in said if "detail" in one),
        "changes": [change for one in said for change in one.get("changes", [])],
    }
