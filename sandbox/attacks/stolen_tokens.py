"""Attack: access tokens bought with everything that was planted and stolen, and data read with them.

Technique   T1528 Steal Application Access Token, T1550.001 Use of Application Access Token
Needs       a secret, a trusted issuer or a projected ServiceAccount token
Leaves      sign-ins of the service principal from somewhere else; StorageBlobLogs GetBlob
Source      https://stratus-red-team.cloud/attack-techniques/azure/azure.persistence.backdoor-managed-identity-fic/
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from sandbox.attacks.attacker import Attacker, AttackFailedError, TokenAnswer

# A new credential is not honoured at once: "a couple of minutes" in Azure, a second or so in the sandbox.
# https://azure.github.io/azure-workload-identity/docs/faq.html
PATIENCE_S = 30.0
_PAUSE_S = 0.2


async def buy_token(how: str, ask: Callable[[], Awaitable[TokenAnswer]]) -> str:
    """Ask until the token endpoint gives in. Raises `AttackFailedError` when patience runs out."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = await ask()
        if answer.access_token:
            return answer.access_token
        if time.monotonic() > deadline:
            raise AttackFailedError(f"no token with {how}: {answer.description or answer.status}")
        await asyncio.sleep(_PAUSE_S)


async def read_data(attacker: Attacker, how: str, blob_url: str, access_token: str) -> None:
    """Read the blob, or raise `AttackFailedError`: an attack that steals nothing tests nothing."""
    status, code = await attacker.read_blob(blob_url, access_token)
    if status != 200:
        raise AttackFailedError(f"the blob was not read with {how}: {status} {code}".rstrip())


async def until_read(how: str, read: Callable[[], Awaitable[tuple[int, str]]]) -> None:
    """Read until a role that was just granted is honoured. Raises `AttackFailedError` when patience runs out."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        status, code = await read()
        if status == 200:
            return
        if time.monotonic() > deadline:
            raise AttackFailedError(f"nothing was read with {how}: {status} {code}".rstrip())
        await asyncio.sleep(_PAUSE_S)
