"""Controllers that own objects and put back what Git says: Flux's kustomize-controller, and Argo CD.

Simulates   Kustomization (kustomize.toolkit.fluxcd.io/v1) and Application (argoproj.io/v1alpha1), with Git in memory
Faithful    labels or tracking annotation on every object; server-side apply by the controller's own field manager, so
            that only fields that Git states are put back; `spec.suspend` and `syncPolicy.automated.selfHeal`; an object
            that somebody deleted comes back; an Argo CD application that does not sync goes on comparing
Choice      one delay from a change to its correction, which in Flux is the rest of `spec.interval`, in Argo CD seconds
Left out    pruning, health checks, Helm, fields that kubectl added, which kustomize-controller takes away
Source      https://fluxcd.io/flux/components/kustomize/kustomizations/
            https://argo-cd.readthedocs.io/en/stable/user-guide/auto_sync/
"""

import copy
import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from sandbox.kubernetes import bodies, served, writes
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.names import timestamp
from sandbox.kubernetes.statuses import StatusError
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

Tool = Literal["flux", "argo"]
Key = tuple[str, str, str]  # plural, namespace, name
DELAY_S = 60.0
_FLUX = "kustomize.toolkit.fluxcd.io"
_PLURALS: dict[Tool, str] = {"flux": "kustomizations", "argo": "applications"}
_MANAGERS: dict[Tool, str] = {"flux": "kustomize-controller", "argo": "argocd-controller"}
NAMESPACES: dict[Tool, str] = {"flux": "flux-system", "argo": "argocd"}


@dataclass
class Repository:
    """What one Kustomization or Application takes from Git."""

    tool: Tool
    name: str
    delay_s: float = DELAY_S
    manifests: dict[Key, Json] = field(default_factory=dict)  # with kind and apiVersion

    @property
    def revision(self) -> str:
        """Of what Git holds now, as a commit's id."""
        text = json.dumps([[*key, each] for key, each in sorted(self.manifests.items())])
        return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class GitOps:
    """The controllers of one cluster."""

    def __init__(self, cluster: "Cluster") -> None:
        self._cluster = cluster
        self.repositories: dict[str, Repository] = {}

    def own(self, repository: Repository, manifests: list[Json]) -> None:
        """Let Git hold these objects from now on, and the cluster what Git holds. Raises `StatusError`, `KeyError`."""
        cluster = self._cluster
        namespace = NAMESPACES[repository.tool]
        with cluster.reactor.seeding_now():
            if not any(
                each["metadata"]["name"] == namespace for each in cluster.objects("namespaces")
            ):
                cluster.seed_namespace(namespace)
            cluster.seed(_PLURALS[repository.tool], _owner(repository))
            self.repositories[repository.name] = repository
            self._commit(repository, manifests)
            self._reconcile(repository)

    def snapshot(self) -> dict[str, Repository]:
        """Every repository as it is now, for an equal cluster."""
        return {
            name: replace(each, manifests=dict(each.manifests))
            for name, each in self.repositories.items()
        }

    def restore(self, past: dict[str, Repository]) -> None:
        """Begin from there; the owners are among the cluster's objects."""
        self.repositories = {
            name: replace(each, manifests=dict(each.manifests)) for name, each in past.items()
        }

    def commit(self, name: str, manifests: list[Json]) -> Repository:
        """Git changes; the cluster follows after the delay. Raises `KeyError`."""
        repository = self.repositories[name]
        self._commit(repository, manifests)
        self._soon(repository)
        return repository

    def notice(self, cluster: "Cluster", namespace: str, name: str) -> None:
        """Something with this name changed: whoever owns such an object will look."""
        for repository in self.repositories.values():
            is_own = (namespace, name) == (NAMESPACES[repository.tool], repository.name)
            if is_own or any(key[1:] == (namespace, name) for key in repository.manifests):
                self._soon(repository)

    def _commit(self, repository: Repository, manifests: list[Json]) -> None:
        for manifest in manifests:
            kind = served.by_kind(self._cluster, manifest["apiVersion"], manifest["kind"])
            if kind is None:
                raise KeyError(f"{manifest['apiVersion']} {manifest['kind']}")
            about = manifest["metadata"]
            key = (kind.plural, about.get("namespace", ""), about["name"])
            repository.manifests[key] = copy.deepcopy(manifest)

    def _soon(self, repository: Repository) -> None:
        if not self._cluster.reactor.seeding:
            self._cluster.reactor.once(
                ("gitops", repository.name),
                repository.delay_s,
                lambda: self._reconcile(repository),
            )

    def _reconcile(self, repository: Repository) -> None:
        owner = self._owner_of(repository)
        if owner is None:
            return
        if _is_suspended(repository, owner[1]):
            if repository.tool == "argo":  # it goes on comparing, and says so
                self._report(repository, *owner, "", synced=self._is_synced(repository))
            return
        failed = ""
        for manifest in repository.manifests.values():
            try:
                self._apply(repository, manifest)
            except StatusError as refused:
                failed = failed or str(refused)
        self._report(repository, *owner, failed)

    def _is_synced(self, repository: Repository) -> bool:
        """Whether the cluster says all that Git says."""
        for manifest in repository.manifests.values():
            kind = served.by_kind(self._cluster, manifest["apiVersion"], manifest["kind"])
            if kind is None:
                continue
            wanted, _ = bodies.decode(kind, manifest)
            about = wanted["metadata"]
            live = self._cluster.store.get(kind, about.get("namespace", ""), about["name"])
            if live is None or not _says(live, {**wanted, "kind": None, "apiVersion": None}):
                return False
        return True

    def _apply(self, repository: Repository, manifest: Json) -> None:
        cluster = self._cluster
        kind = served.by_kind(cluster, manifest["apiVersion"], manifest["kind"])
        if kind is None:
            return  # its definition was taken away meanwhile
        wanted, _ = bodies.decode(kind, _marked(repository, kind, manifest))
        wanted = {name: each for name, each in wanted.items() if name not in ("kind", "apiVersion")}
        about = wanted["metadata"]
        live = cluster.store.get(kind, about.get("namespace", ""), about["name"])
        if live is not None and _is_left_alone(live):
            return
        writer = writes.Writer(_MANAGERS[repository.tool], operation="Apply")
        writes.server_side_apply(cluster, kind, live, wanted, writer, force=True)

    def _owner_of(self, repository: Repository) -> tuple[Kind, Json] | None:
        kind = served.by_plural(self._cluster, _PLURALS[repository.tool])
        if kind is None:
            return None
        namespace = NAMESPACES[repository.tool]
        found = self._cluster.store.get(kind, namespace, repository.name)
        return (kind, found) if found is not None else None

    def _report(
        self,
        repository: Repository,
        kind: Kind,
        owner: Json,
        failed: str,
        *,
        synced: bool = True,
    ) -> None:
        """Write the status, where it says something new."""
        cluster, revision = self._cluster, f"main@sha1:{repository.revision}"
        known = owner.get("status", {})
        if repository.tool == "argo":
            status: Json = {
                "sync": {
                    "status": "Synced" if synced and not failed else "OutOfSync",
                    "revision": revision[-40:],
                },
                "health": {"status": "Degraded" if failed else "Healthy"},
            }
        else:
            ready = {
                "type": "Ready",
                "status": "False" if failed else "True",
                "reason": "ReconciliationFailed" if failed else "ReconciliationSucceeded",
                "message": failed or f"Applied revision: {revision}",
            }
            before: Json = next(iter(known.get("conditions", [])), {})
            same = all(before.get(name) == each for name, each in ready.items())
            moment = before["lastTransitionTime"] if same else timestamp(cluster.now())
            status = {
                "conditions": [{**ready, "lastTransitionTime": moment}],
                "lastAttemptedRevision": revision,
                "observedGeneration": owner["metadata"]["generation"],
                **({} if failed else {"lastAppliedRevision": revision}),
            }
        if {**known, **status} != known:
            cluster.store.write(kind, {**owner, "status": {**known, **status}})


