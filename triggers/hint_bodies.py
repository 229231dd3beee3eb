"""How people and their own detections name an identity: exactly one id, strictly. Names are never looked up."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.policy import Guid
from responders.model import Hint

_ONE_OF = ("object_id", "app_id", "resource_id", "role_assignment_id", "service_account")
_ResourceId = Annotated[str, Field(pattern=r"^/", min_length=2, max_length=2048)]


class ServiceAccountBody(BaseModel):
    """A ServiceAccount, which names its identity itself."""

    model_config = ConfigDict(extra="forbid")

    # ARM id or name of the cluster, or its issuer URL.
    cluster: Annotated[str, Field(min_length=1, max_length=2048)]
    # https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    name: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]


class HintBody(BaseModel):
    """Exactly one of these; what it leads to has to be one identity."""

    model_config = ConfigDict(extra="forbid")

    object_id: Guid | None = None
    app_id: Guid | None = None
    resource_id: _ResourceId | None = None
    role_assignment_id: _ResourceId | None = None
    service_account: ServiceAccountBody | None = None

    @model_validator(mode="after")
    def exactly_one_id(self) -> Self:
        """Two ids could name two principals; none names nobody."""
        if sum(getattr(self, one) is not None for one in _ONE_OF) != 1:
            raise ValueError(f"send exactly one of {', '.join(_ONE_OF)}; names are never looked up")
        return self

    def hint(self) -> Hint:
        """As a signal carries it."""
        if self.object_id is not None:
            return {"object_id": self.object_id.lower()}
        if self.app_id is not None:
            return {"app_id": self.app_id.lower()}
        if self.resource_id is not None:
            return {"resource_id": self.resource_id}
        if self.role_assignment_id is not None:
            return {"role_assignment_id": self.role_assignment_id}
        account = self.service_account
        if account is None:
            raise ValueError("no id")  # never: `exactly_one_id` has seen to it
        return {
            "service_account": {
                "cluster": account.cluster,
                "namespace": account.namespace,
                "name": account.name,
            }
        }
