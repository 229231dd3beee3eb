"""Whom an alert is about: one identity or one ServiceAccount, by what can't be forged into another one's name."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from responders.model import Mode

_GUID = r"^$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
Guid = Annotated[str, Field(pattern=_GUID)]
_Name = Annotated[str, Field(max_length=253, pattern=r"^$|^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]


class AboutIdentity(BaseModel):
    """One identity, or one ServiceAccount."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    object_id: Guid = Field(default="", description="Of the service principal.")
    client_id: Guid = ""
    cluster: Annotated[str, Field(max_length=300)] = Field(
        default="", description="Of the ServiceAccount: ARM id, name or issuer."
    )
    namespace: _Name = ""
    service_account: _Name = ""

    @model_validator(mode="after")
    def names_one(self) -> Self:
        """A ServiceAccount takes all three of its names."""
        account = (self.cluster, self.namespace, self.service_account)
        if any(account) and not all(account):
            raise ValueError("a ServiceAccount is named by cluster, namespace and service_account")
        if sum(map(bool, (self.object_id, self.client_id, self.service_account))) != 1:
            raise ValueError("give one of object_id, client_id, service_account")
        return self


class MisconfiguredFederation(AboutIdentity):
    """Whose trusts are looked at."""


class StaleTokens(AboutIdentity):
    """Whose pods are looked at."""


class FailingSignIns(AboutIdentity):
    """Whose sign-ins are weighed, and how deep an incident about it may go."""

    most: Mode = Field(
        default="respond",
        description="An alert that came with a key and no Entra token goes no deeper than contain.",
    )
