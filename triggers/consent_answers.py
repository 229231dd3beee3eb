"""What a person answers to a plan, and whether it fits: it names what is there, and all that it has to."""

from typing import Annotated, Literal

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field

from playbooks.plan_model import Plan
from triggers.answers import error


class Answer(BaseModel):
    """A person's yes or no to the plan with this hash."""

    model_config = ConfigDict(extra="forbid")

    plan_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    decision: Literal["grant", "deny"]
    reason: Annotated[str, Field(min_length=3, max_length=500)]
    chosen: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=500)
    confirmed: list[Annotated[str, Field(max_length=200)]] = Field(default=[], max_length=100)


def unnamed(given: Answer, plan: Plan) -> func.HttpResponse | None:
    """Why this is no consent to that plan: it names what is not in it, or not all that it has to."""
    choices = {one["key"] for one in plan["choices"]}
    confirmations = {one["key"] for one in plan["confirmations"]}
    unknown = sorted({*given.chosen} - choices | {*given.confirmed} - confirmations)
    if unknown:
        reason = f"the plan has no choice or confirmation {', '.join(unknown)}"
        todo = "name keys of consent.choices and confirmations"
        return error(400, "UnknownKey", reason, todo, more={"unknown": unknown})
    missing = [one for one in plan["confirmations"] if one["key"] not in given.confirmed]
    if given.decision == "deny" or not missing:
        return None
    said = "; ".join(f"{one['key']}: {one['sentence']}" for one in missing)
    todo = "read each, and send its key in `confirmed`"
    return error(409, "NotConfirmed", said, todo, more={"missing": missing})
