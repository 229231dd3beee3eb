"""What a troubleshooting may be asked for."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_Name = Annotated[str, Field(max_length=253, pattern=r"^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]


class TroubleshootWorkload(BaseModel):
    """Which workload: a pod or a ServiceAccount of a cluster, or whatever names a client id."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    cluster: Annotated[str, Field(max_length=300)] = Field(
        default="",
        description="ARM id or name; empty with `client_id` alone: every cluster in sight.",
    )
    namespace: _Name = ""
    pod: _Name = Field(
        default="", description="Its ServiceAccount is looked at, and of its pods this one."
    )
    service_account: _Name = ""
    client_id: Annotated[str, Field(max_length=100)] = Field(
        default="", description="Every ServiceAccount that names it is looked at."
    )
    error: Annotated[str, Field(max_length=10_000)] = Field(
        default="", description="What the program said: the AADSTS codes in it are explained."
    )
    resource: Annotated[str, Field(max_length=1_000, pattern=r"^$|^/[^\s?#]+$")] = Field(
        default="", description="ARM id of what it should reach: a role has to lead there."
    )
    token_exchange: bool = Field(
        default=True, description="Ask the token endpoint as the workload would."
    )

    @model_validator(mode="after")
    def names_one_thing(self) -> Self:
        """A pod and a ServiceAccount are in a namespace of a cluster."""
        given = [bool(one) for one in (self.pod, self.service_account, self.client_id)]
        if sum(given) != 1:
            raise ValueError("give one of pod, service_account, client_id")
        if not self.client_id and not (self.cluster and self.namespace):
            raise ValueError("a pod or a ServiceAccount needs its cluster and its namespace")
        if self.client_id and self.namespace and not self.cluster:
            raise ValueError("a namespace needs its cluster")
        return self
