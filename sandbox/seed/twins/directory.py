"""The directory's part: the application, its principal, what they hold, and who owns them."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sandbox.graph import group_shapes, shapes
from sandbox.graph.credentials import new_federated_credential
from sandbox.seed.first_party import MICROSOFT_TENANT
from sandbox.world import Json, World

_SERVICE_PRINCIPAL = "#microsoft.graph.servicePrincipal"


def ids_of_first_party(export: Json) -> dict[str, str]:
    """App id -> object id of Microsoft's APIs in the exported tenant: each tenant has others."""
    return {one["appId"]: one["id"] for one in export["directory"].get("resources") or []}


def plant(world: World, part: Json, issuers: Mapping[str, str], since: datetime) -> None:
    """All of it."""
    application = part.get("application")
    if application is not None:
        _application(world, application, since)
        for one in part.get("federated_credentials") or []:
            _trust(world, application["id"], one, issuers, since)
    for resource in part.get("resources") or []:
        _resource(world, resource, since)
    principal = part.get("service_principal")
    if principal is not None:
        _principal(world, principal, application, since)
    _people(world, part, since)
    _groups(world, part.get("groups") or [], since)
    for grant in part.get("app_role_assignments") or []:
        world.directory.app_role_assignments.put(
            grant["id"], {"deletedDateTime": None, **grant}, since=since
        )
    for consent in part.get("permission_grants") or []:
        world.directory.oauth2_permission_grants.put(
            consent["id"], {"principalId": None, **consent}, since=since
        )
    for role in part.get("directory_roles") or []:
        _directory_role(world, role, since)


def _application(world: World, one: Json, since: datetime) -> None:
    kept = _without_unsaid(one, "createdDateTime", "displayName", *_CREDENTIALS)
    value = shapes.new_application(
        one.get("displayName") or "",
        created=_made(one, since),
        object_id=one["id"],
        app_id=one["appId"],
        **{**kept, **_credentials(one)},
    )
    parts = shapes.new_application("", created=since)
    for name in ("api", "web", "spa", "publicClient"):
        value[name] = {**parts[name], **(one.get(name) or {})}
    world.directory.applications.put(one["id"], value, since=since)


def _principal(world: World, one: Json, application: Json | None, since: datetime) -> None:
    of = application or {"appId": one["appId"], "displayName": one.get("displayName")}
    kept = _without_unsaid(one, "createdDateTime", *_CREDENTIALS)
    value = shapes.new_service_principal(
        {"displayName": "", **of},
        created=_made(one, since),
        tenant_id=world.tenant_id,
        object_id=one["id"],
        **{**kept, **_credentials(one)},
    )
    world.directory.service_principals.put(one["id"], value, since=since)


_CREDENTIALS = ("keyCredentials", "passwordCredentials")


def _credentials(one: Json) -> Json:
    """By their ids and dates: their values were never exported, so nobody can sign in with one here."""
    keys = [
        {
            "customKeyIdentifier": None,
            "key": None,
            "type": "AsymmetricX509Cert",
            "usage": "Verify",
            **each,
        }
        for each in one.get("keyCredentials") or []
    ]
    secrets = [
        {"customKeyIdentifier": None, "hint": None, "secretText": None, **each}
        for each in one.get("passwordCredentials") or []
    ]
    return {"keyCredentials": keys, "passwordCredentials": secrets}


def _trust(
    world: World, application_id: str, one: Json, issuers: Mapping[str, str], since: datetime
) -> None:
    value = new_federated_credential(
        one["name"],
        application_id=application_id,
        issuer=issuers.get(one["issuer"], one["issuer"]),
        subject=one.get("subject") or "",
        credential_id=one["id"],
    )
    value |= {name: one[name] for name in ("audiences", "description", "subject") if name in one}
    if one.get("claimsMatchingExpression"):
        value["claimsMatchingExpression"] = one["claimsMatchingExpression"]
    world.directory.federated_credentials.put(one["id"], value, since=since)


def _resource(world: World, one: Json, since: datetime) -> None:
    """Something that it has permissions on; Microsoft's own are there already, under these ids."""
    if one["id"] in world.directory.service_principals:
        return
    value = shapes.new_service_principal(
        {"appId": one["appId"], "displayName": one.get("displayName") or ""},
        created=since,
        tenant_id=one.get("appOwnerOrganizationId") or MICROSOFT_TENANT,
        object_id=one["id"],
        appRoles=one.get("appRoles") or [],
    )
    world.directory.service_principals.put(one["id"], value, since=since)


def _people(world: World, part: Json, since: datetime) -> None:
    for one in part.get("people") or []:
        if one["id"] in world.directory.service_principals:
            continue
        if one["@odata.type"] == _SERVICE_PRINCIPAL:
            _resource(world, {"appId": one["id"], **one}, since)
            continue
        upn = one.get("userPrincipalName") or f"{one['id']}@example.invalid"
        user = shapes.new_user("owner", created=since, object_id=one["id"])
        user |= {"userPrincipalName": upn, "mail": upn, "displayName": one.get("displayName")}
        world.directory.users.put(one["id"], user, since=since)
    for owned, key in (
        ("application", "application_owners"),
        ("service_principal", "principal_owners"),
    ):
        if part.get(owned) is not None:
            world.directory.owners[part[owned]["id"]] = list(part.get(key) or [])


def _groups(world: World, groups: list[Json], since: datetime) -> None:
    for one in groups:
        kept = _without_unsaid(one, "members", "displayName", "id")
        value = group_shapes.new_group(
            one.get("displayName") or "", created=since, object_id=one["id"], **kept
        )
        world.directory.groups.put(one["id"], value, since=since)
        world.directory.group_members[one["id"]] = list(one.get("members") or [])


def _directory_role(world: World, one: Json, since: datetime) -> None:
    value = group_shapes.new_directory_role_assignment(one["principalId"], one["roleDefinitionId"])
    value |= {"id": one["id"], "directoryScopeId": one.get("directoryScopeId") or "/"}
    world.directory.role_assignments.put(one["id"], value, since=since)


def _without_unsaid(one: Json, *more: str) -> Json:
    return {
        name: value
        for name, value in one.items()
        if name not in {"id", "appId", *more} and value is not None
    }


def _made(one: Json, since: datetime) -> datetime:
    created = one.get("createdDateTime")
    return datetime.fromisoformat(created).astimezone(UTC) if created else since
