"""What an audit may be asked for."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_GUID = r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"


class AuditIdentities(BaseModel):
    """Which identities are judged. All are read either way: a trust is judged by the whole tenant."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    client_ids: list[Annotated[str, Field(pattern=_GUID)]] = Field(
        default=[],
        max_length=1000,
        description="Client ids of the applications and managed identities to judge; empty: all.",
    )
