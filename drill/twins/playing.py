"""A rehearsal with real processes: the exported world, an incident that a responder opens, and what came of it."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from drill.options import DrillError, Json, Options
from drill.rehearsal import Decide, agree
from drill.replays import read_in_pods
from drill.responder import Responder
from drill.results import Outcome, record, shown
from drill.scene import Scene, Victim
from drill.staging import ledger
from drill.states import Workload
from drill.training_ground import Layout, TrainingGround, opened
from drill.twins import findings
from drill.twins.outages import Outages
from drill.verdict.twin import judge
from drill.waiting import let_it_be_over
from drill.watching import Followed, Screen, Watcher
from drill.writings import evidence_of, keys_of, outputs_of

Mode = Literal["contain", "respond"]
# What every pod may ask with any token: a list of what it sees, however short.
_ASKED = "/subscriptions?api-version=2022-12-01"
_ARM = "https://management.azure.com"


@dataclass(frozen=True)
class Rehearsed:
    """A drill's outcome, and what a person takes home."""

    outcome: Outcome
    found: findings.Findings


async def run_twin(
    export: Path,
    mode: Mode,
    options: Options,
    screen: Screen,
    folder: Path,
    *,
    decide: Decide = agree,
) -> Rehearsed:
    """Carry it out in a folder of its own. Raises `DrillError` where it could not be carried out."""
    try:
        content: Json = json.loads(export.read_text(encoding="utf-8"))
        whom = content["principal"]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise DrillError(
            f"{export} is no export: {wrong}. Make one: firebreak twin export"
        ) from None
    mine = [*options.sandbox_options, "--twin", str(export.resolve())]
    layout = Layout.of(folder, replace(options, sandbox_options=mine))
    gaps = f"{len(content['gaps'])} gaps" if content["gaps"] else "no gap"
    as_it_was = f"{whom['display_name']} as it was at {content['exported_at']}, {gaps}"
    screen.heading("Twin", as_it_was)
    async with opened(layout) as ground:
        return await _Twin(content, mode, options, screen, ground, decide).run()


@dataclass
class _Twin:
    export: Json
    mode: Mode
    options: Options
    screen: Screen
    ground: TrainingGround
    decide: Decide
    alerted_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def run(self) -> Rehearsed:
        control = self.ground.control
        await control.set_faults(self.options.faults)
        await control.set_latency(self.options.latency)
        before = await control.state()
        self.alerted_at = datetime.now(UTC)
        outages = Outages(control, self._whom["app_id"], self.alerted_at)
        outages.begin(before)
        followed = await self._respond(outages)
        self.screen.heading("Verdict", "from the sandbox's state, and the plan of the tenant")
        await control.clear_faults()
        traffic, permissions = await control.traffic(), await control.permissions()
        workloads = [one.as_workload(each.pods) for one, each in outages.found.items()]
        scene = await self._scene(before, traffic, followed, workloads)
        rebuilt = self.mode == "respond" and self.export["plan"] is not None
        verdict = judge(scene, self.export, rebuilt=rebuilt)
        outcome = record(self.ground, verdict, followed.status, traffic, permissions)
        found = findings.of(self.export, scene, verdict, outages, await control.modelled())
        findings.write(found, self.ground.folder)
        return Rehearsed(outcome, found)

    @property
    def _whom(self) -> Json:
        whom: Json = self.export["principal"]
        return whom

    async def _respond(self, outages: Outages) -> Followed:
        responder = await Responder.sign_in(self.ground)
        object_id = self._whom["object_id"]
        incident_id = await responder.open(object_id, self.mode, "rehearsal of a twin")
        where = shown(self.ground.folder)
        self.screen.heading("Incident", f"{incident_id}, opened by {responder.name}; in {where}")

        async def meanwhile(status: Json) -> None:
            await outages.look(status)
            await let_it_be_over(status, self.ground, self.screen)

        watcher = Watcher(responder, self.screen, self.decide, _nothing, self.alerted_at, meanwhile)
        followed = await watcher.follow(incident_id, self.options.timeout_s)
        outages.note(await self.ground.control.part("clusters"), self._elapsed())
        return followed

    def _elapsed(self) -> float:
        return (datetime.now(UTC) - self.alerted_at).total_seconds()

    async def _scene(
        self, before: Json, traffic: list[Json], followed: Followed, workloads: list[Workload]
    ) -> Scene:
        control, described = self.ground.control, self.ground.described
        after, evidence = await control.state(), evidence_of(self.ground.evidence)
        asked = f"{described['endpoints']['arm']}{_ASKED}"
        return Scene(
            seed=described["seed"],
            victim=self._victim(),
            before=before,
            staged=before,
            after=after,
            traffic=traffic,
            alerted_at=self.alerted_at,
            consented_at=followed.consented_at,
            credential_replays={},
            token_replays={},
            bystander_reads=(),
            evidence=evidence,
            outputs=outputs_of(self.ground, evidence, after, followed.status),
            secrets=keys_of(self.ground) | await ledger(control),
            workload_reads=await read_in_pods(control, after, workloads, asked, _ARM),
            switches=await control.switches(described["seed"]["clusters"]),
            status=followed.status,
        )

    def _victim(self) -> Victim:
        whom = self._whom
        return Victim(
            whom["app_id"],
            whom["application_object_id"] or "",
            whom["object_id"],
            phished="",
            resource_id=whom["resource_id"] or "",
        )


async def _nothing() -> None:
    return
