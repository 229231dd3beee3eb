"""What validation objects to, field by field, worded as the API server words it.

Source   https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from dataclasses import dataclass
from typing import Literal

Reason = Literal[
    "FieldValueDuplicate",
    "FieldValueForbidden",
    "FieldValueInvalid",
    "FieldValueNotSupported",
    "FieldValueRequired",
    "FieldValueNotFound",
    "FieldValueTooLong",
    "FieldValueTypeInvalid",
]


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One field that validation objects to; `text` is the whole message behind the path."""

    reason: Reason
    field: str
    text: str


def required(field: str, text: str = "") -> FieldProblem:
    """The field must be there."""
    return FieldProblem("FieldValueRequired", field, f"Required value{': ' + text if text else ''}")


def invalid_value(field: str, value: object, text: str) -> FieldProblem:
    """The field's value is not allowed."""
    return FieldProblem("FieldValueInvalid", field, f"Invalid value: {_shown(value)}: {text}")


def not_supported(field: str, value: object, allowed: tuple[str, ...]) -> FieldProblem:
    """The field's value is not one of a closed list."""
    choices = ", ".join(f'"{each}"' for each in sorted(allowed))
    text = f"Unsupported value: {_shown(value)}: supported values: {choices}"
    return FieldProblem("FieldValueNotSupported", field, text)


def forbidden_field(field: str, text: str) -> FieldProblem:
    """The field must not be there, or not change."""
    return FieldProblem("FieldValueForbidden", field, f"Forbidden: {text}")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
