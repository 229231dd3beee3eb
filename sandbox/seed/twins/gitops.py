"""Who puts back what Git says: a repository for each exported owner, holding the objects that its mark is on.

Played      Flux's Kustomizations in flux-system, Argo CD's applications in argocd
Left out    Helm's releases and owners in other namespaces: they are named, and put nothing back
"""

import re

from sandbox.kubernetes import gitops
from sandbox.kubernetes.cluster import Cluster
from sandbox.seed.twins import manifests
from sandbox.world import Json

_TOOLS: dict[str, gitops.Tool] = {"Flux Kustomization": "flux", "Argo CD application": "argo"}
_KINDS = {
    "serviceaccounts": ("v1", "ServiceAccount"),
    "configmaps": ("v1", "ConfigMap"),
    "deployments": ("apps/v1", "Deployment"),
    "statefulsets": ("apps/v1", "StatefulSet"),
    "daemonsets": ("apps/v1", "DaemonSet"),
}
_FLUX = "kustomize.toolkit.fluxcd.io/name"
_ARGO = "argocd.argoproj.io/tracking-id"
_SUSPENDED: dict[gitops.Tool, Json] = {
    "flux": {"spec": {"suspend": True}},
    "argo": {"spec": {"syncPolicy": {"automated": None}}},
}
_PLURALS: dict[gitops.Tool, str] = {"flux": "kustomizations", "argo": "applications"}
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


def own(cluster: Cluster, one: Json, left_out: list[str]) -> None:
    """Each owner with what is its own. What can't be played is named."""
    for owner in one.get("gitops") or []:
        tool = _TOOLS.get(owner["controller"])
        named = f"{one['name']}: {owner['controller']} {owner['namespace'] or ''}/{owner['name']}"
        if tool is None or owner["namespace"] not in (None, gitops.NAMESPACES[tool]):
            left_out.append(f"{named} puts nothing back here")
            continue
        held = [
            _manifest(plural, each)
            for plural in _KINDS
            for each in (one["objects"].get(plural) or [])
            if _is_of(tool, owner["name"], each["metadata"])
        ]
        if not owner["name"] or not held:
            left_out.append(f"{named} puts nothing back here")
            continue
        delay_s = _seconds(owner.get("interval"))
        cluster.gitops.own(gitops.Repository(tool, owner["name"], delay_s), held)
        if owner.get("suspended"):
            space = gitops.NAMESPACES[tool]
            cluster.change(_PLURALS[tool], space, owner["name"], _SUSPENDED[tool])


def _is_of(tool: gitops.Tool, name: str, metadata: Json) -> bool:
    if tool == "flux":
        return (metadata.get("labels") or {}).get(_FLUX) == name
    marked = str((metadata.get("annotations") or {}).get(_ARGO, ""))
    return marked.partition(":")[0] == name


def _manifest(plural: str, exported: Json) -> Json:
    """As it stands in Git: whole, without who owns it."""
    version, kind = _KINDS[plural]
    made = manifests.whole(plural, exported)
    about = dict(made["metadata"])
    labels = about.get("labels") or {}
    about["labels"] = {name: each for name, each in labels.items() if not _is_mark(name)}
    notes = about.get("annotations") or {}
    about["annotations"] = {name: each for name, each in notes.items() if not _is_mark(name)}
    kept = {name: each for name, each in about.items() if each}
    return {**made, "apiVersion": version, "kind": kind, "metadata": kept}


def _is_mark(name: str) -> bool:
    return name.startswith("kustomize.toolkit.fluxcd.io/") or name == _ARGO


def _seconds(interval: str | None) -> float:
    """A Go duration; what is none, or longer than a drill lasts, is the usual minute."""
    match = _DURATION.fullmatch(interval or "")
    if match is None or not any(match.groups()):
        return gitops.DELAY_S
    hours, minutes, seconds = (int(each or 0) for each in match.groups())
    return min(float(hours * 3600 + minutes * 60 + seconds), gitops.DELAY_S)
