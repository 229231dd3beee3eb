"""All state of the pretend cloud, in one object.

Everything is kept in the shape it has on the wire (plain JSON dicts), on a `Shelf` that remembers the past, because
Entra, Azure RBAC and Log Analytics answer from replicas: what was written a second ago is not yet seen everywhere.
"""

import ssl
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar, cast

from sandbox.agenda import Agenda
from sandbox.granted import FILE, Granted
from sandbox.granted import read as read_granted
from sandbox.knobs import Delays, Limits
from sandbox.used import Used

if TYPE_CHECKING:
    from sandbox.issuers import Issuer
    from sandbox.kubernetes.cluster import Cluster
    from sandbox.storage.containers import Container

Json = dict[str, Any]
_JsonT = TypeVar("_JsonT")
_NAMESPACE = uuid.UUID("5ba6c9a4-3f0e-4a6b-9c1d-0f1e2d3c4b5a")


def stable_guid(name: str) -> str:
    """The same GUID for the same name in every run: seeds and documentation can name it."""
    return str(uuid.uuid5(_NAMESPACE, name))


def subscription_of(scope: str) -> str:
    """The subscription that a scope is in, in lower case; "" for what is above all of them."""
    parts = scope.lower().split("/", maxsplit=3)
    return parts[2] if len(parts) > 2 and parts[1] == "subscriptions" else ""


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with seven fraction digits, as Azure prints it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"


def copied(value: _JsonT) -> _JsonT:
    """A deep copy of JSON: several times as fast as `copy.deepcopy`, which is prepared for more."""
    return cast(_JsonT, _copied(value))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_copied(inner) for inner in value]
    return value


