"""Step 10: a new application or identity, its known-good trusts, its known-good roles."""

import asyncio

import azure.durable_functions as df

from playbooks import known_permissions, not_chosen
from playbooks.choosing import chosen, for_successor, grants_of
from playbooks.journaled import Keeping, Work, perform
from playbooks.orders import Json, Order, folder
from playbooks.plan_files import consent_of, plan_of
from playbooks.plan_model import Plan
from responders import (
    application_successors,
    federated_credentials,
    giving,
    identity_successors,
    identity_trust_additions,
    role_assignments,
)
from responders.errors import RefusedError
from responders.model import NewIdentity, StepResult

bp = df.Blueprint()


@bp.activity_trigger(input_name="order")
async def create_identity(order: Order) -> Json:
    """Rebuild: a new application or identity under a new name. A crash must not make two of them."""

    async def act(work: Work) -> Json:
        principal = order["incident"]["principal"]
        identity = await _successor(work, order, plan_of(work.store, order["incident"]))
        made = {
            "object": f"{identity['kind'].replace('_', ' ')} {identity['display_name']}",
            "before": f"{principal['display_name']} ({principal['app_id']})",
            "after": f"client id {identity['app_id']}",
        }
        return {
            "status": "done",
            "detail": identity["app_id"],
            "identity": identity,
            "items": [identity],
            "changes": [made],
        }

    return await perform("create_identity", order, act, acts=True, keeping=_kept("create_identity"))


async def _successor(work: Work, order: Order, plan: Plan) -> NewIdentity:
    incident, again = order["incident"], work.run > 1
    principal, name = incident["principal"], plan["display_name"]
    if plan["kind"] == "application":
        return await application_successors.ensure(
            work.cloud, principal, incident["incident_id"], name, intent_on_record=again
        )
    old = work.store.get_json(f"{folder(incident)}/snapshot.json")["identity"]
    return await identity_successors.ensure(
        work.cloud, principal, incident["incident_id"], name, old, intent_on_record=again
    )


@bp.activity_trigger(input_name="order")
async def federate_identity(order: Order) -> Json:
    """Rebuild: the known-good trusts of the clusters that are ready, and no other one: no stolen token fits them."""

    async def act(work: Work) -> StepResult:
        planned = plan_of(work.store, order["incident"])["federated_credentials"]
        # A cluster that was not evicted, or whose stolen tokens still count, is not trusted yet.
        wanted = [one for one in planned if one["issuer"] in order["facts"]["trusted"]]
        match order["identity"]:
            case {"kind": "application", "application_object_id": str(object_id)}:
                return await federated_credentials.ensure(
                    work.cloud, object_id, wanted, only=planned
                )
            case {"kind": "user_assigned_identity", "resource_id": str(resource_id)}:
                return await identity_trust_additions.ensure(
                    work.cloud,
                    resource_id,
                    wanted,
                    only=planned,
                    client_id=order["identity"]["app_id"],
                )
            case other:
                raise RefusedError(f"{other['display_name']} is nothing that can be federated")

    return await perform(
        "federate_identity", order, act, acts=True, keeping=_kept("federate_identity")
    )


@bp.activity_trigger(input_name="order")
async def grant_roles(order: Order) -> Json:
    """Rebuild: the roles that the old identity had before the compromise window, and those that were chosen."""

    async def act(work: Work) -> StepResult:
        incident = order["incident"]
        wanted = grants_of(work.store, incident, plan_of(work.store, incident))
        return await role_assignments.ensure(work.cloud, order["identity"]["object_id"], wanted)

    return await perform("grant_roles", order, act, acts=True, keeping=_kept("grant_roles"))


@bp.activity_trigger(input_name="order")
async def give_permissions(order: Order) -> Json:
    """Rebuild: application permissions, and of consents, groups, vault policies and owners what was chosen."""

    async def act(work: Work) -> Json:
        answer = await giving.give(work.cloud, _gifts(work, order), order["identity"])
        return {**answer, "not_chosen": await asyncio.to_thread(_not_chosen, work, order)}

    return await perform(
        "give_permissions", order, act, acts=True, keeping=_kept("give_permissions")
    )


def _gifts(work: Work, order: Order) -> giving.Gifts:
    incident = order["incident"]
    plan = plan_of(work.store, incident)

    def picked(kind: str) -> list[Json]:
        return [one["item"] for one in chosen(work.store, incident, plan, kind)]

    principal, identity = incident["principal"], order["identity"]
    return {
        "app_roles": [*plan["app_roles"], *picked(known_permissions.APP_ROLE)],
        "oauth_grants": picked(known_permissions.CONSENT),
        "memberships": picked(known_permissions.GROUP),
        "key_vault_policies": [
            for_successor(one, principal, identity) for one in picked(known_permissions.VAULT)
        ],
        "owners": picked(known_permissions.OWNER),
    }


def _not_chosen(work: Work, order: Order) -> list[str]:
    incident = order["incident"]
    keys = consent_of(work.store, incident).get("chosen", [])
    plan = plan_of(work.store, incident)
    return not_chosen.by_hand(plan, keys, incident["principal"], order["identity"])


def _kept(step: str) -> Keeping:
    return Keeping(f"rebuild/{step}")
