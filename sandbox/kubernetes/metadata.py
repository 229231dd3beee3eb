"""ObjectMeta: what a name, a label and an annotation may be, and in which order the keys are written.

Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import re

from sandbox.kubernetes.field_problems import FieldProblem, forbidden_field, invalid_value, required
from sandbox.kubernetes.kind import Kind
from sandbox.world import Json

_ORDER = (
    "name", "generateName", "namespace", "uid", "resourceVersion", "generation",
    "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels",
    "annotations", "ownerReferences", "finalizers", "managedFields",
)  # fmt: skip
_ANNOTATION_BYTES = (
    256 * 1024
)  # all keys and values together, as upstream's TotalAnnotationSizeLimitB
_PATH_SEGMENT = {"roles", "clusterroles", "rolebindings", "clusterrolebindings"}
_LABEL_NAMED = {"namespaces", "services"}
_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'example.com', regex used for "
    r"validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_KEY_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.',"
    " and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


def ordered(metadata: Json) -> Json:
    """The same metadata with its keys in the order of the Go struct."""
    known = {key: metadata[key] for key in _ORDER if key in metadata}
    return {**known, **{key: value for key, value in metadata.items() if key not in known}}


def problems(kind: Kind, metadata: Json) -> list[FieldProblem]:
    """What is wrong with the metadata of a new or changed object."""
    found = _name_problems(kind, metadata.get("name", ""))
    found += label_problems(metadata.get("labels", {}), "metadata.labels")
    annotations = metadata.get("annotations", {})
    for key in sorted(annotations):
        found += _key_problems(key.lower(), key, "metadata.annotations")
    if sum(len(key) + len(value) for key, value in annotations.items()) > _ANNOTATION_BYTES:
        text = f"Too long: may not be more than {_ANNOTATION_BYTES} bytes"
        found.append(FieldProblem("FieldValueTooLong", "metadata.annotations", text))
    for finalizer in metadata.get("finalizers", []):
        if "/" not in finalizer and finalizer not in ("orphan", "foregroundDeletion"):
            text = "name is neither a standard finalizer name nor is it fully qualified"
            found.append(invalid_value("metadata.finalizers", finalizer, text))
    return found


def label_problems(labels: dict[str, str], path: str) -> list[FieldProblem]:
    """What is wrong with these labels."""
    found: list[FieldProblem] = []
    for key in sorted(labels):
        found += _key_problems(key, key, path)
        value = labels[key]
        if len(value) > 63:
            found.append(invalid_value(path, value, "must be no more than 63 bytes"))
        elif value and not _NAME_PART.fullmatch(value):
            found.append(invalid_value(path, value, _LABEL_VALUE_TEXT))
    return found


def update_problems(kind: Kind, old: Json, new: Json) -> list[FieldProblem]:
    """What a writer may not change in the metadata of an existing object."""
    found = []
    for name in ("name", "namespace", "uid", "creationTimestamp"):
        if new.get(name) != old.get(name):
            text = "field is immutable"
            found.append(invalid_value(f"metadata.{name}", new.get(name, ""), text))
    added = set(new.get("finalizers", [])) - set(old.get("finalizers", []))
    if added and old.get("deletionTimestamp"):
        text = "no new finalizers can be added if the object is being deleted"
        found.append(forbidden_field("metadata.finalizers", text))
    return found + problems(kind, new)


def _name_problems(kind: Kind, name: str) -> list[FieldProblem]:
    if not name:
        return [required("metadata.name", "name or generateName is required")]
    if kind.plural in _PATH_SEGMENT:
        bad = next((part for part in ("/", "%") if part in name), None)
        return [invalid_value("metadata.name", name, f"may not contain '{bad}'")] if bad else []
    if kind.plural in _LABEL_NAMED:
        fits, text, longest = _DNS_LABEL.fullmatch(name), _LABEL_TEXT, 63
    else:
        fits, text, longest = _SUBDOMAIN.fullmatch(name), _SUBDOMAIN_TEXT, 253
    if len(name) > longest:
        return [invalid_value("metadata.name", name, f"must be no more than {longest} bytes")]
    return [] if fits else [invalid_value("metadata.name", name, text)]


def _key_problems(key: str, shown: str, path: str) -> list[FieldProblem]:
    prefix, slash, name = key.rpartition("/")
    if slash and not _SUBDOMAIN.fullmatch(prefix):
        return [invalid_value(path, shown, f"prefix part {_SUBDOMAIN_TEXT}")]
    if not name:
        return [invalid_value(path, shown, "name part must be non-empty")]
    if len(name) > 63:
        return [invalid_value(path, shown, "name part must be no more than 63 bytes")]
    return [] if _NAME_PART.fullmatch(name) else [invalid_value(path, shown, _KEY_TEXT)]
