"""The plan of a restore: every piece judged, in the order in which it comes back. Pure: no I/O, no clock."""

from collections.abc import Iterable

from playbooks.restoring import doors, rights
from playbooks.restoring.comparing import Compared
from playbooks.restoring.model import ClusterUndo, Piece, RestorePlan
from responders.evidence import canonical, digest
from responders.model import Json
from responders.snapshots import Snapshot

# Kinds of pieces, in the reverse order of how they went. What opens the door is last.
KINDS = (
    "application",
    "service_principal",
    "role_assignment",
    "membership",
    "app_role",
    "consent",
    "vault_policy",
    "owner",
    "credential",
    "trust",
    "risk",
    "active",
    "enabled",
)
_ON_THE_APPLICATION = {"trust", "active", "credential"}
_ON_THE_PRINCIPAL = {
    "role_assignment",
    "membership",
    "app_role",
    "consent",
    "vault_policy",
    "risk",
    "enabled",
}


def draw(world: Compared, clusters: list[ClusterUndo], successor: Json | None) -> RestorePlan:
    """The same world makes the same plan."""
    pieces = [
        *doors.objects(world),
        *rights.grants(world),
        *rights.memberships(world),
        *rights.app_roles(world),
        *rights.consents(world),
        *rights.policies(world),
        *doors.owners(world),
        *doors.credentials(world),
        *doors.trusts(world),
        *doors.risk(world),
        *doors.switches(world),
    ]
    principal = world.incident["principal"]
    ordered = sorted(pieces, key=lambda one: (KINDS.index(one["kind"]), one["key"]))
    return {
        "incident_id": world.incident["incident_id"],
        "principal": principal["object_id"],
        "display_name": principal["display_name"],
        "pieces": _held_back(ordered),
        "clusters": clusters,
        "successor": successor,
        "added": doors.added(world, _offered(ordered)),
        "unread": sorted({*_unread(world.before, "before"), *_unread(world.now, "now")}),
    }


def plan_hash(plan: RestorePlan) -> str:
    """What an order to restore is bound to."""
    return digest(canonical(plan))


def wanted(plan: RestorePlan, chosen: Iterable[str]) -> list[Piece]:
    """The pieces that come back: those that do by themselves, and those that a person chose."""
    named = set(chosen)
    return [
        one
        for one in plan["pieces"]
        if one["verdict"] == "restore" or (one["verdict"] == "choice" and one["key"] in named)
    ]


def choices(plan: RestorePlan) -> set[str]:
    """Keys that a person may choose."""
    return {one["key"] for one in plan["pieces"] if one["verdict"] == "choice"}


def differences(old: RestorePlan, new: RestorePlan) -> list[Json]:
    """What is another one in the newer plan: for the person who ordered the older one."""
    sides = [_shown(plan) for plan in (old, new)]
    found = [
        {
            "object": key,
            "before": sides[0].get(key, "nothing"),
            "after": sides[1].get(key, "nothing"),
        }
        for key in sorted({*sides[0], *sides[1]})
        if sides[0].get(key) != sides[1].get(key)
    ]
    if not found and plan_hash(old) != plan_hash(new):
        found = [{"object": "details", "before": "as you read them", "after": "read them again"}]
    return found


def _shown(plan: RestorePlan) -> dict[str, str]:
    """Every line of a plan, by what it is about."""
    lines = {
        one["key"]: f"{one['verdict']}, {one['now']}"
        + (f": {one['reason']}" if one["reason"] else "")
        for one in plan["pieces"]
    }
    lines |= {
        f"cluster {one['cluster']['name']}": f"{one['verdict']}: {one['reason']}"
        for one in plan["clusters"]
    }
    lines |= {f"added since: {one}": "there" for one in plan["added"]}
    return lines | {f"not read: {one}": "not read" for one in plan["unread"]}


def _offered(pieces: list[Piece]) -> list[str]:
    """Names and ids of the ways in that a person may vouch for: those are offered, not complained of."""
    ways = [one for one in pieces if one["kind"] in {"trust", "credential"}]
    offered = [one["restores"] for one in ways if one["verdict"] == "choice"]
    return [str(one.get("key_id") or one.get("name")) for one in offered]


def _held_back(pieces: list[Piece]) -> list[Piece]:
    """Where an object is gone for good, what hangs on it can't come back either."""
    lost = {
        one["kind"]: one["reason"]
        for one in pieces
        if one["kind"] in {"application", "service_principal"} and one["verdict"] == "drifted"
    }
    return [_hung(one, lost) for one in pieces]


def _hung(one: Piece, lost: dict[str, str]) -> Piece:
    on = _hangs_on(one)
    if on not in lost or one["verdict"] not in {"restore", "choice", "unread"}:
        return one
    return {
        **one,
        "verdict": "drifted",
        "reason": f"hangs on the {on.replace('_', ' ')}: {lost[on]}",
    }


def _hangs_on(one: Piece) -> str:
    if one["kind"] in _ON_THE_APPLICATION or one["key"].startswith("owner:application/"):
        return "application"
    if one["kind"] in _ON_THE_PRINCIPAL or one["key"].startswith("owner:service_principal/"):
        return "service_principal"
    return ""


def _unread(snapshot: Snapshot, when: str) -> list[str]:
    return [f"{part}, {when}: {why}" for part, why in snapshot["unread"].items()]
