"""Troubleshooting: every break is named with its cause, and the printed fix mends it."""

import asyncio
import time

from drill.control import Control
from drill.options import Json
from drill.petra import Operator
from drill.quiet.day import Day, RunSeen

SUMMARY = "ten workloads, each broken in another way; the fix of each is typed as it is printed"
OPTIONS: tuple[str, ...] = ()
CLUSTER, SHOP = "aks-weu", "shop"
_ROLLED_OUT_S = 60
# ServiceAccount -> the check that has to be named as the cause.
BREAKS = {
    "no-label": "pod-label",
    "hard-coded": "environment",
    "stale": "replica-age",
    "slash": "issuer",
    "wrong-case": "issuer",
    "other-subject": "subject",
    "audience": "audience",
    "sound": None,
}
_USE, _CLIENT = "azure.workload.identity/use", "azure.workload.identity/client-id"


async def play(day: Day) -> None:
    """A sound workload, the broken ones, their fixes, and what no command of a workload's mends."""
    await day.control.no_delays()
    petra = await Operator.hired(day.ground)
    stock = await staged(day.control, day.described, petra)
    sound = await look(day, {"namespace": SHOP, "pod": await _a_pod(day, "orders-api")})
    day.equal(
        "sound", "a workload that works is said to work", _verdicts(sound), {"orders-api": None}
    )
    seen = await look(day, {"client_id": stock["app_id"]})
    day.equal("causes", "each break is named by its cause", _verdicts(seen), BREAKS)
    marked = [line for one in seen.document["findings"] for line in one["evidence"] if "«" in line]
    day.fact(
        "causes",
        "the difference is shown to the character",
        holds=any(line.endswith("«»") for line in marked),
        expected="a missing last slash is marked",
        actual=marked,
    )
    before = await day.control.normal_state()
    again = await look(day, {"client_id": stock["app_id"]})
    after = await day.control.normal_state()
    day.equal("read-only", "looking changes nothing", before == after, True)
    for fix in again.document["by_hand"]:
        await petra.type(fix)
    mended = await _until_well(day, {"client_id": stock["app_id"]})
    day.equal("mended", "the printed fixes mend them all", _verdicts(mended), dict.fromkeys(BREAKS))
    await _accounts(day, petra, stock)
    await _above(day, petra)


async def _accounts(day: Day, petra: Operator, stock: Json) -> None:
    """What is wrong with a ServiceAccount itself, or with the identity that it names."""
    asked = {"namespace": SHOP, "service_account": "object-id"}
    seen = await look(day, asked)
    day.equal(
        "account",
        "an object id is told from a client id",
        _verdicts(seen),
        {"object-id": "identity"},
    )
    day.fact(
        "account",
        "the fix has the client id that was meant",
        holds=stock["app_id"] in seen.document["by_hand"][0],
        expected=stock["app_id"],
        actual=seen.document["by_hand"],
    )
    for fix in seen.document["by_hand"]:
        await petra.type(fix)
    restarted = await look(day, asked)
    day.equal(
        "account",
        "then its pods are the stale ones",
        _verdicts(restarted),
        {"object-id": "replica-age"},
    )
    for fix in restarted.document["by_hand"]:
        await petra.type(fix)
    mended = await _until_well(day, asked)
    day.equal("account", "and then it works", _verdicts(mended), {"object-id": None})


async def _above(day: Day, petra: Operator) -> None:
    """A disabled application, and a webhook that does not answer."""
    asked = {"namespace": SHOP, "service_account": "billing-api"}
    billing = day.described["seed"]["billing_api"]
    await petra.type(f"az ad sp update --id {billing['object_id']} --set accountEnabled=false")
    disabled = await look(day, asked)
    day.equal(
        "identity", "a disabled one is the cause", _verdicts(disabled), {"billing-api": "identity"}
    )
    said = [one["detail"] for one in disabled.document["findings"] if "7000112" in one["detail"]]
    day.fact(
        "identity",
        "Entra's own code says the same",
        holds=bool(said),
        expected="AADSTS7000112",
        actual=said,
    )
    for fix in disabled.document["by_hand"]:
        await petra.type(fix)
    await day.control.turn(CLUSTER, {"webhook_ready": False})
    broken = await look(day, asked)
    day.equal(
        "webhook",
        "one that does not answer is the cause",
        _verdicts(broken),
        {"billing-api": "webhook"},
    )
    await day.control.turn(CLUSTER, {"webhook_ready": True})
    await day.control.turn(CLUSTER, {"api_server": "reset"})
    dark = await look(day, asked)
    day.equal("dark", "a cluster that is down is not taken for well", dark.outcome, "partly")
    day.equal("dark", "nor for broken", dark.document["findings"], [])
    await day.control.turn(CLUSTER, {"api_server": "up"})


