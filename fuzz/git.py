"""A person who puts a patch from the evidence into Git. Pure."""

import copy
import json
from collections.abc import Iterable
from typing import Any

import yaml  # type: ignore[import-untyped]

from fuzz.worlds import Json


def patched(objects: list[Json], texts: Iterable[str], old: str, new: str) -> list[Json]:
    """What Git holds after these patches: manifests that are there are merged, others are added.

    A patch may say in words that a client id stands in the manifest itself, which the person then replaces.
    """
    found = {_key(one): copy.deepcopy(one) for one in objects}
    for text in texts:
        for patch in yaml.safe_load_all(text):
            if patch is not None:
                found[_key(patch)] = _merged(found.get(_key(patch), {}), patch)
    written: list[Json] = json.loads(json.dumps(list(found.values())).replace(old, new))
    return written


def _key(one: Json) -> tuple[str, str, str]:
    about = one["metadata"]
    return one["kind"], about.get("namespace", ""), about["name"]


def _merged(value: Any, patch: Any) -> Any:
    """As a strategic merge: objects by key, lists of named things by name, null deletes."""
    if isinstance(value, dict) and isinstance(patch, dict):
        both = {**value, **{key: _merged(value.get(key), one) for key, one in patch.items()}}
        return {key: one for key, one in both.items() if one is not None}
    if _is_named(value) and _is_named(patch):
        new = {one["name"]: one for one in patch}
        old = [_merged(one, new.pop(one["name"], {})) for one in value]
        return [*old, *new.values()]
    return patch


def _is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) and "name" in one for one in value)
