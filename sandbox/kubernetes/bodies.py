"""Bodies as objects of a kind: what is decoded, what is dropped with a warning, what is refused.

Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation
"""

from dataclasses import replace
from typing import Any

from sandbox.kubernetes import custom_resources, schema
from sandbox.kubernetes.field_problems import invalid_value
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.requests import Request
from sandbox.kubernetes.statuses import bad_patch, bad_request, invalid
from sandbox.world import Json


def decoded(kind: Kind, sent: Any, request: Request) -> tuple[Json, list[str]]:
    """A body as an object of this kind, and the warnings it earned. Raises `StatusError` 400."""
    if not isinstance(sent, dict):
        raise bad_request(
            f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get "
            "version/kind; json parse error: cannot unmarshal into Go value"
        )
    if kind.definition is not None:
        _check_type(kind, sent)
    group_version = sent.get("apiVersion") or kind.api_version
    if group_version != kind.api_version:
        raise bad_request(
            f"the API version in the data ({group_version}) does not match the expected API "
            f"version ({kind.api_version})"
        )
    named = sent.get("kind") or kind.kind
    if named != kind.kind:
        raise bad_request(
            f'{named} in version "{kind.version}" cannot be handled as a {kind.kind}: no kind "{named}" is '
            f'registered for the internal version of group "{kind.group}" in scheme'
        )
    try:
        value, unknown = decode(kind, sent)
    except schema.TypeMismatchError as wrong:
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {wrong}'
        ) from wrong
    warnings = judge_unknown(kind, unknown, request)
    value.pop("kind", None)
    value.pop("apiVersion", None)
    return value, warnings


def _check_type(kind: Kind, sent: Json) -> None:
    """A custom resource has to say what it is: the server has no Go type that would tell."""
    for name, called in (("kind", "Kind"), ("apiVersion", "apiVersion")):
        if not sent.get(name):
            raise bad_request(
                f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
                f"Object '{called}' is missing in the body"
            )
    if sent["kind"] != kind.kind:
        problem = invalid_value("kind", sent["kind"], f"must be {kind.kind}")
        name = (sent.get("metadata") or {}).get("name", "")
        raise invalid(replace(kind, kind=sent["kind"]), name, [problem])


def decode(kind: Kind, value: Json) -> tuple[Json, list[str]]:
    """The value as the server keeps it, and unknown fields' paths. Raises `TypeMismatchError`."""
    if kind.definition is not None:
        return custom_resources.decode(kind, value)
    return schema.decode(kind, value)


def judge_unknown(kind: Kind, unknown: list[str], request: Request) -> list[str]:
    """Unknown fields are dropped, and said so, or refused when the client is strict."""
    mode = request.call.query.get("fieldValidation") or "Warn"
    texts = [f'unknown field "{path}"' for path in unknown]
    if mode == "Strict" and texts:
        listed = f"strict decoding error: {', '.join(texts)}"
        if request.wanted.verb == "patch":
            problem = invalid_value("patch", "{}", listed)
            raise invalid(kind, request.wanted.name, [problem])
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {listed}'
        )
    return texts if mode == "Warn" else []


def strip_type(kind: Kind, value: Json) -> None:
    """Take kind and apiVersion out of a patched object. Raises `StatusError` 422."""
    named, version = value.pop("kind", kind.kind), value.pop("apiVersion", kind.api_version)
    if (named, version) == (kind.kind, kind.api_version):
        return
    if kind.definition is None:
        raise bad_patch(f"Invalid value: {version} {named}: no kind {named!r} is registered")
    field, found, wanted = ("kind", named, kind.kind)
    if named == kind.kind:
        field, found, wanted = ("apiVersion", version, kind.api_version)
    name = value.get("metadata", {}).get("name", "")
    problem = invalid_value(field, found, f"must be {wanted}")
    raise invalid(replace(kind, kind=named), name, [problem])


def check_namespace(about: Json, namespace: str) -> None:
    """The body may leave its namespace out, but not contradict the URL. Raises `StatusError` 400."""
    if about.setdefault("namespace", namespace) != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
