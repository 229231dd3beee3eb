"""One AKS cluster: its objects, its issuer, its time.

Simulates   an AKS cluster with OIDC issuer, workload identity add-on and Entra sign-in
Left out    more than one node; Azure RBAC for Kubernetes (the cluster's own RBAC objects decide)
Source      https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sandbox.issuers import Issuer
from sandbox.kubernetes import bootstrap, definitions, patches, served, writes
from sandbox.kubernetes.controllers import roster
from sandbox.kubernetes.environments import Environments
from sandbox.kubernetes.gitops import GitOps, Repository
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.mounted_tokens import MountedTokens
from sandbox.kubernetes.pod_logs import PodLogs
from sandbox.kubernetes.reactor import Reactor
from sandbox.kubernetes.seeds import Seeds
from sandbox.kubernetes.store import Snapshot, Store
from sandbox.world import Json, World

Metrics = Literal["served", "absent", "down"]  # metrics.k8s.io
Outage = Literal["", "reset", "timeout"]  # connections are cut, or nobody ever answers
_ADMINISTRATOR = writes.Writer("kubectl-create")


@dataclass
class Pace:
    """How long a cluster takes, in seconds. Tests and drills may change it at any time."""

    controllers: float = 0.02  # something was written -> the controllers have acted on it
    pod_ready: float = 0.5  # pod scheduled -> Ready
    pod_stop: float = 0.2  # pod deleted -> its containers have ended
    job_run: float = 5.0  # a pod that is to end became Ready -> its containers have succeeded
    create_backoff: float = 0.5  # a pod was refused -> the next try; doubles each time


@dataclass(frozen=True, slots=True)
class Settled:
    """A cluster at rest, from which an equal one can begin without rolling out everything again."""

    created_at: datetime
    objects: Snapshot
    logs: PodLogs
    addresses: int
    environments: dict[str, dict[str, str]]
    repositories: dict[str, Repository]


class Cluster(Seeds):
    """State of one cluster. `world.clusters[name] = Cluster(world, name, issuer_url=...)`."""

    def __init__(
        self,
        world: World,
        name: str,
        *,
        issuer_url: str,
        resource_id: str = "",
        since: datetime | Settled | None = None,
    ) -> None:
        """A fresh cluster with system namespaces, default RBAC, a node and the identity webhook.

        `issuer_url` is the exact `oidcIssuerProfile.issuerURL`; its keys are created in
        `world.issuers` if absent. `since` back-dates everything that is seeded, or is an equal
        cluster of an earlier world with all that was in it.
        """
        self.world = world
        self.name = name
        self.resource_id = resource_id
        self.issuer: Issuer = world.issuers.setdefault(issuer_url, Issuer(issuer_url))
        day = since.created_at if isinstance(since, Settled) else since
        self.created_at = day or world.clock.now()
        self.pace = Pace()
        self.store = Store()
        self.logs = PodLogs()
        self.tokens = MountedTokens(self)
        self.environments = Environments(self)
        self.outage: Outage = ""  # of the API server
        self.metrics: Metrics = "served"
        self.webhook_memory = "14Mi"  # what each of its pods uses
        self.enforces_policies = True  # an engine for NetworkPolicies is installed
        self.unpullable_images: set[str] = set()  # pods with one of these never become ready
        self.never_ready: set[str] = set()  # "namespace/name" of workloads whose new pods hang
        self.refused_pods: dict[str, tuple[int, str]] = {}  # owner's uid -> tries, last reason
        self._addresses = 4  # the node itself has the first ones
        self._on_stop: dict[int, Callable[[], None]] = {}
        self.reactor = Reactor(self)
        roster.attach(self)
        self.gitops = GitOps(self)
        self.reactor.register_for_all(self.gitops.notice)
        if isinstance(since, Settled):
            self._restore(since)
        else:
            self._build()

    def _build(self) -> None:
        with self.reactor.seeding_now():
            bootstrap.fill(self)
        self.store.compact()  # nobody saw the cluster being built

    def _restore(self, settled: Settled) -> None:
        self.store.restore(settled.objects)
        self.logs, self._addresses = settled.logs.copy(), settled.addresses
        self.environments.restore(settled.environments)
        self.gitops.restore(settled.repositories)
        with self.reactor.seeding_now():  # what waits for its time waits again
            for value in self.store.peek(stored("cronjobs")):
                about = value["metadata"]
                self.reactor.enqueue(stored("cronjobs"), about["namespace"], about["name"])

    def settled(self) -> Settled:
        """What it holds now, while nothing is under way in it."""
        return Settled(
            self.created_at,
            self.store.snapshot(),
            self.logs.copy(),
            self._addresses,
            self.environments.snapshot(),
            self.gitops.snapshot(),
        )

    def stand_as(self, other: "Cluster") -> None:
        """Hold all that another one holds, at rest, and nothing else."""
        self._restore(other.settled())

    def now(self) -> datetime:
        """The present; while seeding, the day of the seed."""
        return self.created_at if self.reactor.seeding else self.world.clock.now()

    def seed(self, plural: str, value: Json) -> Json:
        """Any object as an administrator would create it, settled at once: its pods are Ready.

        A custom resource brings its definition along where the cluster has none yet.
        """
        with self.reactor.seeding_now():
            return writes.create(self, self._kind(plural), value, _ADMINISTRATOR)

    def change(self, plural: str, namespace: str, name: str, patch: Json) -> Json:
        """A merge patch as an administrator would send it, settled at once. Raises `KeyError`."""
        kind = self._kind(plural)
        with self.reactor.seeding_now():
            old = self.store.get(kind, namespace, name)
            if old is None:
                raise KeyError(f"{plural} {namespace}/{name}")
            return writes.update(self, kind, old, patches.merge(old, patch), _ADMINISTRATOR)

    def define(self, plural: str) -> Kind:
        """Serve this custom resource from now on, by its published definition."""
        definition = definitions.published(plural)
        with self.reactor.seeding_now():
            writes.create(self, stored("customresourcedefinitions"), definition, _ADMINISTRATOR)
        return self._kind(plural)

    def objects(self, plural: str, namespace: str = "") -> list[Json]:
        """Copies of what is stored, with kind and apiVersion; "" means every namespace."""
        kind = served.by_plural(self, plural)
        if kind is None:
            return []
        return [typed(kind, value) for value in self.store.peek(kind, namespace)]

    def _kind(self, plural: str) -> Kind:
        found = served.by_plural(self, plural)
        return found if found is not None else self.define(plural)

    def state(self) -> dict[str, list[Json]]:
        """Everything that is stored, by plural, as `/sandbox/state` shows it."""
        return {kind.plural: self.objects(kind.plural) for kind in self.store.kinds()}

    def rotate_signing_keys(self) -> None:
        """A new key signs ServiceAccount tokens; the one before it stays good until the next rotation.

        Then it is gone at once, from the JWKS and for the API server.
        https://learn.microsoft.com/azure/aks/use-oidc-issuer#rotate-the-oidc-key
        """
        self.issuer.rotate()

    def on_stop(self, act: Callable[[], None]) -> Callable[[], None]:
        """Do this when the cluster is thrown away. Returns the way to forget it."""
        key = id(act)
        self._on_stop[key] = act
        return lambda: self._on_stop.pop(key, None) and None

    async def stop(self) -> None:
        """Cancel all timers and end all watches: this cluster is being thrown away."""
        self.reactor.close()
        self.end_watches()

    def end_watches(self) -> None:
        """End every stream, as an API server that is about to restart does."""
        for act in list(self._on_stop.values()):
            act()

    def next_pod_address(self) -> str:
        """An address out of the pod network."""
        number = self._addresses
        self._addresses += 1
        return f"10.244.{number // 250 % 250}.{number % 250}"

    @property
    def certificate_authority(self) -> str:
        """The CA certificate of the API server, in PEM."""
        trusted = self.world.trust.get_ca_certs(binary_form=True) if self.world.trust else []
        return "".join(ssl.DER_cert_to_PEM_cert(each) for each in trusted)


def user(name: str) -> Json:
    """A subject: an Entra service principal is the user whose name is its object id."""
    return {"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def group(name: str) -> Json:
    """A subject."""
    return {"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": name}


def service_account(namespace: str, name: str) -> Json:
    """A subject."""
    return {"kind": "ServiceAccount", "namespace": namespace, "name": name}


def typed(kind: Kind, value: Json) -> Json:
    """A copy with kind and apiVersion in front, as a single object is answered."""
    return {"kind": kind.kind, "apiVersion": kind.api_version, **value}
