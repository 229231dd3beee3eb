"""The attacker's and the workloads' moves, made again when the incident is over."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass

import httpx

from drill.control import STORAGE, Control
from drill.options import Json
from drill.scene import PodRead, Reply
from drill.states import Workload, pods_of
from sandbox.attacks import application_secret_backdoor
from sandbox.attacks.attacker import Attacker, AttackFailedError, TokenAnswer
from sandbox.attacks.compromise import Loot, Target


async def asked(move: Awaitable[Reply]) -> Reply:
    """The reply, or that there was none: silence is not a refusal."""
    try:
        return await move
    except (httpx.HTTPError, AttackFailedError, ValueError) as error:
        return Reply(None, f"{type(error).__name__}: {error}"[:200])


@dataclass(frozen=True)
class Replays:
    """One attacker with his loot, and one cloud to try it on."""

    attacker: Attacker
    target: Target
    loot: Loot

    async def credentials(self) -> dict[str, Reply]:
        """What was planted, at the token endpoint."""
        return {
            "planted secret": await asked(self._with_secret()),
            "rogue trust": await asked(self._with_forgery()),
        }

    async def access_tokens(self) -> dict[str, Reply]:
        """Tokens from before the alert, at the storage account. They are valid still; their roles must be gone."""
        return {
            how: await asked(self._read(token)) for how, token in self.loot.access_tokens.items()
        }

    async def account_tokens(self, client_id: str) -> dict[str, Reply]:
        """Every stolen ServiceAccount token, presented as this client."""
        return {
            name: await asked(self._present(client_id, token))
            for name, token in self.loot.account_tokens.items()
        }

    async def as_owner_of(self, application: str) -> Reply:
        """The phished developer's session, which still stands, against the new application."""
        return await asked(self._plant_on(application))

    async def _with_secret(self) -> Reply:
        return reply(
            await self.attacker.exchange_secret(self.target.app_id, self.loot.secret.value)
        )

    async def _with_forgery(self) -> Reply:
        forged = await self.attacker.forge_assertion(
            self.loot.trust.issuer, self.loot.trust.subject
        )
        return reply(await self.attacker.exchange_assertion(self.target.app_id, forged))

    async def _read(self, access_token: str) -> Reply:
        return Reply(*await self.attacker.read_blob(self.target.blob_url, access_token))

    async def _present(self, client_id: str, token: str) -> Reply:
        return reply(await self.attacker.exchange_assertion(client_id, token))

    async def _plant_on(self, application: str) -> Reply:
        answer = await application_secret_backdoor.attempt(
            self.attacker, self.loot.graph_token, application
        )
        return Reply(
            answer.status_code, "" if answer.is_success else answer.json()["error"]["code"]
        )


def reply(answer: TokenAnswer) -> Reply:
    """What the token endpoint said, without the token."""
    if answer.access_token:
        return Reply(answer.status, "a token")
    return Reply(answer.status, f"AADSTS{answer.error_code}")


async def read_in_pods(
    control: Control,
    state: Json,
    workloads: Sequence[Workload],
    url: str,
    resource: str = STORAGE,
) -> list[PodRead]:
    """Let every running pod of these workloads read this, such as a blob, side by side."""
    pods = [(each.cluster, pod) for each in workloads for pod in pods_of(state, each)]
    return list(await asyncio.gather(*(_read_in(control, *each, url, resource) for each in pods)))


async def _read_in(control: Control, cluster: str, pod: Json, url: str, resource: str) -> PodRead:
    metadata = pod["metadata"]
    name = str(metadata["name"])

    async def ask() -> Reply:
        answer = await control.run_in_pod(
            cluster, metadata["namespace"], name, url, resource=resource
        )
        if not answer.is_success:
            return Reply(None, f"the pod could not be asked: {answer.status_code}")
        said = answer.json()
        if said.get("aadsts"):
            return Reply(said["token_status"], f"AADSTS{said['aadsts']}")
        return Reply(said["status"])

    return PodRead(cluster, name, await asked(ask()))
