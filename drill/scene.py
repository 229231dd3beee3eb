"""All that was seen in a drill, as plain data: what a verdict is computed from, and nothing else.

Every part comes from the sandbox's state, its record of traffic, replayed moves or files on disk; the one exception,
`status`, is there to be held against them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from drill.options import Json
from drill.states import only


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one replayed move."""

    status: int | None  # None: nobody answered, which proves nothing
    code: str = ""  # AADSTS number, storage error code, or why there was no answer

    def __str__(self) -> str:
        """As a verdict shows it."""
        return f"{self.status or 'no answer'} {self.code}".rstrip()


NOBODY = Reply(None, "nobody tried")


@dataclass(frozen=True, slots=True)
class PodRead:
    """What the workload in a pod got when it read its data with the identity it has."""

    cluster: str
    pod: str
    reply: Reply


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file of the evidence store."""

    path: str
    written: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Victim:
    """The identity under attack, by its ids, and what the attacker got hold of or added."""

    app_id: str
    application_object_id: str  # empty for a managed identity, which has none
    object_id: str
    phished: str  # the user whose session the attacker holds
    planted_grant: str = ""  # role assignment id, lower case
    resource_id: str = ""  # of a user-assigned managed identity


@dataclass(frozen=True, slots=True)
class Pause:
    """A recovery that is half done and waits for a person: what the incident says, and what is so."""

    cluster: str  # in which something is wrong
    status: Json
    state: Json


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The whole drill, seen from outside. What a drill without a rebuild has none of may be left out."""

    seed: Json  # names -> ids
    victim: Victim
    before: Json  # state before the attack
    staged: Json  # state after the attack, before the alert
    after: Json  # state when the incident was over
    traffic: Sequence[Json]
    alerted_at: datetime | None
    consented_at: datetime | None
    credential_replays: Mapping[str, Reply]  # attacker's credential -> what the token endpoint said
    token_replays: Mapping[str, Reply]  # stolen access token -> what the storage said
    bystander_reads: Sequence[PodRead]
    evidence: Sequence[EvidenceFile]
    outputs: Mapping[str, str]  # where -> all text that was written there
    secrets: Mapping[str, str] = field(repr=False)  # name -> value that may be in none of them
    traces: Mapping[str, str] = field(default_factory=dict)  # what the attacker used -> its id
    suspects: Mapping[str, str] = field(default_factory=dict)  # what he made with it -> its id
    # ServiceAccount token -> what it got for the old client id, and for the new one.
    old_identity_replays: Mapping[str, Reply] = field(default_factory=dict)
    new_identity_replays: Mapping[str, Reply] = field(default_factory=dict)
    account_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)  # the stolen ones
    owner_on_successor: Reply = NOBODY  # the phished owner plants a secret on the new application
    workload_reads: Sequence[PodRead] = ()
    switches: Mapping[str, Json] = field(default_factory=dict)  # cluster -> what is wrong with it
    pauses: Sequence[Pause] = ()  # one for each trouble of the drill
    status: Json = field(default_factory=dict)  # how the app says the incident stands

    @property
    def successor(self) -> Json:
        """The one application that did not exist before. Raises `LookupError` if there isn't just one."""
        known = {app["id"] for app in self.staged["applications"]}
        made: list[Json] = [app for app in self.after["applications"] if app["id"] not in known]
        if len(made) != 1:
            raise LookupError(f"{len(made)} new applications")
        return made[0]

    @property
    def successor_principal(self) -> Json:
        """Its service principal. Raises `LookupError` if there isn't just one."""
        app_id = self.successor["appId"]
        return only(self.after["servicePrincipals"], "appId", app_id)
