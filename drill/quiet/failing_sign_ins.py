"""HighIdentityAuthenticationFailures: breakage stays breakage, attempts become a plan, a stolen token is contained."""

import asyncio
import time

from drill.alerting import Alertmanager, alert
from drill.options import DrillError, Json
from drill.petra import Operator
from drill.quiet.day import Day

SUMMARY = "alerts about failing sign-ins: a trust that broke, somebody who guesses, and somebody who got in"
OPTIONS: tuple[str, ...] = ()
_NAME = "HighIdentityAuthenticationFailures"
_STRANGER = "203.0.113.66"
_EGRESS = "127.0.0.1"  # where the clusters' pods come from here
_DAYS_AGO = 0.2  # what is usual was so before the window that is weighed
_CONTAINED_S = 120
_AGAIN_S = 45


async def play(day: Day) -> None:
    """What is usual first; then each of the three, judged by what was done to the identity."""
    await day.control.no_delays()
    petra = await Operator.hired(day.ground)
    seed = day.described["seed"]
    usual = [
        {"principalId": seed[one]["object_id"], "address": _EGRESS, "federatedCredentialId": trust}
        for one, trust in await _usual(day)
    ]
    await day.control.seed({"days_ago": _DAYS_AGO, "signIns": usual})
    prometheus = Alertmanager(day)
    await _breakage(day, petra, prometheus, seed["payments_identity"])
    await _attempts(day, prometheus, seed["orders_api"])
    await _taken(day, prometheus, seed["billing_api"])


async def _usual(day: Day) -> list[tuple[str, str]]:
    """Name of an identity, and the trust by which its pods get tokens."""
    trusts = (await day.control.state())["federatedCredentials"]
    subjects = {"orders_api": "orders-api", "billing_api": "billing-api"}
    found = [
        (name, next(one["id"] for one in trusts if one["subject"].endswith(f":{account}")))
        for name, account in subjects.items()
    ]
    return [*found, ("payments_identity", "by-federation")]


async def _breakage(day: Day, petra: Operator, prometheus: Alertmanager, identity: Json) -> None:
    """The trust is gone, and the pods ask and ask."""
    (trust, *_) = [
        one
        for one in await _trusts(day, identity)
        if "weu" in one["properties"]["issuer"] + one["name"]
    ]
    await petra.type(_renamed(identity, trust, "system:serviceaccount:payments:payments-old"))
    for _ in range(5):
        await _signs_in(day, "payments", "payments")
    seen = await prometheus.run_of(alert(_NAME, object_id=identity["object_id"]))
    judged = seen.document["data"]["judgement"]
    day.equal("breakage", "is told from an attack", judged["kind"], "breakage")
    day.equal("breakage", "opens no incident", await _incidents(day), [])
    day.has_rules(seen, ["workload-subject"])
    for fix in seen.document["by_hand"]:
        await petra.type(fix)
    await _signs_in(day, "payments", "payments", expected=200)
    day.fact(
        "breakage", "the printed fix mends it", holds=True, expected="a token", actual="a token"
    )


async def _attempts(day: Day, prometheus: Alertmanager, identity: Json) -> None:
    """Guesses from outside, none of which got anything."""
    for number in range(6):
        await _guess(day, identity, f"winter{number}")
    before = await _levers(day, identity)
    seen = await prometheus.run_of(alert(_NAME, client_id=identity["app_id"]))
    day.equal(
        "attempts", "guesses are told", seen.document["data"]["judgement"]["kind"], "attempts"
    )
    (incident,) = await _incidents(day)
    day.equal("attempts", "the incident plans", incident["mode"], "plan")
    day.equal(
        "attempts", "and nothing is taken from the identity", await _levers(day, identity), before
    )
    storm = await prometheus.notify(
        *(alert(_NAME, client_id=identity["app_id"]) for _ in range(20))
    )
    runs = {one["run_id"] for one in storm}
    day.equal("storm", "twenty more alerts join the run", runs, {seen.status["run_id"]})


