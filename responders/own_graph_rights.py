"""What an identity may do in Microsoft Graph, against what it needs: by its token and by the directory. Pure.

A managed identity's token lives for up to a day, and Graph goes by the roles in it: what was given or taken meanwhile
shows in the next one.
https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations#limitation-of-using-managed-identities-for-authorization
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from responders.model import Json
from responders.own_checks import Row
from responders.own_identities import Identity
from responders.permission_data import Line

_GRAPH: Final = "Microsoft Graph"
_URL: Final = "https://graph.microsoft.com/v1.0/servicePrincipals"
# Without one of these an incident ends `not_contained`.
GRAVE: Final = frozenset({"Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"})
MISSING, BEYOND = "graph-permission-missing", "graph-permission-beyond"
_LATER: Final = "nothing: its token shows it within a day"


def judged(
    identity: Identity,
    needed: Mapping[str, Line],
    in_token: frozenset[str] | None,
    given: Sequence[Json],
) -> list[Row]:
    """Rows for what is missing and for what is too much; one row where neither is."""
    of_graph = {str(one["role_name"]): one for one in given if one["resource_name"] == _GRAPH}
    held = frozenset(of_graph) if in_token is None else in_token
    rows = [
        _missing(identity, role, line, role in of_graph)
        for role, line in needed.items()
        if role not in held
    ]
    rows += [
        _beyond(identity, role, of_graph.get(role))
        for role in sorted(held)
        if role not in needed and not _is_contained(role, needed)
    ]
    if in_token is not None:  # what was given and is not in the token yet
        rows += [
            _beyond(identity, role, one)
            for role, one in sorted(of_graph.items())
            if role not in in_token and role not in needed and not _is_contained(role, needed)
        ]
    rows += [
        _fading(identity, role, line)
        for role, line in needed.items()
        if in_token is not None and role in in_token and role not in of_graph
    ]
    rows += [_elsewhere(identity, one) for one in given if one["resource_name"] != _GRAPH]
    if rows:
        return rows
    return [Row("ok", f"{len(needed)} app roles, as needed and no other", about=identity.name)]


def grant_command(identity: Identity) -> str:
    """The script that gives each identity its app roles."""
    hand = identity.hands[0] if len(identity.hands) == 1 else "containment"
    return f"infra/permissions/grant-graph.sh --{hand} {identity.object_id}"


def _missing(identity: Identity, role: str, line: Line, is_given: bool) -> Row:
    if is_given:
        said = f"{role} was given, and its token is from before: {line.said()}"
        return Row("failed", said, _LATER, identity.name, role in GRAVE, MISSING)
    said = f"{role} is missing: {line.said()}"
    return Row("failed", said, grant_command(identity), identity.name, role in GRAVE, MISSING)


def _fading(identity: Identity, role: str, line: Line) -> Row:
    said = f"{role} was taken away, and works until its token ends, within a day: {line.said()}"
    fix = grant_command(identity)
    return Row("failed", said, fix, identity.name, role in GRAVE, MISSING)


def _beyond(identity: Identity, role: str, given: Json | None) -> Row:
    grave = ".Read." not in role
    if given is None:
        said = f"{role} was taken away, and its token still has it"
        return Row("failed", said, _LATER, identity.name, grave, BEYOND)
    said = f"{role} is more than it needs"
    return Row("failed", said, _take_away(identity, given), identity.name, grave, BEYOND)


def _elsewhere(identity: Identity, given: Json) -> Row:
    role = given["role_name"] or given["app_role_id"]
    said = f"the app role {role} of {given['resource_name']} is more than it needs"
    return Row("failed", said, _take_away(identity, given), identity.name, rule=BEYOND)


def _take_away(identity: Identity, given: Json) -> str:
    url = f"{_URL}/{identity.object_id}/appRoleAssignments/{given['id']}"
    return f"az rest --method DELETE --url {url}"


def _is_contained(role: str, needed: Collection[str]) -> bool:
    """Whether a role that is needed gives all of this one anyway."""
    return role.replace(".Read.", ".ReadWrite.") in needed
