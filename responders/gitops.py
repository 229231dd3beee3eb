"""Who else writes an object: GitOps controllers and Helm, which put back what Firebreak changed. Pure, no I/O.

Source   https://fluxcd.io/flux/faq/ ("fields specified in Git will always be overridden")
         https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
         https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
"""

from responders.model import GitOpsController, GitOpsOwner, Json

_FLUX, _FLUX_HELM = "kustomize.toolkit.fluxcd.io/", "helm.toolkit.fluxcd.io/"
_ARGO, _HELM = "argocd.argoproj.io/", "meta.helm.sh/"
_TRACKED, _INSTANCE = f"{_ARGO}tracking-id", f"{_ARGO}instance"
_SHARED_INSTANCE = "app.kubernetes.io/instance"  # Argo CD's by default until 3.0, and everybody's
# What makes a copy look like the controller's own. Argo CD may track by app.kubernetes.io/instance,
# and prunes what carries its mark and is not in Git.
_MARKS = (
    *(_FLUX, _FLUX_HELM, _ARGO, _HELM),
    _SHARED_INSTANCE,
    "app.kubernetes.io/managed-by",
    "kubectl.kubernetes.io/last-applied-configuration",
)
# Of Flux: the object is in Git, and is left as it is in the cluster.
_LEFT_ALONE = {f"{_FLUX}reconcile": {"disabled"}, f"{_FLUX}ssa": {"Ignore", "IfNotPresent"}}


def owner_of(metadata: Json) -> GitOpsOwner | None:
    """Who writes this object from elsewhere; None where no mark says that anybody does."""
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    return _flux_helm(marks) or _flux(marks) or _argo(marks, metadata) or _helm(marks)


def remark(metadata: Json) -> str:
    """A sentence that names the owner and what to do about it; "" where nobody else writes."""
    owner = owner_of(metadata)
    return sentence(owner) if owner else ""


def sentence(owner: GitOpsOwner) -> str:
    """Who it is, and what to do about it."""
    undone = (
        "or the next upgrade of the release undoes it"
        if owner["controller"] == "Helm release"
        else "or it is undone"
    )
    return (
        f"It belongs to a {owner['controller']} ({owner['mark']}): make the same change in its "
        f"source now, {undone}"
    )


def without_marks(names: Json) -> Json:
    """These labels or annotations, less those by which a controller would claim a copy."""
    return {name: value for name, value in names.items() if not name.startswith(_MARKS)}


def _flux_helm(marks: Json) -> GitOpsOwner | None:
    return _flux_owner("Flux HelmRelease", _FLUX_HELM, marks)


def _flux(marks: Json) -> GitOpsOwner | None:
    if any(marks.get(name) in values for name, values in _LEFT_ALONE.items()):
        return None
    return _flux_owner("Flux Kustomization", _FLUX, marks)


def _flux_owner(controller: GitOpsController, prefix: str, marks: Json) -> GitOpsOwner | None:
    name = marks.get(f"{prefix}name")
    if name is None:
        return None
    namespace = marks.get(f"{prefix}namespace")
    return _owner(controller, namespace, name, f"{prefix}name={name}")


def _argo(marks: Json, metadata: Json) -> GitOpsOwner | None:
    """By the tracking id where there is one: it names the object as well, so that a copy of it counts for nothing.

    An application outside Argo CD's own namespace is called "namespace_name" there.
    https://argo-cd.readthedocs.io/en/stable/operator-manual/app-any-namespace/
    """
    tracked = marks.get(_TRACKED)
    if tracked is not None:
        place = f"{metadata.get('namespace') or ''}/{metadata.get('name')}"
        if not tracked.endswith(f":{place}"):
            return None
        return _argo_owner(tracked.partition(":")[0], f"{_TRACKED}={tracked}")
    if instance := marks.get(_INSTANCE):
        return _argo_owner(instance, f"{_INSTANCE}={instance}")
    shared = marks.get(_SHARED_INSTANCE)
    if shared and _is_written_by_argo(metadata):
        return _argo_owner(shared, f"{_SHARED_INSTANCE}={shared}")
    other = next((name for name in sorted(marks) if name.startswith(_ARGO)), None)
    return _argo_owner("", f"{other}={marks[other]}") if other else None


def _argo_owner(application: str, mark: str) -> GitOpsOwner:
    namespace, _, name = application.rpartition("_")
    return _owner("Argo CD application", namespace or None, name, mark)


def _is_written_by_argo(metadata: Json) -> bool:
    managers = (str(one.get("manager")) for one in metadata.get("managedFields") or [])
    return any(one.startswith("argocd") for one in managers)


def _helm(marks: Json) -> GitOpsOwner | None:
    name = marks.get(f"{_HELM}release-name")
    if name is None:
        return None
    namespace = marks.get(f"{_HELM}release-namespace")
    return _owner("Helm release", namespace, name, f"{_HELM}release-name={name}")


def _owner(
    controller: GitOpsController, namespace: str | None, name: str, mark: str
) -> GitOpsOwner:
    return {"controller": controller, "namespace": namespace, "name": name, "mark": mark}
