"""Rosa, the responder on call: Azure Monitor's webhook on one side of her, the incident API on the other."""

import asyncio
import time
from dataclasses import dataclass, field

import httpx

from drill.options import DrillError, Json
from drill.training_ground import AUDIENCE, TrainingGround

NAME = "rosa"
# "AzNS AAD Webhook": what action groups sign in as.
# https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#configure-authentication-for-secure-webhook
ACTION_GROUPS = "461e8683-5575-4561-ac7f-899cc907d62a"
APPROVERS = (NAME, "ines", "yuri")  # who may agree to a plan, in the order in which they are asked
MODE = "respond"
_PATIENCE_S = 30  # a killed host is back in about three seconds
_PAUSE_S = 0.1


@dataclass
class Responder:
    """HTTP calls to the function app: alerts with the key, her own with her token."""

    ground: TrainingGround
    token: str = field(repr=False)
    name: str = NAME

    @classmethod
    async def sign_in(cls, ground: TrainingGround) -> "Responder":
        """A responder with a fresh token for our API."""
        return cls(ground, await ground.control.sign_in(NAME, AUDIENCE))

    @property
    def origin(self) -> str:
        """Where the function app listens."""
        return str(self.ground.host.ready["url"]).rstrip("/")

    async def deliver(self, alert: Json) -> str:
        """Send the alert as an action group's secure webhook does. Returns the incident's id."""
        return await self.send("azure-monitor", alert, ACTION_GROUPS)

    async def send(self, sender: str, body: Json, app_id: str) -> str:
        """Send a signal with the token of an application. Returns the incident that it opened or joined."""
        token = await self.ground.control.sign_in_app(app_id, AUDIENCE)
        headers = {"Authorization": f"Bearer {token}"}
        # Sent again where nobody answers, as action groups do: a host may die between what it did and its answer.
        answer, _ = await self._insist("POST", f"/api/secure/alerts/{sender}", body, headers)
        if not answer.is_success:
            raise DrillError(f"the signal was refused: {answer.status_code} {answer.text[:500]}")
        said = answer.json()
        fates = said.get("alerts", [said])
        opened = [one["incident_id"] for one in fates if one["incident_id"]]
        if len(opened) != 1:
            raise DrillError(f"the signal opened {len(opened)} incidents: {answer.text[:500]}")
        return str(opened[0])

    async def open(self, object_id: str, mode: str, reason: str) -> str:
        """Open an incident by hand, or ask more of the one that is open."""
        wish = {"object_id": object_id, "mode": mode, "reason": reason}
        said = await self.call("POST", "/api/incidents", wish)
        if said["incident_id"] is None:
            raise DrillError(f"the call opened nothing: {said['why']}")
        return str(said["incident_id"])

    async def incident(self, incident_id: str) -> Json:
        """How the incident stands."""
        return await self.call("GET", f"/api/incidents/{incident_id}")

    async def consent(self, incident_id: str, asked: Json, *, granted: bool, reason: str) -> None:
        """Say yes or no to exactly the plan that was shown, and to each risk that it names; choose nothing more.

        As many people as it takes say yes, each by a sign-in of their own.
        """
        decision = {
            "plan_hash": asked["plan_hash"],
            "decision": "grant" if granted else "deny",
            "confirmed": [one["key"] for one in asked["confirmations"]] if granted else [],
            "chosen": [],
        }
        path = f"/api/incidents/{incident_id}/consent"
        for name in approvers(asked) if granted else [NAME]:
            await (await self._as(name)).call("POST", path, decision | {"reason": reason})

    async def restore(self, incident_id: str, order: Json) -> Json:
        """The plan of a restore, or the order to carry out exactly the one that was read."""
        return await self.call("POST", f"/api/incidents/{incident_id}/restore", order)

    async def restore_with_others(self, incident_id: str, order: Json) -> None:
        """The same order by one person after the other, until as many as the policy wants have given it."""
        for name in APPROVERS:
            said = await (await self._as(name)).restore(incident_id, order)
            if said.get(
                "begun", True
            ):  # an order whose answer was lost says nothing the second time
                return
        raise DrillError(f"{incident_id} wants more people than {', '.join(APPROVERS)}")

    async def resume(self, incident_id: str, reason: str) -> None:
        """Have a recovery that is half done go on."""
        await self.call("POST", f"/api/incidents/{incident_id}/resume", {"reason": reason})

    async def _as(self, name: str) -> "Responder":
        """The same app with somebody else at the keyboard."""
        if name == self.name:
            return self
        return Responder(self.ground, await self.ground.control.sign_in(name, AUDIENCE), name)

    @property
    def _key(self) -> str:
        return str(self.ground.keys["functionKeys"]["default"])

    async def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """A call with this person's token. Raises `DrillError` where it is refused."""
        answer, broken = await self._insist(method, path, body, self._headers())
        if answer.status_code == httpx.codes.UNAUTHORIZED:  # hours may have passed meanwhile
            self.token = await self.ground.control.sign_in(self.name, AUDIENCE)
            answer, broken = await self._insist(method, path, body, self._headers())
        if broken and answer.status_code == httpx.codes.CONFLICT:
            return {}  # the try before, whose answer was lost, had already been heard
        if not answer.is_success:
            raise DrillError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        found: Json = answer.json()
        return found

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def _insist(
        self, method: str, path: str, body: Json | None, headers: dict[str, str]
    ) -> tuple[httpx.Response, bool]:
        """The answer, and whether a connection broke on the way: a host that restarts is asked again."""
        deadline = time.monotonic() + _PATIENCE_S
        broken = False
        while True:
            self.ground.check()
            try:
                url = self.origin + path
                return await self.ground.http.request(
                    method, url, json=body, headers=headers
                ), broken
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise DrillError(f"{method} {path}: no answer: {error}") from error
                broken = True
                await asyncio.sleep(_PAUSE_S)


def approvers(asked: Json) -> list[str]:
    """Who agrees to what is asked: so many as it needs, and nobody who had it done."""
    requesters = {one["name"].partition("@")[0] for one in asked["requesters"]}
    return [one for one in APPROVERS if one not in requesters][: asked["needs"]]
