"""One world, from the seed to the verdict."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from fuzz import product
from fuzz.oracle import judge
from fuzz.plants import Target
from fuzz.played import Claim, Finding, Played
from fuzz.seeds import Ground
from fuzz.staging import Staged, reads, stage, target_of
from fuzz.tools import Tools
from fuzz.worlds import Json, World, client_id, object_id, victim_of, workload_name
from tests.in_process import Driven
from tests.sandbox_fixture import RunningSandbox

PROOFS = 3  # not for ten minutes, as policy.toml has it: time is virtual, and each proof costs the machine's
_CHECK_MINUTES = 360
_SWEEPS = (1, 1, 1, 3)  # of the logs: most worlds make the first one only
# Steps after which something may open that did not before.
_GIVES = {"create_identity", "federate_identity", "grant_roles", "create_service_accounts"}


@dataclass(frozen=True)
class Verdict:
    """What may not be, and what happened."""

    findings: list[Finding]
    summary: str
    played: Played | None = None  # None: it did not come to an end

    @property
    def wrong(self) -> list[Finding]:
        """Findings that are not only claims too weak."""
        return [one for one in self.findings if one.weight == "wrong"]


async def play(
    world: World,
    sandbox: RunningSandbox,
    folder: Path,
    pretended: Mapping[str, Json] | None = None,
) -> Verdict:
    """Play it in a fresh sandbox; everything that may not be.

    A `pretended` step answers with this and does nothing: so tests see the oracle notice.
    """
    sandbox.control("POST", "reset")
    async with product.product(sandbox, folder) as running, sandbox.client() as http:
        staged = await stage(world, Tools(http, Ground(sandbox.described)))
        sandbox.control("DELETE", "record")
        run = _Run(running, staged, pretended or {})
        try:
            played = await run.to_the_end()
        except (
            AssertionError
        ) as error:  # the driver's: replays differ, or nothing can happen any more
            return Verdict([Finding("the incident ends", str(error)[:400])], "it did not end")
        return Verdict(judge(played), _summary(played), played)


def _summary(played: Played) -> str:
    """What it was that held or did not: a world in which nothing happens proves nothing."""
    well = sum(played.working.values()), len(played.able)
    held = {
        name: sum(one.move == name for one in played.deeds) for name in ("plant", "token", "open")
    }
    did = ", ".join(f"{count} {name}" for name, count in held.items())
    return f"{played.outcome}; {well[0]} of {well[1]} workloads read; moves: {did}"


@dataclass
class _Run:
    """One incident under way."""

    running: product.Product
    staged: Staged
    pretended: Mapping[str, Json]
    claims: list[Claim] = field(default_factory=list)
    plan: Json = field(default_factory=dict)
    successors: list[Target] = field(default_factory=list)

    async def to_the_end(self) -> Played:
        """From the signal to the close."""
        world, attacker = self.staged.world, self.staged.attacker
        driven = await self._begin()
        if world["faults"]:
            await self.staged.tools.control("POST", "faults", world["faults"])
        await driven.until("watching", "awaiting_consent")
        if driven.status.get("phase") == "awaiting_consent":
            self.plan = driven.agree()
        await driven.until()
        await attacker.turn("the end")
        return await self._seen(driven)

    async def _begin(self) -> Driven:
        world = self.staged.world
        victim = victim_of(world)
        severity: Any = "Sev0" if world["mode"] == "respond" else "Sev1"
        if world["opened_by"] == "alert" and victim["kind"] != "application_without_principal":
            order = await self.running.in_process.alert(object_id(victim["name"]), severity)
        else:
            mode: Any = world["mode"]
            order = await self.running.in_process.call({"app_id": client_id(victim["name"])}, mode)
        policy: Json = order["policy"]
        policy["verification"]["attempts"] = PROOFS
        policy["watch"]["check_every_minutes"] = _CHECK_MINUTES
        for section, keys in world["policy"].items():
            policy[section].update(keys)
        schedule = product.Schedule(
            Random(world["order"]),  # noqa: S311 - a schedule, not a secret
            world["twice"],
            _SWEEPS[world["order"] % len(_SWEEPS)],
            self.pretended,
        )
        return product.start(self.running.in_process, order, schedule, self._after)

    async def _after(self, step: str, answer: Json) -> None:
        """After every step: what the proof saw is kept, then it is the attacker's turn."""
        if step == "verify_containment" and answer["status"] == "done":
            state = await self.staged.tools.state()
            at = await self.staged.tools.now()
            self.claims.append(Claim(at, state, answer.get("remaining", [])))
        self.staged.attacker.opens = bool(self.claims)
        if step in _GIVES:
            self.staged.attacker.look_again()
        await self._learn()
        await self.staged.attacker.turn(step)

    async def _learn(self) -> None:
        """Client ids are public: he knows each new one as soon as it is there."""
        known = {one["id"] for one in self.staged.after_attack["servicePrincipals"]}
        principals: Any = await self.staged.tools.control("GET", "state/servicePrincipals")
        applications: Any = None
        for one in principals:
            if one["id"] in known or one["appId"] in self.staged.attacker.loot.clients:
                continue
            applications = applications or await self.staged.tools.control(
                "GET", "state/applications"
            )
            named = [each["id"] for each in applications if each["appId"] == one["appId"]]
            resource = next((each for each in one["alternativeNames"] if each.startswith("/")), "")
            target = Target(
                one["displayName"], one["appId"], one["id"], named[0] if named else "", resource
            )
            self.staged.attacker.loot.clients[one["appId"]] = one["id"]
            self.staged.attacker.targets.append(target)
            self.successors.append(target)

    async def _seen(self, driven: Driven) -> Played:
        tools, world = self.staged.tools, self.staged.world
        after = await tools.state(clusters=True)
        victim = target_of(victim_of(world), self.staged.ground)
        issued = (await tools.control("GET", "secrets"))["secrets"]
        secrets = {f"{one['name']} #{at}": one["value"] for at, one in enumerate(issued)}
        return Played(
            world=world,
            victim=victim,
            resource_id=victim.resource_id,
            before=self.staged.before,
            after_attack=self.staged.after_attack,
            after=after,
            claims=self.claims,
            deeds=self.staged.attacker.deeds,
            status=product.told(driven),
            report=product.document(self.running.in_process.evidence, "report.json"),
            answers=driven.answers,
            outputs=product.outputs(self.running, driven, after["teams"]),
            secrets=secrets | self.staged.attacker.loot.secrets(),
            able=self.staged.able,
            working={
                workload_name(one): await reads(tools, after, one) for one in world["workloads"]
            },
            plan=self.plan,
            successors=self.successors,
            most_alike=self._most_alike(),
        )

    def _most_alike(self) -> tuple[str, int]:
        sandbox = self.running.in_process.sandbox
        ourselves = sandbox.seed["firebreak"]["object_id"]
        lines = sandbox.record()
        calls = Counter(
            f"{one['method']} {one['url']} {str(one.get('request_body', ''))[:500]}"
            for one in lines
            if one["caller"] == ourselves
        )
        return max(calls.items(), key=lambda item: item[1], default=("nothing", 0))


def as_text(world: World) -> str:
    """As it lies in `tests/worlds`."""
    return json.dumps(world, indent=1, sort_keys=False) + "\n"
