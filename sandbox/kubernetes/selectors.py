"""Label and field selectors.

Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/
         https://kubernetes.io/docs/concepts/overview/working-with-objects/field-selectors/
"""

import re
from collections.abc import Callable
from typing import Any

from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.statuses import bad_request
from sandbox.world import Json

Matches = Callable[[Json], bool]
_KEY = r"[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|"
_SET = re.compile(rf"({_KEY})\s+(in|notin)\s*\(([^()]*)\)")
_COMPARE = re.compile(rf"({_KEY})\s*(==|=|!=|>|<)\s*({_VALUE})")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_NAMES = ("metadata.name", "metadata.namespace")
_FIELDS = {
    "events": (
        "involvedObject.kind", "involvedObject.name", "involvedObject.namespace",
        "involvedObject.uid", "reason", "type", "reportingComponent",
    ),
    "namespaces": ("status.phase",),
    "nodes": ("spec.unschedulable",),
    "pods": (
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "spec.hostNetwork", "status.phase", "status.podIP", "status.nominatedNodeName",
    ),
    "jobs": ("status.successful",),
    "replicasets": ("status.replicas",),
    "secrets": ("type",),
}  # fmt: skip


def by_labels(text: str) -> Matches:
    """Whether an object's labels satisfy a selector. Raises `StatusError` 400."""
    tests = [_requirement(part) for part in _split(text)]
    return lambda value: all(test(value["metadata"].get("labels", {})) for test in tests)


def by_fields(kind: Kind, text: str) -> Matches:
    """Whether an object's fields do: equality only, on few fields. Raises `StatusError` 400."""
    tests: list[tuple[str, bool, str]] = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"\s*([\w.]+)\s*(==|=|!=)(.*)", part)
        if match is None:
            raise bad_request(f"invalid selector: '{part}'; can't understand '{part}'")
        name, operator, wanted = match[1], match[2], match[3].strip()
        known = (*_NAMES[: 2 if kind.namespaced else 1], *_FIELDS.get(kind.plural, ()))
        if name not in known:
            listed = ", ".join(f'"{each}"' for each in known[:2])
            raise bad_request(
                f'"{name}" is not a known field selector: only {listed}'
                if kind.plural not in _FIELDS
                else f"field label not supported: {name}"
            )
        tests.append((name, operator != "!=", wanted))
    return lambda value: all((_read(value, name) == want) is equal for name, equal, want in tests)


def field_value(text: str, name: str) -> str | None:
    """The value that a field selector asks of one field, as authorization looks at metadata.name."""
    for part in text.split(","):
        found, _, wanted = part.partition("=")
        if found.strip() == name:
            return wanted.removeprefix("=").strip()
    return None


def by_object(selector: Json) -> Callable[[dict[str, str]], bool]:
    """The labels test of a LabelSelector object."""
    exact = selector.get("matchLabels", {})
    expressions = [_expression(each) for each in selector.get("matchExpressions", [])]

    def matches(labels: dict[str, str]) -> bool:
        fits = all(labels.get(key) == value for key, value in exact.items())
        return fits and all(test(labels) for test in expressions)

    return matches


def _split(text: str) -> list[str]:
    if not text.strip():
        return []
    return re.split(r",(?![^(]*\))", text)


def _requirement(text: str) -> Callable[[dict[str, str]], bool]:
    part = text.strip()
    if match := _SET.fullmatch(part):
        values = {each.strip() for each in match[4].split(",")}
        return _operator(match[1], "In" if match[3] == "in" else "NotIn", values)
    if match := _COMPARE.fullmatch(part):
        name = {"=": "In", "==": "In", "!=": "NotIn", ">": "Gt", "<": "Lt"}[match[3]]
        if name in ("Gt", "Lt") and not match[4].lstrip("-").isdigit():
            raise bad_request(f"for 'Gt', 'Lt' operators, the value must be an integer: {part}")
        return _operator(match[1], name, {match[4]})
    if match := _EXISTS.fullmatch(part):
        return _operator(match[2], "DoesNotExist" if match[1] else "Exists", set())
    raise bad_request(
        "unable to parse requirement: found '', expected: ',', ')' or identifier"
        if "(" in part
        else f"unable to parse requirement: found '{part}', expected: !, identifier, or "
        "'end of string'"
    )


def _expression(expression: Json) -> Callable[[dict[str, str]], bool]:
    return _operator(expression["key"], expression["operator"], set(expression.get("values", [])))


def _operator(key: str, name: str, values: set[str]) -> Callable[[dict[str, str]], bool]:
    def number(labels: dict[str, str]) -> int | None:
        text = labels.get(key, "")
        return int(text) if text.lstrip("-").isdigit() else None

    def greater(labels: dict[str, str]) -> bool:
        found = number(labels)
        return found is not None and found > int(next(iter(values)))

    def less(labels: dict[str, str]) -> bool:
        found = number(labels)
        return found is not None and found < int(next(iter(values)))

    operators: dict[str, Callable[[dict[str, str]], bool]] = {
        "In": lambda labels: key in labels and labels[key] in values,
        "NotIn": lambda labels: labels.get(key) not in values,
        "Exists": lambda labels: key in labels,
        "DoesNotExist": lambda labels: key not in labels,
        "Gt": greater,
        "Lt": less,
    }
    return operators[name]


def _read(value: Json, path: str) -> str:
    found: Any = value
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    if found is None:
        return "false" if path in ("spec.hostNetwork", "spec.unschedulable") else ""
    return str(found).lower() if isinstance(found, bool) else str(found)
