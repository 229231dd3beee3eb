"""The values that filters compare: dates as moments, text without regard to case."""

from typing import Any

from sandbox.graph.bodies import parse_date
from sandbox.graph.errors import bad_request, malformed
from sandbox.graph.schema import Property, Resource


def typed(known: Property, wanted: Any, resource: Resource) -> Any:
    """The literal as the property's type has it. Raises 400 where it is none of it."""
    if wanted is None:
        return None
    try:
        if known.type == "date":
            return parse_date(wanted) if isinstance(wanted, str) else wanted
        if known.type == "bool" and not isinstance(wanted, bool):
            raise malformed(
                "Invalid filter clause: A binary operator with incompatible types was "
                "detected. Found operand types 'Edm.Boolean' and 'Edm.String' for operator "
                "kind 'Equal'."
            )
        if known.type == "guid" and len(str(wanted)) != 36:
            raise ValueError("not a GUID")
    except ValueError as wrong:
        raise bad_request(
            f"Invalid value specified for property '{known.name}' of resource '{resource.title}'."
        ) from wrong
    return wanted.lower() if isinstance(wanted, str) else wanted


def follow(value: Any, path: list[str]) -> list[Any]:
    """The values at the end of a path; one None where the path ends early."""
    for name in path:
        if not isinstance(value, dict):
            return [None]
        value = value.get(name)
    return [value]


def comparable(known: Property, value: Any) -> Any:
    """A stored value in the form of `typed`."""
    if known.type == "date" and isinstance(value, str):
        return parse_date(value)
    return value.lower() if isinstance(value, str) else value


def compare(value: Any, operator: str, wanted: Any) -> bool:
    """One comparison; nothing is greater or less than null."""
    if operator in ("eq", "ne"):
        return (value == wanted) is (operator == "eq")
    if value is None or wanted is None:
        return False
    outcomes = {
        "ge": lambda: value >= wanted,
        "le": lambda: value <= wanted,
        "gt": lambda: value > wanted,
        "lt": lambda: value < wanted,
    }
    return bool(outcomes[operator]())
