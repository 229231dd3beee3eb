"""The checklist: controls of published standards that are about workload identities, and what each asks here. Pure.

Source   https://kubernetes.io/docs/concepts/security/pod-security-standards/
         https://www.cisecurity.org/benchmark/kubernetes (CIS Azure Kubernetes Service Benchmark, v1.7)
         https://learn.microsoft.com/security/benchmark/azure/overview (Microsoft cloud security benchmark)
         https://learn.microsoft.com/azure/aks/policy-reference (Azure Policy, built in)
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from typing import NamedTuple

from playbooks.runs.model import Severity


class Control(NamedTuple):
    """One row. `asks` is what is looked at here: a published control is often wider."""

    source: str
    title: str  # as the source has it
    asks: str
    severity: Severity  # of an object that does not hold


_CIS, _MCSB = "CIS AKS Benchmark 1.7", "Microsoft cloud security benchmark"
_K8S, _POLICY, _ENTRA = "Kubernetes", "Azure Policy", "Entra workload ID"

CONTROLS: dict[str, Control] = {
    "pss-enforce": Control(
        "Pod Security Standards",
        "Enforce with namespace labels",
        "namespaces with identities enforce baseline or restricted",
        "medium",
    ),
    "policy-pod-security": Control(
        _POLICY,
        "Kubernetes cluster pod security baseline (or restricted) standards for Linux-based workloads",
        "one of the two initiatives is assigned, and enforced, where each cluster is",
        "medium",
    ),
    "policy-add-on": Control(
        _POLICY,
        "Azure Policy Add-on for Kubernetes service (AKS) should be installed and enabled on your clusters",
        "the add-on is on in each cluster: without it no policy reaches into it",
        "medium",
    ),
    "policy-local-accounts": Control(
        _POLICY,
        "Azure Kubernetes Service Clusters should have local authentication methods disabled",
        "no shared administrator's certificate can be had",
        "high",
    ),
    "policy-compliance": Control(
        _POLICY,
        "Compliance state of assigned policies",
        "no cluster, key vault or managed identity is non-compliant",
        "medium",
    ),
    "cis-4.1.4": Control(
        _CIS,
        "4.1.4 Minimize access to create pods",
        "nobody from another namespace, and no group of everybody, may run pods or request tokens as an identity",
        "high",
    ),
    "cis-4.1.5": Control(
        _CIS,
        "4.1.5 Ensure that default service accounts are not actively used",
        "no identity is given to a default ServiceAccount, and no pod asks for one as it",
        "medium",
    ),
    "cis-4.4.2": Control(
        _CIS,
        "4.4.2 Ensure that all Namespaces have Network Policies defined",
        "NetworkPolicies isolate each workload with an identity in both directions, and something enforces them",
        "medium",
    ),
    "network-egress": Control(
        _K8S,
        "Network Policies: default deny, then allow what is needed",
        "workloads with identities reach DNS and port 443, and nothing else",
        "medium",
    ),
    "cis-4.6.1": Control(
        _CIS,
        "4.6.1 Create administrative boundaries between resources using namespaces",
        "no RoleBinding of such a namespace is for ServiceAccounts of others, or for everybody",
        "medium",
    ),
    "resource-quota": Control(
        _K8S, "Resource Quotas", "namespaces with identities have one", "low"
    ),
    "disruption-budget": Control(
        _K8S,
        "Pod Disruption Budgets",
        "workloads of several replicas with an identity have one, so that a drain or a restart leaves some",
        "low",
    ),
    "cis-4.5.2": Control(
        _CIS,
        "4.5.2 Consider external secret storage",
        "SecretProviderClasses take secrets by a workload's own identity, not by the node's",
        "medium",
    ),
    "policy-vault-rbac": Control(
        _POLICY,
        "Azure Key Vault should use RBAC permission model",
        "vaults that workloads read by the CSI driver decide by Azure RBAC",
        "medium",
    ),
    "vault-least-privilege": Control(
        _MCSB,
        "PA-7 Follow just enough administration (least privilege) principle",
        "who reads a vault by the CSI driver has no role on it that changes it",
        "medium",
    ),
    "mcsb-im-3": Control(
        _MCSB,
        "IM-3 Manage application identities securely and automatically",
        "workloads sign in by federation: no secret or certificate lies beside it, or in a pod",
        "high",
    ),
    "mcsb-im-8": Control(
        _MCSB,
        "IM-8 Restrict the exposure of credential and secrets",
        "secrets and certificates that are left are young, and are not about to end unseen",
        "medium",
    ),
    "federation-trusts": Control(
        _ENTRA,
        "Important considerations and restrictions for federated identity credentials",
        "trusts believe our clusters and known issuers, to the letter, and name accounts that are there",
        "high",
    ),
    "federation-use": Control(
        _ENTRA,
        "Sign-in activity of federated identity credentials",
        "each trust was used lately: one that nobody uses is a door that nobody watches",
        "low",
    ),
    "mcsb-pa-1": Control(
        _MCSB,
        "PA-1 Separate and limit highly privileged/administrative users",
        "no identity of a workload has an owner-level role",
        "high",
    ),
    "mcsb-pa-4": Control(
        _MCSB,
        "PA-4 Review and reconcile user access regularly",
        "identities and roles are used, and belong to somebody who is there",
        "medium",
    ),
    "mcsb-pa-7": Control(
        _MCSB,
        "PA-7 Follow just enough administration (least privilege) principle",
        "roles that change resources are given below a subscription",
        "medium",
    ),
}
