"""Protobuf bodies of the few kinds that kubectl's typed commands create.

Since 1.32, `kubectl create token`, `auth can-i`, `create serviceaccount` and the like send protobuf and do not fall
back to JSON, so an API server without it can't be driven by hand. Answers are JSON, which those clients accept.

Faithful    the envelope, the field numbers of the kinds in `_MESSAGES`
Left out    every other kind (415), among them Deployment and Pod: `kubectl apply` sends JSON; protobuf answers
Source      https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding
"""

from collections.abc import Iterator

from sandbox.kubernetes.statuses import bad_request, unsupported_media_type
from sandbox.world import Json

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Message -> field number -> name and type: a leaf, another message, or either in a list ("[]") or a
# map ("{}"). "-" is skipped: what the server sets itself.
# https://github.com/kubernetes/api/blob/master/core/v1/generated.proto and its siblings
_META = {
    1: ("name", "str"),
    2: ("generateName", "str"),
    3: ("namespace", "str"),
    5: ("uid", "str"),
    6: ("resourceVersion", "str"),
    11: ("labels", "{}str"),
    12: ("annotations", "{}str"),
    14: ("finalizers", "[]str"),
}
_RULE = {
    1: ("verbs", "[]str"),
    2: ("apiGroups", "[]str"),
    3: ("resources", "[]str"),
    4: ("resourceNames", "[]str"),
    5: ("nonResourceURLs", "[]str"),
}
_SUBJECT = {1: ("kind", "str"), 2: ("apiGroup", "str"), 3: ("name", "str"), 4: ("namespace", "str")}
_OBJECT = {1: ("metadata", "Meta")}
_BINDING = {**_OBJECT, 2: ("subjects", "[]Subject"), 3: ("roleRef", "RoleRef")}
_MESSAGES: dict[str, dict[int, tuple[str, str]]] = {
    "ClusterRole": {**_OBJECT, 2: ("rules", "[]Rule")},
    "ClusterRoleBinding": _BINDING,
    "ConfigMap": {**_OBJECT, 2: ("data", "{}str")},
    "Namespace": _OBJECT,
    "Role": {**_OBJECT, 2: ("rules", "[]Rule")},
    "RoleBinding": _BINDING,
    "SelfSubjectAccessReview": {**_OBJECT, 2: ("spec", "AccessSpec")},
    "SelfSubjectReview": _OBJECT,
    "SelfSubjectRulesReview": {**_OBJECT, 2: ("spec", "RulesSpec")},
    "ServiceAccount": _OBJECT,
    "TokenRequest": {**_OBJECT, 2: ("spec", "TokenSpec")},
    "AccessSpec": {1: ("resourceAttributes", "Resource"), 2: ("nonResourceAttributes", "Path")},
    "BoundObject": {
        1: ("kind", "str"),
        2: ("apiVersion", "str"),
        3: ("name", "str"),
        4: ("uid", "str"),
    },
    "Meta": _META,
    "Path": {1: ("path", "str"), 2: ("verb", "str")},
    "Resource": {
        1: ("namespace", "str"),
        2: ("verb", "str"),
        3: ("group", "str"),
        4: ("version", "str"),
        5: ("resource", "str"),
        6: ("subresource", "str"),
        7: ("name", "str"),
    },
    "RoleRef": {1: ("apiGroup", "str"), 2: ("kind", "str"), 3: ("name", "str")},
    "Rule": _RULE,
    "RulesSpec": {1: ("namespace", "str")},
    "Subject": _SUBJECT,
    "TokenSpec": {
        1: ("audiences", "[]str"),
        3: ("boundObjectRef", "BoundObject"),
        4: ("expirationSeconds", "int"),
    },
    "TypeMeta": {1: ("apiVersion", "str"), 2: ("kind", "str")},
    "Unknown": {1: ("typeMeta", "TypeMeta"), 2: ("raw", "bytes")},
}
_NESTED = ("AccessSpec", "BoundObject", "Meta", "Path", "Resource", "RoleRef", "Rule", "RulesSpec",
           "Subject", "TokenSpec", "TypeMeta", "Unknown")  # fmt: skip


def decoded(body: bytes) -> Json:
    """The object in the envelope, with its kind and apiVersion. Raises `StatusError` 400, 415."""
    if not body.startswith(_MAGIC):
        raise bad_request("provided data does not appear to be a protobuf message")
    try:
        envelope = _message("Unknown", body[len(_MAGIC) :])
        type_ = envelope.get("typeMeta", {})
        kind = type_.get("kind", "")
        if kind not in _MESSAGES or kind in _NESTED:
            raise unsupported_media_type("application/json")
        return {**type_, **_message(kind, envelope.get("raw", b""))}
    except (IndexError, UnicodeDecodeError) as garbled:
        raise bad_request(f"provided data is not a protobuf message: {garbled}") from garbled


def _message(name: str, raw: bytes) -> Json:
    fields = _MESSAGES[name]
    value: Json = {}
    for number, content in _fields(raw):
        if number not in fields:
            continue
        label, type_ = fields[number]
        if type_.startswith("[]"):
            value.setdefault(label, []).append(_value(type_[2:], content))
        elif type_.startswith("{}"):
            parts = dict(_fields(_bytes(content)))
            key, item = _value("str", parts.get(1, b"")), _value(type_[2:], parts.get(2, b""))
            value.setdefault(label, {})[key] = item
        else:
            read = _value(type_, content)
            if read not in ("", b""):
                value[label] = read
    return value


def _value(type_: str, content: bytes | int) -> object:
    if type_ == "int":
        return content if isinstance(content, int) else 0
    if type_ == "str":
        return _bytes(content).decode()
    if type_ == "bytes":
        return _bytes(content)
    return _message(type_, _bytes(content))


def _bytes(content: bytes | int) -> bytes:
    return content if isinstance(content, bytes) else b""


def _fields(raw: bytes) -> Iterator[tuple[int, bytes | int]]:
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            content, at = _varint(raw, at)
            yield number, content
            continue
        if wire == _BYTES:
            size, at = _varint(raw, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4}[wire] if wire in (_FIXED64, _FIXED32) else len(raw)
        if at + size > len(raw):
            raise IndexError("unexpected EOF")
        yield number, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value, shift = 0, 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, at
        shift += 7