async def _taken(day: Day, prometheus: Alertmanager, identity: Json) -> None:
    """A stolen ServiceAccount token, after guesses from the same address."""
    await _guess(day, identity, "winter")
    stolen = await day.ground.http.post(
        f"{day.control.origin}/sandbox/nodes/aks-weu/steal-token",
        json={"namespace": "shop", "service_account": "billing-api"},
    )
    status = await _token(
        day,
        identity,
        client_assertion=stolen.json()["token"],
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    day.equal("taken", "the thief has a token", status, 200)
    seen = await prometheus.run_of(alert(_NAME, object_id=identity["object_id"]))
    data = seen.document["data"]
    day.equal("taken", "it is told that somebody got in", data["judgement"]["kind"], "taken")
    day.equal("taken", "from where", data["judgement"]["addresses"], [_STRANGER])
    person = await day.person()
    deadline = time.monotonic() + _CONTAINED_S
    while (shown := await person.incident(data["incident_id"]))["outcome"] is None:
        if time.monotonic() > deadline or shown.get("contained_at"):
            break
        await asyncio.sleep(1)
    day.equal("taken", "the incident contains", shown["mode"], "contain")
    day.equal("taken", "the identity is off", (await _levers(day, identity))[0], False)


async def _signs_in(day: Day, namespace: str, name: str, *, expected: int = 0) -> None:
    """A pod of this workload reads a blob, with whatever token it gets."""
    deadline = time.monotonic() + _AGAIN_S
    while True:
        pods = (await day.control.state())["clusters"]["aks-weu"]["pods"]
        pod = next(
            one["metadata"]["name"]
            for one in pods
            if one["metadata"]["namespace"] == namespace
            and one["metadata"]["name"].startswith(name)
        )
        url = day.described["seed"]["storage"]["blob_url"]
        answer = await day.control.run_in_pod("aks-weu", namespace, pod, url)
        said = answer.json()
        if not expected or said.get("token_status", said.get("status")) in {expected, 403}:
            return
        if time.monotonic() > deadline:
            raise DrillError(f"{namespace}/{name} gets no token: {said}")
        await asyncio.sleep(1)


async def _guess(day: Day, identity: Json, secret: str) -> None:
    await _token(day, identity, client_secret=secret)


async def _token(day: Day, identity: Json, **proof: str) -> int:
    """A token request of a stranger."""
    url = f"{day.described['endpoints']['login']}/{day.described['tenant_id']}/oauth2/v2.0/token"
    form = {
        "grant_type": "client_credentials",
        "client_id": identity["app_id"],
        "scope": "https://storage.azure.com/.default",
        **proof,
    }
    headers = {"X-Forwarded-For": _STRANGER}
    return (await day.ground.http.post(url, data=form, headers=headers)).status_code


async def _incidents(day: Day) -> list[Json]:
    person = await day.person()
    found: list[Json] = (await person.call("GET", "/api/incidents"))["incidents"]
    return found


async def _levers(day: Day, identity: Json) -> tuple[bool, int]:
    """Whether it is enabled, and how many roles it has."""
    state = await day.control.state()
    (principal,) = [one for one in state["servicePrincipals"] if one["id"] == identity["object_id"]]
    roles = [one["properties"]["principalId"] for one in state["roleAssignments"]]
    return principal["accountEnabled"], roles.count(identity["object_id"])


async def _trusts(day: Day, identity: Json) -> list[Json]:
    below = f"{identity['resource_id']}/federatedIdentityCredentials/".lower()
    resources = (await day.control.state())["resources"]
    return [one for one in resources if one["id"].lower().startswith(below)]


def _renamed(identity: Json, trust: Json, subject: str) -> str:
    parts, properties = identity["resource_id"].split("/"), trust["properties"]
    return (
        f"az identity federated-credential update --subscription {parts[2]} --resource-group {parts[4]} "
        f"--identity-name {parts[-1]} --name {trust['name']} --issuer {properties['issuer']} "
        f"--subject {subject} --audiences {properties['audiences'][0]}"
    )
