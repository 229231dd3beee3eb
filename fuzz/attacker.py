"""An attacker that searches: whenever it is his turn he tries every move that what he holds makes possible.

The moves are a closed list: read tokens where his code runs, mint ServiceAccount tokens, buy access tokens with every
proof for every client id, open every resource with every token, plant with every token. What a move yields makes other
moves possible, so he goes round until nothing is new.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fuzz.loot import Foothold, Loot, Proof, Token
from fuzz.plants import PLANTS, Scene, Target
from fuzz.tools import Tools
from fuzz.worlds import Json
from sandbox.attacks.attacker import AUDIENCE

_ROUNDS = 4  # what a move yields makes a further one possible this often in one turn
_PROBE = "arm"  # whoever gets a token for one API gets it for all of them
_AT_ONCE = 8
_AGAIN = timedelta(
    minutes=10
)  # what was refused is tried again, and a ServiceAccount token is minted anew


@dataclass(frozen=True)
class Deed:
    """A move that succeeded."""

    at: datetime
    after: str  # the step before it
    move: str  # "token", "open", "plant", "mint", "read"
    who: str  # object id of whom it was done as
    what: str  # a kind of resource, or what was planted
    how: str


@dataclass(frozen=True)
class Place:
    """Something to open with a token: what kind it is, and how it is asked for."""

    kind: str  # "blob", "vault by policy", "vault by role", "arm", "graph", "cluster"
    audience: str
    method: str
    url: str
    name: str


@dataclass
class Attacker:
    """One intruder with his loot, and all that he has achieved so far."""

    tools: Tools
    places: Sequence[Place]
    groups: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    targets: list[Target] = field(default_factory=list)
    loot: Loot = field(default_factory=Loot)
    deeds: list[Deed] = field(default_factory=list)
    stubborn: int = 0
    accounts: list[tuple[str, str, str]] = field(default_factory=list)  # cluster, namespace, name
    opens: bool = True  # whether it matters what his tokens open: not while nothing is claimed
    _refused: dict[tuple[str, str], datetime] = field(default_factory=dict)
    _minted: dict[tuple[str, str, str], datetime] = field(default_factory=dict)

    async def turn(self, after: str) -> None:
        """Everything that is possible now."""
        now = await self.tools.now()
        for _ in range(_ROUNDS):
            held = set(self.loot.proofs), set(self.loot.tokens)
            await self._read_mounted(now, after)
            await self._mint(now, after)
            await self._buy(now, after)
            if (set(self.loot.proofs), set(self.loot.tokens)) == held:
                break
        if self.opens:
            await self._open(now, after)
        if self.stubborn > 0 and await self._plant_again(now, after):
            self.stubborn -= 1

    async def plant(self, name: str, target: Target, after: str) -> bool:
        """One plant with whatever lets him."""
        now = await self.tools.now()
        scene = Scene(self.tools, self.loot, now, self.groups, self.scopes)
        gained = await PLANTS[name](scene, target)
        if gained is None:
            return False
        for proof in gained:
            self.loot.proofs[proof.how] = proof
        self.deeds.append(Deed(now, after, "plant", target.object_id, name, name))
        self._refused.clear()
        return True

    def look_again(self) -> None:
        """Somebody granted something: what was refused may open now."""
        self._refused.clear()
        self._minted.clear()

    async def _plant_again(self, now: datetime, after: str) -> bool:
        """One of all plants, in turn: another one each time."""
        names = list(PLANTS)
        for at in range(len(names)):
            name = names[(self.stubborn * 5 + at) % len(names)]
            for target in self.targets:
                if await self.plant(name, target, after):
                    return True
        return False

    async def _read_mounted(self, now: datetime, after: str) -> None:
        for one in self.loot.footholds:
            pods: Any = await self.tools.control("GET", f"state/clusters/{one.cluster}/pods")
            running = {
                pod["metadata"]["uid"]
                for pod in pods
                if not pod["metadata"].get("deletionTimestamp")
            }
            if not running & one.pods:
                continue
            wish = {"namespace": one.namespace, "service_account": one.account}
            try:
                found = await self.tools.control("POST", f"nodes/{one.cluster}/steal-token", wish)
            except LookupError:
                continue
            self._keep_account_token(one.cluster, one.namespace, one.account, found["token"], after)

    async def _mint(self, now: datetime, after: str) -> None:
        tokens = self.loot.live(now, "aks")
        for cluster, namespace, account in self.accounts if tokens else ():
            tried = self._minted.get((cluster, namespace, account))
            if tried is not None and now < tried + _AGAIN:
                continue
            self._minted[cluster, namespace, account] = now
            origin = self.tools.ground.endpoints.get(f"kube-{cluster}", "")
            url = f"{origin}/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
            body = {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {"audiences": [AUDIENCE], "expirationSeconds": 3600},
            }
            for token in tokens:
                answer = await self.tools.send("POST", url, token, json=body)
                if answer is not None and answer.is_success:
                    value = answer.json()["status"]["token"]
                    self._keep_account_token(cluster, namespace, account, value, after)
                    self.deeds.append(
                        Deed(
                            now,
                            after,
                            "mint",
                            token.owner,
                            f"{cluster}/{namespace}/{account}",
                            token.name,
                        )
                    )

    def _keep_account_token(
        self, cluster: str, namespace: str, account: str, value: str, after: str
    ) -> None:
        how = f"token of {cluster}/{namespace}/{account}"
        self.loot.proofs.setdefault(how, Proof(how, "account", value))
        self.loot.proofs[f"{how}, newest"] = Proof(f"{how}, newest", "account", value)

    async def _buy(self, now: datetime, after: str) -> None:
        """With every proof, for every client id that it could be good for."""
        wishes = [
            (proof, client)
            for proof in self.loot.proofs.values()
            for client in self.loot.clients
            if proof.client_id in ("", client)
        ]
        for proof, client in await self._accepted(wishes, now):
            self.deeds.append(
                Deed(now, after, "token", self.loot.clients[client], _PROBE, proof.how)
            )
            for audience in ("storage", "vault", "arm", "graph", "aks"):
                held = self.loot.tokens.get(f"{proof.how} as {client[:8]} for {audience}")
                if held is not None and now < held.bought + _AGAIN:
                    continue
                token = await self.tools.buy(proof, client, audience, now)
                if token is not None:
                    self.loot.keep(token)

    async def _accepted(
        self, wishes: Sequence[tuple[Proof, str]], now: datetime
    ) -> list[tuple[Proof, str]]:
        answers = await _all(self.tools.buy(proof, client, _PROBE, now) for proof, client in wishes)
        return [wish for wish, answer in zip(wishes, answers, strict=True) if answer is not None]

    async def _open(self, now: datetime, after: str) -> None:
        """Every place with every token that is for its API."""
        moves = [
            (token, place)
            for token in self._different(now)
            for place in self.places
            if place.audience == token.audience
            and self._may_open(now, self._refused.get((token.holds, place.name)))
        ]
        answers = await _all(self._opened(token, place) for token, place in moves)
        for (token, place), has_opened in zip(moves, answers, strict=True):
            if not has_opened:
                self._refused[token.holds, place.name] = now
            else:
                self.deeds.append(
                    Deed(now, after, "open", token.owner, place.kind, f"{token.name}: {place.name}")
                )

    def _different(self, now: datetime) -> list[Token]:
        """Tokens of the identities, one of those that open the same."""
        clients = set(self.loot.clients.values())
        found = {one.holds: one for one in self.loot.live(now) if one.owner in clients}
        return list(found.values())

    @staticmethod
    def _may_open(now: datetime, refused: datetime | None) -> bool:
        """What was refused is, until somebody grants something or a while has passed."""
        return refused is None or now > refused + _AGAIN

    async def _opened(self, token: Token, place: Place) -> bool:
        more: Json = {"content": b"x", "headers": {"x-ms-blob-type": "BlockBlob"}}
        body = more if place.method == "PUT" else {}
        answer = await self.tools.send(place.method, place.url, token, **body)
        return answer is not None and answer.is_success


async def _all(moves: Iterable[Awaitable[object]]) -> list[object]:
    """Side by side, a few at a time; the answers in order."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(move: Awaitable[object]) -> object:
        async with gate:
            return await move

    return list(await asyncio.gather(*(one(move) for move in moves)))


def foothold(cluster: str, namespace: str, account: str, pods: list[Json]) -> Foothold:
    """Code in every pod of this ServiceAccount that runs now."""
    uids = [
        pod["metadata"]["uid"]
        for pod in pods
        if pod["metadata"]["namespace"] == namespace
        and pod["spec"].get("serviceAccountName") == account
    ]
    return Foothold(cluster, namespace, account, frozenset(uids))
