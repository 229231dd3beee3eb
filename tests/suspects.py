"""Principals that the tests of single levers act on."""

import uuid

from responders.model import Principal, PrincipalKind
from tests.azure_fake import SUBSCRIPTION, TENANT

OBJECT = str(uuid.UUID(int=0xA1))
CLIENT = str(uuid.UUID(int=0xC1))
IDENTITY = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-orders/providers"
    "/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"
)
MACHINE = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-orders/providers"
    "/Microsoft.Compute/virtualMachines/vm-batch"
)


def suspect(
    kind: PrincipalKind = "application",
    *,
    object_id: str = OBJECT,
    app_id: str = CLIENT,
    resource_id: str | None = None,
) -> Principal:
    """One of this kind, whose application and resource follow from it."""
    of_kind = {"user_assigned_identity": IDENTITY, "system_assigned_identity": MACHINE}
    return {
        "kind": kind,
        "object_id": object_id,
        "app_id": app_id,
        "application_object_id": str(uuid.UUID(int=0xA2)) if kind == "application" else None,
        "display_name": "suspect",
        "tenant_id": TENANT,
        "owner_tenant_id": TENANT,
        "service_principal_type": "Application" if kind == "application" else "ManagedIdentity",
        "resource_id": resource_id or of_kind.get(kind),
        "unsupported_because": None,
    }
