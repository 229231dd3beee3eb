"""Step 3: every other lever. Each calls one responder; none waits for another, none stops another."""

import asyncio
from collections.abc import Awaitable, Callable

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
Lever = Callable[[Cloud, Principal], Awaitable[StepResult]]


@bp.activity_trigger(input_name="order")
async def deactivate_application(order: Order) -> Json:
    """Contain: no new token for the application in any tenant. Reversible."""
    by_hand = applications.by_hand(order["incident"]["principal"])
    return await _pull("deactivate_application", order, applications.deactivate, by_hand)


@bp.activity_trigger(input_name="order")
async def remove_federated_credentials(order: Order) -> Json:
    """Contain: no workload anywhere federates into the application any more."""

    async def lever(cloud: Cloud, principal: Principal) -> StepResult:
        if principal["application_object_id"] is None:
            return {"status": "nothing_to_do", "detail": "the application is in another tenant"}
        return await federated_credentials.remove_all(cloud, principal["application_object_id"])

    by_hand = federated_credentials.by_hand(order["incident"]["principal"])
    return await _pull("remove_federated_credentials", order, lever, by_hand)


@bp.activity_trigger(input_name="order")
async def remove_identity_trusts(order: Order) -> Json:
    """Contain: no workload anywhere federates into the managed identity any more."""
    by_hand = identity_trusts.by_hand(order["incident"]["principal"])
    return await _pull("remove_identity_trusts", order, identity_trusts.remove_all, by_hand)


@bp.activity_trigger(input_name="order")
async def remove_application_credentials(order: Order) -> Json:
    """Contain: secrets and keys of the application."""
    by_hand = credentials.by_hand(order["incident"]["principal"])
    return await _pull(
        "remove_application_credentials", order, credentials.remove_from_application, by_hand
    )


@bp.activity_trigger(input_name="order")
async def remove_service_principal_credentials(order: Order) -> Json:
    """Contain: secrets and keys that sit on the service principal itself."""
    return await _pull(
        "remove_service_principal_credentials",
        order,
        credentials.remove_from_service_principal,
        credentials.by_hand(order["incident"]["principal"]),
    )


@bp.activity_trigger(input_name="order")
async def remove_role_assignments(order: Order) -> Json:
    """Contain: issued tokens have nothing left to open in Azure."""
    by_hand = role_assignments.by_hand(order["incident"]["principal"])
    return await _pull("remove_role_assignments", order, role_assignments.remove_all, by_hand)


@bp.activity_trigger(input_name="order")
async def remove_app_roles(order: Order) -> Json:
    """Contain: application permissions. Tokens already issued keep theirs until they expire."""
    by_hand = app_roles.by_hand(order["incident"]["principal"])
    return await _pull("remove_app_roles", order, app_roles.remove_all, by_hand, noun="app_roles")


@bp.activity_trigger(input_name="order")
async def remove_oauth_grants(order: Order) -> Json:
    """Contain: what users and administrators let it do in their name."""
    return await _pull(
        "remove_oauth_grants",
        order,
        oauth_grants.remove_all,
        oauth_grants.by_hand(order["incident"]["principal"]),
        noun="oauth_grants",
    )


@bp.activity_trigger(input_name="order")
async def remove_memberships(order: Order) -> Json:
    """Contain: groups, and the roles that they carry."""
    by_hand = memberships.by_hand(order["incident"]["principal"])
    if order["policy"]["containment"]["memberships"] == "report":
        return await _leave("remove_memberships", order, "[containment] memberships", by_hand)
    return await _pull(
        "remove_memberships", order, memberships.remove_all, by_hand, noun="memberships"
    )


@bp.activity_trigger(input_name="order")
async def remove_owners(order: Order) -> Json:
    """Contain: an owner can enable it again and add credentials, and an owner may have been phished."""
    by_hand = owners.by_hand(order["incident"]["principal"])
    if order["policy"]["containment"]["owners"] == "report":
        return await _leave("remove_owners", order, "[containment] owners", by_hand)
    return await _pull("remove_owners", order, owners.remove_all, by_hand, noun="owners")


@bp.activity_trigger(input_name="order")
async def remove_key_vault_policies(order: Order) -> Json:
    """Contain: access policies of Key Vault, which no role assignment shows."""
    return await _pull(
        "remove_key_vault_policies",
        order,
        key_vault_policies.remove_all,
        key_vault_policies.by_hand(order["incident"]["principal"]),
        noun="key_vault_policies",
    )


@bp.activity_trigger(input_name="order")
async def report_directory_roles(order: Order) -> Json:
    """Contain: directory roles are named for a person. The right to remove them could take the whole tenant."""
    by_hand = directory_roles.by_hand(order["incident"]["principal"])
    return await _pull("report_directory_roles", order, directory_roles.report, by_hand)


@bp.activity_trigger(input_name="order")
async def confirm_compromised(order: Order) -> Json:
    """Contain: tell Entra ID Protection, so that its policies and people know too."""
    by_hand = risk.by_hand(order["incident"]["principal"])
    if not order["policy"]["containment"]["confirm_compromised"]:
        return await _leave(
            "confirm_compromised", order, "[containment] confirm_compromised", by_hand
        )
    return await _pull("confirm_compromised", order, risk.confirm_compromised, by_hand)


@bp.activity_trigger(input_name="order")
async def revoke_tokens(order: Order) -> Json:
    """Contain: a preview call that may end tokens already issued. Best effort, never counted as containment."""
    by_hand = managed_identities.by_hand(order["incident"]["principal"])
    if not order["policy"]["containment"]["revoke_tokens"]:
        return await _leave("revoke_tokens", order, "[containment] revoke_tokens", by_hand)
    return await _pull("revoke_tokens", order, managed_identities.revoke_tokens, by_hand)


@bp.activity_trigger(input_name="order")
async def report_attachments(order: Order) -> Json:
    """Contain: which Azure resources can still ask for tokens of this identity. Named, not detached."""
    by_hand = managed_identities.by_hand(order["incident"]["principal"])
    return await _pull("report_attachments", order, managed_identities.attachments, by_hand)


async def _pull(
    step: str, order: Order, lever: Lever, by_hand: list[str], *, noun: str | None = None
) -> Json:
    """Pull one lever. What the snapshot could not read (`noun`) is not taken away: it could not be given back."""
    principal = order["incident"]["principal"]

    async def act(work: Work) -> StepResult:
        if noun is not None:
            path = f"{folder(order['incident'])}/snapshot.json"
            snapshot = await asyncio.to_thread(work.store.get_json, path)
            if why := snapshot["unread"].get(noun):
                detail = f"not written down, so not taken away: {why}"
                return {"status": "refused", "detail": detail}
        try:
            return await lever(work.cloud, principal)
        except NotFoundError as gone:  # the object itself, so there is nothing left to take away
            return {"status": "nothing_to_do", "detail": f"not there any more: {gone}"}

    kept = Keeping(f"levers/{step}", if_open={"by_hand": by_hand})
    return await perform(step, order, act, acts=True, keeping=kept)


async def _leave(step: str, order: Order, key: str, by_hand: list[str]) -> Json:
    """Say that the policy leaves this lever to a person."""

    async def act(_work: Work) -> StepResult:
        detail = f"left to a person by policy.toml {key}"
        return {"status": "nothing_to_do", "detail": detail, "by_hand": by_hand}

    return await perform(step, order, act, keeping=Keeping(f"levers/{step}"))
