"""Somebody who may do nearly everything in the sandbox, for tests of the sandbox itself and of single responders.

It is the system-assigned identity of Firebreak's app, which holds nothing by itself there: whole incidents are
carried out by the two identities that the permission file is about.
"""

from typing import Any

from sandbox.world import stable_guid

_GRAPH = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "AuditLog.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.Read.All",
    "GroupMember.ReadWrite.All",
    "IdentityRiskyServicePrincipal.ReadWrite.All",
    "RoleManagement.Read.Directory",
)
_EVERYWHERE = ("Reader", "Role Based Access Control Administrator")
_IN_THE_SUBSCRIPTION = (
    "Azure Kubernetes Service Cluster User Role",
    "Firebreak Cluster Enabler",
    "Firebreak Signing Key Rotator",
    "Log Analytics Reader",
    "Managed Identity Contributor",
    "Key Vault Contributor",
)
_READ = ["get", "list", "watch"]
_RULES: list[tuple[str, list[str], list[str]]] = [
    ("", ["serviceaccounts", "namespaces"], [*_READ, "create", "patch", "delete"]),
    ("", ["serviceaccounts/token"], ["create"]),
    ("", ["pods"], [*_READ, "delete"]),
    ("", ["pods/log"], ["get"]),
    ("apps", ["deployments", "statefulsets", "daemonsets", "replicasets"], [*_READ, "patch"]),
    ("apps", ["deployments/scale", "statefulsets/scale"], ["get", "patch"]),
    ("batch", ["jobs", "cronjobs"], [*_READ, "patch"]),
    ("networking.k8s.io", ["networkpolicies"], [*_READ, "create", "delete"]),
    (
        "rbac.authorization.k8s.io",
        ["roles", "clusterroles", "rolebindings", "clusterrolebindings"],
        _READ,
    ),
    ("", ["persistentvolumes", "persistentvolumeclaims", "resourcequotas"], ["list"]),
    ("", ["configmaps"], [*_READ, "patch"]),
    ("policy", ["poddisruptionbudgets"], ["list"]),
    ("storage.k8s.io", ["storageclasses"], ["list"]),
    ("secrets-store.csi.x-k8s.io", ["secretproviderclasses"], [*_READ, "patch"]),
    (
        "keda.sh",
        ["triggerauthentications", "clustertriggerauthentications", "scaledobjects", "scaledjobs"],
        [*_READ, "patch"],
    ),
    ("admissionregistration.k8s.io", ["mutatingwebhookconfigurations"], ["list"]),
    ("discovery.k8s.io", ["endpointslices"], ["list"]),
    ("kustomize.toolkit.fluxcd.io", ["kustomizations"], ["get", "patch"]),
    ("helm.toolkit.fluxcd.io", ["helmreleases"], ["get", "patch"]),
    ("argoproj.io", ["applications", "rollouts"], [*_READ, "patch"]),
    ("argoproj.io", ["rollouts/status"], ["patch"]),
    ("metrics.k8s.io", ["pods"], ["list"]),
]
_NAME = "operator"


def seeds(described: dict[str, Any]) -> dict[str, Any]:
    """For `/sandbox/seed`: what this one is given, long ago."""
    own = described["seed"]["firebreak"]["object_id"]
    root = f"/providers/Microsoft.Management/managementGroups/{described['tenant_id']}"
    subscription = f"/subscriptions/{described['subscription_id']}"
    security = f"{subscription}/resourceGroups/rg-security/providers"
    given = [
        *((role, root) for role in _EVERYWHERE),
        *((role, subscription) for role in _IN_THE_SUBSCRIPTION),
        (
            "Microsoft Sentinel Responder",
            f"{security}/Microsoft.OperationalInsights/workspaces/log-security",
        ),
        ("Storage Blob Data Contributor", described["seed"]["evidence"]["account_id"]),
        ("EventGrid Data Sender", described["seed"]["event_grid"]["incidents"]["resource_id"]),
    ]
    return {
        "days_ago": 240,
        "appRoleAssignments": [{"principalId": own, "role": one} for one in _GRAPH],
        "roleAssignments": [_assignment(own, role, scope) for role, scope in given],
        "clusters": {name: _in_cluster(own) for name in described["seed"]["clusters"]},
    }


def _assignment(own: str, role: str, scope: str) -> dict[str, str]:
    name = stable_guid(f"operator/{role}")
    return {"principalId": own, "role": role, "scope": scope, "name": name}


def _in_cluster(own: str) -> dict[str, Any]:
    rules: list[dict[str, Any]] = [
        {"apiGroups": [group], "resources": resources, "verbs": verbs}
        for group, resources, verbs in _RULES
    ]
    rules.append({"nonResourceURLs": ["/openid/v1/jwks"], "verbs": ["get"]})
    group = "rbac.authorization.k8s.io"
    return {
        "clusterroles": [{"metadata": {"name": _NAME}, "rules": rules}],
        "clusterrolebindings": [
            {
                "metadata": {"name": _NAME},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": _NAME},
                "subjects": [{"apiGroup": group, "kind": "User", "name": own}],
            }
        ],
    }
