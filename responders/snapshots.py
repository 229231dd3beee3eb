"""Responder: everything about the identity as it stands, before anything is changed.

Stops    nothing
Leaves   everything as it is
Undo     none needed; what it returns is the undo record of every other responder
Needs    Application.Read.All; Microsoft.Authorization/roleAssignments/read
Source   https://learn.microsoft.com/security/operations/incident-response-playbook-compromised-malicious-app

It reads through the responders of the single nouns, which is why it may import them.
"""

import asyncio
from datetime import UTC, datetime
from typing import TypedDict

from responders import credentials, federated_credentials, role_assignments
from responders.cloud import Cloud
from responders.model import Credential, FederatedCredential, Grant, Incident, Json

_SECRET_FIELDS = ("secretText", "hint")  # `hint` is the first three characters of a secret


class Snapshot(TypedDict):
    """The identity before containment. Credentials without their values."""

    taken_at: str
    application: Json | None
    service_principal: Json
    owners: list[Json]
    federated_credentials: list[FederatedCredential]
    credentials: list[Credential]
    app_role_assignments: list[Json]
    grants: list[Grant]


async def take(cloud: Cloud, incident: Incident) -> Snapshot:
    """Read it all side by side. Any read that fails fails the snapshot: half of one is no undo."""
    principal = incident["principal"]
    application_id = principal["application_object_id"]
    service_principal_path = f"/servicePrincipals/{principal['object_id']}"
    async with asyncio.TaskGroup() as reads:
        sp = reads.create_task(cloud.graph.get(service_principal_path))
        roles = reads.create_task(cloud.graph.list(f"{service_principal_path}/appRoleAssignments"))
        keys = reads.create_task(credentials.read_all(cloud, principal))
        grants = reads.create_task(role_assignments.read_all(cloud, principal["object_id"]))
        if application_id:
            app = reads.create_task(cloud.graph.get(f"/applications/{application_id}"))
            owners = reads.create_task(cloud.graph.list(f"/applications/{application_id}/owners"))
            trusts = reads.create_task(federated_credentials.read_all(cloud, application_id))
    return {
        "taken_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "application": _without_secrets(app.result()) if application_id else None,
        "service_principal": _without_secrets(sp.result()),
        "owners": owners.result() if application_id else [],
        "federated_credentials": trusts.result() if application_id else [],
        "credentials": keys.result(),
        "app_role_assignments": roles.result(),
        "grants": grants.result(),
    }


def _without_secrets(entity: Json) -> Json:
    kept = [
        {key: value for key, value in credential.items() if key not in _SECRET_FIELDS}
        for credential in entity.get("passwordCredentials") or []
    ]
    return {**entity, "passwordCredentials": kept}
