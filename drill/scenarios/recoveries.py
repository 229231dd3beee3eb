"""Recoveries of `make drill SCENARIO=recover-...`: the same attacks, and each way to shut stolen tokens out."""

from collections.abc import Mapping
from functools import partial

from drill.observing import target_of
from drill.options import Json
from drill.scenarios import rogue_fic_on_identity
from drill.scenarios.recovery import Method, Recovery, Trouble
from drill.scenarios.scenario import OF_AN_APPLICATION, Tell, orders_api
from drill.verdict import pauses
from sandbox.attacks import cashing_in
from sandbox.attacks.attacker import Attacker
from sandbox.attacks.compromise import compromise
from sandbox.attacks.held import Held

_IDENTITY = rogue_fic_on_identity.SCENARIO


async def _on_orders_api(attacker: Attacker, described: Json, tell: Tell) -> Held:
    """The attack of the main drill: a secret, a trust, a role, and the token of a pod."""
    target = target_of(described)
    loot = await compromise(attacker, target, tell)
    held = Held(secrets=loot.secrets(), account_tokens=loot.account_tokens)
    held.traces["planted secret"] = loot.secret.key_id
    exchange = partial(attacker.exchange_assertion, target.app_id)
    held.ways["planted secret"] = partial(
        attacker.exchange_secret, target.app_id, loot.secret.value
    )
    forged = await attacker.forge_assertion(loot.trust.issuer, loot.trust.subject)
    held.ways["rogue trust"] = partial(exchange, forged)
    for how, token in loot.access_tokens.items():
        held.uses[how] = partial(attacker.read_blob, target.blob_url, token)
    return held


async def _on_payments(attacker: Attacker, described: Json, tell: Tell) -> Held:
    """A planted trust on the managed identity, and the token of one of its pods."""
    held = await _IDENTITY.attack(attacker, described, tell)
    cluster = "aks-weu"
    stolen = await cashing_in.steal_account_token(attacker, held, cluster, "payments", "payments")
    held.account_tokens[cluster] = stolen
    tell("ServiceAccount token stolen from a pod", cluster)
    return held


def _of_orders_api(name: str, method: Method, story: str) -> Recovery:
    return Recovery(
        name=name,
        story=story,
        method=method,
        victim=orders_api,
        attack=_on_orders_api,
        levers=OF_AN_APPLICATION,
        namespace="shop",
        service_account="orders-api",
    )


RECOVERIES: Mapping[str, Recovery] = {
    one.name: one
    for one in (
        Recovery(
            name="recover-managed-identity",
            story="id-payments comes back under a new name, its ServiceAccounts as well",
            method="new_subject",
            victim=_IDENTITY.victim,
            attack=_on_payments,
            levers=_IDENTITY.levers,
            namespace="payments",
            service_account="payments",
        ),
        _of_orders_api(
            "recover-wait-out",
            "wait_out",
            "names stay; nobody is trusted until the last stolen token has expired",
        ),
        _of_orders_api(
            "recover-rotate-keys",
            "rotate_keys",
            "names stay; the clusters' signing keys are rotated twice, and all with tokens restarts",
        ),
        _of_orders_api(
            "recover-accept-risk",
            "accept_risk",
            "names stay; a stolen token opens the new identity until it ends, and the report says so",
        ),
        Recovery(
            name="recover-multi-cluster",
            story="the canary's pods hang and a cluster is down: half done, resumed twice, recovered",
            method="new_subject",
            victim=orders_api,
            attack=_on_orders_api,
            levers=OF_AN_APPLICATION,
            namespace="shop",
            service_account="orders-api",
            troubles=(
                Trouble(
                    cluster="aks-frc",
                    says="new pods of orders-api never become ready; it is the canary",
                    broken={"never_ready": ["shop/orders-api"]},
                    mended={"never_ready": []},
                    hangs="shop/orders-api",
                ),
                Trouble(
                    cluster="aks-neu",
                    says="its API server is down",
                    broken={"api_server": "reset"},
                    mended={"api_server": "up"},
                ),
            ),
            policy={"healthy_within_seconds": "15"},
            further=(("half done", (pauses.WAITS, pauses.CLAIMS, pauses.UNTOUCHED, pauses.DOWN)),),
        ),
    )
}
