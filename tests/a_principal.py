"""The principal that tests of responders are about, where they talk to the fake."""

import uuid

from responders.model import Principal
from tests.azure_fake import TENANT

OBJECT = str(uuid.UUID(int=0xA1))
APP_ID = str(uuid.UUID(int=0xA2))
APPLICATION = str(uuid.UUID(int=0xA3))
SERVICE_PRINCIPAL_PATH = f"/v1.0/servicePrincipals/{OBJECT}"
APPLICATION_PATH = f"/v1.0/applications/{APPLICATION}"
PRINCIPAL: Principal = {
    "kind": "application",
    "object_id": OBJECT,
    "app_id": APP_ID,
    "application_object_id": APPLICATION,
    "display_name": "orders-api",
    "tenant_id": TENANT,
    "owner_tenant_id": TENANT,
    "service_principal_type": "Application",
    "resource_id": None,
    "unsupported_because": None,
}
FOREIGN: Principal = {
    **PRINCIPAL,
    "kind": "foreign_application",
    "application_object_id": None,
    "owner_tenant_id": str(uuid.UUID(int=0xF0)),
}
WITHOUT_PRINCIPAL: Principal = {
    **PRINCIPAL,
    "kind": "application_without_principal",
    "object_id": APPLICATION,
    "service_principal_type": "none",
}
MANAGED: Principal = {
    **PRINCIPAL,
    "kind": "user_assigned_identity",
    "application_object_id": None,
    "owner_tenant_id": None,
    "service_principal_type": "ManagedIdentity",
}
