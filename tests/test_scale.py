"""docs/design/cost-and-scale.md is what its constants give, and these are what was measured."""

import json
import re
from pathlib import Path

import pytest

from bench import cost, scale
from playbooks import journaled
from playbooks.auditing import dividing
from responders import inventories, json_answers, registered_applications

ROOT = Path(__file__).parent.parent
MEASURED = (ROOT / "docs" / "performance.md").read_text()


def test_the_tables_are_what_the_constants_give() -> None:
    written = scale.PAGE.read_text().partition(f"{scale.BEGIN}\n")[2].partition(scale.END)[0]

    assert written == scale.computed(), "python -m bench.scale writes it anew"


def test_what_is_called_measured_stands_in_the_measurements() -> None:
    for assignments, calls in scale.CALLS_AT.items():
        assert re.search(rf"^\| {assignments} \|.*\| {calls} \| \d+ MB \|$", MEASURED, re.M)
    graph, arm, clusters = scale.AUDIT_CALLS.values()
    assert f"| {graph}, {arm:,}, {clusters}, 1 |" in MEASURED
    for said in (
        f"| memory | {scale.AUDIT_MB} MB |",
        f"| {scale.IDLE_MB} MB |",
        f"| reading the 50 clusters, before the plan | {scale.SURVEY_S} s |",
        f"| calls for each moved ServiceAccount | {scale.MOVED_CALLS} |",
        f"| calls to stop what runs as it, before | {scale.STOP_CALLS} |",
        f"at {scale.SIGNALS_A_SECOND} a second",
        f"the run took {cost.AUDIT_S:.0f} seconds",
        "recovered, from the yes on | 14.55 s",
    ):
        assert said in MEASURED, said


def test_what_is_called_ours_is_ours() -> None:
    assert (scale.STEPS, scale.APPLICATIONS_A_PAGE) == (dividing._STEPS, dividing._PAGE)
    assert scale.MOST_PAGES == json_answers._MOST_PAGES
    assert scale.CLUSTERS_AT_ONCE == inventories._AT_ONCE
    assert scale.BATCHES_AT_ONCE == registered_applications._BATCHES_AT_ONCE
    assert scale.STEP_S == journaled.STEP_LIMIT_S
    assert json.loads((ROOT / "host.json").read_text())["extensions"]["durableTask"][
        "storageProvider"
    ] == {"maxQueuePollingInterval": f"00:00:0{cost.POLL_S}", "partitionCount": cost.QUEUES - 2}


def test_a_limit_is_named_where_it_is_met_and_the_nearest_one_before() -> None:
    small, *_, big = scale.SIZES

    assert max(small.shares().values()) < 1
    assert len(small.binds()) == 1
    assert big.binds()[0].startswith("memory of an instance")
    assert big.megabytes > scale.INSTANCE_MB
    at_the_edge = scale.Estate(50, scale.most_applications())
    assert at_the_edge.megabytes == pytest.approx(scale.INSTANCE_MB, rel=0.001)


def test_what_was_measured_comes_out_of_the_straight_lines() -> None:
    assert scale.SIZES[0].calls == scale.AUDIT_CALLS
    assert scale.SIZES[0].megabytes == scale.AUDIT_MB
    assert scale.contained_calls(100) == scale.CALLS_AT[100]
    assert scale.deleting_seconds(scale.DELETES) == 0


def test_every_price_has_its_page_and_is_used() -> None:
    used = {
        one.price
        for bill in (cost.quiet_month(private=True), cost.incident(), cost.audit())
        for one in bill
    }

    assert used == set(cost.prices())
    for name, one in cost.read()["prices"].items():
        assert str(one["source"]).startswith("https://"), name
        assert one["read_on"] is None or re.fullmatch(r"\d{4}-\d\d-\d\d", str(one["read_on"]))


def test_as_many_rules_are_paid_for_as_there_are() -> None:
    modules = ROOT / "infra" / "modules"
    named = {
        name: len(re.findall(r"name: 'firebreak-", (modules / f"{name}.bicep").read_text()))
        for name in ("detections", "troubles")
    }

    assert named == {"detections": cost.DETECTIONS, "troubles": cost.TROUBLES}


def test_a_bill_is_its_lines() -> None:
    bill = cost.quiet_month()

    assert cost.total(bill) == pytest.approx(sum(one.amount for one in bill))
    assert cost.total(cost.quiet_month(private=True)) > cost.total(bill)
    assert all(one.amount > 0 for one in bill)
