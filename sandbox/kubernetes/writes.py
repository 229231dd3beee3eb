"""Creating and changing objects: the path from a decoded body to the store.

Faithful    defaults, admission, validation, generation, managedFields; a write that changes nothing writes nothing
Source      https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.kubernetes import (
    admission,
    apply,
    defaults,
    definitions,
    managed_fields,
    metadata,
    validation,
)
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.names import suffix, timestamp
from sandbox.kubernetes.statuses import already_exists, conflict, internal
from sandbox.world import Json, copied

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_SERVER_SET = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


@dataclass(frozen=True, slots=True)
class Writer:
    """In whose name a write is entered into managedFields, and whether it is only tried."""

    manager: str
    subresource: str = ""
    dry_run: bool = False
    operation: str = "Update"


CONTROLLER = Writer("kube-controller-manager")


def create(cluster: "Cluster", kind: Kind, value: Json, writer: Writer) -> Json:
    """Store a new object. Raises `StatusError` 403, 404, 409, 422 or 500."""
    created = copied(value)
    if created["metadata"].get("resourceVersion"):
        raise internal("resourceVersion should not be set on objects to be created")
    if _has_own_status(kind):
        created.pop("status", None)
    defaults.fill(kind, created)
    admission.admit(cluster, kind, created)
    about = created["metadata"]
    if not about.get("name") and about.get("generateName"):
        about["name"] = about["generateName"][:58] + suffix()
    validation.check_create(kind, created)
    if cluster.store.get(kind, about.get("namespace", ""), about["name"]) is not None:
        raise already_exists(kind, about["name"])
    for name in (*_SERVER_SET, "resourceVersion", "generation", "selfLink"):
        about.pop(name, None)
    about["uid"] = str(uuid.uuid4())
    about["creationTimestamp"] = timestamp(cluster.now())
    if kind.counts_generation:
        about["generation"] = 1
    _complete(cluster, kind, created)
    if writer.operation == "Update":
        managed_fields.after_update(kind, None, created, entry(cluster, kind, writer))
    created["metadata"] = metadata.ordered(about)
    return created if writer.dry_run else cluster.store.write(kind, created)


def update(cluster: "Cluster", kind: Kind, old: Json, new: Json, writer: Writer) -> Json:
    """Replace an object by its changed copy. Raises `StatusError` 409 or 422.

    A resourceVersion in `new` must be the stored one. Nothing changed: nothing is written.
    """
    changed = copied(new)
    about = changed.setdefault("metadata", {})
    _check_version(kind, old, about)
    for name in _SERVER_SET:
        _keep(old["metadata"], about, name)
    _keep(old["metadata"], about, "generation")
    about["resourceVersion"] = old["metadata"]["resourceVersion"]
    _keep_other_half(kind, old, changed, writer)
    defaults.fill(kind, changed)
    validation.check_update(kind, old, changed)
    if writer.operation == "Update":
        about.pop("managedFields", None)
        if _without_managers(old) == _without_managers(changed):
            return old
        managed_fields.after_update(kind, old, changed, entry(cluster, kind, writer))
    elif _without_times(old) == _without_times(changed):
        return old
    if _counts(kind, old, changed):
        about["generation"] = old["metadata"].get("generation", 0) + 1
    changed["metadata"] = metadata.ordered(about)
    if writer.dry_run:
        return changed
    if about.get("deletionTimestamp") and not about.get("finalizers") and kind.plural != "pods":
        cluster.store.remove(kind, about.get("namespace", ""), about["name"])
        return changed
    return cluster.store.write(kind, changed)


def server_side_apply(
    cluster: "Cluster", kind: Kind, live: Json | None, wanted: Json, writer: Writer, *, force: bool
) -> Json:
    """Server-side apply, which creates where there is nothing yet."""
    about = entry(cluster, kind, writer)
    merged = apply.applied(kind, live, wanted, about, force=force)
    if live is None:
        return create(cluster, kind, merged, writer)
    return update(cluster, kind, live, merged, writer)


def entry(cluster: "Cluster", kind: Kind, writer: Writer) -> Json:
    """The managedFields entry of this writer, without its fields."""
    now = timestamp(cluster.now())
    return managed_fields.entry_of(kind, writer.manager, writer.operation, now, writer.subresource)


def _complete(cluster: "Cluster", kind: Kind, created: Json) -> None:
    """What follows from the name and the uid that the object has now."""
    if kind.plural == "jobs":
        defaults.name_job_pods(created)
    elif kind.plural == "services":
        defaults.give_address(created)
    elif kind.plural == "customresourcedefinitions":
        definitions.establish(created, timestamp(cluster.now()))


def _check_version(kind: Kind, old: Json, about: Json) -> None:
    stated = about.get("resourceVersion")
    if stated and not stated.isdigit():
        raise internal(f'strconv.ParseUint: parsing "{stated}": invalid syntax')
    name, stored = old["metadata"]["name"], old["metadata"]["resourceVersion"]
    if stated and stated not in ("0", stored):
        raise conflict(kind, name)
    uid = about.get("uid")
    if uid and uid != old["metadata"]["uid"]:
        why = (
            f"StorageError: invalid object, Code: 4, Key: /registry/{kind.plural}/{name}, "
            f"ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
            f"{uid}, UID in object meta: {old['metadata']['uid']}"
        )
        raise conflict(kind, name, why)


def _keep(old: Json, new: Json, name: str) -> None:
    if name in old:
        new[name] = old[name]
    else:
        new.pop(name, None)


def _keep_other_half(kind: Kind, old: Json, new: Json, writer: Writer) -> None:
    """`/status` writes status only, everything else writes everything but status."""
    if writer.subresource == "status":
        for name in {*old, *new} - {"metadata", "status"}:
            _keep(old, new, name)
    elif "status" in old and _has_own_status(kind):
        _keep(old, new, "status")
    elif _has_own_status(kind):
        new.pop("status", None)


def _counts(kind: Kind, old: Json, new: Json) -> bool:
    if not kind.counts_generation:
        return False
    before, after = old["metadata"], new["metadata"]
    # Deployments alone count annotations too, because those are copied to their replica sets.
    annotated = kind.plural == "deployments" and (
        before.get("annotations") != after.get("annotations")
    )
    if kind.definition is not None:
        return _counted(kind, old) != _counted(kind, new)
    return annotated or old.get("spec") != new.get("spec")


def _has_own_status(kind: Kind) -> bool:
    """Whether status is written by the subresource only. An event has none at all."""
    if kind.definition is not None:
        return "status" in kind.subresources
    return kind.plural != "events"


def _counted(kind: Kind, value: Json) -> Json:
    """Of a custom resource everything counts but metadata and a status that is written apart."""
    apart = ("metadata", "status") if _has_own_status(kind) else ("metadata",)
    return {name: item for name, item in value.items() if name not in apart}


def _without_managers(value: Json) -> Json:
    about = {key: item for key, item in value["metadata"].items() if key != "managedFields"}
    return {**value, "metadata": about}


def _without_times(value: Json) -> Json:
    about = dict(value["metadata"])
    about["managedFields"] = [
        {key: item for key, item in each.items() if key != "time"}
        for each in about.get("managedFields", [])
    ]
    return {**value, "metadata": about}
