"""A cluster's part of an export: what of it has to do with the principal, as an inventory keeps it.

Of environment variables there are those that say which identity is used, of ConfigMaps the entries that do, of Secrets
nothing but their names where a pod refers to them.
"""

from typing import Literal, get_args

from pydantic import Field

from twin.azure_model import IdentityBinding
from twin.wire import Wire
from twin.workload_model import RoleReference, Rule, Spec, Subject


class Enabled(Wire):
    """A switch."""

    enabled: bool | None = None


class Issuer(Enabled):
    """The OIDC issuer."""

    issuerURL: str | None = None


class Security(Wire):
    """Of its security profile the add-on."""

    workloadIdentity: Enabled | None = None


class Server(Wire):
    """How the API server is reached."""

    enablePrivateCluster: bool | None = None
    disableRunCommand: bool | None = None


class Network(Wire):
    """What enforces NetworkPolicies."""

    networkPlugin: str | None = None
    networkPolicy: str | None = None
    networkDataplane: str | None = None


class Entra(Wire):
    """Whose tokens it takes."""

    managed: bool | None = None
    enableAzureRBAC: bool | None = None


class Facts(Wire):
    """Properties of the resource that a plan depends on, and versions for whoever reviews."""

    kubernetesVersion: str | None = None
    disableLocalAccounts: bool | None = None
    oidcIssuerProfile: Issuer | None = None
    securityProfile: Security | None = None
    apiServerAccessProfile: Server | None = None
    networkProfile: Network | None = None
    aadProfile: Entra | None = None


class ManagedCluster(Wire):
    """The cluster as Azure shows it."""

    id: str
    name: str
    location: str
    properties: Facts


class Metadata(Wire):
    """Of an object; annotations are those that name an identity or an owner."""

    name: str
    namespace: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    creationTimestamp: str | None = None
    named_since: str | None = None  # when its client id was last written, as its managed fields say


class Object(Wire):
    """One object of any of the kinds."""

    metadata: Metadata
    spec: Spec | None = None
    rules: list[Rule] | None = None
    subjects: list[Subject] | None = None
    roleRef: RoleReference | None = None
    data: dict[str, str] | None = None
    immutable: bool | None = None
    parameters: dict[str, str] | None = None
    provisioner: str | None = None


class GitOps(Wire):
    """A controller that puts back what Git says, and whether it does now."""

    controller: Literal[
        "Flux Kustomization", "Flux HelmRelease", "Argo CD application", "Helm release"
    ]
    namespace: str | None = None
    name: str
    suspended: bool | None = None  # None: it could not be read
    interval: str | None = None


Plural = Literal[
    "serviceaccounts",
    "deployments",
    "statefulsets",
    "daemonsets",
    "replicasets",
    "jobs",
    "cronjobs",
    "pods",
    "rollouts",
    "roles",
    "clusterroles",
    "rolebindings",
    "clusterrolebindings",
    "poddisruptionbudgets",
    "configmaps",
    "persistentvolumes",
    "persistentvolumeclaims",
    "storageclasses",
    "secretproviderclasses",
    "triggerauthentications",
    "clustertriggerauthentications",
    "scaledobjects",
    "scaledjobs",
]
PLURALS: tuple[Plural, ...] = get_args(Plural)


class Cluster(Wire):
    """One cluster."""

    name: str  # as the plan names it; two of one name are told apart
    resource: ManagedCluster
    reachable: bool
    reason: str = ""  # why not
    webhook: str = ""  # what is wrong with the identity webhook; empty where it serves
    objects: dict[Plural, list[Object]] = Field(default_factory=dict)
    gitops: list[GitOps] = []
    bindings: list[IdentityBinding] = []
