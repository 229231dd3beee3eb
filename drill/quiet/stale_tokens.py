"""TokenExpirationWarning: pods that go by an old client id are started anew by policy, and what can't be is named."""

from drill.alerting import Alertmanager, alert
from drill.options import Json
from drill.petra import Operator
from drill.quiet.day import Day
from drill.quiet.troubleshoot_workload import CLUSTER, SHOP, staged

SUMMARY = "alerts about tokens: stale pods are restarted, a bare pod is a person's, and a sound one is left alone"
OPTIONS: tuple[str, ...] = ()
POLICY = {"restart_stale_pods": "true"}
_NAME = "TokenExpirationWarning"
_CLIENT, _USE = "azure.workload.identity/client-id", "azure.workload.identity/use"


async def play(day: Day) -> None:
    """Each alert, judged by the pods that there are afterwards."""
    await day.control.no_delays()
    petra = await Operator.hired(day.ground)
    stock = await staged(day.control, day.described, petra)
    prometheus = Alertmanager(day)
    before = await _pods(day)
    sound = await prometheus.run_of(_about("sound"))
    day.equal("sound", "nothing is restarted", await _pods(day), before)
    day.equal("sound", "and nothing is to be done", sound.outcome, "nothing_to_do")
    seen = await prometheus.run_of(_about("stale"))
    after = await _pods(day)
    day.equal("stale", "its pods are new ones", before["stale"] & after["stale"], set())
    day.equal("stale", "no other pod is", _but(before, "stale") == _but(after, "stale"), True)
    (workload,) = seen.document["data"]["workloads"]
    day.equal("stale", "and it works", workload["verdict"], "works")
    day.equal("stale", "what was restarted is said", len(seen.document["changes"]), 1)
    await _bare(day, petra, prometheus, stock)


async def _bare(day: Day, petra: Operator, prometheus: Alertmanager, stock: Json) -> None:
    """A pod that nothing makes again is never deleted by an alert."""
    account = {"name": "bare", "namespace": SHOP}
    other = day.described["seed"]["orders_api"]["app_id"]
    pod = {
        "metadata": {"name": "bare", "namespace": SHOP, "labels": {_USE: "true"}},
        "spec": {
            "serviceAccountName": "bare",
            "containers": [{"name": "app", "image": "contoso.azurecr.io/app:1"}],
        },
    }
    accounts = [{"metadata": {**account, "annotations": {_CLIENT: other}}}]
    await day.control.seed({"clusters": {CLUSTER: {"serviceaccounts": accounts}}})
    await day.control.seed({"clusters": {CLUSTER: {"pods": [pod]}}})
    await petra.type(
        f"kubectl --context {CLUSTER} -n {SHOP} annotate --overwrite serviceaccount bare "
        f"{_CLIENT}={stock['app_id']}"
    )
    seen = await prometheus.run_of(_about("bare"))
    day.equal("bare pod", "it still runs", "bare" in (await _pods(day))["bare"], True)
    commands = [one for one in seen.document["by_hand"] if "delete pod bare" in one]
    day.fact(
        "bare pod",
        "a person is told what to do",
        holds=bool(commands) and seen.outcome == "partly",
        expected="partly, with kubectl delete pod bare",
        actual=(seen.outcome, seen.document["by_hand"]),
    )


def _about(account: str) -> Json:
    return alert(_NAME, cluster=CLUSTER, namespace=SHOP, serviceaccount=account)


async def _pods(day: Day) -> dict[str, set[str]]:
    """ServiceAccount -> names of its pods that are not on their way out."""
    found: dict[str, set[str]] = {}
    for one in (await day.control.state())["clusters"][CLUSTER]["pods"]:
        if one["metadata"]["namespace"] == SHOP and not one["metadata"].get("deletionTimestamp"):
            account = one["spec"].get("serviceAccountName", "default")
            found.setdefault(account, set()).add(one["metadata"]["name"])
    return found


def _but(pods: dict[str, set[str]], name: str) -> dict[str, set[str]]:
    return {key: one for key, one in pods.items() if key != name}
