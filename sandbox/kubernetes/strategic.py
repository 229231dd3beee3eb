"""Strategic merge patch: a merge patch that knows which lists are keyed.

Faithful    `$patch`, `$retainKeys`, `$setElementOrder`, `$deleteFromPrimitiveList`, the order of merged lists (items
            that only the patch has go first)
Source      https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
"""

from typing import Any

from sandbox.kubernetes import schema
from sandbox.kubernetes.schema import Type
from sandbox.kubernetes.statuses import bad_request, internal
from sandbox.world import Json

_ORDER = "$setElementOrder/"
_DELETE = "$deleteFromPrimitiveList/"
_LISTS = (_ORDER, _DELETE, "$retainKeys")


def merge(struct: str, current: Json, patch: Json) -> Json:
    """A copy of `current`, an object of this kind, with the patch merged into it."""
    return _merge_map(struct, current, patch)


def _merge_map(schema_: Type, current: Json, patch: Json) -> Json:
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"Unknown patch type found: {directive}")
    for key, value in patch.items():
        if key.startswith(_LISTS) and not isinstance(value, list):
            raise bad_request(f"the value of {key} must be a list")
    merged = dict(current)
    if "$retainKeys" in patch:
        merged = {key: value for key, value in merged.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith(_DELETE):
            name = key.removeprefix(_DELETE)
            merged[name] = [item for item in merged.get(name, []) if item not in value]
        elif not key.startswith("$"):
            _merge_key(schema_, merged, key, value, patch.get(_ORDER + key))
    for key, order in patch.items():
        name = key.removeprefix(_ORDER)
        if key.startswith(_ORDER) and name not in patch and name in merged:
            merge_key = _merge_key_of(_field(schema_, name))
            if merge_key is not None:
                merged[name] = _ordered(merged[name], [], order, merged[name], merge_key)
    return merged


def _merge_key(schema_: Type, merged: Json, key: str, value: Any, order: list[Any] | None) -> None:
    inner = _field(schema_, key)
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        base = merged.get(key)
        merged[key] = _merge_map(inner or "any", base if isinstance(base, dict) else {}, value)
    elif isinstance(value, list) and (merge_key := _merge_key_of(inner)) is not None:
        assert isinstance(inner, dict)  # noqa: S101 - only lists have a merge key
        merged[key] = _merge_list(inner["list"], merged.get(key) or [], value, order, merge_key)
    else:
        merged[key] = value


def _merge_list(
    element: Type, current: list[Any], patch: list[Any], order: list[Any] | None, merge_key: str
) -> list[Any]:
    if not merge_key:  # a set of strings
        merged = [*current, *(item for item in patch if item not in current)]
        return _ordered(merged, patch, order, current, merge_key)
    for item in patch:
        if not isinstance(item, dict):
            raise bad_request("Invalid JSON document: a list of objects was expected")
        if merge_key not in item and item.get("$patch") != "replace":
            raise internal(f"{_go_map(item)} does not contain declared merge key: {merge_key}")
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if item.get("$patch") != "replace"]
    deleted = [item[merge_key] for item in patch if item.get("$patch") == "delete"]
    merged = [item for item in current if item.get(merge_key) not in deleted]
    live = [item for item in patch if item.get("$patch") != "delete"]
    for item in live:
        place = _index(merged, item, merge_key)
        if place is None:
            merged.append(_merge_map(element, {}, item))
        else:
            merged[place] = _merge_map(element, merged[place], item)
    return _ordered(merged, live, order, current, merge_key)


def _ordered(
    merged: list[Any],
    patch: list[Any],
    order: list[Any] | None,
    server_order: list[Any],
    merge_key: str,
) -> list[Any]:
    """Server-only items keep their order; patched ones keep theirs; new ones come in front."""
    patch_order = patch if order is None else order
    patched = [item for item in merged if _index(patch_order, item, merge_key) is not None]
    patched.sort(key=lambda item: _index(patch_order, item, merge_key) or 0)
    alone = [item for item in merged if _index(patch_order, item, merge_key) is None]
    result: list[Any] = []
    while alone and patched:
        left = _index(server_order, alone[0], merge_key)
        right = _index(server_order, patched[0], merge_key)
        first = left is not None and right is not None and left < right
        result.append(alone.pop(0) if first else patched.pop(0))
    return [*result, *alone, *patched]


def _index(items: list[Any], wanted: Any, merge_key: str) -> int | None:
    for index, item in enumerate(items):
        if (item.get(merge_key) == wanted.get(merge_key)) if merge_key else item == wanted:
            return index
    return None


def _field(schema_: Type, key: str) -> Type | None:
    if isinstance(schema_, dict) and "map" in schema_:
        inner: Type = schema_["map"]
        return inner
    return schema.field(schema.name_of(schema_), key)


def _merge_key_of(inner: Type | None) -> str | None:
    """The merge key of a list that merges, "" for a list of strings, None for one that is replaced."""
    return inner.get("merge") if isinstance(inner, dict) and "list" in inner else None


def _go_map(item: Json) -> str:
    return "map: map[" + " ".join(f"{key}:{item[key]}" for key in sorted(item)) + "]"