def _owner(repository: Repository) -> Json:
    about = {"name": repository.name, "namespace": NAMESPACES[repository.tool]}
    if repository.tool == "argo":
        spec: Json = {
            "project": "default",
            "source": {"repoURL": "https://git.contoso.example/shop", "path": "deploy"},
            "destination": {"server": "https://kubernetes.default.svc"},
            "syncPolicy": {"automated": {"selfHeal": True}},
        }
    else:
        spec = {
            "interval": f"{repository.delay_s:g}s",
            "path": "./deploy",
            "prune": False,
            "sourceRef": {"kind": "GitRepository", "name": repository.name},
        }
    return {"metadata": about, "spec": spec}


def _marked(repository: Repository, kind: Kind, manifest: Json) -> Json:
    """The manifest with what tells everybody whose it is."""
    marked = copy.deepcopy(manifest)
    about = marked["metadata"]
    if repository.tool == "argo":
        path = f"{kind.group}/{kind.kind}:{about.get('namespace', '')}/{about['name']}"
        annotations = about.setdefault("annotations", {})
        annotations["argocd.argoproj.io/tracking-id"] = f"{repository.name}:{path}"
    else:
        labels = about.setdefault("labels", {})
        labels[f"{_FLUX}/name"] = repository.name
        labels[f"{_FLUX}/namespace"] = NAMESPACES["flux"]
    return marked


def _is_suspended(repository: Repository, owner: Json) -> bool:
    spec = owner["spec"]
    if repository.tool == "flux":
        return bool(spec.get("suspend"))
    automated = spec.get("syncPolicy", {}).get("automated")
    return automated is None or not automated.get("selfHeal") or automated.get("enabled") is False


def _says(live: object, wanted: object) -> bool:
    """Whether all of this is in there; what Git leaves open may be anything. Lists are compared item by item."""
    if isinstance(wanted, dict):
        return isinstance(live, dict) and all(
            value is None or _says(live.get(name), value) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(live, list)
            and len(live) == len(wanted)
            and all(_says(*pair) for pair in zip(live, wanted, strict=True))
        )
    return live == wanted


def _is_left_alone(live: Json) -> bool:
    """Whether the object itself says that Flux is not to touch it.

    https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources
    """
    notes = live["metadata"].get("annotations", {})
    return bool(notes.get(f"{_FLUX}/reconcile") == "disabled")
