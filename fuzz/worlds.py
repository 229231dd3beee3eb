"""What a world is: a tenant, its clusters, and an attack, as plain JSON. The format of `tests/worlds/*.json`.

Everything is named; ids follow from names, so that a world is the same in every run.
"""

import uuid
from typing import Any, Literal, TypedDict

Json = dict[str, Any]
Kind = Literal[
    "application",
    "application_without_principal",
    "foreign_application",
    "user_assigned_identity",
    "system_assigned_identity",
]
Holder = Literal["application", "principal"]
Knows = Literal["annotation", "variable", "configmap", "secret", "binding"]
# "down": it answers nobody until the recovery waits; "falls": from the consent on; "webhook": its webhook is broken.
Trouble = Literal["down", "falls", "webhook"]
_NAMESPACE = uuid.UUID("8f9d2c1e-6a57-4b0e-9d53-2f1f6b7f0c11")


class Trust(TypedDict):
    """A federated credential: a cluster's ServiceAccount, or a subject of somebody outside where cluster is empty."""

    cluster: str
    namespace: str
    account: str


class Role(TypedDict):
    """A role in Azure. `at` is "store:NAME", "vault:NAME", "group:NAME", "subscription", "platform" or "root".

    "subscription:NAME" is one of the others.
    """

    role: str
    at: str
    through: str  # the group that carries it, or empty
    only_store: str  # a condition that lets it work on this store alone, or empty


class Identity(TypedDict):
    """A principal with all that it holds. What its kind can't have is not in it."""

    name: str
    kind: Kind
    secrets: list[Holder]
    certificates: list[Holder]
    trusts: list[Trust]
    roles: list[Role]
    app_roles: list[str]
    consents: list[str]
    owners: list[str]
    directory_roles: list[str]
    machines: list[str]


class Person(TypedDict):
    """Somebody who can be phished."""

    name: str
    roles: list[Role]
    directory_roles: list[str]


class Vault(TypedDict):
    """A key vault; `readers` are identities with an access policy, null: it asks Azure RBAC."""

    name: str
    readers: list[str] | None


class Workload(TypedDict):
    """Something that runs under a ServiceAccount of its own name, which names the identity's client id."""

    cluster: str
    namespace: str
    name: str
    account: str
    kind: str  # a plural, such as "deployments"
    replicas: int
    identity: str
    reads: str  # the store whose blob it reads
    knows: Knows  # where its pods have the client id from


class GitOps(TypedDict):
    """A controller that puts back after a minute what Git says of these workloads and their ServiceAccounts."""

    cluster: str
    tool: Literal["flux", "argo"]
    owns: list[str]  # workloads, as namespace/name


class Budget(TypedDict):
    """A disruption budget that lets no pod of this workload go."""

    cluster: str
    namespace: str
    name: str


class Consumer(TypedDict):
    """Something that is no ServiceAccount and names the identity's client id all the same."""

    cluster: str
    namespace: str
    name: str
    kind: Literal[
        "secretproviderclasses", "triggerauthentications", "storageclasses", "persistentvolumes"
    ]
    identity: str


class Binding(TypedDict):
    """An AKS identity binding: workloads that know the client id by it need no trust of their own."""

    cluster: str
    identity: str


class ClusterGrant(TypedDict):
    """Who may do something in a cluster: `to` is a person or an identity; an empty namespace means everywhere."""

    cluster: str
    namespace: str
    to: str
    may: Literal["mint", "read", "pods", "bind"]


class Lock(TypedDict):
    """A management lock; `at` as in `Role`."""

    at: str
    level: Literal["CanNotDelete", "ReadOnly"]


class Foothold(TypedDict):
    """What the attacker begins with: a leaked "secret" or "certificate", a "person", a "pod", code on a "machine"."""

    how: Literal["secret", "certificate", "person", "pod", "machine"]
    of: str  # identity, person, workload as cluster/namespace/name, or machine
    which: int  # of several secrets or certificates


class Attack(TypedDict):
    """The story before the alert, and how stubborn he is after it."""

    footholds: list[Foothold]
    plants: list[
        str
    ]  # names of moves in `fuzz.planting`, tried in this order with all that he holds
    stubborn: int  # so many more things he plants once the incident is open
    patient: bool  # whether he uses rights in clusters only when there is a new identity


class World(TypedDict):
    """The whole of it."""

    name: str
    mode: Literal["contain", "respond"]
    opened_by: Literal["alert", "responder"]
    ending: Literal["watch", "restore"]  # whether a person takes it back as a false alarm
    order: int  # seeds the order of steps that run side by side
    twice: list[str]  # steps that Durable delivers twice
    victim: str
    identities: list[Identity]
    people: list[Person]
    stores: list[str]
    vaults: list[Vault]
    workloads: list[Workload]
    cluster_grants: list[ClusterGrant]
    locks: list[Lock]
    gitops: list[GitOps]
    budgets: list[Budget]
    consumers: list[Consumer]
    bindings: list[Binding]
    subscriptions: list[str]  # besides the first one
    homes: dict[
        str, str
    ]  # store, vault, identity or machine -> its subscription; the first where it is not named
    troubles: dict[str, Trouble]  # by cluster
    delays: dict[str, float]
    faults: list[Json]
    policy: Json  # section -> key -> value, over policy.toml
    attack: Attack


def made_id(kind: str, name: str) -> str:
    """The id of a thing of this kind and name."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def object_id(identity: str) -> str:
    """Of its service principal."""
    return made_id("principal", identity)


def client_id(identity: str) -> str:
    """What tokens are asked for with."""
    return made_id("client", identity)


def application_id(identity: str) -> str:
    """The application's object id."""
    return made_id("application", identity)


def victim_of(world: World) -> Identity:
    """The identity that the incident is about."""
    return next(one for one in world["identities"] if one["name"] == world["victim"])


def workload_name(one: Workload) -> str:
    """As footholds and findings name it."""
    return f"{one['cluster']}/{one['namespace']}/{one['name']}"
