"""What is measured in the pretend tenant: failed sign-ins as a workspace answers, pods as metrics-server does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from responders import clusters, sign_in_failures, sign_in_totals, webhook_pods
from responders.cloud import Cloud
from responders.evidence_folder import EvidenceFolder
from responders.sign_in_failures import Window
from tests.in_process import InProcess


def guess(world: InProcess, client_id: str) -> None:
    """Ask for a token with a secret that is none."""
    sandbox = world.sandbox
    form = {
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": "a guess",
        "scope": "https://graph.microsoft.com/.default",
    }
    url = f"{sandbox.endpoints['login']}/{sandbox.environment['FIREBREAK_TENANT_ID']}/oauth2/v2.0/token"
    assert sandbox.http.post(url, data=form).status_code in {400, 401}


async def test_each_failed_sign_in_is_counted_once_however_often_somebody_looks(
    in_process: InProcess, tmp_path: Path
) -> None:
    sandbox, store, now = in_process.sandbox, EvidenceFolder(tmp_path), datetime.now(UTC)
    sandbox.control("POST", "delays", {"ingestion": 0})
    billing, cloud = sandbox.seed["billing_api"], await Cloud.connect()
    assert await sign_in_totals.count(cloud, store, now) == []
    for _ in range(3):
        guess(in_process, billing["app_id"])
    guess(in_process, "00000000-0000-4000-8000-00000000dead")

    for minutes in (10, 15, 20):
        assert await sign_in_totals.count(cloud, store, now + timedelta(minutes=minutes)) == []

    totals = sign_in_totals.read(store)
    assert totals is not None
    assert totals["failures"] == {
        f"{billing['object_id']}/{billing['app_id']}/7000215": 3,
        f"{sign_in_totals.OTHERS}//700016": 1,
    }


async def test_the_health_check_counts_them_by_code_and_names_who_fails(
    in_process: InProcess,
) -> None:
    sandbox = in_process.sandbox
    sandbox.control("POST", "delays", {"ingestion": 0})
    billing = sandbox.seed["billing_api"]
    guess(in_process, billing["app_id"])
    window = Window(datetime.now(UTC) + timedelta(minutes=1), timedelta(hours=1))

    seen = await sign_in_failures.look(await Cloud.connect(), window)

    (code,) = seen["codes"]
    assert (code["code"], code["failures"], code["before"]) == ("7000215", 1, 0)
    (failing,) = seen["failing"]
    assert (failing["object_id"], failing["sources"]) == (billing["object_id"], 1)
    assert seen["unread"] == []


@pytest.mark.parametrize(
    ("switch", "said"),
    [
        ("served", ""),
        ("absent", "the cluster serves no metrics.k8s.io"),
        ("down", "currently unable to handle the request"),
    ],
)
async def test_a_cluster_without_metrics_is_looked_at_all_the_same(
    in_process: InProcess, switch: str, said: str
) -> None:
    cloud = await Cloud.connect()
    cluster = (await clusters.list_all(cloud))[0]
    lines = ['{"level":"error","message":"no ServiceAccount"}']
    wish = {"metrics": switch, "webhook_memory": "21Mi", "webhook_says": lines}
    in_process.sandbox.control("POST", f"clusters/{cluster['name']}", wish)

    kube = await clusters.connect(cloud, cluster)
    day = timedelta(days=1)
    seen = await webhook_pods.look(kube, "kube-system", day, datetime.now(UTC))

    assert said in seen["metrics"]
    assert bool(seen["metrics"]) == bool(said)
    assert [one["complaints"] for one in seen["pods"]] == [1, 1]
    measured = {one["memory"] for one in seen["pods"]}
    assert measured == ({21 * 1024**2} if switch == "served" else {None})
    assert {one["memory_limit"] for one in seen["pods"]} == {30 * 1024**2}
