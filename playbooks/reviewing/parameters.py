"""What a review may be asked for."""

from pydantic import BaseModel, ConfigDict


class SecurityReview(BaseModel):
    """Nothing: the whole tenant is reviewed."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
