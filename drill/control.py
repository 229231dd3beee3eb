"""The sandbox's control API: what a drill may know and do from outside every product and every attacker."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from drill.options import DrillError, Json

STORAGE = "https://storage.azure.com"


@dataclass(frozen=True)
class Control:
    """The control API at one origin. Every call raises `DrillError` where the sandbox says no."""

    http: httpx.AsyncClient
    origin: str

    async def state(self) -> Json:
        """Everything that is stored, as it is stored."""
        answer: Json = (await self._send("GET", "/sandbox/state")).json()
        return answer

    async def part(self, path: str) -> Any:
        """A part of it, such as "clusters/aks-weu/deployments"."""
        return (await self._send("GET", f"/sandbox/state/{path}")).json()

    async def normal_state(self) -> Json:
        """The same in the form that two of them are compared in: natural keys, nothing volatile."""
        answer: Json = (await self._send("GET", "/sandbox/state?form=normal")).json()
        return answer

    async def traffic(self) -> list[Json]:
        """Every recorded exchange, oldest first, already without its secrets."""
        answer = await self._send("GET", "/sandbox/record")
        return [json.loads(line) for line in answer.text.splitlines() if line]

    async def permissions(self) -> Json:
        """What Firebreak's identities were given, and how often each of it let a call through."""
        answer: Json = (await self._send("GET", "/sandbox/permissions")).json()
        return answer

    async def record_no_bodies(self) -> None:
        """Keep of bodies only how long they are, where there is much traffic."""
        await self._send("POST", "/sandbox/record", {"bodies": False})

    async def crowd(self, **sizes: int) -> Json:
        """A tenant as a big company has it."""
        answer: Json = (await self._send("POST", "/sandbox/crowd", sizes)).json()
        return answer

    async def sign_in(self, user: str, audience: str) -> str:
        """An access token of a person, as a browser would get it."""
        answer = await self._send("POST", "/sandbox/sign-in", {"user": user, "audience": audience})
        return str(answer.json()["access_token"])

    async def sign_in_app(self, app_id: str, audience: str) -> str:
        """An access token of an application, which needs no secret of this tenant to get it."""
        answer = await self._send(
            "POST", "/sandbox/sign-in", {"app_id": app_id, "audience": audience}
        )
        return str(answer.json()["access_token"])

    async def detect(self, **wanted: object) -> Json:
        """Let Defender or Sentinel raise an alert: its rows in the workspace."""
        answer: Json = (await self._send("POST", "/sandbox/detections", wanted)).json()
        return answer

    async def subscribe(self, event_grid: str, wanted: Json) -> None:
        """Have a topic's events delivered; the endpoint has to prove that it wants them."""
        answer = await self.http.post(f"{event_grid}/sandbox/subscriptions", json=wanted)
        if not answer.is_success:
            raise DrillError(f"no subscription: {answer.status_code} {answer.text[:300]}")

    async def secrets(self) -> dict[str, str]:
        """Every secret that the sandbox ever issued or was shown: value -> where."""
        answer = await self._send("GET", "/sandbox/secrets")
        return {each["value"]: each["name"] for each in answer.json()["secrets"]}

    async def seed(self, wanted: Json) -> Json:
        """Plant what was there all along."""
        planted: Json = (await self._send("POST", "/sandbox/seed", wanted)).json()
        return planted

    async def set_faults(self, faults: Iterable[Json]) -> None:
        """Make calls go wrong from now on."""
        await self._send("POST", "/sandbox/faults", list(faults))

    async def turn(self, cluster: str, switches: Json) -> None:
        """Turn switches of a cluster that no cloud has."""
        await self._send("POST", f"/sandbox/clusters/{cluster}", switches)

    async def switches(self, clusters: Iterable[str]) -> dict[str, Json]:
        """How the switches of each cluster stand."""
        return {
            one: (await self._send("GET", f"/sandbox/clusters/{one}")).json() for one in clusters
        }

    async def put_clock_forward(self, seconds: float) -> None:
        """Let so much of the sandbox's time pass at once."""
        await self._send("POST", "/sandbox/clock", {"advance_seconds": seconds})

    async def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        await self._send("DELETE", "/sandbox/faults")

    async def set_latency(self, latency: Mapping[str, float]) -> None:
        """Slow services down, by so many milliseconds a call."""
        await self._send("POST", "/sandbox/latency", dict(latency))

    async def set_pace(self, **seconds: float) -> None:
        """How long the clusters' controllers and pods take from now on."""
        await self._send("POST", "/sandbox/pace", seconds)

    async def no_delays(self) -> None:
        """Every replica is up to date and every log row is there at once."""
        known = (await self._send("GET", "/sandbox/delays")).json()
        await self._send("POST", "/sandbox/delays", dict.fromkeys(known, 0))

    async def modelled(self) -> Json:
        """How late replicas are, and how long the clusters take, in seconds."""
        delays = (await self._send("GET", "/sandbox/delays")).json()
        paces = (await self._send("POST", "/sandbox/pace", {})).json()
        return {"delays": delays, "pace": next(iter(paces.values()), {})}

    async def run_in_pod(
        self, cluster: str, namespace: str, pod: str, url: str, *, resource: str = STORAGE
    ) -> httpx.Response:
        """Let the workload in a pod read a URL the way its code does, with the identity it has."""
        path = f"/sandbox/nodes/{cluster}/pods/{namespace}/{pod}/run"
        wish = {"method": "GET", "url": url, "resource": resource}
        return await self.http.post(self.origin + path, json=wish)

    async def _send(self, method: str, path: str, body: object = None) -> httpx.Response:
        answer = await self.http.request(method, self.origin + path, json=body)
        if not answer.is_success:
            raise DrillError(
                f"control API {method} {path}: {answer.status_code} {answer.text[:300]}"
            )
        return answer
