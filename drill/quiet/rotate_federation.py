"""Trusts replaced while everything runs: new ones proven first, a secret given up, what an attacker left taken away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from drill import minting
from drill.options import DrillError, Json
from drill.quiet.day import Day, RunSeen
from drill.quiet.provision_identity import _named, _note, _variable

SUMMARY = "every trust of orders-api replaced without downtime, a pod moved off its secret, a stranger's trust removed"
OPTIONS: tuple[str, ...] = ()
_CLIENT_ID = "azure.workload.identity/client-id"
_STRANGER = "https://oidc.example.org/tenant/"
_EXPORTS = "system:serviceaccount:shop:exports-id"


async def play(day: Day) -> None:
    """The trusts, then the secret."""
    orders = day.described["seed"]["orders_api"]
    await _plant(day, orders)
    before = await day.control.state()
    old = _trusts(before, orders)
    asked: Json = {
        "app_id": orders["app_id"],
        "label": "2026q4",
        "remove_unused": True,
        "migrate_secrets": True,
    }

    planned = await day.run("rotate_federation", "plan", asked, by="nora")
    day.has_rules(planned, ["trust-of-no-cluster", "credential-beside-federation"])
    day.equal("plan", "changes nothing", _trusts(await day.control.state(), orders), old)
    stolen = await _mint(day, "orders-api")
    async with _watched(day) as down:
        done = await _approved(day, planned, asked)
    day.equal("rotation", "is done", done.outcome, "done")
    day.equal("rotation", "every workload had a pod to answer, all the time", sorted(down), [])
    await _judge(day, orders, old)
    opens = await _opens(day, orders, stolen)
    day.equal("stolen token", "of an old ServiceAccount opens nothing", opens, False)

    asked = {**asked, "migrate_secrets": False}
    again = await day.run("rotate_federation", "apply", asked)
    day.equal(
        "again", "the same label changes nothing, and says so", again.outcome, "nothing_to_do"
    )
    await _without_secret(day, orders, asked)


async def _plant(day: Day, orders: Json) -> None:
    """A workload that holds a secret of the application, and a trust that nobody knows."""
    app_id, holder = orders["app_id"], orders["application_object_id"]
    reference = {"secretKeyRef": {"name": "exports", "key": "client-secret"}}
    container = {
        "name": "exports",
        "image": "contoso.azurecr.io/exports:2.0",
        "env": [
            {"name": "AZURE_CLIENT_ID", "value": app_id},
            {"name": "AZURE_CLIENT_SECRET", "valueFrom": reference},
        ],
    }
    labels = {"app": "exports"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    deployment = {
        "metadata": {"name": "exports", "namespace": "shop"},
        "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": pods},
    }
    secret = {"metadata": {"name": "exports", "namespace": "shop"}, "type": "Opaque"}
    await day.control.seed(
        {
            "passwordCredentials": [{"holderId": holder, "displayName": "exports, of old"}],
            "federatedCredentials": [
                {
                    "applicationId": holder,
                    "name": "helper",
                    "issuer": _STRANGER,
                    "subject": "system:serviceaccount:default:default",
                }
            ],
            "clusters": {"aks-weu": {"secrets": [secret], "deployments": [deployment]}},
        }
    )


def _trusts(state: Json, orders: Json) -> list[tuple[str, str]]:
    holder = orders["application_object_id"]
    found = [one for one in state["federatedCredentials"] if one["applicationId"] == holder]
    return sorted((one["issuer"], one["subject"]) for one in found)


async def _approved(day: Day, planned: RunSeen, asked: Json) -> RunSeen:
    """By somebody who may, and who did not ask for the plan."""
    keys = [one["key"] for one in planned.document["confirmations"]]
    plan_hash = planned.status["plan_hash"]
    more = {"by": "rosa", "plan_hash": plan_hash, "accepted": keys}
    return await day.run("rotate_federation", "apply", asked, **more)


@contextlib.asynccontextmanager
async def _watched(day: Day) -> AsyncIterator[set[str]]:
    """Deployments of the shop that at some moment had no available pod."""
    down: set[str] = set()

    async def watch() -> None:
        while True:
            for name in day.described["seed"]["clusters"]:
                for one in await day.control.part(f"clusters/{name}/deployments"):
                    about = one["metadata"]
                    if about["namespace"] == "shop" and not one["status"].get("availableReplicas"):
                        down.add(f"{name} {about['name']}")
            await asyncio.sleep(0.2)

    task = asyncio.create_task(watch())
    try:
        yield down
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _judge(day: Day, orders: Json, old: list[tuple[str, str]]) -> None:
    """By the sandbox's own state."""
    state, app_id = await day.control.state(), orders["app_id"]
    ours = [one for one in old if one[0] != _STRANGER]
    wanted = sorted((issuer, f"{subject}-2026q4") for issuer, subject in ours)
    wanted.append((next(issuer for issuer, _ in ours if "orders-worker" in _), _EXPORTS))
    day.equal(
        "trusts",
        "each has a new subject, the stranger's is gone",
        _trusts(state, orders),
        sorted(wanted),
    )
    weu = state["clusters"]["aks-weu"]
    runs_as = {
        (one["metadata"]["labels"].get("app"), one["spec"]["serviceAccountName"])
        for one in weu["pods"]
        if one["metadata"]["namespace"] == "shop" and _variable(one, "AZURE_CLIENT_ID") == app_id
    }
    day.equal(
        "pods",
        "run under the new ServiceAccounts",
        sorted(runs_as),
        [
            ("exports", "exports-id"),
            ("orders-api", "orders-api-2026q4"),
            ("orders-worker", "orders-worker-2026q4"),
        ],
    )
    retired = _named(weu["serviceaccounts"], "shop", "orders-api")
    day.equal("pods", "the old ServiceAccount names nobody", _note(retired, _CLIENT_ID), None)
    held = [one for one in weu["pods"] if _variable(one, "AZURE_CLIENT_SECRET") is not None]
    names = [
        one["metadata"]["name"] for one in held if one["metadata"]["labels"].get("app") == "exports"
    ]
    day.equal("secret", "no pod gets it any more", names, [])


