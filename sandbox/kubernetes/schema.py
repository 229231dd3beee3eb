"""The shape of every kind: which fields there are, of which type, and how lists of them merge.

Read from `schema.json`, an extract of the published OpenAPI description. A type is a name (of a
leaf such as "string", or of a struct in the file) or an object: {"map": T},
{"list": T, "merge": key, "keys": [...], "set": true}, {"struct": T, "atomic": true}.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.names import moment_of
from sandbox.world import Json

Type = str | Json
_LEAVES: dict[str, tuple[type, ...]] = {
    "any": (object,),
    "boolean": (bool,),
    "bytes": (str,),
    "int-or-string": (int, str),
    "integer": (int,),
    "number": (int, float),
    "quantity": (str, int, float),
    "string": (str,),
    "time": (str,),
}
_GO_NAMES = {
    "bool": "bool",
    "dict": "object",
    "float": "number",
    "int": "number",
    "list": "array",
    "str": "string",
}


class TypeMismatchError(Exception):
    """A field holds JSON of another type: the message is the one of Go's decoder."""


@cache
def types() -> dict[str, Json]:
    """Struct name -> {"fields": {name: type}, "required": [...]}."""
    text = (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Json] = json.loads(text)["types"]
    return loaded


def decode(kind: Kind, value: Json) -> tuple[Json, list[str]]:
    """The value as Go would decode and encode it, and the paths of fields that it does not know.

    Nulls and empty lists and maps are dropped. Raises `TypeMismatchError`.
    """
    unknown: list[str] = []
    decoded = _struct(kind.kind, value, "", unknown)
    return decoded, unknown


def decode_struct(struct: str, value: Any, path: str, unknown: list[str]) -> Json:
    """A part of an object, such as its metadata; unknown fields are added to `unknown`."""
    return _struct(struct, value, path, unknown)


def required_fields(kind: Kind, value: Json) -> list[str]:
    """The paths of required fields that are missing from a decoded value."""
    missing: list[str] = []
    _find_missing(kind.kind, value, "", missing)
    return missing


def name_of(schema: Type) -> str:
    """The struct or leaf name of a type that is neither a list nor a map; "" for those."""
    if isinstance(schema, str):
        return schema
    return str(schema.get("struct", ""))


def field(struct: str, name: str) -> Type | None:
    """The type of a field, or None where the struct has no such field."""
    found = types().get(struct)
    return found["fields"].get(name) if found else None


def _decode(schema: Type, value: Any, path: str, unknown: list[str]) -> Any:
    if isinstance(schema, dict) and "list" in schema:
        _expect(list, value, path, "array")
        return [
            _decode(schema["list"], item, f"{path}[{i}]", unknown)
            for i, item in enumerate(value)
            if item is not None
        ]
    if isinstance(schema, dict) and "map" in schema:
        _expect(dict, value, path, "object")
        return {
            key: _decode(schema["map"], item, f"{path}.{key}", unknown)
            for key, item in sorted(value.items())
            if item is not None
        }
    struct = name_of(schema)
    if struct in _LEAVES:
        _expect_leaf(struct, value, path)
        return value
    return _struct(struct, value, path, unknown)


def _struct(struct: str, value: Any, path: str, unknown: list[str]) -> Json:
    _expect(dict, value, path, "object")
    shape = types()[struct]
    kept: Json = {}
    for name, item in value.items():
        inner = f"{path}.{name}" if path else name
        schema = shape["fields"].get(name)
        if schema is None:
            unknown.append(inner)
            continue
        if item is None:
            continue
        decoded = _decode(schema, item, inner, unknown)
        is_collection = isinstance(schema, dict) and ("list" in schema or "map" in schema)
        is_empty = decoded == "" or (is_collection and not decoded)
        if is_empty and name not in shape.get("required", []):
            continue  # Go leaves these out: `omitempty`
        kept[name] = decoded
    return kept


def _expect(wanted: type, value: Any, path: str, go_name: str) -> None:
    if not isinstance(value, wanted):
        raise TypeMismatchError(_cannot(value, path, go_name))


def _expect_leaf(leaf: str, value: Any, path: str) -> None:
    wanted = _LEAVES[leaf]
    if leaf == "any":
        return
    is_too_large = isinstance(value, int) and abs(value) >= 1 << 63
    is_stray = isinstance(value, bool) and leaf != "boolean"  # Python's bool is an int
    if is_too_large or is_stray or not isinstance(value, wanted):
        go_name = {"integer": "int32", "boolean": "bool"}.get(leaf, "string")
        raise TypeMismatchError(_cannot(value, path, go_name))
    if leaf == "time":
        try:
            moment_of(str(value))
        except ValueError as garbled:
            layout = "2006-01-02T15:04:05Z07:00"
            raise TypeMismatchError(f'parsing time "{value}" as "{layout}"') from garbled


def _cannot(value: Any, path: str, go_name: str) -> str:
    found = _GO_NAMES[type(value).__name__]
    return f"json: cannot unmarshal {found} into Go struct field .{path} of type {go_name}"


def _find_missing(schema: Type, value: Any, path: str, missing: list[str]) -> None:
    if isinstance(schema, dict) and "list" in schema:
        for index, item in enumerate(value):
            _find_missing(schema["list"], item, f"{path}[{index}]", missing)
        return
    struct = name_of(schema)
    shape = types().get(struct)
    if shape is None or not isinstance(value, dict):
        return
    for name in shape.get("required", []):
        if value.get(name) in (None, "", []) and not (name in value and value[name] == []):
            missing.append(f"{path}.{name}" if path else name)
    for name, item in value.items():
        inner = shape["fields"].get(name)
        if inner is not None and name != "status":
            _find_missing(inner, item, f"{path}.{name}" if path else name, missing)
