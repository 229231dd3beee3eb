"""How a body is read: as its format, or refused with what is wrong and what to do."""

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ValidationError
from pydantic_core import from_json

Model = TypeVar("Model", bound=BaseModel)
LONGEST_TITLE = 200


class UnreadableError(Exception):
    """What came is not of its format. Nothing was started, and sending the same again changes nothing."""

    def __init__(self, code: str, message: str, todo: str) -> None:
        super().__init__(message)
        self.code = code
        self.todo = todo


class NobodyError(Exception):
    """It is of its format, and does not say which identity it is about, or not by an immutable id."""

    def __init__(self, code: str, message: str, candidates: list[str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.candidates = candidates or []


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("no such moment in UTC") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def stamp(moment: datetime) -> str:
    """As a signal has it: UTC, to the second."""
    return moment.isoformat(timespec="seconds")


def read(model: type[Model], body: bytes, *, code: str, todo: str) -> Model:
    """The body as this format. Raises `UnreadableError`."""
    try:
        return model.model_validate_json(body)
    except ValidationError as problem:
        raise UnreadableError(code, said(problem), todo) from None


def said(problem: ValidationError) -> str:
    """What is wrong with a body, without repeating the body."""
    parts = (
        f"{'.'.join(str(one) for one in issue['loc']) or 'body'}: {issue['msg']}"
        for issue in problem.errors(include_input=False, include_url=False)[:5]
    )
    return "; ".join(parts)


def embedded(text: object) -> Any:
    """JSON inside a string, as the activity log and the log tables carry it; None where it is none."""
    if not isinstance(text, str):
        return text
    try:
        return from_json(text)
    except ValueError:
        return None


def title(text: str | None, otherwise: str) -> str:
    """For people; whoever wrote it may be the attacker."""
    return (text or otherwise)[:LONGEST_TITLE]
