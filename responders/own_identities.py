"""Responder: the identities that Firebreak acts as: who they are, and what the directory and Azure say that each holds.

Stops    nothing
Leaves   what a group gives beside Azure roles, roles that are eligible and not active, who owns the app that has them
Undo     none needed
Needs    what reading an incident's principal needs, about ourselves
Source   https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/overview-for-developers
         https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
"""

from typing import NamedTuple

from responders import grants, own_rights, principals, role_definitions
from responders.cloud import Cloud
from responders.errors import RefusedError, ResponderError
from responders.fan_out import fan_out
from responders.model import Principal
from responders.role_definitions import Permission
from responders.settings import Hand

_NAMES: dict[Hand, str] = {"containment": "identity", "rebuild": "rebuild identity"}


class Identity(NamedTuple):
    """One of them."""

    name: str
    hands: tuple[Hand, ...]  # the work that it does
    cloud: Cloud  # acts as it, where `itself`; else as a person who looks at it
    itself: bool
    principal: Principal

    @property
    def object_id(self) -> str:
        """Of its service principal."""
        return self.principal["object_id"]


class Acting(NamedTuple):
    """Who calls clusters: one of the identities, or on a laptop the person."""

    name: str
    hands: tuple[Hand, ...]
    cloud: Cloud
    itself: bool
    object_id: str


class Unknown(NamedTuple):
    """One of which nobody can say who it is."""

    name: str
    why: str
    fix: str


class Held(NamedTuple):
    """A role assignment, with what its role allows; None where that could not be read."""

    id: str
    scope: str
    role_id: str
    role_name: str
    allows: list[Permission] | None
    condition: str | None
    group: str | None  # by which it comes


async def all_of(cloud: Cloud) -> list[Identity | Unknown]:
    """Those that the settings name. Under a person's own sign-in they are looked at from outside."""
    settings = cloud.settings
    if settings.credential == "managed-identity":
        wanted: list[tuple[Hand, tuple[Hand, ...]]] = [
            (hand, (hand,) if len(settings.hands) > 1 else ("containment", "rebuild"))
            for hand in settings.hands
        ]
        return [
            outcome if not isinstance(outcome, ResponderError) else _lost(one[0], outcome)
            for one, outcome in await fan_out(wanted, lambda one: _itself(cloud, *one))
        ]
    named = {"containment": settings.client_id, "rebuild": settings.rebuild_client_id}
    apart = len(settings.client_ids) > 1
    from_outside: list[tuple[Hand, str | None]] = [("containment", named["containment"])]
    from_outside += [("rebuild", named["rebuild"])] if apart else []
    return [
        outcome if not isinstance(outcome, ResponderError) else _lost(one[0], outcome)
        for one, outcome in await fan_out(
            from_outside, lambda one: _from_outside(cloud, *one, apart=apart)
        )
    ]


async def acting(cloud: Cloud) -> list[Acting]:
    """Who it is by its own token: nobody is looked up for that. One that gets no token is in `all_of`."""
    settings = cloud.settings
    apart = len(settings.hands) > 1
    itself = settings.credential == "managed-identity"

    async def one(hand: Hand) -> Acting:
        clouds = await cloud.acting_as(hand)
        hands: tuple[Hand, ...] = (hand,) if apart else ("containment", "rebuild")
        return Acting(
            _NAMES[hand] if itself else "you", hands, clouds, itself, await clouds.own_object_id()
        )

    outcomes = await fan_out(settings.hands, one)
    return [found for _, found in outcomes if not isinstance(found, ResponderError)]


def _lost(hand: Hand, error: ResponderError) -> Unknown:
    setting = "FIREBREAK_CLIENT_ID" if hand == "containment" else "FIREBREAK_REBUILD_CLIENT_ID"
    fix = (
        f"attach the identity that {setting} names: az functionapp identity assign --identities <resource id>, and let "
        "the first one read the directory"
    )
    return Unknown(_NAMES[hand], str(error), fix)


async def _itself(cloud: Cloud, hand: Hand, hands: tuple[Hand, ...]) -> Identity:
    acting = await cloud.acting_as(hand)
    own = await acting.own_object_id()
    principal = await principals.resolve(cloud, {"object_id": own})
    return Identity(_NAMES[hand], hands, acting, True, principal)


async def _from_outside(
    cloud: Cloud, hand: Hand, client_id: str | None, *, apart: bool
) -> Identity:
    if client_id is None:
        raise RefusedError("FIREBREAK_CLIENT_ID is not set, so nobody knows whom to look at")
    principal = await principals.resolve(cloud, {"app_id": client_id})
    hands: tuple[Hand, ...] = (hand,) if apart else ("containment", "rebuild")
    return Identity(_NAMES[hand], hands, cloud, False, principal)


async def token_roles(identity: Identity) -> frozenset[str] | None:
    """The app roles that Graph lets it act by; None where it is looked at from outside."""
    return await own_rights.graph_roles(identity.cloud) if identity.itself else None


async def azure_roles(cloud: Cloud, identity: Identity) -> tuple[list[Held], list[str]]:
    """Every role assignment that reaches it, by itself or by a group, and why there may be more."""
    seen = await grants.assigned_to(cloud, identity.object_id)
    ids = {str(one.role_definition_id) for one in seen.found.values()}
    allows = await role_definitions.read(cloud, ids)
    names = await grants.role_names(cloud, seen.found.values())
    found = [
        Held(
            one["id"],
            one["scope"],
            one["role_definition_id"].rpartition("/")[2].lower(),
            one["role_name"],
            allows.get(one["role_definition_id"]),
            one["condition"],
            None
            if one["principal_id"].lower() == identity.object_id
            else one["principal_id"].lower(),
        )
        for one in grants.described(seen.found.values(), names)
    ]
    return found, [str(one) for one in seen.unread]
