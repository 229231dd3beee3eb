"""Whom a trust believes. Pure, no I/O.

Source   https://learn.microsoft.com/azure/aks/use-oidc-issuer
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
         https://learn.microsoft.com/azure/aks/identity-bindings-concepts
"""

import re
from typing import Literal

from playbooks.auditing.model import Tenant
from responders.audit_model import ClusterFacts

Issuer = Literal["cluster", "binding", "directory", "known", "near", "gone", "foreign", "unknown"]
_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Of every cloud; behind the tenant comes the cluster's own GUID, or of a binding the client id.
_AKS = re.compile(
    rf"https://(?P<host>[a-z0-9-]+)\.oic\.[a-z0-9.-]*aks\.[a-z0-9.-]+/(?P<tenant>{_GUID})/{_GUID}/?",
    re.IGNORECASE,
)
_BINDINGS = "ib"
_ENTRA = re.compile(
    rf"https://(?:login\.microsoftonline\.(?:com|us)|login\.partner\.microsoftonline\.cn|sts\.windows\.net)"
    rf"/(?P<tenant>{_GUID})/(?:v2\.0)?",
    re.IGNORECASE,
)


def of(tenant: Tenant, issuer: str, clusters: dict[str, ClusterFacts]) -> Issuer:
    """Which kind of issuer this is. It is compared to the letter, as Entra does."""
    if issuer in clusters:
        return "cluster"
    if issuer in tenant.limits.known_issuers:
        return "known"
    if near(issuer, clusters):
        return "near"
    for pattern in (_AKS, _ENTRA):
        if match := pattern.fullmatch(issuer):
            return _of_microsoft(match, tenant.tenant_id)
    return "unknown"


def near(issuer: str, clusters: dict[str, ClusterFacts]) -> str | None:
    """The issuer of a cluster that this one was meant to be: they differ by a slash at the end or by case."""
    plain = issuer.rstrip("/").lower()
    return next((one for one in clusters if one.rstrip("/").lower() == plain), None)


def _of_microsoft(match: re.Match[str], tenant_id: str) -> Issuer:
    if match["tenant"].lower() != tenant_id.lower():
        return "foreign"
    if match.re is _ENTRA:
        return "directory"
    return "binding" if match["host"].lower() == _BINDINGS else "gone"


def account_of(subject: str | None) -> str | None:
    """Namespace and name, with a slash between, of the ServiceAccount that a subject names."""
    parts = (subject or "").split(":")
    if len(parts) == 4 and parts[:2] == ["system", "serviceaccount"]:
        return f"{parts[2]}/{parts[3]}"
    return None