class Clock:
    """The sandbox's time: the machine's, plus what `/sandbox/clock` added. It never goes back."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The present, timezone-aware, in UTC."""
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Jump forward, so that tokens expire and residual deadlines pass without waiting."""
        if by < timedelta():
            raise ValueError("the clock only goes forward")
        self._ahead += by


Keep = Callable[[Json], bool]


def _all(_: Json) -> bool:
    return True


class Shelf:
    """Objects by id, with their past: `get` is the primary's answer, `as_of` a late replica's.

    `by` names functions of an object: its objects can be asked for by what these say, without a look at all the others.
    """

    def __init__(self, clock: Clock, **by: Callable[[Json], str]) -> None:
        self._clock = clock
        self._now: dict[str, Json] = {}
        self._past: dict[str, list[tuple[datetime, Json | None]]] = {}
        self._by = by
        # Name -> what the function said -> keys of all objects that ever were so, in the order of their first writing.
        self._keys: dict[str, dict[str, dict[str, None]]] = {name: {} for name in by}

    def __contains__(self, key: str) -> bool:
        return key in self._now

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._now))

    def __len__(self) -> int:
        return len(self._now)

    def get(self, key: str) -> Json | None:
        """A copy of the object as last written, or None."""
        return copied(self._now.get(key))

    def values(self, keep: Keep = _all) -> list[Json]:
        """Copies of all objects in the order in which they were first written, or of those that `keep` says.

        `keep` must not change any.
        """
        return [copied(value) for value in self._now.values() if keep(value)]

    def values_by(self, name: str, *wanted: str) -> list[Json]:
        """Copies of the objects of which the function of this name says one of these."""
        known = (self._now.get(key) for key in self._known(name, wanted))
        return [
            copied(value)
            for value in known
            if value is not None and self._by[name](value) in wanted
        ]

    def put(self, key: str, value: Json, *, since: datetime | None = None) -> None:
        """Write the whole object. `since` back-dates it, for seeds that are older than the run."""
        # One copy for present and past: neither is ever handed out.
        self.plant(key, copied(value), since or self._clock.now())

    def plant(self, key: str, value: Json, since: datetime) -> None:
        """Keep this very object, which may share its parts with others: nobody may change it any more."""
        self._now[key] = value
        self._past.setdefault(key, []).append((since, value))
        for name, said in self._by.items():
            self._keys[name].setdefault(said(value), {})[key] = None

    def remove(self, key: str) -> Json | None:
        """Delete the object and return what it was, or None where there was none."""
        gone = self._now.pop(key, None)
        if gone is None:
            return None
        self._past[key].append((self._clock.now(), None))
        return copied(gone)

    def as_of(self, key: str, moment: datetime) -> Json | None:
        """What a replica knows that has heard of everything up to `moment`."""
        return copied(self._seen(key, moment))

    def values_as_of(self, moment: datetime, keep: Keep = _all) -> list[Json]:
        """All objects that such a replica knows, or those that `keep` says; it must not change any."""
        return [copied(value) for value in self.views_as_of(moment, keep)]

    def views_as_of(self, moment: datetime, keep: Keep = _all) -> list[Json]:
        """The same objects themselves, for lists of which a page is shown: nobody may change any."""
        known = (self._seen(key, moment) for key in list(self._past))
        return [value for value in known if value is not None and keep(value)]

    def views_by(
        self, name: str, wanted: Collection[str], moment: datetime, keep: Keep = _all
    ) -> list[Json]:
        """Of what such a replica knows, the objects of which the function says one of these; `keep` as above."""
        said = self._by[name]
        known = (self._seen(key, moment) for key in self._known(name, wanted))
        return [
            value for value in known if value is not None and said(value) in wanted and keep(value)
        ]

    def written(self, key: str) -> list[datetime]:
        """When the object that is there now was written, oldest first; nothing from before it was last removed."""
        moments: list[datetime] = []
        for moment, value in self._past.get(key, []):
            moments = [] if value is None else [*moments, moment]
        return moments

    def _known(self, name: str, wanted: Collection[str]) -> list[str]:
        found = self._keys[name]
        return list(dict.fromkeys(key for one in wanted for key in found.get(one, ())))

    def _seen(self, key: str, moment: datetime) -> Json | None:
        seen: Json | None = None
        for written, value in self._past.get(key, []):
            if written <= moment:
                seen = value
        return seen


@dataclass
class Directory:
    """The Entra tenant. Objects are keyed by object id, federated credentials by their own id."""

    clock: Clock
    applications: Shelf = field(init=False)
    service_principals: Shelf = field(init=False)
    federated_credentials: Shelf = field(init=False)  # wire shape plus "applicationId" (object id)
    app_role_assignments: Shelf = field(init=False)  # keyed by assignment id
    oauth2_permission_grants: Shelf = field(init=False)  # keyed by grant id
    users: Shelf = field(init=False)
    groups: Shelf = field(init=False)
    role_assignments: Shelf = field(init=False)  # of directory roles; keyed by assignment id
    deleted_items: Shelf = field(init=False)  # wire shape plus "deletedDateTime" and "@odata.type"
    risky_service_principals: Shelf = field(init=False)  # keyed by the principal's object id
    risk_detections: Shelf = field(init=False)
    risk_history: dict[str, list[Json]] = field(default_factory=dict)  # object id -> oldest first
    workload_id_premium: bool = True  # the licence that identity protection of workloads takes
    owners: dict[str, list[str]] = field(default_factory=dict)  # object id -> owner object ids
    group_members: dict[str, list[str]] = field(default_factory=dict)  # group id -> direct members
    secrets: dict[str, str] = field(default_factory=dict)  # passwordCredentials keyId -> value

    def __post_init__(self) -> None:
        """Empty shelves on the shared clock."""
        for name in (
            "applications",
            "service_principals",
            "app_role_assignments",
            "oauth2_permission_grants",
            "users",
            "groups",
            "role_assignments",
            "risky_service_principals",
            "risk_detections",
            "deleted_items",
        ):
            setattr(self, name, Shelf(self.clock))
        self.federated_credentials = Shelf(
            self.clock, application=lambda each: str(each["applicationId"])
        )


@dataclass
class Azure:
    """What Azure Resource Manager knows, keyed by lower-cased resource id."""

    clock: Clock
    subscriptions: Shelf = field(init=False)  # keyed by subscription id
    resources: Shelf = field(init=False)
    role_definitions: Shelf = field(init=False)
    role_assignments: Shelf = field(init=False)
    management_groups: Shelf = field(init=False)  # keyed by lower-cased resource id
    policies: Shelf = field(init=False)  # assignments and states; keyed by lower-cased id
    vault_secrets: Shelf = field(init=False)  # keyed by "{vault id}/secrets/{name}", lower-cased
    parents: dict[str, str] = field(default_factory=dict)  # lower-cased scope -> management group
    activity: list[Json] = field(default_factory=list)  # activity log events, oldest first
    operations: dict[str, Json] = field(default_factory=dict)  # long-running ones, by their id

    def __post_init__(self) -> None:
        """Empty shelves on the shared clock."""
        for name in (
            "subscriptions",
            "resources",
            "role_definitions",
            "management_groups",
            "policies",
            "vault_secrets",
        ):
            setattr(self, name, Shelf(self.clock))
        self.role_assignments = Shelf(
            self.clock,
            principal=lambda each: str(each["properties"]["principalId"]).lower(),
            subscription=lambda each: subscription_of(each["properties"]["scope"]),
        )


@dataclass
class Logs:
    """Log Analytics tables: rows in the documented columns, each with the moment it arrives."""

    clock: Clock
    tables: dict[str, list[tuple[datetime, Json]]] = field(default_factory=dict)
    # Table -> its plan where that is not Analytics; None: this workspace has no such table.
    plans: dict[str, str | None] = field(default_factory=dict)

    def add(self, table: str, row: Json, *, delay_s: float) -> None:
        """Put a row into a table; it can be queried `delay_s` seconds from now."""
        arrives = self.clock.now() + timedelta(seconds=delay_s)
        self.tables.setdefault(table, []).append((arrives, row))

    def rows(self, table: str) -> list[Json]:
        """The rows of a table that have arrived."""
        now = self.clock.now()
        return [row for arrives, row in self.tables.get(table, []) if arrives <= now]


class World:
    """One tenant, one subscription, its clusters, and everybody's keys."""

    def __init__(
        self,
        endpoints: dict[str, str],
        *,
        trust: ssl.SSLContext | None = None,
        granted: Mapping[str, Granted] | None = None,
    ) -> None:
        """`endpoints` maps each service to its origin, such as {"arm": "https://localhost:8443"}.

        `trust` knows the sandbox's CA, for the calls that its services make of each other. `granted` is what
        Firebreak's identities get; without it what the repository's permission file says.
        """
        self.endpoints = endpoints
        self.granted = read_granted(FILE) if granted is None else granted
        self.used = Used()
        self.trust = trust
        self.clock = Clock()
        self.agenda = Agenda(self.clock)
        self.delays = Delays()
        self.limits = Limits()
        self.tenant_id = stable_guid("tenant")
        self.subscription_id = stable_guid("subscription")
        self.workspace_id = stable_guid("workspace")
        self.directory = Directory(self.clock)
        self.azure = Azure(self.clock)
        self.logs = Logs(self.clock)
        self.clusters: dict[str, Cluster] = {}
        self.issuers: dict[str, Issuer] = {}  # issuer URL, to the letter -> its keys
        self.containers: dict[str, Container] = {}  # of blobs, keyed by "account/container"
        self.teams_messages: list[Json] = []
        self.sentinel_incidents: dict[str, Json] = {}  # ARM id in small letters -> the incident
        self.sentinel_comments: dict[str, Json] = {}
        self.caches: dict[str, Any] = {}  # what services keep for a while, by their own name

    def seen_by_now(self, delay_s: float) -> datetime:
        """The moment up to which a replica that lags by `delay_s` seconds knows everything."""
        return self.clock.now() - timedelta(seconds=delay_s)
