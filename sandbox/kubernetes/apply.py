"""Server-side apply: a manager states the fields that it wants, and loses those that it no longer states.

Source   https://kubernetes.io/docs/reference/using-api/server-side-apply/
"""

import copy
from typing import Any

from sandbox.kubernetes import managed_fields, schema
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.managed_fields import Path
from sandbox.kubernetes.schema import Type
from sandbox.kubernetes.statuses import StatusError
from sandbox.world import Json


def applied(kind: Kind, live: Json | None, wanted: Json, entry: Json, *, force: bool) -> Json:
    """The object after this apply, managedFields included.

    `entry` names the manager; `live` is None where the apply creates. Raises `StatusError` 409
    where others own fields with other values, unless `force`.
    """
    stated = _stated(kind, wanted)
    if live is None:
        created = copy.deepcopy(wanted)
        managed_fields.write(created, [(entry, set(stated))])
        return created
    current = managed_fields.leaves(kind, live)
    differing = {path for path, value in stated.items() if current.get(path, _ABSENT) != value}
    others = [
        (other, paths)
        for other, paths in managed_fields.owners(live)
        if not managed_fields.is_same_owner(other, entry)
    ]
    if not force:
        _refuse_conflicts(others, differing)
    root = kind.kind if kind.definition is None else managed_fields.DEDUCED
    merged: Json = _merge(root, copy.deepcopy(live), wanted)
    mine = _owned_by(live, entry)
    shared = set().union(*(paths for _, paths in others))
    for path in sorted(mine - stated.keys() - shared, key=len, reverse=True):
        _remove(merged, root, path)
    left = managed_fields.leaves(kind, merged)
    kept = [(other, (paths - differing) & left.keys()) for other, paths in others]
    managed_fields.write(merged, [*kept, (entry, set(stated))])
    return merged


_ABSENT = object()


def _stated(kind: Kind, wanted: Json) -> dict[Path, Any]:
    """The fields that an applier owns: items of lists as such, but never a map or a list itself."""
    return {
        path: value
        for path, value in managed_fields.leaves(kind, wanted).items()
        if path[-1] != "." or path[-2].startswith("k:")
    }


def _owned_by(live: Json, entry: Json) -> set[Path]:
    return set().union(
        *(
            paths
            for other, paths in managed_fields.owners(live)
            if managed_fields.is_same_owner(other, entry)
        )
    )


def _refuse_conflicts(others: list[tuple[Json, set[Path]]], differing: set[Path]) -> None:
    causes: list[Json] = []
    texts: list[str] = []
    for other, paths in others:
        using = f" using {other['apiVersion']}" if other["operation"] == "Update" else ""
        owner = f'conflict with "{other["manager"]}"{using}'
        for path in sorted(paths & differing):
            field = managed_fields.shown(path)
            causes.append({"reason": "FieldManagerConflict", "message": owner, "field": field})
            texts.append(f"{owner}: {field}")
    if not causes:
        return
    many = "conflict" if len(causes) == 1 else "conflicts"
    listed = texts[0] if len(texts) == 1 else "\n- ".join(["", *texts]).lstrip()
    message = f"Apply failed with {len(causes)} {many}: {listed}"
    raise StatusError(409, "Conflict", message, details={"causes": causes})


def _merge(schema_: Type, current: Any, wanted: Any) -> Any:
    if isinstance(schema_, dict) and schema_.get("atomic"):
        return copy.deepcopy(wanted)
    if isinstance(wanted, dict) and isinstance(current, dict):
        merged = dict(current)
        for name, value in wanted.items():
            inner = _inner(schema_, name)
            merged[name] = _merge(inner, merged.get(name), value)
        return merged
    if isinstance(wanted, list) and isinstance(current, list) and isinstance(schema_, dict):
        return _merge_list(schema_, current, wanted)
    return copy.deepcopy(wanted)


def _merge_list(schema_: Json, current: list[Any], wanted: list[Any]) -> list[Any]:
    if schema_.get("set"):
        return [*current, *(item for item in wanted if item not in current)]
    if "keys" not in schema_:
        return copy.deepcopy(wanted)
    stated = {managed_fields.item_key(schema_, item): item for item in wanted}
    merged = []
    for item in current:
        mine = stated.pop(managed_fields.item_key(schema_, item), None)
        merged.append(item if mine is None else _merge(schema_["list"], item, mine))
    return [*merged, *copy.deepcopy(list(stated.values()))]


def _inner(schema_: Type, name: str) -> Type:
    if isinstance(schema_, dict) and "map" in schema_:
        inner: Type = schema_["map"]
        return inner
    return schema.field(schema.name_of(schema_), name) or "any"


def _remove(value: Any, schema_: Type, path: Path) -> None:
    """Delete what a path points at; an item of a list goes with its own marker."""
    segment, rest = path[0], path[1:]
    if segment.startswith("f:") and isinstance(value, dict):
        name = segment[2:]
        if not rest:
            value.pop(name, None)
        elif name in value:
            inner = _inner(schema_, name)
            _remove(value[name], inner, rest)
            if isinstance(inner, dict) and not value[name]:
                value.pop(name)  # Go leaves out empty maps and lists
    elif isinstance(value, list) and isinstance(schema_, dict):
        for item in list(value):
            if managed_fields.item_key(schema_, item) == segment:
                if not rest or rest == (".",):
                    value.remove(item)
                else:
                    _remove(item, schema_["list"], rest)
