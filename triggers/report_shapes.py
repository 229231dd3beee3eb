"""What the parts of a report's document are made of."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# As our clocks write it, and with the Z that the timeline and log rows end in.
Moment = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]{5})$")]
Sentences = list[str]


class Closed(BaseModel):
    """Has no field that is not named here."""

    model_config = ConfigDict(extra="forbid")


class Open(BaseModel):
    """Has more fields than are promised here."""

    model_config = ConfigDict(extra="allow")
