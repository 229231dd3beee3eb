"""Who owns which field: `metadata.managedFields`.

Faithful    the FieldsV1 format, Update and Apply owners, a change taking a field away from its other owners
Left out    entries of the controllers, which write status here as nobody
Source      https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from collections.abc import Iterable
from typing import Any

from sandbox.kubernetes import schema
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.schema import Type
from sandbox.world import Json

Path = tuple[str, ...]
_ITSELF = "."
DEDUCED = "deduced"  # the type of what has no Go type: maps have fields, lists have one owner
_NOBODYS = {
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.deletionGracePeriodSeconds",
    "metadata.managedFields",
    "metadata.selfLink",
}


def leaves(kind: Kind, value: Json) -> dict[Path, Any]:
    """Every field that can have an owner, with its value."""
    found: dict[Path, Any] = {}
    unknown = "any" if kind.definition is None else DEDUCED
    for name, item in value.items():
        if name == "metadata":
            for inner, part in item.items():
                if f"metadata.{inner}" not in _NOBODYS:
                    at = ("f:metadata", f"f:{inner}")
                    _walk(schema.field("ObjectMeta", inner) or "any", part, at, found)
        elif name not in _NOBODYS:
            shape = schema.field(kind.kind, name) if kind.definition is None else None
            _walk(shape or unknown, item, (f"f:{name}",), found)
    return found


def owners(value: Json) -> list[tuple[Json, set[Path]]]:
    """The entries of managedFields, each with the paths that it lists."""
    entries = value["metadata"].get("managedFields", [])
    return [(entry, set(_parse(entry.get("fieldsV1", {}), ()))) for entry in entries]


def entry_of(kind: Kind, manager: str, operation: str, now: str, subresource: str) -> Json:
    """An entry without its fields."""
    entry: Json = {
        "manager": manager,
        "operation": operation,
        "apiVersion": kind.api_version,
        "time": now,
        "fieldsType": "FieldsV1",
    }
    if subresource:
        entry["subresource"] = subresource
    return entry


def after_update(kind: Kind, old: Json | None, new: Json, entry: Json) -> None:
    """Write managedFields of an object that `entry`'s manager has created or changed, in place."""
    before = leaves(kind, old) if old is not None else {}
    after = leaves(kind, new)
    changed = {path for path, item in after.items() if path not in before or before[path] != item}
    mine: set[Path] = set()
    kept: list[tuple[Json, set[Path]]] = []
    for other, paths in owners(old or new) if old is not None else []:
        if is_same_owner(other, entry):
            mine = paths
            if not changed:
                kept.append((other, paths & after.keys()))
        else:
            kept.append((other, (paths & after.keys()) - changed))
    if changed:
        kept.append((entry, (mine | changed) & after.keys()))
    write(new, kept)


def is_same_owner(one: Json, other: Json) -> bool:
    """Owners are told apart by these three."""
    return all(
        one.get(name, "") == other.get(name, "") for name in ("manager", "operation", "subresource")
    )


def write(value: Json, entries: Iterable[tuple[Json, set[Path]]]) -> None:
    """Set managedFields from entries, Apply before Update; an entry without fields goes."""
    listed = [
        {**entry, "fieldsV1": _nested(paths)}
        for entry, paths in sorted(entries, key=lambda each: each[0]["operation"])
        if paths
    ]
    value["metadata"].pop("managedFields", None)
    if listed:
        value["metadata"]["managedFields"] = [
            {name: entry[name] for name in _ENTRY_ORDER if name in entry} for entry in listed
        ]


def shown(path: Path) -> str:
    """`.metadata.annotations.ssa`, as a conflict names a field."""
    parts = []
    for segment in path:
        if segment.startswith("f:"):
            parts.append(f".{segment[2:]}")
        elif segment.startswith("k:"):
            keys = ",".join(f"{k}={json.dumps(v)}" for k, v in json.loads(segment[2:]).items())
            parts.append(f"[{keys}]")
        elif segment.startswith("v:"):
            parts.append(f"[={segment[2:]}]")
    return "".join(parts)


def item_key(schema_: Json, item: Any) -> str:
    """The path segment of one item of a keyed list or a set."""
    if schema_.get("set"):
        return f"v:{json.dumps(item)}"
    keys = {key: item[key] for key in sorted(schema_["keys"]) if key in item}
    return f"k:{json.dumps(keys, separators=(',', ':'))}"


_ENTRY_ORDER = (
    "manager", "operation", "apiVersion", "time", "fieldsType", "fieldsV1", "subresource",
)  # fmt: skip


def _walk(schema_: Type, value: Any, path: Path, found: dict[Path, Any]) -> None:
    if isinstance(schema_, dict) and schema_.get("atomic"):
        found[path] = value
    elif (
        isinstance(schema_, dict) and "list" in schema_ and ("keys" in schema_ or "set" in schema_)
    ):
        found[*path, _ITSELF] = None
        for item in value:
            at = (*path, item_key(schema_, item))
            if schema_.get("set"):
                found[at] = item
            else:
                found[*at, _ITSELF] = None
                _walk_fields(schema_["list"], item, at, found)
    elif isinstance(schema_, dict) and "map" in schema_ and isinstance(value, dict):
        found[*path, _ITSELF] = None
        for key, item in value.items():
            _walk(schema_["map"], item, (*path, f"f:{key}"), found)
    elif schema_ == DEDUCED and isinstance(value, dict) and value:
        found[*path, _ITSELF] = None
        for key, item in value.items():
            _walk(DEDUCED, item, (*path, f"f:{key}"), found)
    elif isinstance(value, dict) and schema.name_of(schema_) in schema.types() and value:
        _walk_fields(schema_, value, path, found)
    else:
        found[path] = value


def _walk_fields(schema_: Type, value: Json, path: Path, found: dict[Path, Any]) -> None:
    struct = schema.name_of(schema_)
    for name, item in value.items():
        _walk(schema.field(struct, name) or "any", item, (*path, f"f:{name}"), found)


def _nested(paths: set[Path]) -> Json:
    tree: Json = {}
    for path in sorted(paths):
        node = tree
        for segment in path:
            node = node.setdefault(segment, {})
    return tree


def _parse(tree: Json, path: Path) -> Iterable[Path]:
    for segment, inner in tree.items():
        at = (*path, segment)
        if inner:
            yield from _parse(inner, at)
        else:
            yield at
