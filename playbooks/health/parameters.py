"""What a health check may be asked for."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class HealthCheck(BaseModel):
    """Which clusters are looked at."""

    model_config = ConfigDict(extra="forbid", defer_build=True)

    clusters: list[Annotated[str, Field(max_length=300)]] = Field(
        default=[],
        max_length=10_000,
        description="ARM ids or names; empty: every cluster in sight.",
    )
