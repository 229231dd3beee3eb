"""The nouns of a restore: plain JSON, hashed, and shown to the person who orders it."""

from typing import Literal, NotRequired, TypedDict

from responders.model import Json

# What becomes of one thing that containment took away.
Verdict = Literal[
    "restore",  # it comes back
    "there",  # it is there already: nothing to do
    "choice",  # it comes back only where the person names its key
    "never",  # it never comes back, whoever asks
    "drifted",  # the world is another one by now: it is refused, and with it what hangs on it
    "unread",  # nobody can say how it stands now: it is refused until it can be read
]


class Piece(TypedDict):
    """One thing of the identity, as it was before containment."""

    key: str  # what a person chooses it by; the same snapshot makes the same keys
    kind: str  # one of `plans.KINDS`: which step gives it back
    name: str
    verdict: Verdict
    reason: str
    before: str  # how it stood in the snapshot
    now: str  # how it stands
    restores: Json  # what the step needs: the snapshot's own item
    by_hand: list[str]  # what a person would run instead, where a person has to


class ClusterUndo(TypedDict):
    """What recovery did in one cluster, and what is taken back there."""

    cluster: Json  # ClusterRef
    verdict: Verdict
    reason: str
    objects: list[Json]  # `status`, `detail`: planned ones go back, refused ones have drifted
    subjects: list[str]  # of its ServiceAccounts, which name the old client id again afterwards


class RestorePlan(TypedDict):
    """The exact thing that a person orders: the same world makes the same plan."""

    incident_id: str
    principal: str  # object id
    display_name: str
    pieces: list[Piece]  # in the order in which they come back
    clusters: list[ClusterUndo]
    successor: Json | None  # the identity that recovery made: disabled and kept
    added: list[str]  # ways in that nobody vouches for: while they are there, nothing is opened
    unread: list[str]  # what could not be looked at, and why


class Requested(TypedDict):
    """A person's order to restore."""

    restore_id: str
    plan_hash: str
    chosen: list[str]  # keys of pieces that come back although nobody would do it by itself
    by: Json  # object id and name, as Entra says them, of whoever asked for it
    reason: str
    at: str
    order: NotRequired[
        int
    ]  # which of this incident's orders it is: what people said to it lies in the evidence
    approvals: NotRequired[list[Json]]  # everybody who gave it: `approver`, `at`, `reason`


class Restored(TypedDict):
    """How a restore ended."""

    restore_id: str
    outcome: Literal["restored", "partly_restored", "restore_refused"]
    detail: str
    ended_at: str
    ordered: list[Json]  # by whom: `approver`, `at`, `reason`
    missing: list[str]  # what did not come back although it should, a sentence each
    never: list[str]  # what does not come back on purpose, a sentence each
    by_hand: list[str]
    diff: NotRequired[list[Json]]  # why it was refused: what is another one than in the plan
