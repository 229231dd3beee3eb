"""An incident in a world, from the signal to the close, with everybody who has a part in it.

A person consents, mends what was in the way and resumes, or says that it was a false alarm; the attacker has a turn
after every step; what is claimed is kept with the state behind it.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from drill.traffic import ours
from fuzz import product
from fuzz.cluster_seeds import repositories
from fuzz.git import patched
from fuzz.plants import Target
from fuzz.played import Claim, Played, Reported
from fuzz.staging import Staged, mended, reads, target_of, trouble_of
from fuzz.worlds import Json, client_id, object_id, victim_of, workload_name
from tests.in_process import Driven

PROOFS = 3  # not for ten minutes, as policy.toml has it: time is virtual, and each proof costs the machine's
_CHECK_MINUTES = 360
_SWEEPS = (1, 1, 1, 3)  # of the logs: most worlds make the first one only
# Steps after which something may open that did not before.
_GIVES = {"create_identity", "federate_identity", "grant_roles", "create_service_accounts"}


@dataclass
class Course:
    """One incident under way: what the product says and what is so, as it goes on."""

    running: product.Product
    staged: Staged
    pretended: Mapping[str, Json]
    claims: list[Claim] = field(default_factory=list)
    plans: list[Json] = field(default_factory=list)
    reports: list[Reported] = field(default_factory=list)
    successors: list[Target] = field(default_factory=list)
    resumed: bool = False
    restored: Json = field(default_factory=dict)  # the plan of the restore; empty: there was none
    restored_at: datetime | None = None
    half: Json = field(default_factory=dict)  # the status when it waited for the first time

    async def to_the_end(self) -> Played:
        """From the signal to the close."""
        world, attacker = self.staged.world, self.staged.attacker
        driven = await self._begin()
        if world["faults"]:
            await self.staged.tools.control("POST", "faults", world["faults"])
        await self._waiting(driven)
        self.half = dict(driven.status)
        if driven.status.get("resumable") and (world["troubles"] or world["gitops"]):
            await self._mend()
            self.resumed = True
            await product.go_on(driven)
            await self._waiting(driven)
        if world["ending"] == "restore" and not driven.is_done:
            await self._take_back(driven)
        await driven.until()
        await attacker.turn("the end")
        return await self._seen(driven)

    async def _waiting(self, driven: Driven) -> None:
        """On to where it only watches, or to its end; whatever is asked is agreed to."""
        await driven.until("watching", "awaiting_consent")
        while driven.status.get("phase") == "awaiting_consent" and not driven.is_done:
            self.plans.append(driven.agree())
            for cluster, trouble in self.staged.world["troubles"].items():
                if trouble == "falls" and not self.resumed:
                    await trouble_of(self.staged.tools, cluster, trouble)
            asked = driven.status["consent"]["plan_hash"]
            while not driven.is_done and _asks(driven) == asked:
                await driven._next()
                driven._turn()
            await driven.until("watching", "awaiting_consent")

    async def _mend(self) -> None:
        """Clusters are well again, and the patches are in Git."""
        tools = self.staged.tools
        for cluster in self.staged.world["troubles"]:
            await mended(tools, cluster)
        ids = client_id(self.staged.world["victim"]), [one.client_id for one in self.successors]
        for cluster, wish in repositories(self.staged.world, self.staged.ground):
            path = f"clusters/{cluster}/gitops/{wish['name']}"
            held = await tools.control("GET", path)
            texts = product.texts(self.running, f"gitops/{cluster}-*.yaml")
            await tools.control(
                "POST",
                f"{path}/commit",
                {"objects": patched(held["objects"], texts, ids[0], (ids[1] or ids[:1])[0])},
            )
        # Webhooks and controllers need a moment: a person looks whether they are well before going on.
        await tools.control("POST", "clock", {"advance_seconds": 120})

    async def _take_back(self, driven: Driven) -> None:
        everything = not self.staged.world["attack"]["footholds"]
        self.staged.attacker.stubborn = 0
        self.restored_at = await self.staged.tools.now()
        self.restored = await product.take_back(driven, everything=everything)

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
        if step == "write_report" and answer["status"] == "done":
            self.reports.append(await self._reported())
        self.staged.attacker.opens = bool(self.claims)
        if step in _GIVES:
            self.staged.attacker.look_again()
            if step == "create_service_accounts":
                await self.staged.attacker.inside.learn(self.clusters)
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

    @property
    def clusters(self) -> list[str]:
        """Those in which something runs."""
        return sorted({one["cluster"] for one in self.staged.world["workloads"]})

    async def _working(self, state: Json) -> dict[str, bool]:
        tools = self.staged.tools
        named = {workload_name(one): one for one in self.staged.world["workloads"]}
        return {name: await reads(tools, state, one) for name, one in named.items()}

    async def _reported(self) -> Reported:
        tools = self.staged.tools
        state = await tools.state(clusters=True)
        report = product.newest(self.running.in_process.evidence, "report*.json")
        return Reported(await tools.now(), state, await self._working(state), report)

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
            reports=self.reports,
            normal=self.staged.normal,
            normal_after=await tools.control("GET", "state?form=normal"),
            answers=driven.answers,
            outputs=product.outputs(self.running, driven, after["teams"]),
            secrets=secrets | self.staged.attacker.loot.secrets(),
            able=self.staged.able,
            working=await self._working(after),
            plans=self.plans,
            successors=self.successors,
            resumed=self.resumed,
            restored=self.restored,
            restored_at=self.restored_at,
            half=self.half,
            tried=tools.sent,
            most_alike=self._most_alike(),
        )

    def _most_alike(self) -> tuple[str, int]:
        sandbox = self.running.in_process.sandbox
        own = ours(sandbox.seed)
        lines = sandbox.record()
        calls = Counter(
            f"{one['method']} {one['url']} {str(one.get('request_body', ''))[:500]}"
            for one in lines
            if one["caller"] in own
        )
        return max(calls.items(), key=lambda item: item[1], default=("nothing", 0))


def _asks(driven: Driven) -> str:
    """The plan that is waited for, or nothing."""
    waits = driven.status.get("phase") == "awaiting_consent"
    return str(driven.status["consent"]["plan_hash"]) if waits else ""
