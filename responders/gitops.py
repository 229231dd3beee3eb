"""Who else writes an object: GitOps controllers and Helm, which put back what Firebreak changed.

Source   https://fluxcd.io/flux/faq/ ("fields specified in Git will always be overridden")
         https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
"""

from responders.model import Json

# Marks on labels or annotations, by the prefix of their name.
_OWNERS = {
    "kustomize.toolkit.fluxcd.io/": "Flux Kustomization",
    "helm.toolkit.fluxcd.io/": "Flux HelmRelease",
    "argocd.argoproj.io/": "Argo CD application",
    "meta.helm.sh/": "Helm release",
}
# What makes a copy look like the controller's own. Argo CD may track by app.kubernetes.io/instance,
# and prunes what carries its mark and is not in Git.
_MARKS = (
    *_OWNERS,
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "kubectl.kubernetes.io/last-applied-configuration",
)


def owner_of(metadata: Json) -> str:
    """A sentence that names the owner and what to do about it; "" where nobody else writes."""
    marks = {**(metadata.get("labels") or {}), **(metadata.get("annotations") or {})}
    for name in sorted(marks):
        for prefix, owner in _OWNERS.items():
            if name.startswith(prefix):
                return (
                    f"It belongs to a {owner} ({name}={marks[name]}): make the same change in its "
                    f"source now, or it is undone"
                )
    return ""


def without_marks(names: Json) -> Json:
    """These labels or annotations, less those by which a controller would claim a copy."""
    return {name: value for name, value in names.items() if not name.startswith(_MARKS)}
