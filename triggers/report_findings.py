"""Of a report's document: what was found out, by whose rows, and what is left out of a rebuild because of it."""

from typing import Annotated, Any, Literal

from pydantic import Field

from triggers.report_shapes import Closed, Sentences


class LeftOutPart(Closed):
    """Something of the old identity that does not come back."""

    what: str
    name: str
    reason: str
    suspicious: bool


class ActPart(Closed):
    """Something that was asked of Azure in the identity's name; like ones once."""

    when: str
    until: str
    count: Annotated[int, Field(ge=1)]
    table: str
    operation: str
    target: str
    ok: bool
    address: str
    token_id: str


class CredentialPart(Closed):
    """What a token was asked for with."""

    kind: str
    id: str
    name: str


class UsePart(Closed):
    """A credential, over all its sign-ins."""

    credential: CredentialPart
    succeeded: int
    failed: int
    addresses: list[str]
    first: str
    last: str


class ChainPart(Closed):
    """One token: with what it was asked for, and what it was used for."""

    token_id: str
    credential: CredentialPart
    signed_in: str
    address: str
    resource: str
    addresses: list[str]
    acts: list[ActPart]


class SuspectPart(Closed):
    """Somebody to look at next."""

    kind: str
    id: str
    name: str
    why: str
    when: str


class RotationPart(Closed):
    """Something to rotate: order 1 first."""

    order: Literal[1, 2, 3]
    what: str
    where: str
    why: str


class FootprintPart(Closed):
    """What the logs tell of the identity."""

    addresses: list[str]
    credentials_used: list[str]
    changed: Sentences
    keys_listed: Sentences
    credentials: list[UsePart]
    chains: list[ChainPart]
    unattributed: list[ActPart]
    artefacts: list[ActPart]
    suspects: list[SuspectPart]
    secrets_read: list[ActPart]
    rotation: list[RotationPart]
    after_containment: Sentences
    minted: list[ActPart]
    entered: list[ActPart]
    cluster_secrets_read: list[ActPart]
    left_out: int


class FindingPart(Closed):
    """A heading and its sentences."""

    title: str
    lines: Sentences


class GraphPart(Closed):
    """Who breaks. Nodes and edges as docs/reference/plan.md says."""

    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    counts: dict[str, int]
    unknown: list[Any]
    unread: list[Any]
