"""What a run of rotate_federation is told."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from playbooks.policy import Guid
from playbooks.provisioning.declarations import Cluster

# Short, so that names stay readable: 2026q4, 202611.
Label = Annotated[str, Field(pattern=r"^[a-z0-9]{1,12}$")]


class Rotate(BaseModel):
    """Whose trusts, and how. A label names one rotation: with the same one a run goes on where the last one ended."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)

    object_id: Guid | None = None
    app_id: Guid | None = None
    resource_id: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    label: Label
    # Other ServiceAccount names, so that no token of an old one fits; or the clusters' signing keys, twice.
    method: Literal["new_subject", "signing_keys"] = "new_subject"
    clusters: Annotated[
        list[Cluster], Field(max_length=100)
    ] = []  # none: all that federate into it
    remove_unused: bool = (
        False  # trusts of no cluster in sight, and of ServiceAccounts that are gone
    )
    migrate_secrets: bool = False  # workloads that hold a secret of it get a trust instead
    remove_credentials: Annotated[list[Guid], Field(max_length=100)] = []  # key ids

    @model_validator(mode="after")
    def _names_one(self) -> "Rotate":
        named = [one for one in (self.object_id, self.app_id, self.resource_id) if one]
        if len(named) != 1:
            raise ValueError("name the identity by exactly one of object_id, app_id, resource_id")
        if self.method == "signing_keys" and (
            self.remove_unused or self.migrate_secrets or self.remove_credentials
        ):
            raise ValueError("signing_keys turns keys alone: what is removed goes with new_subject")
        return self
