"""Responder: access policies of key vaults that name the identity: access that no role assignment shows.

Stops    reading secrets, keys and certificates in vaults with access policies, issued tokens included
Leaves   secrets that were read before; vaults that Azure RBAC decides for: their grants are role
         assignments; policies of a vault that is soft-deleted, which come back with it
Undo     `ensure`, with what `read_all` returned
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/key-vault/general/assign-access-policy
         https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update-access-policy
"""

import asyncio
from typing import Final, NamedTuple

from structlog.contextvars import bound_contextvars

from responders import additions, resource_graph
from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.fan_out import failures, fan_out, worst
from responders.model import Change, Json, Principal, Status, StepResult
from responders.needs import VAULTS, AzureNeed, Needs
from responders.patience import rounds
from responders.read_only import is_read_only
from responders.resource_graph import checked_resource_id

API_VERSION = "2023-07-01"
_VAULTS = "/providers/Microsoft.KeyVault/vaults"
NEEDS: Final = Needs(
    azure=(
        AzureNeed(f"{VAULTS}/read", "access policies of key vaults"),
        AzureNeed(f"{VAULTS}/accessPolicies/write", "take access policies out", ("_take_out",)),
        AzureNeed(f"{VAULTS}/accessPolicies/write", "give access policies", ("_put_in",)),
    ),
)


class _Seen(NamedTuple):
    policies: list[Json]
    unread: list[ResponderError]


async def read_all(cloud: Cloud, principal: Principal) -> list[Json]:
    """`{vault_id, tenant_id, object_id, application_id, permissions}` of each policy that names it.

    Raises if any subscription can't be read: half a list must not pass for the whole.
    """
    seen = await _see(cloud, principal)
    if seen.unread:
        raise worst(seen.unread, f"key vaults, asked for {principal['object_id']}")
    return seen.policies


async def remove_all(cloud: Cloud, principal: Principal) -> StepResult:
    """Take its policies out of every vault, side by side, and read each vault back. Safe to repeat.

    What can be read goes, even where other subscriptions can't be read; those are then the result.
    """
    seen = await _see(cloud, principal)
    what = f"key vault policies of {principal['object_id']}"
    if not seen.policies and not seen.unread:
        return {"status": "nothing_to_do", "detail": "no access policy names it", "items": []}
    if is_read_only():
        if seen.unread:
            raise worst(seen.unread, what)
        return _answer("planned", f"remove {_names(seen.policies)}", seen.policies)
    vaults = sorted({str(one["vault_id"]) for one in seen.policies})
    outcomes = await fan_out(vaults, lambda one: _remove(cloud, one, principal))
    gone = [
        one for _, removed in outcomes if not isinstance(removed, ResponderError) for one in removed
    ]
    broken = [*failures(outcomes), *seen.unread]
    if not broken:
        return _answer("done", f"removed {_names(gone)}", gone)
    error = worst(broken, what)
    if isinstance(error, RefusedError):
        done = f"; removed {_names(gone)}" if gone else ""
        return _answer("refused", f"{error}{done}", gone)
    raise error


async def ensure(cloud: Cloud, wanted: list[Json]) -> StepResult:
    """Let each of them in again with the permissions that it has here, and read the vaults back. Safe to repeat.

    Refused where the vault has another policy for it by now, or is decided for by Azure RBAC.
    """
    vaults = sorted({str(one["vault_id"]) for one in wanted})

    async def read() -> list[Json]:
        outcomes = await fan_out(vaults, lambda one: _vault(cloud, one))
        unread = [one for one in failures(outcomes) if not isinstance(one, NotFoundError)]
        if unread:
            raise worst(unread, "key vaults")
        found = [one for _, one in outcomes if not isinstance(one, ResponderError)]
        return [policy for one in found if not _is_rbac(one) for policy in _policies(one)]

    return await additions.ensure(
        additions.Addition(
            what="access policies",
            read=read,
            add=lambda one: _put_in(cloud, one),
            name=lambda one: _names([one]),
            key=lambda one: f"{_place(one)} {_allowed(one)}",
            after="let in",
        ),
        wanted,
    )


async def _put_in(cloud: Cloud, policy: Json) -> None:
    vault_id = checked_resource_id(str(policy["vault_id"]))
    vault = await _vault(cloud, vault_id)
    if _is_rbac(vault):
        raise RefusedError(f"{vault_id} is decided for by Azure RBAC by now: give a role instead")
    taken = [one for one in _policies(vault) if _place(one) == _place(policy)]
    if taken:
        raise RefusedError(
            f"{vault_id} has another policy for {policy['object_id']} by now ({_allowed(taken[0])}), "
            f"not {_allowed(policy)}: decide which holds"
        )
    body: Json = {"properties": {"accessPolicies": [_as_azure_says(policy)]}}
    with bound_contextvars(responder="key_vault_policies.ensure", target=vault_id):
        await cloud.arm.put(f"{vault_id}/accessPolicies/add", API_VERSION, body)


def by_hand(principal: Principal) -> list[str]:
    """The commands that do the same, for every vault that the first one names."""
    object_id = principal["object_id"]
    named = f"tostring(properties.accessPolicies) contains '{object_id}'"
    query = (
        f"resources | where type =~ 'microsoft.keyvault/vaults' | where {named} | project id, name"
    )
    return [
        f'az graph query -q "{query}"',
        f"az keyvault delete-policy --name <vault> --object-id {object_id}",
    ]


