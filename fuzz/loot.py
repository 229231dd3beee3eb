"""What an attacker holds. In memory only; the values are kept out of every printed form."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

AUDIENCES = {
    "storage": "https://storage.azure.com",
    "vault": "https://vault.azure.net",
    "arm": "https://management.azure.com",
    "graph": "https://graph.microsoft.com",
    "aks": "6dae42f8-4368-4678-94ff-3960e28e3630",
}


@dataclass(frozen=True)
class Proof:
    """Something that the token endpoint, or a machine's own endpoint, may take for a proof of who asks."""

    how: str  # where it is from, the same in every run
    kind: Literal["secret", "certificate", "forgery", "account", "bound", "machine"]
    value: str = field(repr=False, default="")  # secret, private key, or ServiceAccount token
    detail: tuple[str, ...] = ()  # thumbprint; issuer and subject; name of machine or cluster
    client_id: str = ""  # the one that it can only be good for; empty: whoever trusts it
    by: str = ""  # whose right in a cluster yielded it; empty: it was stolen where it lay


@dataclass(frozen=True)
class Token:
    """An access token, of whom, and for what."""

    how: str
    owner: str  # object id of the principal or the person
    audience: str  # a key of `AUDIENCES`
    value: str = field(repr=False)
    expires: datetime
    bought: datetime
    roles: str  # what is written into it, and stays whatever is taken away
    by: str = ""  # as of the proof that it was bought with
    user: str = ""  # as a cluster's API server calls the owner

    @property
    def holds(self) -> str:
        """What decides on what it opens: two tokens of which this is the same open the same."""
        return f"{self.owner} {self.audience} {self.roles}"

    @property
    def name(self) -> str:
        """Unique among what is held."""
        return f"{self.how} for {self.audience}"


@dataclass(frozen=True)
class Foothold:
    """Code that runs in pods: those that were there when he came, and no others."""

    cluster: str
    namespace: str
    account: str
    pods: frozenset[str]  # uids
    by: str = ""  # whose right let him start them; empty: they are somebody else's


@dataclass(frozen=True)
class Deed:
    """A move that succeeded."""

    at: datetime
    after: str  # the step before it
    move: str  # "token", "open", "plant", "mint", "pod", "bind"
    who: str  # object id of whom it was done as
    what: str  # a kind of resource, or what was planted
    how: str
    by: str = ""  # whose right in a cluster made it possible


@dataclass
class Loot:
    """All of it."""

    proofs: dict[str, Proof] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)  # the newest of each name
    first_tokens: dict[str, Token] = field(default_factory=dict)  # and the oldest
    people: list[str] = field(default_factory=list)
    footholds: list[Foothold] = field(default_factory=list)
    clients: dict[str, str] = field(default_factory=dict)  # client id -> object id

    def keep(self, token: Token) -> None:
        """One more token."""
        self.first_tokens.setdefault(token.name, token)
        self.tokens[token.name] = token

    def live(self, now: datetime, *audiences: str) -> list[Token]:
        """Tokens that have not expired, each value once."""
        both = {id(one): one for kept in (self.first_tokens, self.tokens) for one in kept.values()}
        return [
            one
            for one in both.values()
            if one.expires > now and (not audiences or one.audience in audiences)
        ]

    def different(self, now: datetime, *audiences: str) -> list[Token]:
        """The same, one of those that open the same."""
        return list({one.holds: one for one in self.live(now, *audiences)}.values())

    def secrets(self) -> dict[str, str]:
        """Every value that may never turn up in a log or a report, by a name that may."""
        named = {one.how: one.value for one in self.proofs.values() if one.value}
        for kept in (self.first_tokens, self.tokens):
            named |= {f"{one.name} until {one.expires}": one.value for one in kept.values()}
        return named


def read_token(how: str, audience: str, value: str, by: str = "") -> Token:
    """A token, with what it says of itself."""
    claims = claims_of(value)
    expires, bought = (datetime.fromtimestamp(claims[name], UTC) for name in ("exp", "iat"))
    roles = " ".join(sorted(claims.get("roles", [])))
    user = str(claims.get("upn") or claims["oid"])
    return Token(how, claims["oid"], audience, value, expires, bought, roles, by, user)


def claims_of(value: str) -> dict[str, Any]:
    """The payload of a JWT, unverified."""
    payload = value.split(".")[1]
    claims: dict[str, Any] = json.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims
