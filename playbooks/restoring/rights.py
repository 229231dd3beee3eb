"""The rights that containment took away: roles, policies, groups, app roles, consents. Pure: no I/O, no clock."""

from playbooks.restoring.comparing import (
    AGELESS,
    NOT_READ,
    RESTORE,
    SINCE,
    THERE,
    Compared,
    Judged,
    piece,
    restoring,
)
from playbooks.restoring.model import Piece
from responders.model import Grant, Json


def grants(world: Compared) -> list[Piece]:
    """Role assignments, under names of their own: Azure never gives a name twice."""
    pieces = []
    for one in world.before["grants"]:
        command = (
            f"az role assignment create --assignee-object-id {one['principal_id']} "
            f"--assignee-principal-type ServicePrincipal --role '{one['role_definition_id']}' "
            f"--scope '{one['scope']}'"
        )
        name = f"{one['role_name']} at {one['scope']}"
        states = (_conditioned(one["condition"]), "taken away")
        found = piece("role_assignment", _last(one["id"]), name, _grant(world, one), states)
        pieces.append(restoring(found, dict(one), [command]))
    return pieces


def _grant(world: Compared, one: Grant) -> Judged:
    same = [other for other in world.now["grants"] if _place(other) == _place(one)]
    if not world.is_old(one["created_on"]):
        return "never", f"{SINCE}, or nobody knows when"
    if any(other["condition"] == one["condition"] for other in same):
        return THERE
    if same:
        return "drifted", f"somebody gave it again: {_conditioned(same[0]['condition'])}"
    if one["scope"] in world.standing["scopes_gone"]:
        return "drifted", "what it was given on does not exist any more"
    why = world.standing["unsure"].get(one["scope"]) or world.now["unread"].get("grants")
    return ("unread", f"{NOT_READ}: {why}") if why else RESTORE


def _place(grant: Grant) -> tuple[str, str]:
    return grant["scope"].rstrip("/").lower(), _last(grant["role_definition_id"]).lower()


def _last(resource_id: str) -> str:
    return resource_id.rpartition("/")[2]


def _conditioned(condition: str | None) -> str:
    return f"given, if {condition}" if condition else "given without a condition"


def memberships(world: Compared) -> list[Piece]:
    """Groups that it was in itself, with the roles that they carry."""
    there = {str(one["id"]).lower() for one in world.now["memberships"] if one["direct"]}

    def judged(one: Json) -> Judged:
        if str(one["id"]).lower() in there:
            return THERE
        if one["stays_because"]:
            return "drifted", f"only others can put it in: {one['stays_because']}"
        return world.aged(str(one["id"]), world.found.gifts["groups"])

    return [
        restoring(
            piece(
                "membership",
                str(one["id"]),
                f"group {one['display_name'] or one['id']}",
                world.reached(judged(one), "memberships", [one["id"]]),
                ("member", "no member"),
            ),
            dict(one),
        )
        for one in world.before["memberships"]
        if one["direct"]
    ]


def app_roles(world: Compared) -> list[Piece]:
    """Application permissions. One that a group holds was not taken away from it."""
    own = world.incident["principal"]["object_id"]
    there = {_role(one) for one in world.now["app_roles"]}

    def judged(one: Json) -> Judged:
        if not world.is_old(one.get("created")):
            return "never", f"{SINCE}, or nobody knows when"
        return THERE if _role(one) in there else RESTORE

    return [
        restoring(
            piece(
                "app_role",
                _role(one),
                f"{one['role_name'] or one['app_role_id']} on {one['resource_name']}",
                world.reached(judged(one), "app_roles", [one["resource_id"]]),
                ("given", "taken away"),
            ),
            dict(one),
        )
        for one in world.before["app_roles"]
        if str(one.get("principal_id") or own).lower() == own
    ]


def _role(one: Json) -> str:
    return f"{one['resource_id']}/{one['app_role_id']}".lower()


def consents(world: Compared) -> list[Piece]:
    """Delegated permissions. One place holds one consent: another one there is somebody's decision since."""
    there = {_consented(one): one for one in world.now["oauth_grants"]}

    def judged(one: Json) -> Judged:
        other = there.get(_consented(one))
        if other is not None:
            if sorted(str(other["scope"]).split()) == sorted(str(one["scope"]).split()):
                return THERE
            return "drifted", f"somebody consented to something else since: {other['scope']}"
        if did := world.found.gifts["consented"]:
            return "choice", f"inside the compromise window somebody did: {did[0]}"
        return RESTORE if world.found.gifts["known"] else ("choice", AGELESS)

    return [
        restoring(
            piece(
                "consent",
                _consented(one),
                f"{one['scope']} for {one['principal_id'] or 'every user'}",
                world.reached(
                    judged(one), "oauth_grants", [one["resource_id"], one["principal_id"]]
                ),
                (f"consented to {one['scope']}", "taken away"),
            ),
            dict(one),
        )
        for one in world.before["oauth_grants"]
    ]


def _consented(one: Json) -> str:
    return f"{one['resource_id']}/{one['consent_type']}/{one['principal_id'] or ''}".lower()


def policies(world: Compared) -> list[Piece]:
    """Key Vault access policies carry no age, and who writes a vault is logged elsewhere: a person chooses."""
    there = {_policy(one): one for one in world.now["key_vault_policies"]}

    def judged(one: Json) -> Judged:
        other = there.get(_policy(one))
        if other is None:
            return "choice", "nothing says when this policy was made"
        if _permissions(other) == _permissions(one):
            return THERE
        return "drifted", f"somebody gave other permissions since: {_permissions(other)}"

    return [
        restoring(
            piece(
                "vault_policy",
                _policy(one),
                f"{_permissions(one)} in {one['vault_id']}",
                world.reached(judged(one), "key_vault_policies", []),
                (_permissions(one), "taken away"),
            ),
            dict(one),
        )
        for one in world.before["key_vault_policies"]
    ]


def _policy(one: Json) -> str:
    return f"{one['vault_id']}/{one['object_id']}/{one['application_id'] or ''}".lower()


def _permissions(policy: Json) -> str:
    kinds = sorted(policy["permissions"].items())
    return "; ".join(f"{kind}: {' '.join(sorted(names))}" for kind, names in kinds if names)
