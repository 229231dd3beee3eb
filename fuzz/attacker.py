"""An attacker that searches: whenever it is his turn he tries every move that what he holds makes possible.

The moves are a closed list: those in clusters (`cluster_moves.py`), buy access tokens with every proof for every client
id, open every resource with every token, plant with every token. What a move yields makes other
moves possible, so he goes round until nothing is new.
"""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from fuzz.cluster_moves import ClusterMoves
from fuzz.loot import Deed, Loot, Proof, Token
from fuzz.plants import PLANTS, Scene, Target
from fuzz.states import standing_id
from fuzz.tools import Tools
from fuzz.worlds import Json

_ROUNDS = 4  # what a move yields makes a further one possible this often in one turn
_PROBE = "arm"  # whoever gets a token for one API gets it for all of them
_AT_ONCE = 8
_AGAIN = timedelta(
    minutes=10
)  # what was refused is tried again, and a ServiceAccount token is minted anew


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
    inside: ClusterMoves = field(init=False)
    opens: bool = True  # whether it matters what his tokens open: not while nothing is claimed
    _refused: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What he does in clusters yields loot and deeds of his."""
        self.inside = ClusterMoves(self.tools, self.loot, self.deeds)

    async def turn(self, after: str) -> None:
        """Everything that is possible now."""
        now = await self.tools.now()
        for _ in range(_ROUNDS):
            held = set(self.loot.proofs), set(self.loot.tokens)
            await self.inside.turn(now, after)
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
        gained = await PLANTS[name](scene, await self._as_it_stands(target))
        if gained is None:
            return False
        for proof in gained:
            self.loot.proofs[proof.how] = proof
        self.deeds.append(Deed(now, after, "plant", target.object_id, name, name))
        self._refused.clear()
        return True

    async def _as_it_stands(self, target: Target) -> Target:
        """Who may look into the directory sees which service principal a client id has by now, if any."""
        principals: Any = await self.tools.control("GET", "state/servicePrincipals")
        state = {"servicePrincipals": principals}
        return replace(target, object_id=standing_id(state, target.object_id, target.client_id))

    def look_again(self) -> None:
        """Somebody granted something: what was refused may open now."""
        self._refused.clear()
        self.inside.look_again()

    async def _plant_again(self, now: datetime, after: str) -> bool:
        """One of all plants, in turn: another one each time."""
        names = list(PLANTS)
        able = " ".join(sorted({one.holds for one in self.loot.live(now)}))
        for at in range(len(names)):
            name = names[(self.stubborn * 5 + at) % len(names)]
            for target in self.targets:
                key = f"{name} {target.object_id}", able
                if not self._may_open(now, self._refused.get(key)):
                    continue
                if await self.plant(name, target, after):
                    return True
                self._refused[key] = now
        return False

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
                Deed(now, after, "token", self.loot.clients[client], _PROBE, proof.how, proof.by)
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
                    Deed(
                        now,
                        after,
                        "open",
                        token.owner,
                        place.kind,
                        f"{token.name}: {place.name}",
                        token.by,
                    )
                )

    def _different(self, now: datetime) -> list[Token]:
        """Tokens of the identities, one of those that open the same."""
        clients = set(self.loot.clients.values())
        return [one for one in self.loot.different(now) if one.owner in clients]

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
