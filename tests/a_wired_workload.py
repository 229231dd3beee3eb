"""A workload that gets its tokens, as the checks of troubleshooting see it: each test breaks one thing of it."""

from playbooks.troubleshooting.model import Facts
from responders.model import FederatedCredential
from responders.wired_pods import PodSeen
from tests.a_principal import APP_ID, APPLICATION, PRINCIPAL
from tests.azure_fake import TENANT

ISSUER = f"https://westeurope.oic.prod-aks.azure.com/{TENANT}/0b1c/"
SUBJECT = "system:serviceaccount:shop:orders-api"
AUDIENCE = "api://AzureADTokenExchange"
CLUSTER = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks-weu"
STORAGE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/orders"


def trust(
    name: str = "orders",
    issuer: str = ISSUER,
    subject: str | None = SUBJECT,
    audience: str = AUDIENCE,
) -> FederatedCredential:
    """A federated credential."""
    return {
        "id": f"id-of-{name}",
        "name": name,
        "issuer": issuer,
        "subject": subject,
        "audiences": [audience],
    }


def pod(name: str = "orders-api-1", client_id: str = APP_ID) -> PodSeen:
    """A pod that the webhook wired."""
    return {
        "name": name,
        "created": "2026-11-27T01:00:00Z",
        "finished": False,
        "terminating": False,
        "use_label": "true",
        "binds": False,
        "containers": [
            {
                "name": "app",
                "variables": {
                    "AZURE_CLIENT_ID": client_id,
                    "AZURE_TENANT_ID": TENANT,
                    "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/wi/token/azure-identity-token",
                    "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
                },
                "has_secret": False,
                "mounts": {"wi": "/var/run/secrets/azure/wi"},
                "skipped": False,
            }
        ],
        "tokens": [
            {
                "volume": "wi",
                "audience": AUDIENCE,
                "path": "token/azure-identity-token",
                "expires_s": 3600,
            }
        ],
        "made_by": "Deployment/orders-api",
        "waits": [],
        "started": ["app"],
    }


def sound() -> Facts:
    """Facts in which nothing is wrong, and nothing unread."""
    return {
        "cluster": {
            "name": "aks-weu",
            "resource_id": CLUSTER,
            "location": "westeurope",
            "issuer_url": ISSUER,
        },
        "wiring": {
            "namespace": "shop",
            "name": "orders-api",
            "account": {
                "client_id": APP_ID,
                "tenant_id": None,
                "use_label": None,
                "created": "2026-01-01T00:00:00Z",
                "named_since": "2026-11-01T00:00:00Z",
                "owner": None,
            },
            "pods": [pod()],
            "templates": [
                {
                    "kind": "Deployment",
                    "name": "orders-api",
                    "use_label": "true",
                    "replicas": 1,
                    "owner": None,
                    "refusals": [],
                    "named": {},
                }
            ],
            "words": [],
            "unread": {},
        },
        "asked_for": "",
        "injects": True,
        "webhook": "",
        "keys": "",
        "identity": {
            "client_id": APP_ID,
            "principal": {**PRINCIPAL, "enabled": True, "application_object_id": APPLICATION},
            "unresolved": "",
            "meant": "",
            "deactivated": False,
            "trusts": [trust()],
            "held": [
                {"role": "Storage Blob Data Reader", "scope": STORAGE, "way": "role assignment"}
            ],
            "unread": {},
        },
        "incident": None,
        "exchange": {
            "verdict": {
                "accepted": True,
                "error_code": None,
                "error": None,
                "correlation_id": None,
            },
            "why": "",
        },
        "sign_ins": [],
        "hours": 24,
        "looked_at": "2026-11-27T02:00:00+00:00",
        "tenant_id": TENANT,
        "audience": AUDIENCE,
        "authority": "https://login.microsoftonline.com",
        "resource": "",
        "said": [],
        "unread": {},
    }