async def _without_secret(day: Day, orders: Json, asked: Json) -> None:
    """Nobody uses it any more: it goes where it is named, and a person says yes."""
    state = await day.control.state()
    found = _application(state, orders)
    keys = [one["keyId"] for one in found["passwordCredentials"] + found["keyCredentials"]]
    wanted = {**asked, "remove_credentials": keys}
    planned = await day.run("rotate_federation", "plan", wanted, by="nora")
    done = await _approved(day, planned, wanted)
    found = _application(await day.control.state(), orders)
    left = [*found["passwordCredentials"], *found["keyCredentials"]]
    day.equal("secret", "and the certificate go by their ids", (done.outcome, left), ("done", []))
    clean = await day.run("rotate_federation", "plan", asked, by="nora")
    day.equal("clean", "nothing is left to find", clean.rules(), {})
    await _turn_keys(day, orders)


async def _turn_keys(day: Day, orders: Json) -> None:
    """The other method, in one cluster: a token that was signed before is one of no known key."""
    stolen = await _mint(day, "orders-api-2026q4")
    opened = await _opens(day, orders, stolen)
    asked = {"app_id": orders["app_id"], "label": "2026q4k", "method": "signing_keys"}
    asked["clusters"] = ["aks-weu"]
    before = set(await day.control.part("signingKeys/aks-weu"))
    planned = await day.run("rotate_federation", "plan", asked, by="nora")
    done = await _approved(day, planned, asked)
    now = set(await day.control.part("signingKeys/aks-weu"))
    day.equal(
        "keys",
        "are turned twice, and none of before is left",
        (done.outcome, before & now),
        ("done", set()),
    )
    await day.control.put_clock_forward(15)  # copies of them are kept for ten seconds here
    opens = await _opens(day, orders, stolen)
    day.equal(
        "keys", "a token of before opened it, and opens it no more", (opened, opens), (True, False)
    )


def _application(state: Json, orders: Json) -> Json:
    wanted = orders["application_object_id"]
    found: Json = next(one for one in state["applications"] if one["id"] == wanted)
    return found


async def _mint(day: Day, account: str) -> str:
    """A token of a ServiceAccount, as somebody steals it before the rotation."""
    token = await minting.mint(day.ground, "aks-weu", "shop", account)
    if token is None:
        raise DrillError(f"no token of {account}")
    return token


async def _opens(day: Day, orders: Json, assertion: str) -> bool:
    """Whether Entra gives a token for it."""
    tenant = day.described["tenant_id"]
    form = {
        "grant_type": "client_credentials",
        "client_id": orders["app_id"],
        "scope": "https://management.azure.com/.default",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    url = f"{day.described['endpoints']['login']}/{tenant}/oauth2/v2.0/token"
    answer = await day.ground.http.post(url, data=form)
    return answer.is_success
