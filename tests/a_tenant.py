"""A small tenant for tests of judging: everything is well until a test changes it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from playbooks.auditing.model import Holder, Limits, Role, Tenant
from responders.audit_model import (
    AccountFacts,
    ApplicationFacts,
    ClusterFacts,
    GrantFacts,
    LogFacts,
    Owner,
    RunnerFacts,
)
from responders.model import Credential, FederatedCredential

NOW = datetime(2026, 8, 1, 12, tzinfo=UTC)
TENANT = "7e4a4700-0000-4000-8000-000000000001"
OTHER_TENANT = "7e4a4700-0000-4000-8000-000000000002"
APP, OBJECT, PRINCIPAL = (f"a0000000-0000-4000-8000-{one:012d}" for one in (1, 2, 3))
SUBSCRIPTION = "/subscriptions/50000000-0000-4000-8000-000000000001"
CLUSTER = (
    f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks-weu"
)
ISSUER = f"https://westeurope.oic.prod-aks.azure.com/{TENANT}/c0000000-0000-4000-8000-000000000001/"
GITHUB = "https://token.actions.githubusercontent.com"
READER, OWNER, CONTRIBUTOR = "reader", "owner", "contributor"
ROLES = {
    READER: Role("Reader", "read", ""),
    OWNER: Role("Owner", "owner", "it may do all"),
    CONTRIBUTOR: Role("Contributor", "write", ""),
}


def ago(days: float) -> str:
    """A moment so many days before now."""
    return (NOW - timedelta(days=days)).isoformat()


def trust(**changed: Any) -> FederatedCredential:
    """Of the shop's orders-api in the one cluster."""
    plain: Any = {
        "id": "f0000000-0000-4000-8000-000000000001",
        "name": "aks-weu",
        "issuer": ISSUER,
        "subject": "system:serviceaccount:shop:orders-api",
        "audiences": ["api://AzureADTokenExchange"],
    }
    found: FederatedCredential = plain | changed
    return found


def secret(**changed: Any) -> Credential:
    """A fresh one of the application."""
    plain: Any = {
        "key_id": "b0000000-0000-4000-8000-000000000001",
        "kind": "password",
        "display_name": "ci",
        "started": ago(10),
        "ends": ago(-300),
        "usage": None,
        "holder": "application",
    }
    found: Credential = plain | changed
    return found


def grant(role: str, scope: str, **changed: Any) -> GrantFacts:
    """A role of the application, given long ago."""
    name = f"d0000000-0000-4000-8000-{abs(hash((role, scope))) % 10**12:012d}"
    plain: Any = {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "scope": scope,
        "role_id": role,
        "principal_id": PRINCIPAL,
        "principal_type": "ServicePrincipal",
        "created_on": ago(400),
    }
    found: GrantFacts = plain | changed
    return found


def holder(**changed: Any) -> Holder:
    """The application that the shop signs in as."""
    person: Owner = {"object_id": "dana", "name": "dana@contoso.com", "kind": "user"}
    application: ApplicationFacts = {
        "object_id": OBJECT,
        "app_id": APP,
        "name": "orders-api",
        "created": ago(500),
        "disabled": False,
        "multi_tenant": False,
        "credentials": [],
        "trusts": [],
        "owners": [person],
        "more_owners": False,
    }
    plain = Holder(
        OBJECT, PRINCIPAL, APP, "orders-api", None, True, ago(500), [trust()], [], application
    )
    return replace(plain, **changed)


def account(**changed: Any) -> AccountFacts:
    """The ServiceAccount that the trust is for."""
    plain: Any = {
        "namespace": "shop",
        "name": "orders-api",
        "client_id": APP,
        "created": ago(400),
        "owner": None,
        "runners": 1,
        "pods": 2,
    }
    found: AccountFacts = plain | changed
    return found


def runner(**changed: Any) -> RunnerFacts:
    """What runs as it."""
    plain: Any = {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "orders-api",
        "service_account": "orders-api",
        "labelled": True,
        "legacy": [],
    }
    found: RunnerFacts = plain | changed
    return found


def cluster(**changed: Any) -> ClusterFacts:
    """The one cluster."""
    plain: Any = {
        "cluster": "aks-weu",
        "resource_id": CLUSTER,
        "issuer_url": ISSUER,
        "accounts": [account()],
        "account_names": ["shop/default", "shop/orders-api"],
        "runners": [runner()],
        "unread": None,
    }
    found: ClusterFacts = plain | changed
    return found


def log(**changed: Any) -> LogFacts:
    """A log that goes back a hundred days, in which the application is seen."""
    plain: Any = {"oldest": ago(100), "last": {PRINCIPAL: ago(1)}, "credentials": {}}
    found: LogFacts = plain | changed
    return found


def tenant(*holders: Holder, **changed: Any) -> Tenant:
    """One application, one cluster, and logs; `changed` replaces parts."""
    made = Tenant(
        tenant_id=TENANT,
        now=NOW,
        limits=Limits(90, 30, 180, frozenset({GITHUB})),
        use={
            "since": ago(90),
            "until": NOW.isoformat(),
            "application_sign_ins": log(),
            "identity_sign_ins": log(),
            "activity": log(),
            "unread": [],
        },
        holders=list(holders) or [holder()],
        app_ids={APP},
        principal_ids={PRINCIPAL},
        roles=dict(ROLES),
        clusters=[cluster()],
    )
    return replace(made, **changed)
