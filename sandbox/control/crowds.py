"""A tenant as a big company has it: thousands of applications, their service principals, trusts and role assignments.

Planted in a second or two, and cheap to hold: objects that differ in a few properties share all others.
Source      https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.arm.built_in_roles import BUILT_IN_ROLES
from sandbox.arm.definitions import new_role_assignment
from sandbox.control.wishes import WishError, wish
from sandbox.graph import shapes
from sandbox.graph.credentials import new_federated_credential, new_password_credential
from sandbox.seed import names
from sandbox.seed.azure import new_subscription
from sandbox.web import Call, Route
from sandbox.world import Json, World, stable_guid

_LONG_AGO = timedelta(days=200)
_SIZES = ("applications", "federated", "accounts", "subscriptions", "assignments")
_TRUSTS = 20  # an application has at most so many
_NAMESPACES = 20
_GITHUB = "https://token.actions.githubusercontent.com"
_ROLES = ("Reader", "Storage Blob Data Reader", "Storage Blob Data Contributor")
_GROUPS = 40  # resource groups of a subscription, at which roles are assigned
_WITH_SECRET = 4  # one application in so many has a client secret, as it had before federation


@dataclass(frozen=True)
class _Sizes:
    applications: int
    federated: int  # of the applications: those that trust somebody
    accounts: int  # of those: the ones that trust ServiceAccounts, in up to twenty clusters; others trust a pipeline
    subscriptions: int
    assignments: int


def client_id(number: int) -> str:
    """Of the application of this number, whatever world it is planted in."""
    return f"11111111-1111-4111-8111-{number:012d}"


async def plant(world: World, call: Call) -> Response:
    """200 with how many there are; 400 for what is no size, or more than a subscription holds."""
    body = wish(call, *_SIZES)
    sizes = _Sizes(**{name: _size(name, body[name]) for name in _SIZES})
    if not sizes.accounts <= sizes.federated <= sizes.applications:
        raise WishError("accounts are some of those that are federated, which are some of all")
    if sizes.assignments > sizes.subscriptions * world.limits.role_assignments:
        most = f"{world.limits.role_assignments:.0f}"
        raise WishError(f"assignments: a subscription has at most {most}")
    since = world.clock.now() - _LONG_AGO
    principals = list(_applications(world, sizes, since))
    _assignments(world, sizes, principals, since)
    return JSONResponse({"applications": len(principals), "assignments": sizes.assignments})


def _size(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise WishError(f"{name}: a whole number is needed")
    return value


def _applications(world: World, sizes: _Sizes, since: datetime) -> Iterator[str]:
    """Plant them, with their service principals, whose object ids these are."""
    plain = shapes.new_application("crowd", created=since, signInAudience="AzureADMyOrg")
    mirror = shapes.new_service_principal(plain, created=since, tenant_id=world.tenant_id)
    directory = world.directory
    for number in range(sizes.applications):
        app_id, name = client_id(number), f"crowd-{number:05d}"
        own = {"appId": app_id, "displayName": name}
        application = plain | own | {"id": stable_guid(f"crowd/application/{number}")}
        if number % _WITH_SECRET == 0:
            application["passwordCredentials"] = [_secret(number, since)]
        principal = mirror | own | {"id": stable_guid(f"crowd/principal/{number}")}
        principal |= {"appDisplayName": name, "servicePrincipalNames": [app_id]}
        directory.applications.plant(application["id"], application, since)
        directory.service_principals.plant(principal["id"], principal, since)
        directory.owners[application["id"]] = [names.user_id("dana")]
        for trust in _trusts(world, sizes, number, application["id"]):
            directory.federated_credentials.plant(trust["id"], trust, since)
        yield principal["id"]


def _secret(number: int, since: datetime) -> Json:
    """Half of them have run out by now."""
    ends = since + timedelta(days=100 if number % (2 * _WITH_SECRET) else 730)
    key_id = stable_guid(f"crowd/secret/{number}")
    return new_password_credential("ci", secret="abc", start=since, end=ends, key_id=key_id)  # noqa: S106 - of nobody


def _trusts(world: World, sizes: _Sizes, number: int, application_id: str) -> Iterator[Json]:
    if number >= sizes.federated:
        return
    if number >= sizes.accounts:
        subject = f"repo:contoso/crowd-{number}:ref:refs/heads/main"
        yield _trust("github", number, application_id, _GITHUB, subject)
        return
    subject = f"system:serviceaccount:team-{number % _NAMESPACES}:app-{number}"
    for cluster in names.clusters(world)[:_TRUSTS]:
        yield _trust(cluster, number, application_id, names.issuer(world, cluster), subject)


def _trust(name: str, number: int, application_id: str, issuer: str, subject: str) -> Json:
    return new_federated_credential(
        name,
        application_id=application_id,
        issuer=issuer,
        subject=subject,
        credential_id=stable_guid(f"crowd/trust/{name}/{number}"),
    )


def _assignments(world: World, sizes: _Sizes, principals: list[str], since: datetime) -> None:
    scopes = list(_subscriptions(world, sizes.subscriptions, since))
    known = {role.name for role in BUILT_IN_ROLES}
    roles = [role for role in _ROLES if role in known]
    for number in range(sizes.assignments):
        at = scopes[number % len(scopes)]
        made = new_role_assignment(
            world,
            scope=f"{at}/resourceGroups/rg-{number // len(scopes) % _GROUPS}",
            role=roles[number % len(roles)],
            principal_id=principals[number % len(principals)],
            name=stable_guid(f"crowd/assignment/{number}"),
            created=since,
        )
        world.azure.role_assignments.plant(made["id"].lower(), made, since)


def _subscriptions(world: World, most: int, since: datetime) -> Iterator[str]:
    root = names.management_group(world.tenant_id)
    for number in range(most):
        subscription_id = stable_guid(f"crowd/subscription/{number}")
        made = new_subscription(world, subscription_id, f"landing-zone-{number:02d}")
        world.azure.subscriptions.put(subscription_id, made, since=since)
        world.azure.parents[made["id"].lower()] = root
        yield made["id"]


ROUTES = [Route("POST", "/sandbox/crowd", plant)]
