"""What the health check says of what it saw: each rule on its own, and the light that comes of all of them."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from playbooks.health import cluster_rules, judging, own_rules, sign_in_rules
from playbooks.health.model import ClusterSeen, OwnSeen, Part, ScheduleSeen
from playbooks.health.schedules import due_before
from responders.sign_in_failures import CodeSeen, FailuresSeen
from responders.webhook_pods import PodSeen

ROOT = Path(__file__).parent.parent
LIMITS: dict[str, Any] = tomllib.loads((ROOT / "policy.toml").read_text())["health"]
NOW = datetime(2026, 11, 27, 5, 0, 10, tzinfo=UTC)
ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/a"


def pod(**more: Any) -> PodSeen:
    found: Any = {
        "name": "webhook-1",
        "ready": True,
        "restarts": 0,
        "ended": "",
        "complaints": 0,
        "last_complaint": "",
        "memory": 10 * 1024**2,
        "memory_limit": 30 * 1024**2,
        "cpu_m": 2,
        **more,
    }
    return found  # type: ignore[no-any-return]


def cluster(**more: Any) -> ClusterSeen:
    found: Any = {
        "cluster": {"name": "aks-a", "resource_id": ID, "issuer_url": "https://i/"},
        "webhook": "",
        "pods": [pod()],
        "metrics": "",
        "issuer": "",
        "keys": "",
        "denied": [],
        "wanted": [],
        "unread": [],
        **more,
    }
    return found  # type: ignore[no-any-return]


def own(**more: Any) -> OwnSeen:
    found: Any = {
        "checks": [{"name": "directory", "said": "acts as x", "well": True, "fix": ""}],
        "rights": {"wrong": [], "unread": []},
        "waiting": 0,
        "oldest_at": None,
        "poisoned": [],
        "schedules": [],
        "untold": [],
        "unread": [],
        **more,
    }
    return found  # type: ignore[no-any-return]


def code(**more: Any) -> CodeSeen:
    found: Any = {
        "table": "AADServicePrincipalSignInLogs",
        "code": "700213",
        "failures": 0,
        "identities": 1,
        "before": 0,
        "last_at": "",
        **more,
    }
    return found  # type: ignore[no-any-return]


def rules(*parts: Part) -> dict[str, str]:
    return {one["rule"]: one["severity"] for part in parts for one in part.findings}


def of_signs(*codes: CodeSeen) -> Part:
    seen: FailuresSeen = {"codes": list(codes), "failing": [], "unread": []}
    return sign_in_rules.judged(seen, LIMITS)


def of_own(**more: Any) -> dict[str, str]:
    return rules(*own_rules.judged(own(**more), NOW, LIMITS))


def test_a_sound_cluster_has_no_findings_and_is_shown_in_full() -> None:
    part = cluster_rules.judged([cluster()], LIMITS)

    assert part.findings == []
    (row,) = part.tables[0]["rows"]
    assert row == [
        "aks-a",
        "serves",
        "1 of 1 ready",
        "10 MiB, 33 % of its limit, 2 m CPU",
        "0",
        "answers",
        "match",
        "all",
    ]


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ({"webhook": "aks-a: it is down: kubectl get x"}, {"webhook-not-serving": "high"}),
        ({"issuer": "GET https://i/: HTTP 404"}, {"issuer-not-served": "high"}),
        ({"keys": "not published: k2"}, {"issuer-keys-differ": "high"}),
        ({"denied": ["patch deployments.apps"]}, {"cluster-permission-missing": "high"}),
        ({"wanted": ["list pods.metrics.k8s.io"]}, {"cluster-permission-wanted": "medium"}),
        ({"wanted": ["create namespaces"]}, {"cluster-permission-wanted": "low"}),
        ({"pods": [pod(), pod(ready=False)]}, {"webhook-pod-not-ready": "medium"}),
        ({"pods": [pod(ended="manager: OOMKilled")]}, {"webhook-restarted": "medium"}),
        ({"pods": [pod(complaints=6), pod(complaints=4)]}, {"webhook-errors": "medium"}),
        ({"pods": [pod(complaints=9)]}, {}),
        ({"pods": [pod(memory=27 * 1024**2)]}, {"webhook-memory-short": "medium"}),
        ({"pods": [pod(memory=26 * 1024**2)]}, {}),
        ({"pods": [pod(memory=None, cpu_m=None)], "metrics": "serves none"}, {}),
        ({"pods": [pod(memory_limit=None)]}, {}),
    ],
)
def test_each_trouble_of_a_cluster_is_one_finding(
    seen: dict[str, Any], found: dict[str, str]
) -> None:
    assert rules(cluster_rules.judged([cluster(**seen)], LIMITS)) == found


def test_the_finding_of_a_webhook_has_its_command_apart() -> None:
    seen = cluster(webhook="aks-a: it is down: kubectl get x")
    (one,) = cluster_rules.judged([seen], LIMITS).findings

    assert (one["detail"], one["fix"]) == ("aks-a: it is down", "kubectl get x")
    assert (one["subject"], one["subject_name"]) == (ID, "aks-a")


def test_what_could_not_be_asked_of_a_cluster_is_unknown_and_never_well() -> None:
    blind = cluster(pods=[], unread=["aks-a: no answer"])
    part = cluster_rules.judged([blind], LIMITS)

    assert part.tables[0]["rows"][0][1:] == ["unknown"] * 7
    assert judging.joined([part], [])["data"]["light"] == "yellow"
    assert judging.joined([part], [])["status"] == "partly"


def test_failures_below_the_limit_are_counted_and_no_finding() -> None:
    part = of_signs(code(failures=19))

    assert part.findings == []
    assert part.tables[0]["rows"][0][:3] == ["700213", "AADServicePrincipalSignInLogs", "19"]


def test_as_many_as_ever_is_low_and_more_than_ever_is_a_yellow_light() -> None:
    assert rules(of_signs(code(failures=60, before=140))) == {"authentication-failures": "low"}
    assert rules(of_signs(code(failures=61, before=140))) == {
        "authentication-failures-rising": "medium"
    }
    assert rules(of_signs(code(failures=20, before=0))) == {
        "authentication-failures-rising": "medium"
    }


def test_a_code_is_told_with_its_meaning_and_who_fails_by_it() -> None:
    failing: Any = {
        "table": "AADServicePrincipalSignInLogs",
        "code": "700213",
        "object_id": "o-1",
        "app_id": "a-1",
        "name": "orders\n\u202e",
        "failures": 30,
        "sources": 2,
    }
    seen: FailuresSeen = {
        "codes": [code(failures=30)],
        "failing": [failing, failing | {"code": "7000215"}],
        "unread": [],
    }
    (one,) = sign_in_rules.judged(seen, LIMITS).findings

    assert "no federated credential has the token's subject" in one["detail"]
    assert one["evidence"] == ["orders \ufffd (o-1): 30, from 2 addresses"]
    assert one["subject"] == "AADSTS700213/AADServicePrincipalSignInLogs"


def test_a_code_that_nobody_knows_is_looked_up_by_digits_alone() -> None:
    (strange,) = of_signs(code(code="<b>&x=1", failures=30)).findings
    (unknown,) = of_signs(code(code="999", failures=30)).findings

    assert strange["fix"].endswith("error?code=0")
    assert unknown["fix"].endswith("error?code=999")


def test_a_service_that_fails_is_red_and_what_a_person_chose_is_yellow() -> None:
    def check(name: str) -> dict[str, Any]:
        return {"name": name, "said": "no", "well": False, "fix": "mend it"}

    assert of_own(checks=[check("workspace")]) == {"service-failed": "high"}
    assert of_own(checks=[check("kill switch")]) == {"not-acting": "medium"}
    assert of_own(checks=[check("channels")]) == {"nobody-is-told": "medium"}


def test_a_missing_right_is_as_grave_as_what_comes_of_it() -> None:
    def wrong(rule: str, *, grave: bool) -> dict[str, str]:
        one = {"rule": rule, "about": "identity", "said": "no", "fix": "mend it", "grave": grave}
        return of_own(rights={"wrong": [one], "unread": []})

    missing = "graph-permission-missing"
    assert wrong(missing, grave=True) == {missing: "high"}
    assert wrong(missing, grave=False) == {missing: "medium"}


def test_a_signal_that_waits_is_told_from_the_minute_that_policy_names() -> None:
    def waiting(minutes: int) -> dict[str, str]:
        since = (NOW - timedelta(minutes=minutes)).isoformat()
        return of_own(waiting=1, oldest_at=since)

    assert waiting(14) == {}
    assert waiting(15) == {"signals-wait": "high"}


def test_a_poisoned_signal_and_a_notice_that_nobody_took_are_told() -> None:
    poisoned = {"where": "/api/signals/x/1", "title": "t", "received_at": "r", "told": "no"}
    untold = {"about": "inc-1", "notice": "contained", "channel": "teams", "detail": "refused"}

    assert of_own(poisoned=[poisoned]) == {"signal-poisoned": "high"}
    assert of_own(untold=[untold]) == {"notice-not-told": "high"}
    assert of_own(untold=[{**untold, "channel": "events"}]) == {"notice-not-told": "medium"}


def schedule(**more: Any) -> ScheduleSeen:
    found: Any = {
        "playbook": "audit_identities",
        "schedule": "0 0 6 * * 1",
        "due_at": "2026-11-23T06:00:00+00:00",
        "last_at": "2026-11-23T06:00:03+00:00",
        "last_run": "run-1",
        "last_status": "done",
        "known_since": "2026-10-01T00:00:00+00:00",
        **more,
    }
    return found  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("seen", "found"),
    [
        ({}, {}),
        ({"last_at": "2026-11-16T06:00:03+00:00"}, {"run-overdue": "medium"}),
        ({"last_at": None, "last_status": "failed"}, {"run-overdue": "medium"}),
        # Never: nobody can say whether it was scheduled today.
        ({"last_at": None, "last_status": ""}, {"run-overdue": "low"}),
        ({"last_at": None, "last_status": "", "known_since": "2026-11-27T00:00:00+00:00"}, {}),
        ({"last_at": None, "last_status": "", "known_since": None}, {}),
        ({"due_at": None, "last_at": None}, {}),
    ],
)
def test_a_run_is_overdue_when_it_was_due_and_nothing_ran_well_since(
    seen: dict[str, Any], found: dict[str, str]
) -> None:
    assert of_own(schedules=[schedule(**seen)]) == found


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("0 0 5 * * *", "2026-11-26T05:00:00+00:00"),  # today's is ten seconds old: under way
        ("0 30 3 * * *", "2026-11-27T03:30:00+00:00"),
        ("0 0 6 * * 1", "2026-11-23T06:00:00+00:00"),  # a Monday
        ("0 0 6 1 * *", "2026-11-01T06:00:00+00:00"),
        (
            "0 0 6 13 * 5",
            "2026-11-13T06:00:00+00:00",
        ),  # a Friday the 13th: both, as NCRONTAB has it
        ("*/30 */20 * * * *", "2026-11-27T04:00:00+00:00"),
    ],
)
def test_when_a_playbook_was_due_is_read_as_the_platform_reads_it(
    expression: str, due: str
) -> None:
    found = due_before(expression, NOW)

    assert found is not None
    assert found.isoformat() == due


def test_what_is_never_due_is_never_late() -> None:
    assert due_before("", NOW) is None
    assert due_before("0 0 0 31 2 *", NOW) is None


def test_the_worst_part_is_the_light_of_all_and_the_days_before_follow() -> None:
    sound = Part("Runs", "fine", [], [], [])
    broken = cluster_rules.judged([cluster(keys="not published: k")], LIMITS)
    earlier: Any = {
        "run_id": "run-0",
        "opened_at": "2026-11-26",
        "light": "green",
        "findings": 0,
        "unread": 0,
    }
    made = judging.joined([sound, broken], [earlier])

    assert made["data"] == {"light": "red", "lights": {"Runs": "green", "Clusters": "red"}}
    assert made["tables"][0]["rows"][0] == ["Runs", "green", "fine"]
    assert made["tables"][-1]["rows"] == [["run-0", "2026-11-26", "green", "0", "0"]]
    assert made["summary"] == "Health is red: 1 finding"
