"""Bodies of control calls, read strictly: a typo in a test must not pass for a wish fulfilled."""

from sandbox.web import Call
from sandbox.world import Json


class WishError(ValueError):
    """The body is not what the path takes; says what is wrong."""


def wish(call: Call, *required: str, optional: tuple[str, ...] = ()) -> Json:
    """The body as a JSON object that has these names and, where any are given, no others."""
    try:
        body = call.json()
    except ValueError as wrong:
        raise WishError(f"not JSON: {wrong}") from wrong
    if not isinstance(body, dict):
        raise WishError("the body must be a JSON object")
    if lacking := sorted(set(required) - set(body)):
        raise WishError(f"missing: {', '.join(lacking)}")
    if required and (unknown := sorted(set(body) - set(required) - set(optional))):
        raise WishError(f"unknown: {', '.join(unknown)}")
    return body


def number(name: str, value: object) -> float:
    """A duration: a number, not negative."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise WishError(f"{name}: a number that is not negative is needed")
    return float(value)


def an_object(what: str, value: object) -> Json:
    """A JSON object, copied: its parts may be taken out one by one."""
    if not isinstance(value, dict):
        raise WishError(f"{what}: a JSON object is needed")
    return dict(value)


def a_list(what: str, value: object) -> list[object]:
    """A JSON list."""
    if not isinstance(value, list):
        raise WishError(f"{what}: a list is needed")
    return value


def text(one: Json, name: str, default: str | None = None) -> str:
    """Take a text that is not empty out of an object; `default` where it is not named."""
    value = one.pop(name, default)
    if not isinstance(value, str) or not value:
        raise WishError(f"{name}: a text is needed")
    return value


def nothing_else(what: str, one: Json) -> None:
    """Everything that was wished for has been taken out."""
    if one:
        raise WishError(f"{what}: unknown: {', '.join(sorted(one))}")
