"""Responder: everything about the identity as it stands, before anything is changed.

Stops    nothing
Leaves   everything as it is
Undo     none needed; what it returns is the undo record of every other responder
Needs    NEEDS, below
Source   https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, TypedDict

from responders import (
    app_roles,
    credentials,
    directory_roles,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    locks,
    managed_identities,
    memberships,
    oauth_grants,
    owners,
    patience,
    role_assignments,
)
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError, TransientError
from responders.model import (
    MANAGED,
    Credential,
    FederatedCredential,
    Grant,
    Incident,
    Json,
    Principal,
)
from responders.needs import GraphNeed, Needs

# Lists of the directory object itself: where that is deleted there are none to be taken away.
_OF_THE_OBJECT = frozenset({"app_roles", "oauth_grants", "memberships"})
_SECRET_FIELDS = ("secretText", "hint")  # `hint` is the first three characters of a secret
NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "Application.Read.All",
            "the application and service principal as they are",
            ("take", "_must"),
        ),
    ),
)


class Snapshot(TypedDict):
    """The identity before containment. Credentials without their values.

    `unread` names each part that could not be read, and why: no lever takes away what is not here.
    """

    taken_at: str
    application: Json | None
    service_principal: Json | None
    identity: Json | None  # the ARM resource of a user-assigned identity
    federated_credentials: list[FederatedCredential]
    credentials: list[Credential]
    grants: list[Grant]
    group_grants: list[Json]  # carried by groups, so not taken away by removing assignments
    app_roles: list[Json]
    oauth_grants: list[Json]
    memberships: list[Json]
    owners: list[Json]
    directory_roles: list[Json]
    key_vault_policies: list[Json]
    attachments: list[Json]  # Azure resources that can ask for its tokens
    locks: list[Json]
    unread: dict[str, str]


Part = Callable[[], Awaitable[Any]]


async def take(cloud: Cloud, incident: Incident, *, insist: bool) -> Snapshot:
    """Read it all side by side.

    What the first levers destroy has to be read: half of it is no undo. Role assignments at a scope that can't be
    read can't be destroyed either, so those and the rest may be left out, by name and with the reason; with `insist`
    not even then, where time may still help.
    """
    principal = incident["principal"]
    must, may = _must(cloud, principal, insist=insist), _may(cloud, principal)
    names = [*must, *may]
    reads = [patience.looked_twice(part) for part in (*must.values(), *may.values())]
    answers = await asyncio.gather(*reads, return_exceptions=True)
    read: dict[str, Any] = {}
    unread: dict[str, str] = {}
    for name, answer in zip(names, answers, strict=True):
        if not isinstance(answer, BaseException):
            read[name] = answer
        elif isinstance(answer, NotFoundError):  # deleted meanwhile, and said by its own part
            if name not in _OF_THE_OBJECT:
                unread[name] = str(answer)
        elif (
            name in must
            or not isinstance(answer, ResponderError)
            or (insist and isinstance(answer, TransientError))
        ):
            raise answer
        else:
            unread[name] = str(answer)
    grants, more = read["grants"]
    if more is not None:  # one scope out of sight must not keep every lever from being pulled
        unread["grants"] = more
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "application": _without_secrets(read.get("application")),
        "service_principal": _without_secrets(read.get("service_principal")),
        "identity": read.get("identity"),
        "federated_credentials": read.get("federated_credentials", []),
        "credentials": read.get("credentials", []),
        "grants": grants,
        "group_grants": read.get("group_grants", []),
        "app_roles": read.get("app_roles", []),
        "oauth_grants": read.get("oauth_grants", []),
        "memberships": read.get("memberships", []),
        "owners": read.get("owners", []),
        "directory_roles": read.get("directory_roles", []),
        "key_vault_policies": read.get("key_vault_policies", []),
        "attachments": read.get("attachments", []),
        "locks": read.get("locks", []),
        "unread": unread,
    }


def _must(cloud: Cloud, principal: Principal, *, insist: bool) -> dict[str, Part]:
    """What the first levers take away."""
    parts: dict[str, Part] = {}
    application_id, resource_id = principal["application_object_id"], principal["resource_id"]
    if application_id is not None:
        parts["application"] = lambda: cloud.graph.get(f"/applications/{application_id}")
        parts["federated_credentials"] = lambda: federated_credentials.read_all(
            cloud, application_id
        )
    if principal["kind"] == "user_assigned_identity" and resource_id is not None:
        parts["identity"] = lambda: managed_identities.read(cloud, resource_id)
        parts["federated_credentials"] = lambda: identity_trusts.read_all(cloud, resource_id)
    if principal["kind"] not in MANAGED:
        parts["credentials"] = lambda: credentials.read_all(cloud, principal)
    if principal["kind"] == "application_without_principal":
        parts["grants"] = _nothing
    else:
        parts["service_principal"] = lambda: cloud.graph.get(
            f"/servicePrincipals/{principal['object_id']}"
        )
        object_id = principal["object_id"]
        parts["grants"] = lambda: role_assignments.read_known(cloud, object_id, insist=insist)
    return parts


def _may(cloud: Cloud, principal: Principal) -> dict[str, Part]:
    """What else it may do, and who else may change it."""
    parts: dict[str, Part] = {"locks": lambda: _locks(cloud)}
    if principal["kind"] not in MANAGED:
        parts["owners"] = lambda: owners.read_all(cloud, principal)
    else:
        parts["attachments"] = lambda: _attachments(cloud, principal)
    if principal["kind"] != "application_without_principal":
        parts |= {
            "group_grants": lambda: role_assignments.group_grants(cloud, principal["object_id"]),
            "app_roles": lambda: app_roles.read_all(cloud, principal),
            "oauth_grants": lambda: oauth_grants.read_all(cloud, principal),
            "memberships": lambda: memberships.read_all(cloud, principal),
            "directory_roles": lambda: directory_roles.read_all(cloud, principal),
            "key_vault_policies": lambda: key_vault_policies.read_all(cloud, principal),
        }
    return parts


async def _attachments(cloud: Cloud, principal: Principal) -> list[Json]:
    return list((await managed_identities.attachments(cloud, principal)).get("items", []))


async def _locks(cloud: Cloud) -> list[Json]:
    """Every lock in sight: those above something that is to be deleted will refuse it."""
    subscriptions = await cloud.subscription_ids()
    return await locks.read_all(cloud, [f"/subscriptions/{one}" for one in subscriptions])


async def _nothing() -> tuple[list[Grant], str | None]:
    """An application without service principal is nobody whom a role could be given to."""
    return [], None


def _without_secrets(entity: Json | None) -> Json | None:
    if entity is None:
        return None
    kept = [
        {key: value for key, value in credential.items() if key not in _SECRET_FIELDS}
        for credential in entity.get("passwordCredentials") or []
    ]
    return {**entity, "passwordCredentials": kept}
