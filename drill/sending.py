"""Who sends the signal that starts an incident, and how it is proven who sends it.

Azure Monitor comes by its secure webhook, Sentinel's and Defender's Logic App and Alertmanager with the token of an
application that may respond; Event Grid has a key, which contains at most, and so a person asks for the rest.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from drill import signal_bodies
from drill.alert import Severity, log_alert
from drill.options import DrillError, Json
from drill.responder import Responder
from drill.scene import Victim
from drill.training_ground import TrainingGround

Depth = Literal["contain", "respond"]
TRIGGERS = (
    "azure-monitor",
    "azure-monitor-activity",
    "event-grid",
    "alertmanager",
    "sentinel",
    "defender",
    "responder",
)
# Trigger -> how a person reads it.
SAYS: Mapping[str, str] = {
    "azure-monitor": "a log alert of Azure Monitor",
    "azure-monitor-activity": "an activity-log alert of Azure Monitor",
    "event-grid": "an event of a detection of one's own",
    "alertmanager": "an alert of Prometheus",
    "sentinel": "an incident of Microsoft Sentinel",
    "defender": "an alert of Defender for Cloud",
    "responder": "rosa, by hand",
}
_SOURCES = {"azure-monitor-activity": "azure-monitor"}
_ARRIVES_WITHIN_S = 30


def rule(trigger: str, depth: Depth) -> str:
    """A rule for policy.toml that lets this sender go so deep; none for whoever needs none."""
    if trigger in {"azure-monitor", "responder"}:
        return ""
    source = _SOURCES.get(trigger, trigger)
    return (
        f'[[signals]]\nsource = "{source}"\nplaybook = "compromised_identity"\nmode = "{depth}"\n\n'
    )


@dataclass(frozen=True)
class Sending:
    """One signal about one identity."""

    ground: TrainingGround
    responder: Responder
    victim: Victim
    depth: Depth

    async def by(self, trigger: str) -> str:
        """Send it. Returns the incident's id. Raises `DrillError` where it was refused."""
        send = {
            "azure-monitor": self._by_log_alert,
            "azure-monitor-activity": self._by_activity_log_alert,
            "event-grid": self._by_event,
            "alertmanager": self._by_alertmanager,
            "sentinel": self._by_sentinel,
            "defender": self._by_defender,
            "responder": self._by_hand,
        }[trigger]
        return await send()

    async def _by_log_alert(self) -> str:
        severity: Severity = "Sev0" if self.depth == "respond" else "Sev1"
        alert = log_alert(self.ground.described, self.victim.object_id, severity)
        return await self.responder.deliver(alert)

    async def _by_activity_log_alert(self) -> str:
        alert = signal_bodies.activity_log_alert(self.ground.described, self.victim)
        return await self.responder.deliver(alert)

    async def _by_alertmanager(self) -> str:
        return await self._by_bot("alertmanager", signal_bodies.alertmanager_webhook(self.victim))

    async def _by_sentinel(self) -> str:
        incident = signal_bodies.sentinel_incident(self.ground.described, self.victim)
        about = incident["object"]
        await self.ground.control.detect(
            title=about["properties"]["title"], entities=[], incident_name=about["name"]
        )
        return await self._by_bot("sentinel", incident)

    async def _by_defender(self) -> str:
        return await self._by_bot("defender", signal_bodies.defender_alert(self.victim))

    async def _by_hand(self) -> str:
        return await self.responder.open(self.victim.object_id, self.depth, "it is under attack")

    async def _by_bot(self, sender: str, body: Json) -> str:
        bot = self.ground.described["seed"]["incident_bot"]["app_id"]
        return await self.responder.send(sender, body, bot)

    async def _by_event(self) -> str:
        """Publish to the custom topic that the app is subscribed to; what goes deeper a person asks for."""
        ground = self.ground
        key = ground.keys["systemKeys"]["eventgrid_extension"]
        endpoint = f"{self.responder.origin}/runtime/webhooks/eventgrid?functionName=on_identity_change&code={key}"
        await ground.control.subscribe(
            ground.described["endpoints"]["eventgrid"], {"endpoint": endpoint, "topic": "signals"}
        )
        topic, event = (
            ground.described["seed"]["event_grid"]["signals"],
            signal_bodies.custom_event(self.victim),
        )
        headers = {"aeg-sas-key": topic["key"]}
        answer = await ground.http.post(topic["endpoint"], json=[event], headers=headers)
        if not answer.is_success:
            raise DrillError(f"the event was refused: {answer.status_code} {answer.text[:500]}")
        incident_id = await self._opened(event["id"])
        if self.depth == "respond":
            await self.responder.open(self.victim.object_id, "respond", "the event is right")
        return incident_id

    async def _opened(self, event_id: str) -> str:
        """The incident that the event opened: Event Grid's answer says nothing of it, the app's record does."""
        folder = self.ground.evidence / "signals" / "event-grid"
        for _ in range(_ARRIVES_WITHIN_S * 10):
            self.ground.check()
            for path in folder.glob("*.json"):
                record = json.loads(path.read_text())
                if not str(record["signal"]["signal_id"]).endswith(f"/{event_id}"):
                    continue
                if record["incident_id"]:
                    return str(record["incident_id"])
                if record["status"] in {"refused", "recorded"}:
                    raise DrillError(f"the event was {record['status']}: {record['why']}")
            await asyncio.sleep(0.1)
        raise DrillError(f"the event did not arrive within {_ARRIVES_WITHIN_S} s")
