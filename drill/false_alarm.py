"""A false alarm with real processes: nobody attacked. Containment, then the restore, and the world is as before.

Judged by the difference of the sandbox's state before and after, and by what the workloads can read.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drill.alert import log_alert
from drill.differences import Difference, differences, unexplained
from drill.options import DrillError, Json, Options
from drill.replays import read_in_pods
from drill.responder import Responder
from drill.results import Outcome, record
from drill.scene import PodRead, Victim
from drill.sending import SAYS, Sending, rule
from drill.states import workloads_of
from drill.training_ground import Layout, TrainingGround, opened
from drill.verdict.facts import Fact, Finding, every, none_of
from drill.verdict.judgement import Verdict
from drill.verdict.times import Times
from drill.watching import Followed, Screen, Watcher

_RESTORED_WITHIN_S = 300  # a host may be killed and started again meanwhile
_READABLE_WITHIN_S = 60  # roles and trusts propagate
_POLL_S = 0.25
_OK = 200


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """An identity that an alert is wrong about."""

    name: str
    story: str
    victim: str  # its name in the seed, as sandbox.json has it


FALSE_ALARMS = {
    one.name: one
    for one in (
        FalseAlarm(
            "false-alarm", "orders-api was load-tested: contained, then restored", "orders_api"
        ),
        FalseAlarm(
            "false-alarm-managed-identity",
            "id-payments was load-tested: contained, then restored",
            "payments_identity",
        ),
    )
}


async def run_false_alarm(
    alarm: FalseAlarm, options: Options, screen: Screen, folder: Path
) -> Outcome:
    """Carry it out in a folder of its own. Raises `DrillError` where it could not be carried out."""
    layout = Layout.of(folder, options, rules=rule(options.trigger, "contain"))
    screen.heading(alarm.name, alarm.story)
    async with opened(layout) as ground:
        return await _Alarmed(alarm, options, screen, ground).run()


@dataclass
class _Alarmed:
    alarm: FalseAlarm
    options: Options
    screen: Screen
    ground: TrainingGround

    async def run(self) -> Outcome:
        control = self.ground.control
        before, state = await control.normal_state(), await control.state()
        responder = await Responder.sign_in(self.ground)
        ids = self.ground.described["seed"][self.alarm.victim]
        alerted_at = datetime.now(UTC)
        followed = await self._contained(responder, ids["object_id"], alerted_at)
        contained = await control.normal_state()
        plan, status = await self._restored(responder, followed.status["incident_id"])
        echo = await responder.deliver(
            _old_alert(self.ground.described, ids["object_id"], alerted_at)
        )
        self.screen.heading(
            "Verdict", "from the sandbox's state before and after, and from its pods"
        )
        after = await control.normal_state()
        facts = [
            *_of_containment(differences(before, contained)),
            *_of_the_world(plan, differences(before, after)),
            *_of_the_workloads(await self._reads(state, ids["app_id"])),
            *_of_the_incident(status, echo),
        ]
        passed = all(one["holds"] for one in facts)
        times: Times = {
            "disabled_s": followed.seen.get("disabled"),
            "contained_s": followed.seen.get("contained"),
            "recovered_s": None,
        }
        verdict: Verdict = {"passed": passed, "facts": facts, "times": times}
        traffic, permissions = await control.traffic(), await control.permissions()
        return record(self.ground, verdict, status, traffic, permissions)

    async def _contained(
        self, responder: Responder, object_id: str, alerted_at: datetime
    ) -> Followed:
        ids = self.ground.described["seed"][self.alarm.victim]
        victim = Victim(
            ids["app_id"], "", object_id, "dana", resource_id=ids.get("resource_id", "")
        )
        sending = Sending(self.ground, responder, victim, "contain")
        incident_id = await sending.by(self.options.trigger)
        said = f"{SAYS[self.options.trigger]}, which is wrong"
        self.screen.heading("Incident", f"{incident_id}, opened by {said}")
        watcher = Watcher(responder, self.screen, _nobody_agrees, _nothing, alerted_at)
        return await watcher.follow(incident_id, self.options.timeout_s)

    async def _restored(self, responder: Responder, incident_id: str) -> tuple[Json, Json]:
        """Ask for the plan, vouch for everything that it offers, order it, and wait for its end."""
        asked = await responder.restore(incident_id, {"mode": "plan", "reason": "a load test"})
        counts = Counter(one["verdict"] for one in asked["plan"]["pieces"])
        said = f"{counts['restore']} come back, {counts['choice']} because rosa vouches, {counts['never']} never"
        self.screen.heading("Restore", f"people order the plan that they read: {said}")
        order = {
            "mode": "apply",
            "reason": "a load test",
            "plan_hash": asked["plan_hash"],
            "chosen": asked["choices"],
        }
        await responder.restore_with_others(incident_id, order)
        return asked["plan"], await self._until_closed(responder, incident_id)

    async def _until_closed(self, responder: Responder, incident_id: str) -> Json:
        try:
            async with asyncio.timeout(_RESTORED_WITHIN_S):
                while (status := await responder.incident(incident_id))["phase"] != "closed":
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise DrillError(f"{incident_id} was not restored; {self.ground.host.log}") from None
        return status

    async def _reads(self, state: Json, app_id: str) -> list[PodRead]:
        """What the pods that were there all along can read, as soon as all of them can, or in the end."""
        workloads = workloads_of(state, app_id)
        blob = self.ground.described["seed"]["storage"]["blob_url"]
        deadline = asyncio.get_running_loop().time() + _READABLE_WITHIN_S
        while True:
            now = await self.ground.control.state()
            reads = await read_in_pods(self.ground.control, now, workloads, blob)
            late = asyncio.get_running_loop().time() > deadline
            if late or all(one.reply.status == _OK for one in reads):
                return reads
            await asyncio.sleep(1)


def _of_containment(found: Sequence[Difference]) -> list[Fact]:
    said = Finding(bool(found), f"{len(found)} differences")
    return [_fact("containment", "it took something away", "differences from before", said)]


def _of_the_world(plan: Json, found: Sequence[Difference]) -> list[Fact]:
    listed = {
        one["key"].partition(":")[2]
        for one in plan["pieces"]
        if one["verdict"] == "never" and one["kind"] == "credential"
    }
    gone = [one.path for one in found if one.kind == "removed" and one.path[-1] in listed]
    others = [str(one) for one in unexplained(found, gone)]
    missing = sorted(listed - {path[-1] for path in gone})
    return [
        _fact(
            "world",
            "as before, but for the credentials that are listed",
            "no other difference",
            none_of(others),
        ),
        _fact("world", "no listed credential is revived", "all of them gone", none_of(missing)),
        _fact(
            "world",
            "the plan never gives back anything else",
            "only credentials are never restored",
            none_of(
                [
                    one["key"]
                    for one in plan["pieces"]
                    if one["verdict"] == "never" and one["kind"] != "credential"
                ]
            ),
        ),
    ]


def _of_the_workloads(reads: Sequence[PodRead]) -> list[Fact]:
    seen = [(f"{one.cluster} {one.pod}: {one.reply}", one.reply.status == _OK) for one in reads]
    return [_fact("workloads", "every pod reads its blob again", "200 from each", every(seen))]


def _of_the_incident(status: Json, echo: str) -> list[Fact]:
    outcome, own = str(status["outcome"]), str(status["incident_id"])
    return [
        _fact(
            "incident",
            "it says that it is restored",
            "outcome restored",
            Finding(outcome == "restored", outcome),
        ),
        _fact(
            "incident",
            "an alert from before its end starts nothing",
            f"kept with {own}",
            Finding(echo == own, echo),
        ),
    ]


def _fact(noun: str, fact: str, expected: str, finding: Finding) -> Fact:
    return {
        "noun": noun,
        "fact": fact,
        "expected": expected,
        "actual": finding.actual,
        "holds": finding.holds,
    }


def _old_alert(described: Json, object_id: str, fired_at: datetime) -> Json:
    """Another rule's, that fired when the first did and arrives now."""
    alert = log_alert(described, object_id, "Sev1")
    alert["data"]["essentials"]["firedDateTime"] = fired_at.isoformat()
    return alert


async def _nobody_agrees(_consent: Json) -> bool:
    """Containment asks nobody; were a question put all the same, the answer is no."""
    return False


async def _nothing() -> None:
    return
