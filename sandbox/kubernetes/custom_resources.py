"""Custom resources against the structural schema of their definition: pruning, defaults, validation.

Faithful    unknown fields are pruned and named, unless the schema preserves them; nulls are dropped; defaults; types,
            enums, required fields and simple limits; empty lists and maps stay
Left out    CEL rules, formats, oneOf and its like
Source      https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

import json
import re
from typing import Any

from sandbox.kubernetes import schema
from sandbox.kubernetes.field_problems import FieldProblem, required
from sandbox.kubernetes.kind import Kind
from sandbox.world import Json, copied

_OPEN = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_OWN = ("apiVersion", "kind", "metadata")
_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


def decode(kind: Kind, value: Json) -> tuple[Json, list[str]]:
    """The value with its defaults and without what the schema does not know, whose paths follow.

    Metadata is the same struct as everywhere. Raises `schema.TypeMismatchError`.
    """
    unknown: list[str] = []
    decoded: Json = {}
    for name, item in value.items():
        if name == "metadata":
            decoded[name] = schema.decode_struct("ObjectMeta", item, name, unknown)
        elif name in _OWN:
            decoded[name] = item
    rest = {name: item for name, item in value.items() if name not in _OWN}
    kept = _pruned(_root(kind), rest, "", unknown)
    _set_defaults(_root(kind), kept)
    return {**decoded, **kept}, unknown


def problems(kind: Kind, value: Json) -> list[FieldProblem]:
    """What the schema has against this object."""
    found: list[FieldProblem] = []
    _check(_root(kind), {name: each for name, each in value.items() if name not in _OWN}, "", found)
    return sorted(found, key=lambda problem: problem.field)


def _root(kind: Kind) -> Json:
    assert kind.definition is not None  # noqa: S101 - asked of custom resources only
    root = dict(kind.definition.schema)
    root["properties"] = {
        name: each for name, each in root.get("properties", {}).items() if name not in _OWN
    }
    root["required"] = [each for each in root.get("required", []) if each not in _OWN]
    return root


def _pruned(shape: Json, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        items = shape.get("items", {})
        return [_pruned(items, each, f"{path}[{at}]", unknown) for at, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    known = shape.get("properties", {})
    others = shape.get("additionalProperties")
    kept: Json = {}
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        if item is None and name in known and not known[name].get("nullable"):
            continue
        if name in known:
            kept[name] = _pruned(known[name], item, inner, unknown)
        elif isinstance(others, dict):
            kept[name] = _pruned(others, item, inner, unknown)
        elif others is True or shape.get(_OPEN):
            kept[name] = copied(item)
        else:
            unknown.append(inner)
    return kept


def _set_defaults(shape: Json, value: Any) -> None:
    if isinstance(value, list):
        for each in value:
            _set_defaults(shape.get("items", {}), each)
    if not isinstance(value, dict):
        return
    for name, inner in shape.get("properties", {}).items():
        if "default" in inner and name not in value:
            value[name] = copied(inner["default"])
        if name in value:
            _set_defaults(inner, value[name])
    others = shape.get("additionalProperties")
    if isinstance(others, dict):
        for each in value.values():
            _set_defaults(others, each)


def _check(shape: Json, value: Any, path: str, found: list[FieldProblem]) -> None:
    if value is None and shape.get("nullable"):
        return
    if not _is_of_type(shape, value):
        wanted = shape.get("type", "integer, string" if shape.get(_EITHER) else "object")
        name = _type_name(value)
        text = f'Invalid value: "{name}": {path} in body must be of type {wanted}: "{name}"'
        found.append(FieldProblem("FieldValueTypeInvalid", path, text))
        return
    if "enum" in shape and value not in shape["enum"]:
        choices = ", ".join(f'"{each}"' for each in shape["enum"])
        text = f'Unsupported value: "{value}": supported values: {choices}'
        found.append(FieldProblem("FieldValueNotSupported", path, text))
    for text in _broken_limits(shape, value, path):
        shown = json.dumps(value)
        found.append(FieldProblem("FieldValueInvalid", path, f"Invalid value: {shown}: {text}"))
    if isinstance(value, list):
        for at, each in enumerate(value):
            _check(shape.get("items", {}), each, f"{path}[{at}]", found)
    if isinstance(value, dict):
        _check_fields(shape, value, path, found)


def _check_fields(shape: Json, value: Json, path: str, found: list[FieldProblem]) -> None:
    for name in shape.get("required", []):
        if name not in value:
            found.append(required(f"{path}.{name}" if path else name))
    others = shape.get("additionalProperties")
    for name, item in value.items():
        inner = shape.get("properties", {}).get(name)
        if inner is None and isinstance(others, dict):
            inner = others
        if inner is not None:
            _check(inner, item, f"{path}.{name}" if path else name, found)


def _is_of_type(shape: Json, value: Any) -> bool:
    if shape.get(_EITHER):
        return isinstance(value, int | str) and not isinstance(value, bool)
    wanted = shape.get("type")
    if wanted is None:
        return True
    if isinstance(value, bool):
        return bool(wanted == "boolean")
    return isinstance(value, _TYPES[wanted])


def _type_name(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    return next(name for name, types in _TYPES.items() if isinstance(value, types))


def _broken_limits(shape: Json, value: Any, path: str) -> list[str]:
    found = []
    if isinstance(value, str):
        if len(value) < shape.get("minLength", 0):
            found.append(f"{path} in body should be at least {shape['minLength']} chars long")
        if len(value) > shape.get("maxLength", len(value)):
            found.append(f"{path} in body should be at most {shape['maxLength']} chars long")
        if "pattern" in shape and not re.search(shape["pattern"], value):
            found.append(f"{path} in body should match '{shape['pattern']}'")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < shape.get("minimum", value):
            found.append(f"{path} in body should be greater than or equal to {shape['minimum']}")
        if value > shape.get("maximum", value):
            found.append(f"{path} in body should be less than or equal to {shape['maximum']}")
    elif isinstance(value, list) and len(value) < shape.get("minItems", 0):
        found.append(f"{path} in body should have at least {shape['minItems']} items")
    return found
