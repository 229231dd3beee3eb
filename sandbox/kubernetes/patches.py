"""PATCH bodies: JSON patch, merge patch, strategic merge patch. Apply is in `apply.py`.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#patch-and-apply
"""

import copy
from typing import Any

import jsonpatch
import jsonpointer

from sandbox.kubernetes import bodies, schema, strategic
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.statuses import bad_patch, bad_request, rejected
from sandbox.world import Json

JSON = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
_ACCEPTED = (JSON, MERGE, STRATEGIC, APPLY)


def accepted(kind: Kind) -> tuple[str, ...]:
    """The media types of patches. A custom resource has no merge keys, so nothing to be strategic about."""
    if kind.definition is None:
        return _ACCEPTED
    return tuple(each for each in _ACCEPTED if each != STRATEGIC)


def patched(kind: Kind, current: Json, content_type: str, body: Any) -> tuple[Json, list[str]]:
    """The object after this patch, and the paths of fields that its kind does not have.

    `current` carries kind and apiVersion. Raises `StatusError` 400, 422 or 500.
    """
    if content_type == JSON:
        result = _json_patch(current, body)
    else:
        if not isinstance(body, dict):
            raise bad_request("json: cannot unmarshal array into Go value of type map[string]any")
        is_plain = content_type == MERGE
        result = merge(current, body) if is_plain else strategic.merge(kind.kind, current, body)
    try:
        return bodies.decode(kind, result)
    except schema.TypeMismatchError as wrong:
        shown = "{}" if content_type == JSON else str(body)
        raise bad_patch(f"Invalid value: {shown}: {wrong}") from wrong


def merge(current: Any, patch: Any) -> Any:
    """RFC 7386: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def _json_patch(current: Json, body: Any) -> Any:
    if not isinstance(body, list):
        raise bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    try:
        return jsonpatch.JsonPatch(body).apply(current)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as wrong:
        raise rejected() from wrong
