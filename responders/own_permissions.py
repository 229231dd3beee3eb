"""Responder: every permission held and none beyond, of each identity that Firebreak acts as; who else may act as it.

Stops    nothing
Leaves   what a group gives beside Azure roles; roles that are eligible and not active; who may deploy to the app
Undo     none needed
Needs    what reading an incident's principal needs, about ourselves
Source   https://learn.microsoft.com/azure/role-based-access-control/role-assignments-list-rest
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import urlsplit

from responders import (
    app_roles,
    directory_roles,
    identity_trusts,
    own_azure_rights,
    own_graph_rights,
    own_identities,
    own_rights,
    table_plans,
)
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.fan_out import fan_out
from responders.own_azure_rights import Places, Seen
from responders.own_checks import Check, Row
from responders.own_identities import Held, Identity, Unknown
from responders.permission_data import Needed
from responders.role_definitions import Permission
from responders.settings import Hand, Settings

Wanted = Callable[[Sequence[Hand]], Needed]
OPEN = "own-identity-open"
READ = (
    "let the app's identity read the directory and role assignments: docs/reference/permissions.md"
)


def checks(
    connect: Callable[[], Awaitable[Cloud]], wanted: Callable[[], Awaitable[Wanted]]
) -> list[Check]:
    """For the daily check and for the doctor."""

    async def of_identities() -> list[Row]:
        return await doors(await connect())

    async def of_graph() -> list[Row]:
        needed = await wanted()
        return await graph(await connect(), needed)

    async def of_azure() -> list[Row]:
        needed = await wanted()
        return await azure(await connect(), needed)

    return [
        Check("identities", of_identities, READ, "unknown"),
        Check("graph permissions", of_graph, READ, "unknown"),
        Check("azure permissions", of_azure, READ, "unknown", seconds=30),
    ]


async def graph(cloud: Cloud, wanted: Wanted) -> list[Row]:
    """App roles in Microsoft Graph."""

    async def rows(identity: Identity) -> list[Row]:
        in_token = await own_identities.token_roles(identity)
        given = await app_roles.read_all(cloud, identity.principal)
        return own_graph_rights.judged(identity, wanted(identity.hands).graph, in_token, given)

    return await _of_each(cloud, rows)


async def azure(cloud: Cloud, wanted: Wanted) -> list[Row]:
    """Roles in Azure, at every scope in sight."""
    places = await _places(cloud)

    async def rows(identity: Identity) -> list[Row]:
        held, unread = await own_identities.azure_roles(cloud, identity)
        scopes = [*places.subscriptions, *filter(None, [places.workspace])]
        at = {scope: await _at(identity, held, scope) for scope in scopes}
        found = own_azure_rights.judged(identity, wanted(identity.hands), Seen(held, at), places)
        return [*found, *(Row("unknown", one, READ, identity.name) for one in unread)]

    return await _of_each(cloud, rows)


async def doors(cloud: Cloud) -> list[Row]:
    """Ways to act as Firebreak, and directory roles that nobody gave it on purpose."""

    async def rows(identity: Identity) -> list[Row]:
        found = [
            _directory_role(identity, str(one["id"]), str(one["role_name"]))
            for one in await directory_roles.read_all(cloud, identity.principal)
        ]
        resource_id = identity.principal["resource_id"]
        if identity.principal["kind"] == "user_assigned_identity" and resource_id:
            found += [
                _trust(identity, resource_id, one["name"], one["issuer"])
                for one in await identity_trusts.read_all(cloud, resource_id)
            ]
        said = f"{identity.principal['display_name']}: no trust, no directory role"
        return found or [Row("ok", said, about=identity.name)]

    return await _of_each(cloud, rows)


def _directory_role(identity: Identity, assignment_id: str, role: str) -> Row:
    url = "https://graph.microsoft.com/v1.0/roleManagement/directory/roleAssignments"
    said = f"it has the directory role {role}, which it needs for nothing"
    fix = f"az rest --method DELETE --url {url}/{assignment_id}"
    return Row("failed", said, fix, identity.name, grave=True, rule=OPEN)


def _trust(identity: Identity, resource_id: str, name: str, issuer: str) -> Row:
    parts = resource_id.strip("/").split("/")
    said = f"the federated credential {name} lets whoever has a token of {issuer} act as Firebreak"
    fix = (
        f"az identity federated-credential delete --subscription {parts[1]} --resource-group {parts[3]} "
        f"--identity-name {parts[-1]} --name {name} --yes; then find out who wrote it"
    )
    return Row("failed", said, fix, identity.name, grave=True, rule=OPEN)


async def _of_each(cloud: Cloud, rows: Callable[[Identity], Awaitable[list[Row]]]) -> list[Row]:
    """The rows of every identity; one that can't be read leaves the other one be."""

    async def ask() -> list[Identity | Unknown]:
        return await own_identities.all_of(cloud)

    found = await cloud.remembered("own identities", ask)
    known = [one for one in found if isinstance(one, Identity)]
    outcomes = await fan_out(known, rows)
    lost = [
        Row("failed", one.why, one.fix, one.name, grave=True)
        for one in found
        if isinstance(one, Unknown)
    ]
    return lost + [
        row
        for identity, outcome in outcomes
        for row in (
            [Row("unknown", str(outcome), READ, identity.name)]
            if isinstance(outcome, ResponderError)
            else outcome
        )
    ]


async def _at(identity: Identity, held: Sequence[Held], scope: str) -> list[Permission]:
    """What it may there: by its own word, or else as its assignments say."""
    if identity.itself:
        return await own_rights.permissions_at(identity.cloud, scope)
    return own_azure_rights.at_scope(held, scope)


async def _places(cloud: Cloud) -> Places:
    subscriptions = tuple(f"/subscriptions/{one}" for one in await cloud.subscription_ids())
    plans = await table_plans.read(cloud)
    return Places(subscriptions, plans.workspace or None, _evidence(cloud.settings))


def _evidence(settings: Settings) -> str | None:
    """The end of the container's resource id: names of storage accounts are the only ones of their kind.

    An endpoint that serves several accounts, as emulators do, has the account in the path.
    https://learn.microsoft.com/azure/storage/common/storage-use-azurite#http-url
    """
    if settings.evidence_url is None:
        return None
    parts = urlsplit(settings.evidence_url)
    *accounts, container = parts.path.strip("/").split("/")
    account = accounts[0] if accounts else (parts.hostname or "").partition(".")[0]
    return f"/storageaccounts/{account}/blobservices/default/containers/{container}".lower()
