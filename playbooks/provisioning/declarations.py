"""An identity as a YAML document declares it. Unknown keys are errors; a problem names its file, line and key.

Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsoftmanagedidentity
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from playbooks.policy import Guid
from responders.workload_facts import LONGEST_S, SHORTEST_S

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,61}[a-z0-9]$")]
# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
Namespace = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]
Account = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$")]
Workload = Annotated[
    str,
    Field(
        pattern=r"^(Deployment|StatefulSet|DaemonSet|CronJob)/[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
    ),
]
# Of ASCII alone: names that only look alike are different ones.
_GROUP = r"[a-zA-Z0-9_.()-]{1,90}"
_SUBSCRIPTION = r"/subscriptions/[0-9a-fA-F-]{36}"
ResourceGroup = Annotated[str, Field(pattern=rf"^{_SUBSCRIPTION}/resourceGroups/{_GROUP}$")]
Scope = Annotated[
    str,
    Field(
        pattern=rf"^({_SUBSCRIPTION}(/resourceGroups/{_GROUP})?(/providers(/[a-zA-Z0-9_.() -]+)+)?"
        rf"|/providers/Microsoft\.Management/managementGroups/{_GROUP})$"
    ),
]
# A cluster by its name, or by its ARM id where the name is there twice.
Cluster = Annotated[
    str,
    Field(
        pattern=rf"^([a-zA-Z0-9][a-zA-Z0-9_-]{{0,62}}"
        rf"|{_SUBSCRIPTION}/resourceGroups/{_GROUP}/providers/"
        r"Microsoft\.ContainerService/managedClusters/[a-zA-Z0-9_-]+)$"
    ),
]
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease", "gatekeeper-system")


class _Declared(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class ServiceAccount(_Declared):
    """A ServiceAccount that the identity trusts, and whose pods get it."""

    namespace: Namespace
    name: Account
    clusters: list[Cluster] | None = None  # of the identity's; None: all of them
    workloads: list[
        Workload
    ] = []  # whose pod templates get the label by which the webhook knows them
    token_expiration_seconds: Annotated[int, Field(ge=SHORTEST_S, le=LONGEST_S)] | None = None

    @field_validator("namespace")
    @classmethod
    def _is_for_workloads(cls, namespace: str) -> str:
        """The webhook passes these by, and what runs there belongs to AKS."""
        if namespace in _SYSTEM:
            raise ValueError(
                f"{namespace} is the cluster's own namespace: its pods get no identity"
            )
        return namespace


class Role(_Declared):
    """A role assignment."""

    role: Annotated[
        str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f']+$")
    ]  # name or id
    scope: Scope
    condition: Annotated[str, Field(min_length=1, max_length=8000)] | None = None


class Identity(_Declared):
    """One document."""

    version: Literal[1]
    name: Name
    kind: Literal["application", "user_assigned_identity"]
    client_id: Guid | None = None  # of one that exists already: it is taken over, not made
    resource_group: ResourceGroup | None = None
    location: Annotated[str, Field(pattern=r"^[a-z0-9]{3,40}$")] | None = None
    tags: dict[
        Annotated[str, Field(pattern=r"^[^<>%&\\?/\x00-\x1f]{1,512}$")],
        Annotated[str, Field(max_length=256)],
    ] = {}
    clusters: Annotated[list[Cluster], Field(min_length=1, max_length=100)]
    service_accounts: Annotated[list[ServiceAccount], Field(min_length=1, max_length=20)]
    roles: Annotated[list[Role], Field(max_length=100)] = []

    @model_validator(mode="after")
    def _is_whole(self) -> "Identity":
        """What one field can't say of itself."""
        managed = self.kind == "user_assigned_identity"
        if managed and not (self.resource_group and self.location):
            raise ValueError("a user_assigned_identity needs a resource_group and a location")
        if not managed and (self.resource_group or self.location or self.tags):
            raise ValueError("an application has no resource_group, location or tags")
        if reserved := sorted(one for one in self.tags if one.lower().startswith("firebreak-")):
            raise ValueError(f"tags: {', '.join(reserved)} is written by Firebreak")
        _once("clusters", self.clusters)
        _once("service_accounts", [f"{one.namespace}/{one.name}" for one in self.service_accounts])
        _once("roles", [f"{one.role} at {one.scope}" for one in self.roles])
        for account in self.service_accounts:
            if strange := sorted(set(account.clusters or []) - set(self.clusters)):
                raise ValueError(
                    f"service_accounts: {account.namespace}/{account.name} names {', '.join(strange)}, which is none "
                    "of the identity's clusters"
                )
        return self

    def clusters_of(self, account: ServiceAccount) -> list[str]:
        """Where this ServiceAccount is, as declared."""
        return self.clusters if account.clusters is None else account.clusters


def _once(what: str, said: list[str]) -> None:
    lowered = [one.lower() for one in said]
    if twice := sorted({one for one in lowered if lowered.count(one) > 1}):
        raise ValueError(f"{what}: {', '.join(twice)} is there twice")
