"""Alertmanager, as it notifies: one alert or a storm of them, and what Firebreak said of each."""

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime

from drill.options import DrillError, Json
from drill.quiet.day import Day, RunSeen
from drill.training_ground import AUDIENCE

_PATIENCE_S = 60


@dataclass(frozen=True)
class Alertmanager:
    """Alerts about workload identity, sent with the token of an application."""

    day: Day

    async def notify(self, *alerts: Json) -> list[Json]:
        """Send a group; the fate of each alert once it is no longer queued."""
        ground = self.day.ground
        bot = ground.described["seed"]["incident_bot"]["app_id"]
        token = await ground.control.sign_in_app(bot, AUDIENCE)
        origin = str(ground.host.ready["url"]).rstrip("/")
        url = f"{origin}/api/secure/alerts/alertmanager"
        headers = {"Authorization": f"Bearer {token}"}
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            answer = await ground.http.post(url, json=_group(list(alerts)), headers=headers)
            fates: list[Json] = answer.json().get("alerts", [])
            if fates and all(one["status"] != "queued" for one in fates):
                return fates
            if time.monotonic() > deadline:
                raise DrillError(f"alerts wait: {answer.status_code} {answer.text[:500]}")
            await asyncio.sleep(0.5)

    async def run_of(self, alert: Json) -> RunSeen:
        """The run that the alert starts, once it has ended. Raises `DrillError` where it starts none."""
        (fate,) = await self.notify(alert)
        if not fate.get("run_id"):
            raise DrillError(f"the alert started no run: {fate}")
        seen = await self.day.ended(str(fate["run_id"]))
        self.day.told(f"{alert['labels']['alertname']} → {seen.status['playbook']}", seen)
        return seen


def alert(name: str, **labels: str) -> Json:
    """One firing alert, with a fingerprint of its own."""
    return {
        "status": "firing",
        "labels": {"alertname": name, "severity": "warning", **labels},
        "annotations": {"summary": f"{name} fires"},
        "startsAt": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.monitoring:9090/graph",
        "fingerprint": uuid.uuid4().hex[:16],
    }


def _group(alerts: list[Json]) -> Json:
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "firebreak",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.monitoring:9093",
        "alerts": alerts,
    }