async def staged(control: Control, described: Json, petra: Operator) -> Json:
    """An identity with a role, and a workload for each break."""
    seed = described["seed"]
    issuer = seed["clusters"][CLUSTER]["issuer"]
    made = await control.seed(
        {"userAssignedIdentities": [{"name": "stock-identity", "resourceGroup": "rg-orders"}]}
    )
    stock: Json = made["userAssignedIdentities"][0]
    role = {
        "scope": seed["storage"]["account_id"],
        "role": "Storage Blob Data Reader",
        "principalId": stock["object_id"],
    }
    trusts = [
        _trust(stock, name, issuer, name)
        for name in ("no-label", "hard-coded", "stale", "sound", "object-id")
    ]
    trusts += [
        _trust(stock, "slash", issuer.rstrip("/"), "slash"),
        _trust(
            stock, "wrong-case", "https://" + issuer.removeprefix("https://").upper(), "wrong-case"
        ),
        _trust(stock, "other-subject", issuer, "other-subject-v1"),
    ]
    await control.seed({"roleAssignments": [role], "identityCredentials": trusts})
    parts = stock["resource_id"].split("/")
    await petra.type(
        f"az identity federated-credential create --subscription {parts[2]} --resource-group {parts[4]} "
        f"--identity-name {parts[-1]} --name audience --issuer {issuer} "
        f"--subject system:serviceaccount:{SHOP}:audience --audiences api://AzureADTokenCredential"
    )
    names = [*BREAKS, "object-id"]
    named = {"stale": seed["orders_api"]["app_id"], "object-id": stock["object_id"]}
    objects = {
        "serviceaccounts": [_account(one, str(named.get(one, stock["app_id"]))) for one in names],
        "deployments": [_deployment(one, seed["orders_api"]["app_id"]) for one in names],
    }
    await control.seed({"clusters": {CLUSTER: objects}})
    await petra.type(
        f"kubectl --context {CLUSTER} -n {SHOP} annotate --overwrite serviceaccount stale {_CLIENT}={stock['app_id']}"
    )
    return stock


async def look(day: Day, asked: Json) -> RunSeen:
    """A troubleshooting of this in the one cluster."""
    return await day.run("troubleshoot_workload", "plan", {"cluster": CLUSTER, **asked})


async def _until_well(day: Day, asked: Json) -> RunSeen:
    """A fix starts pods anew, which takes a moment."""
    deadline = time.monotonic() + _ROLLED_OUT_S
    while True:
        seen = await look(day, asked)
        if not seen.document["findings"] or time.monotonic() > deadline:
            return seen
        await asyncio.sleep(1)


def _verdicts(seen: RunSeen) -> dict[str, str | None]:
    """ServiceAccount -> cause; None where it works."""
    return {
        one["service_account"]: one["cause"] if one["verdict"] != "works" else None
        for one in seen.document["data"]["workloads"]
    }


async def _a_pod(day: Day, prefix: str) -> str:
    pods = (await day.control.state())["clusters"][CLUSTER]["pods"]
    return next(
        str(one["metadata"]["name"])
        for one in pods
        if one["metadata"]["namespace"] == SHOP and one["metadata"]["name"].startswith(prefix)
    )


def _trust(identity: Json, name: str, issuer: str, account: str) -> Json:
    subject = f"system:serviceaccount:{SHOP}:{account}"
    return {
        "identityId": identity["resource_id"],
        "name": name,
        "issuer": issuer,
        "subject": subject,
    }


def _account(name: str, client_id: str) -> Json:
    return {"metadata": {"name": name, "namespace": SHOP, "annotations": {_CLIENT: client_id}}}


def _deployment(name: str, other_client_id: str) -> Json:
    labels = {"app": name}
    container: Json = {"name": "app", "image": "contoso.azurecr.io/app:1"}
    if name == "hard-coded":
        container["env"] = [{"name": "AZURE_CLIENT_ID", "value": other_client_id}]
    wired = {} if name == "no-label" else {_USE: "true"}
    template = {
        "metadata": {"labels": labels | wired},
        "spec": {"serviceAccountName": name, "containers": [container]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"metadata": {"name": name, "namespace": SHOP}, "spec": spec}
