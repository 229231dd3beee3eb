"""What code gets that runs on an Azure resource: tokens for the identities that are attached to it.

Faithful    one token per resource for its whole life of 24 hours, so that a new role shows up late; an identity that
            was detached or deleted gets no new one
Source      https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
"""

from dataclasses import dataclass
from datetime import timedelta

from sandbox.entra import refusals, resources, sign_ins, tokens
from sandbox.entra.answers import Correlation
from sandbox.entra.refusals import RefusalError
from sandbox.entra.sign_ins import SignIn
from sandbox.web import Call
from sandbox.world import Json, World

_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True)
class Wanted:
    """Which identity a call names; all empty where it names none."""

    client_id: str = ""
    object_id: str = ""
    resource_id: str = ""

    def fits(self, principal: Json) -> bool:
        """Whether this is the one."""
        names = [each.lower() for each in principal.get("alternativeNames", [])]
        return (
            principal["appId"] == self.client_id.lower()
            or principal["id"] == self.object_id.lower()
            or bool(self.resource_id and self.resource_id.lower() in names)
        )

    @property
    def is_nobody(self) -> bool:
        """Whether the call leaves it to the host."""
        return not (self.client_id or self.object_id or self.resource_id)


def attached(world: World, host: Json) -> tuple[Json | None, list[Json]]:
    """The host's system-assigned identity, if it has one, and its user-assigned ones: their service principals."""
    identity = host.get("identity") or {}
    user = {each["principalId"] for each in (identity.get("userAssignedIdentities") or {}).values()}
    moment = world.seen_by_now(world.delays.directory)
    known = world.directory.service_principals.values_as_of(moment)
    system = next((each for each in known if each["id"] == identity.get("principalId")), None)
    return system, [each for each in known if each["id"] in user]


def issue(world: World, call: Call, principal: Json) -> tokens.Issued:
    """A token for `resource` of the call's query. Raises `RefusalError`; only a new token leaves a sign-in row."""
    correlation = Correlation.of(call)
    sign_in = SignIn(principal["appId"], principal, credential_type="managedIdentity")
    try:
        known, audience = _known(world, call, sign_in)
        if known is not None:
            return known
        issued = _new(world, sign_in)
    except RefusalError as refusal:
        sign_ins.record(world, call, sign_in, correlation, refusal)
        raise
    _cache(world)[principal["id"], audience] = issued
    sign_ins.record(world, call, sign_in, correlation, issued)
    return issued


def _known(world: World, call: Call, sign_in: SignIn) -> tuple[tokens.Issued | None, str]:
    """The token of the cache, where one lives long enough, and the audience."""
    principal, name = sign_in.principal or {}, call.query["resource"]
    sign_in.resource = resources.find(world, name)
    if sign_in.resource is None:
        raise refusals.unknown_resource(name)
    if not principal.get("accountEnabled", True):
        raise refusals.disabled(principal["appId"], principal["displayName"])
    audience = sign_in.resource.audience
    known = _cache(world).get((principal["id"], audience))
    alive = known is not None and known.expires_on > (world.clock.now() + _MARGIN).timestamp()
    return known if alive else None, audience


def _new(world: World, sign_in: SignIn) -> tokens.Issued:
    if sign_in.resource is None:
        raise LookupError("the resource has to be known first")
    return tokens.issue_to_principal(
        world,
        sign_in.principal or {},
        sign_in.resource,
        credential_class="2",
        lifetime=tokens.MANAGED_IDENTITY_LIFETIME,
    )


def _cache(world: World) -> dict[tuple[str, str], tokens.Issued]:
    found: dict[tuple[str, str], tokens.Issued] = world.caches.setdefault("managed identity", {})
    return found
