"""FederatedCredentialMisconfiguration: a slip is mended by policy, and nothing is ever trusted that was not."""

from drill.alerting import Alertmanager, alert
from drill.options import Json
from drill.petra import Operator
from drill.quiet.day import Day, RunSeen
from drill.quiet.troubleshoot_workload import CLUSTER, SHOP, staged

SUMMARY = (
    "alerts about trusts: one has a slip, one is another's, one would be an intruder's, and a storm"
)
OPTIONS: tuple[str, ...] = ()
POLICY = {"fix_trusts": '"slips"'}
_NAME = "FederatedCredentialMisconfiguration"
_STORM = 30


async def play(day: Day) -> None:
    """Each alert, judged by the trusts that there are afterwards."""
    await day.control.no_delays()
    petra = await Operator.hired(day.ground)
    stock = await staged(day.control, day.described, petra)
    prometheus = Alertmanager(day)
    before = await _trusts(day)
    slip = await prometheus.run_of(_about("slash"))
    after = await _trusts(day)
    issuer = day.described["seed"]["clusters"][CLUSTER]["issuer"]
    day.equal("slip", "the trust has the cluster's issuer now", after["slash"]["issuer"], issuer)
    day.equal("slip", "every other trust is as it was", _but(after, "slash"), _but(before, "slash"))
    day.equal("slip", "the workload works", _verdict(slip), ("works", None))
    day.equal("slip", "the run says what it changed", len(slip.document["changes"]), 1)
    other = await prometheus.run_of(_about("other-subject"))
    day.equal("another's", "the trust of another subject stays", await _trusts(day), after)
    day.equal("another's", "the cause is named", _verdict(other), ("broken", "subject"))
    day.fact(
        "another's",
        "the fix is a person's to type",
        holds="federated-credential create" in other.document["by_hand"][0],
        expected="az identity federated-credential create",
        actual=other.document["by_hand"],
    )
    await _intruder(day, prometheus, stock, after)
    await _storm(day, prometheus)


async def _intruder(day: Day, prometheus: Alertmanager, stock: Json, trusts: Json) -> None:
    """Whoever may write a ServiceAccount writes somebody's client id on it, and raises the alert."""
    notes = {"azure.workload.identity/client-id": stock["app_id"]}
    planted = {"metadata": {"name": "intruder", "namespace": SHOP, "annotations": notes}}
    await day.control.seed({"clusters": {CLUSTER: {"serviceaccounts": [planted]}}})
    seen = await prometheus.run_of(_about("intruder"))
    day.equal("intruder", "is trusted by nobody afterwards", await _trusts(day), trusts)
    day.equal("intruder", "the run changed nothing", seen.document["changes"], [])


async def _storm(day: Day, prometheus: Alertmanager) -> None:
    """Many alerts about one, and some about nobody."""
    runs = await _runs(day)
    fates = await prometheus.notify(*(_about("slash") for _ in range(_STORM)))
    joined = {(one["status"], one["joined"]) for one in fates}
    day.equal(
        "storm",
        f"{_STORM} alerts about one ServiceAccount join its run",
        joined,
        {("accepted", True)},
    )
    nobody = await prometheus.notify(
        _about("nobody-there"),
        alert(_NAME, cluster="aks-nowhere", namespace=SHOP, serviceaccount="slash"),
        alert(_NAME, client_id="00000000-0000-0000-0000-00000000dead"),
        alert(_NAME, client_id="orders-api"),
        alert(_NAME, node="aks-system-0"),
    )
    day.equal(
        "garbage", "what names nobody is refused", {one["status"] for one in nobody}, {"refused"}
    )
    day.equal("garbage", "and neither began a run", await _runs(day), runs)


def _about(account: str) -> Json:
    return alert(_NAME, cluster=CLUSTER, namespace=SHOP, serviceaccount=account)


async def _trusts(day: Day) -> Json:
    """The stock identity's federated credentials, as they are stored."""
    return {
        one["name"]: one["properties"]
        for one in (await day.control.state())["resources"]
        if "/stock-identity/federatedidentitycredentials/" in one["id"].lower()
    }


async def _runs(day: Day) -> int:
    person = await day.person()
    return len((await person.call("GET", "/api/runs?limit=100"))["runs"])


def _but(trusts: Json, name: str) -> Json:
    return {key: one for key, one in trusts.items() if key != name}


def _verdict(seen: RunSeen) -> tuple[str, str | None]:
    (one,) = seen.document["data"]["workloads"]
    return one["verdict"], one["cause"]
