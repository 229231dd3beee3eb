"""Killed with SIGKILL at every step and started again, a drill ends as if nothing had happened.

"As if nothing": the same verdict, read from the sandbox, and no effect happened twice, read from the recorded traffic.
"""

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from drill.options import Options
from drill.rehearsal import run_drill
from drill.screens import Screen
from drill.traffic import ours

# Asking for a token, a query or one's own rights changes nothing, so it may happen again.
_HARMLESS = (
    "/token",
    "/query",
    "/selfsubjectaccessreviews",
    "/selfsubjectrulesreviews",
    "/listClusterUserCredential",
    "/directoryObjects/getByIds",
    "/Microsoft.ResourceGraph/resources",
)


def effects(traffic: list[dict[str, Any]], own: set[str]) -> Counter[str]:
    """What the app changed and the cloud accepted: method, URL and body, with how often."""
    counted: Counter[str] = Counter()
    for exchange in traffic:
        path = str(exchange["url"]).split("?")[0]
        mine = exchange.get("caller") in own or "/workflows/" in path
        changes = exchange["method"] != "GET" and not path.endswith(_HARMLESS)
        if mine and changes and exchange["status"] < 300:
            body = json.dumps(exchange.get("request_body"), sort_keys=True)
            counted[f"{exchange['method']} {path} {body}"] += 1
    return counted


def everywhere(described: dict[str, Any]) -> dict[str, Any]:
    """orders-api in the clusters too that have no workload of its own: trust, ServiceAccount and Deployment."""
    ids, blob = described["seed"]["orders_api"], described["seed"]["storage"]["blob_url"]
    metadata = {"name": "orders-api", "namespace": "shop"}
    labels = {"app": "orders-api"}
    container = {
        "name": "orders-api",
        "image": "contoso.azurecr.io/orders-api:1.4.2",
        "env": [{"name": "CUSTOMERS_URL", "value": blob}],
    }
    template = {
        "metadata": {"labels": {**labels, "azure.workload.identity/use": "true"}},
        "spec": {"serviceAccountName": "orders-api", "containers": [container]},
    }
    notes = {"azure.workload.identity/client-id": ids["app_id"]}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    objects = {
        "serviceaccounts": [{"metadata": {**metadata, "annotations": notes}}],
        "deployments": [{"metadata": {**metadata, "labels": labels}, "spec": spec}],
    }
    clusters = described["seed"]["clusters"]
    others = [name for name in clusters if name not in ("aks-weu", "aks-neu", "aks-frc")]
    return {
        "federatedCredentials": [
            {
                "applicationId": ids["application_object_id"],
                "name": f"{name}-shop-orders-api",
                "issuer": clusters[name]["issuer"],
                "subject": "system:serviceaccount:shop:orders-api",
            }
            for name in others
        ],
        "clusters": dict.fromkeys(others, objects),
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("points", "stride"),
    [
        ("ran", 4),
        ("before,after", 12),
        pytest.param("ran", 1, marks=pytest.mark.exhaustive),
        pytest.param("before,after", 1, marks=pytest.mark.exhaustive),
    ],
)
async def test_killed_at_every_step_a_recovery_of_five_clusters_ends_the_same_and_nothing_happens_twice(
    points: str, stride: int, tmp_path: Path
) -> None:
    """`ran` is the point where something can happen twice; `-m exhaustive` visits every step and both its sides."""
    tally = tmp_path / "kills"
    options = Options(
        folder=tmp_path / "drill",
        host_module="tests.crashing_host",
        host_environment={
            "FIREBREAK_TEST_CRASH_POINTS": points,
            "FIREBREAK_TEST_CRASH_STRIDE": str(stride),
            "FIREBREAK_TEST_CRASH_TALLY": str(tally),
        },
        planted=everywhere,
        timeout_s=840,
    )
    outcome = await run_drill(options, Screen(Console(file=io.StringIO())))

    kills = tally.read_text().split()
    steps = outcome.incident["steps"]
    assert len(kills) >= len(steps) // stride, "the host was not killed often enough"
    assert len(outcome.incident["clusters"]) == 5
    assert {one["status"] for one in outcome.incident["clusters"].values()} == {"done"}
    broken = [fact for fact in outcome.verdict["facts"] if not fact["holds"]]
    assert broken == []
    lines = (tmp_path / "drill" / "traffic.jsonl").read_text().splitlines()
    sandbox = json.loads((tmp_path / "drill" / "sandbox" / "sandbox.json").read_text())
    counted = effects([json.loads(line) for line in lines], ours(sandbox["seed"]))
    assert counted, "no effect was recorded at all"
    assert {effect: n for effect, n in counted.items() if n > 1} == {}
