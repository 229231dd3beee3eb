"""Whether a vault lets somebody in: by its access policies, or by Azure RBAC.

Faithful    one model per vault; a policy may name a group; a changed policy is honoured after
            `delays.vault_policies`, a changed role assignment after `delays.role_assignments`
Left out    policies for a user through one application: they need a token on behalf of that user
Source      https://learn.microsoft.com/azure/key-vault/general/rbac-access-policy
"""

from dataclasses import dataclass

from sandbox.arm.access import deciding_assignment
from sandbox.arm.memberships import identities_of
from sandbox.entra.bearer import Caller
from sandbox.keyvault.errors import KeyVaultError
from sandbox.world import Json, World


@dataclass(frozen=True, slots=True)
class Wish:
    """An operation, as the log names it, and what it takes in either model."""

    operation: str
    permission: str  # in an access policy's `secrets`
    action: str  # a data action of Azure RBAC


@dataclass(frozen=True, slots=True)
class Decision:
    """Yes or no, and by what."""

    allowed: bool
    by_rbac: bool
    assignment: Json | None  # the role assignment that let it through
    refusal: KeyVaultError

    def insist(self) -> None:
        """Raise the refusal if it is one."""
        if not self.allowed:
            raise self.refusal


def decide(world: World, vault: Json, caller: Caller, wish: Wish, scope: str) -> Decision:
    """What the vault makes of this caller's wish."""
    if vault["properties"].get("enableRbacAuthorization"):
        found = deciding_assignment(world, caller.object_id, wish.action, scope, data_action=True)
        refusal = _forbidden_by_rbac(vault, caller, wish, scope)
        return Decision(found is not None, True, found, refusal)
    allowed = _is_in_policies(world, vault, caller, wish)
    return Decision(allowed, False, None, _access_denied(vault, caller, wish))


def _is_in_policies(world: World, vault: Json, caller: Caller, wish: Wish) -> bool:
    moment = world.seen_by_now(world.delays.vault_policies)
    known = world.azure.resources.as_of(vault["id"].lower(), moment)
    mine = identities_of(world, caller.object_id)
    return any(
        policy["objectId"].lower() in mine
        and not policy.get("applicationId")
        and {wish.permission, "all"} & {each.lower() for each in _secrets(policy)}
        for policy in (known["properties"]["accessPolicies"] if known else [])
    )


def _secrets(policy: Json) -> list[str]:
    return list(policy["permissions"].get("secrets") or [])


def _who(caller: Caller) -> str:
    return f"appid={caller.app_id};oid={caller.object_id};iss={caller.claims.get('iss', '')}"


def _where(vault: Json) -> str:
    return f"{vault['name']};location={vault['location']}"


def _access_denied(vault: Json, caller: Caller, wish: Wish) -> KeyVaultError:
    return KeyVaultError(
        403,
        "Forbidden",
        f"The user, group or application '{_who(caller)}' does not have secrets {wish.permission} "
        f"permission on key vault '{_where(vault)}'. For help resolving this issue, please see "
        "https://go.microsoft.com/fwlink/?linkid=2125287",
        inner="AccessDenied",
    )


def _forbidden_by_rbac(vault: Json, caller: Caller, wish: Wish, scope: str) -> KeyVaultError:
    return KeyVaultError(
        403,
        "Forbidden",
        "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny "
        "assignments or role definitions were changed recently, please observe propagation time."
        f"\r\nCaller: {_who(caller)}\r\nAction: '{wish.action}'\r\nResource: '{scope.lower()}'"
        "\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: null \r\n"
        f"Vault: {_where(vault)}\r\n",
        inner="ForbiddenByRbac",
    )
