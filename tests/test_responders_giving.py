"""A successor gets what is planned and chosen; what Firebreak may not give comes with the command of a person."""

import json
import shlex
from typing import Any

import pytest

from playbooks.choosing import for_successor
from responders import giving, giving_commands
from responders.cloud import Cloud
from responders.errors import TransientError
from responders.model import NewIdentity
from tests.azure_fake import FakeAzure, Say, page, problem
from tests.suspects import CLIENT, OBJECT, suspect

NEW = "00000000-0000-0000-0000-0000000000b1"
GROUP, RESOURCE, ROLE = (f"00000000-0000-0000-0000-0000000000c{n}" for n in (1, 2, 3))
IDENTITY: NewIdentity = {
    "kind": "user_assigned_identity",
    "app_id": "00000000-0000-0000-0000-0000000000b2",
    "object_id": NEW,
    "application_object_id": None,
    "resource_id": "/identity",
    "display_name": "payments-r1",
}
APP_ROLE = {
    "id": "a",
    "app_role_id": ROLE,
    "resource_id": RESOURCE,
    "resource_name": "Graph",
    "role_name": "User.Read.All",
    "principal_id": OBJECT,
    "created": None,
}
PLACE = {"id": GROUP, "display_name": "readers", "direct": True, "stays_because": None}
PRINCIPAL = f"/v1.0/servicePrincipals/{NEW}"
ROLES = f"{PRINCIPAL}/appRoleAssignments"
MEMBERS = f"/v1.0/groups/{GROUP}/members/$ref"


def gifts(**more: Any) -> giving.Gifts:
    found: Any = {
        kind: []
        for kind in ("app_roles", "oauth_grants", "memberships", "key_vault_policies", "owners")
    }
    whole: Any = found | more
    planned: giving.Gifts = whole
    return planned


def _known(azure: FakeAzure) -> None:
    azure.on("GET", PRINCIPAL, Say(200, {"id": NEW, "accountEnabled": True}))


async def test_nothing_to_give_asks_nobody_anything(azure: FakeAzure, cloud: Cloud) -> None:
    before = len(azure.seen)
    answer = await giving.give(cloud, gifts(), IDENTITY)

    assert answer["status"] == "nothing_to_do"
    assert len(azure.seen) == before


async def test_an_identity_that_the_directory_has_not_heard_of_is_a_matter_of_time(
    azure: FakeAzure, cloud: Cloud
) -> None:
    with pytest.raises(TransientError, match="not in the directory yet"):
        await giving.give(cloud, gifts(app_roles=[APP_ROLE]), IDENTITY)
    assert azure.writes() == []


async def test_what_is_refused_stops_no_other_kind_and_comes_with_its_command(
    azure: FakeAzure, cloud: Cloud
) -> None:
    _known(azure)
    given = {"id": "new", "appRoleId": ROLE, "resourceId": RESOURCE, "principalId": NEW}
    azure.on("GET", ROLES, page(), page(given))
    azure.on("POST", ROLES, Say(201, given))
    azure.on("GET", f"{PRINCIPAL}/memberOf", page())
    azure.on("POST", MEMBERS, problem(403, "Authorization_RequestDenied"))
    answer = await giving.give(cloud, gifts(app_roles=[APP_ROLE], memberships=[PLACE]), IDENTITY)

    assert answer["status"] == "refused"
    assert answer["by_hand"] == [f"az ad group member add --group {GROUP} --member-id {NEW}"]
    assert [(one["kind"], one["created"]) for one in answer["items"]] == [("app_roles", True)]
    assert len(answer["changes"]) == 1
    assert len(azure.asked("POST", ROLES)) == 1


async def test_what_is_there_is_not_given_again(azure: FakeAzure, cloud: Cloud) -> None:
    _known(azure)
    given = {"id": "new", "appRoleId": ROLE, "resourceId": RESOURCE, "principalId": NEW}
    azure.on("GET", ROLES, page(given))
    answer = await giving.give(cloud, gifts(app_roles=[APP_ROLE]), IDENTITY)

    assert (answer["status"], azure.writes()) == ("nothing_to_do", [])


async def test_time_goes_before_a_person(azure: FakeAzure, cloud: Cloud) -> None:
    """Throttled in one kind and refused in another: the whole is tried again, and then says what is refused."""
    _known(azure)
    azure.on("GET", ROLES, page())
    azure.on("POST", ROLES, problem(503, "ServiceUnavailable"))
    azure.on("GET", f"{PRINCIPAL}/memberOf", page())
    azure.on("POST", MEMBERS, problem(403, "Authorization_RequestDenied"))

    with pytest.raises(TransientError):
        await giving.give(cloud, gifts(app_roles=[APP_ROLE], memberships=[PLACE]), IDENTITY)


def test_commands_are_such_as_a_shell_understands() -> None:
    consent = {
        "consent_type": "Principal",
        "resource_id": RESOURCE,
        "scope": "User.Read",
        "principal_id": OBJECT,
    }
    owner = {"id": OBJECT, "of": "application"}
    policy = {
        "vault_id": "/x/vaults/kv",
        "object_id": NEW,
        "permissions": {"secrets": ["get", "list"], "keys": []},
    }
    said = [
        giving_commands.app_role(NEW, APP_ROLE),
        giving_commands.consent(NEW, consent),
        giving_commands.owner(NEW, owner),
    ]

    bodies = [json.loads(shlex.split(one)[-1]) for one in said]
    assert bodies[0] == {"principalId": NEW, "resourceId": RESOURCE, "appRoleId": ROLE}
    assert bodies[1]["principalId"] == OBJECT
    assert bodies[2]["@odata.id"].endswith(f"/directoryObjects/{OBJECT}")
    assert giving_commands.vault_policy(policy) == (
        f"az keyvault set-policy --name kv --object-id {NEW} --secret-permissions get list"
    )


def test_a_vault_policy_names_the_successor_wherever_it_named_the_old_one() -> None:
    own = {"object_id": OBJECT.upper(), "application_id": None, "vault_id": "/kv"}
    through = {"object_id": "a-user", "application_id": CLIENT, "vault_id": "/kv"}

    changed = [for_successor(one, suspect(), IDENTITY) for one in (own, through)]
    assert [(one["object_id"], one["application_id"]) for one in changed] == [
        (NEW, None),
        ("a-user", IDENTITY["app_id"]),
    ]
