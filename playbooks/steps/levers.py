"""Step 3: every other lever. Each calls one responder; none waits for another, none stops another."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import azure.durable_functions as df

from playbooks.journaled import Keeping, Work, perform
from playbooks.orders import Json, Order, folder
from responders import (
    app_roles,
    applications,
    credentials,
    directory_roles,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    made_principals,
    managed_identities,
    memberships,
    oauth_grants,
    owners,
    risk,
    role_assignments,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError
from responders.model import Principal, StepResult

bp = df.Blueprint()
_LEFT_TO_A_PERSON = (
    False,
    "report",
)  # what policy.toml [containment] says of a lever that is a choice


@dataclass(frozen=True, slots=True)
class Lever:
    """One lever, as its responder has it."""

    pull: Callable[[Cloud, Principal], Awaitable[StepResult]]
    by_hand: Callable[[Principal], list[str]]  # what a person would run
    # Part of the snapshot: what could not be read there is not taken away, it could not be given back.
    noun: str | None = None
    choice: str | None = None  # key of policy.toml [containment] that may leave it to a person


async def _no_trusts(cloud: Cloud, principal: Principal) -> StepResult:
    if principal["application_object_id"] is None:
        return {"status": "nothing_to_do", "detail": "the application is in another tenant"}
    return await federated_credentials.remove_all(cloud, principal["application_object_id"])


@bp.activity_trigger(input_name="order")
async def deactivate_application(order: Order) -> Json:
    """Contain: no new token for the application in any tenant. Reversible."""
    lever = Lever(applications.deactivate, applications.by_hand)
    return await _pulled("deactivate_application", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_federated_credentials(order: Order) -> Json:
    """Contain: no workload anywhere federates into the application any more."""
    lever = Lever(_no_trusts, federated_credentials.by_hand)
    return await _pulled("remove_federated_credentials", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_identity_trusts(order: Order) -> Json:
    """Contain: no workload anywhere federates into the managed identity any more."""
    lever = Lever(identity_trusts.remove_all, identity_trusts.by_hand)
    return await _pulled("remove_identity_trusts", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_application_credentials(order: Order) -> Json:
    """Contain: secrets and keys of the application."""
    lever = Lever(credentials.remove_from_application, credentials.by_hand)
    return await _pulled("remove_application_credentials", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_service_principal_credentials(order: Order) -> Json:
    """Contain: secrets and keys that sit on the service principal itself."""
    lever = Lever(credentials.remove_from_service_principal, credentials.by_hand)
    return await _pulled("remove_service_principal_credentials", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_role_assignments(order: Order) -> Json:
    """Contain: issued tokens have nothing left to open in Azure."""
    lever = Lever(role_assignments.remove_all, role_assignments.by_hand)
    return await _pulled("remove_role_assignments", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_app_roles(order: Order) -> Json:
    """Contain: application permissions. Tokens already issued keep theirs until they expire."""
    lever = Lever(app_roles.remove_all, app_roles.by_hand, noun="app_roles")
    return await _pulled("remove_app_roles", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_oauth_grants(order: Order) -> Json:
    """Contain: what users and administrators let it do in their name."""
    lever = Lever(oauth_grants.remove_all, oauth_grants.by_hand, noun="oauth_grants")
    return await _pulled("remove_oauth_grants", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_memberships(order: Order) -> Json:
    """Contain: groups, and the roles that they carry."""
    lever = Lever(
        memberships.remove_all, memberships.by_hand, noun="memberships", choice="memberships"
    )
    return await _pulled("remove_memberships", order, lever)


@bp.activity_trigger(input_name="order")
async def clear_made_principal(order: Order) -> Json:
    """Contain: what was given to the service principal that the application lacked when the incident began."""
    chosen = order["policy"]["containment"]
    stays = [noun for noun in ("memberships", "owners") if chosen[noun] in _LEFT_TO_A_PERSON]
    clear = partial(made_principals.clear, left_to_a_person=stays)
    return await _pulled("clear_made_principal", order, Lever(clear, made_principals.by_hand))


@bp.activity_trigger(input_name="order")
async def remove_owners(order: Order) -> Json:
    """Contain: an owner can enable it again and add credentials, and an owner may have been phished."""
    lever = Lever(owners.remove_all, owners.by_hand, noun="owners", choice="owners")
    return await _pulled("remove_owners", order, lever)


@bp.activity_trigger(input_name="order")
async def remove_key_vault_policies(order: Order) -> Json:
    """Contain: access policies of Key Vault, which no role assignment shows."""
    lever = Lever(
        key_vault_policies.remove_all, key_vault_policies.by_hand, noun="key_vault_policies"
    )
    return await _pulled("remove_key_vault_policies", order, lever)


@bp.activity_trigger(input_name="order")
async def report_directory_roles(order: Order) -> Json:
    """Contain: directory roles are named for a person. The right to remove them could take the whole tenant."""
    lever = Lever(directory_roles.report, directory_roles.by_hand)
    return await _pulled("report_directory_roles", order, lever)


@bp.activity_trigger(input_name="order")
async def confirm_compromised(order: Order) -> Json:
    """Contain: tell Entra ID Protection, so that its policies and people know too."""
    lever = Lever(risk.confirm_compromised, risk.by_hand, choice="confirm_compromised")
    return await _pulled("confirm_compromised", order, lever)


@bp.activity_trigger(input_name="order")
async def revoke_tokens(order: Order) -> Json:
    """Contain: a preview call that may end tokens already issued. Best effort, never counted as containment."""
    lever = Lever(
        managed_identities.revoke_tokens, managed_identities.by_hand, choice="revoke_tokens"
    )
    return await _pulled("revoke_tokens", order, lever)


@bp.activity_trigger(input_name="order")
async def report_attachments(order: Order) -> Json:
    """Contain: which Azure resources can still ask for tokens of this identity. Named, not detached."""
    lever = Lever(managed_identities.attachments, managed_identities.by_hand)
    return await _pulled("report_attachments", order, lever)


async def _pulled(step: str, order: Order, lever: Lever) -> Json:
    principal = order["incident"]["principal"]
    by_hand = lever.by_hand(principal)
    if lever.choice and order["policy"]["containment"][lever.choice] in _LEFT_TO_A_PERSON:
        return await _left(step, order, lever.choice, by_hand)

    async def act(work: Work) -> StepResult:
        if lever.noun is not None:
            path = f"{folder(order['incident'])}/snapshot.json"
            snapshot = await asyncio.to_thread(work.store.get_json, path)
            if why := snapshot["unread"].get(lever.noun):
                detail = f"not written down, so not taken away: {why}"
                return {"status": "refused", "detail": detail}
        try:
            return await lever.pull(work.cloud, principal)
        except NotFoundError as gone:  # the object itself, so there is nothing left to take away
            return {"status": "nothing_to_do", "detail": f"not there any more: {gone}"}

    kept = Keeping(f"levers/{step}", if_open={"by_hand": by_hand})
    return await perform(step, order, act, acts=True, keeping=kept)


async def _left(step: str, order: Order, choice: str, by_hand: list[str]) -> Json:
    """Say that the policy leaves this lever to a person."""

    async def act(_work: Work) -> StepResult:
        detail = f"left to a person by policy.toml [containment] {choice}"
        return {"status": "nothing_to_do", "detail": detail, "by_hand": by_hand}

    return await perform(step, order, act, keeping=Keeping(f"levers/{step}"))