async def _see(cloud: Cloud, principal: Principal) -> _Seen:
    """Every subscription's own list, and single vaults in a subscription that we may not list."""
    listed, hinted = await asyncio.gather(_listed(cloud), _hinted(cloud, principal))
    vaults, unread = listed
    known = {str(one.get("id")).lower() for one in vaults}
    more = await fan_out(
        [one for one in hinted if one.lower() not in known], lambda one: _vault(cloud, one)
    )
    vaults += [one for _, one in more if not isinstance(one, ResponderError)]
    unread += [one for one in failures(more) if not isinstance(one, NotFoundError)]
    return _Seen([policy for one in vaults for policy in _naming(one, principal)], unread)


async def _listed(cloud: Cloud) -> tuple[list[Json], list[ResponderError]]:
    outcomes = await fan_out(
        await cloud.subscription_ids(),
        lambda one: cloud.arm.list(f"/subscriptions/{one}{_VAULTS}", API_VERSION),
    )
    vaults = [
        one for _, found in outcomes if not isinstance(found, ResponderError) for one in found
    ]
    return vaults, [one for one in failures(outcomes) if not _means_none(one)]


def _means_none(error: ResponderError) -> bool:
    """A subscription that is gone, or that never had a key vault: its provider isn't registered.

    https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/error-register-resource-provider
    """
    return isinstance(error, NotFoundError) or "MissingSubscriptionRegistration" in str(error)


async def _hinted(cloud: Cloud, principal: Principal) -> list[str]:
    """Vault ids. An error is none of our worries here: the subscriptions' lists are what counts."""
    try:
        return await resource_graph.vaults_naming(
            cloud, principal["object_id"], principal["app_id"]
        )
    except ResponderError:
        return []


async def _vault(cloud: Cloud, vault_id: str) -> Json:
    return await cloud.arm.get(checked_resource_id(vault_id), API_VERSION)


async def _remove(cloud: Cloud, vault_id: str, principal: Principal) -> list[Json]:
    """One vault. A race against another writer of its policies is read again."""
    removed: dict[str, Json] = {}
    async for _ in rounds():
        try:
            left = _naming(await _vault(cloud, vault_id), principal)
            if not left:
                return list(removed.values())
            await _take_out(cloud, vault_id, left)
        except ConflictError:
            continue
        except NotFoundError:
            return list(removed.values())  # the vault is gone
        removed |= {f"{one['object_id']}/{one['application_id']}": one for one in left}
    raise TransientError(f"access policies of {vault_id} still read back")


async def _take_out(cloud: Cloud, vault_id: str, policies: list[Json]) -> None:
    target = f"{checked_resource_id(vault_id)}/accessPolicies/remove"
    body: Json = {"properties": {"accessPolicies": [_as_azure_says(one) for one in policies]}}
    with bound_contextvars(responder="key_vault_policies.remove_all", target=vault_id):
        await cloud.arm.put(target, API_VERSION, body)


def _naming(vault: Json, principal: Principal) -> list[Json]:
    """Policies of this vault that name the identity, alone or as the application a user goes through."""
    match vault:
        case {"id": str(), "properties": dict()}:
            pass
        case _:
            raise ContractChangedError(f"not a key vault: {sorted(vault)}")
    if _is_rbac(vault):
        return []
    ids = {principal["object_id"], principal["app_id"]}
    return [
        one
        for one in _policies(vault)
        if ids & {str(one["object_id"]).lower(), str(one["application_id"]).lower()}
    ]


def _is_rbac(vault: Json) -> bool:
    """Whether its access policies decide nothing."""
    return bool((vault.get("properties") or {}).get("enableRbacAuthorization"))


def _policies(vault: Json) -> list[Json]:
    return [
        {
            "vault_id": vault["id"],
            "tenant_id": one.get("tenantId"),
            "object_id": str(one.get("objectId")),
            "application_id": one.get("applicationId"),
            "permissions": one.get("permissions") or {},
        }
        for one in vault["properties"].get("accessPolicies") or []
        # An empty one lets nobody in, and what `remove` does to it is not documented.
        if any((one.get("permissions") or {}).values())
    ]


def _place(policy: Json) -> str:
    return f"{policy['vault_id']}/{policy['object_id']}/{policy['application_id'] or ''}".lower()


def _as_azure_says(policy: Json) -> Json:
    said: Json = {
        "tenantId": policy["tenant_id"],
        "objectId": policy["object_id"],
        "permissions": policy["permissions"],
    }
    if policy["application_id"] is not None:
        said["applicationId"] = policy["application_id"]
    return said


def _answer(status: Status, detail: str, policies: list[Json]) -> StepResult:
    changes: list[Change] = [
        {
            "object": f"access policy of {one['object_id']} in {one['vault_id']}",
            "before": _allowed(one),
            "after": "removed",
        }
        for one in policies
    ]
    return {"status": status, "detail": detail, "items": policies, "changes": changes}


def _names(policies: list[Json]) -> str:
    return ", ".join(
        f"{_allowed(one)} in {str(one['vault_id']).rpartition('/')[2]}" for one in policies
    )


def _allowed(policy: Json) -> str:
    allowed = policy["permissions"].items()
    kinds = (f"{kind}: {' '.join(sorted(names))}" for kind, names in sorted(allowed) if names)
    return "; ".join(kinds) or "nothing"
