"""Who breaks with an identity, as a graph: complete, the same each time, and safe to look at.

What it defends: a cluster that could not be asked is in it and is said to be unknown, what looks planted is marked with
its reason and is never folded away, and no name adds anything to Mermaid, SVG or Markdown.
"""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree as ET

import azure.functions as func
import pytest

from playbooks import graphs
from playbooks.graph_suspicions import of_trust
from responders import graph_boxes, graph_drawings, graph_pages, report_pages
from responders.evidence_folder import EvidenceFolder
from responders.graph_folding import folded
from responders.graph_model import Graph
from tests.snapshot import snapshot
from tests.test_plans import account, survey, trust, workload
from tests.test_reports import report
from tests.test_ways_in import TENANT, signed_in
from triggers import intake, people, plan_api

EVIL = '"] --> <script>alert(1)</script> `x` #quot; \u202e | end\uffff'
INCIDENT_ID = "inc-20260101-0123456789ab"
START = "2026-01-01T00:00:00+00:00"
OLD, NEW = "2025-01-01T00:00:00Z", "2026-01-01T00:00:01Z"


def incident(**principal: Any) -> Any:
    whole = {"kind": "application", "display_name": "orders-api", "app_id": "old", **principal}
    return {"incident_id": INCIDENT_ID, "window_start": START, "principal": whole}


def running(name: str = "orders-api", **more: Any) -> Any:
    known = {"replicas": 2, "paused": False, "hard_coded_client_id": False}
    return {**workload(name), **known, **more}


def consumer(**more: Any) -> Any:
    return {
        "cluster": "weu",
        "namespace": "shop",
        "kind": "ConfigMap",
        "name": "settings",
        "field": "data.ID",
        "patchable": True,
        "created": OLD,
        "owner": None,
        "by_hand": "",
        **more,
    }


def draw(taken: Any = None, *surveys: Any, rebuilt: bool = True, **principal: Any) -> Graph:
    answers = list(surveys) or [survey(workloads=[running()])]
    return graphs.draw(incident(**principal), taken or snapshot(), answers, rebuilt=rebuilt)


def named(graph: Graph, name: str) -> Any:
    (found,) = [one for one in graph["nodes"] if one["name"] == name]
    return found


def edges(graph: Graph) -> set[tuple[str, str]]:
    names = {one["id"]: one["name"] for one in graph["nodes"]}
    return {(names[one["source"]], names[one["target"]]) for one in graph["edges"]}


def test_the_chain_goes_from_the_identity_to_what_runs() -> None:
    found = draw(snapshot(federated_credentials=[trust()]))

    assert edges(found) == {
        ("orders-api", "a-trust"),
        ("a-trust", "weu"),
        ("a-trust", "shop/orders-api"),
        ("weu", "shop/orders-api"),
        ("shop/orders-api", "shop/orders-api"),
    }
    assert found["counts"]["replicas"] == 2
    assert found["counts"]["suspicious"] == 0


def test_a_cluster_that_could_not_be_asked_is_unknown_and_not_empty() -> None:
    silent = survey("neu", reachable=False, reason="no answer", accounts=[])
    found = draw(None, survey(workloads=[running()]), silent)

    assert found["unknown"] == ["neu"]
    assert found["counts"]["clusters"] == 1
    assert found["counts"]["unknown_clusters"] == 1
    assert named(found, "neu")["detail"] == "no answer"
    assert any("neu could not be asked" in line for line in graph_pages.summary(found))


def test_a_cluster_in_which_nobody_runs_as_it_is_left_out() -> None:
    assert [one["kind"] for one in draw(None, survey(accounts=[]))["nodes"]] == ["identity"]


def test_what_could_not_be_read_is_told() -> None:
    found = draw(None, survey(unread=["configmaps: forbidden"]))

    assert "Not read: weu: configmaps: forbidden" in graph_pages.summary(found)


@pytest.mark.parametrize(
    ("planted", "why"),
    [
        (trust(issuer="https://evil/"), "none of our clusters"),
        (trust(subject=None), "flexible"),
        (trust(subject="system:serviceaccount:kube-system:evil"), "no ServiceAccount"),
    ],
)
def test_a_trust_that_nobody_of_ours_has_is_suspicious(planted: Any, why: str) -> None:
    found = draw(snapshot(federated_credentials=[planted]))

    assert why in named(found, "a-trust")["suspicious"]


def test_a_trust_of_a_cluster_that_could_not_be_asked_is_not_judged() -> None:
    silent = survey(reachable=False, accounts=[])
    assert of_trust(trust(), [silent]) == ""


def test_the_trust_of_an_identity_binding_is_known_where_a_cluster_has_one() -> None:
    bound = trust(issuer="https://ib.oic.prod-aks.azure.com/t/c", subject="c")
    assert of_trust(bound, [survey()]) != ""
    assert of_trust(bound, [survey(consumers=[consumer(kind="IdentityBinding")])]) == ""


@pytest.mark.parametrize("late", [{"created": NEW}, {"created": OLD, "named_since": NEW}])
def test_an_account_that_was_made_or_turned_in_the_window_is_suspicious(late: Any) -> None:
    found = draw(None, survey(accounts=[{**account(), **late}]))

    assert "inside the compromise window" in named(found, "shop/orders-api")["suspicious"]


def test_roles_of_one_scope_are_one_node_and_a_late_one_marks_it() -> None:
    grants = [
        {"scope": "/s", "role_name": "Reader", "created_on": OLD},
        {"scope": "/s", "role_name": "Owner", "created_on": NEW},
    ]
    found = named(draw(snapshot(grants=grants)), "s")

    assert found["facts"]["roles"] == ["Owner", "Reader"]
    assert found["suspicious"].startswith("Owner: ")


@pytest.mark.parametrize(
    ("taken", "rebuilt", "said"),
    [
        (survey(workloads=[running()]), True, "until it is moved"),
        (survey(workloads=[running(created=NEW)]), True, "not brought back"),
        (survey(workloads=[running()]), False, "not moved"),
        (survey(workloads=[running()], preflight={"status": "refused"}), True, "not moved"),
    ],
)
def test_what_happens_to_a_workload_is_said(taken: Any, rebuilt: bool, said: str) -> None:
    (found,) = [
        one for one in draw(None, taken, rebuilt=rebuilt)["nodes"] if one["kind"] == "workload"
    ]
    assert found["breaks"].endswith(said)


def test_consumers_budgets_owners_and_hard_coded_ids_are_counted() -> None:
    owner = {"controller": "Helm release", "namespace": None, "name": "shop", "mark": "m"}
    held = running(blocking_budgets=["b"], owner=owner, hard_coded_client_id=True)
    hand = consumer(name="pv", by_hand="make it again")
    counts = draw(None, survey(workloads=[held], consumers=[consumer(), hand]))["counts"]

    assert (counts["blocked_by_budgets"], counts["owned_by_gitops"], counts["hard_coded"]) == (
        1,
        1,
        1,
    )
    assert (counts["consumers"], counts["consumers_by_hand"]) == (2, 1)


def test_a_managed_identity_has_attachments_that_break() -> None:
    attached = {"resource_id": "/subscriptions/s/vm1", "type": "microsoft.compute/virtualmachines"}
    found = draw(snapshot(attachments=[attached]), kind="user_assigned_identity")

    assert named(found, "vm1")["breaks"].startswith("fails from containment on")


# Pictures


def evil() -> Graph:
    attached = {"resource_id": f"/{EVIL}", "type": EVIL}
    grant = {"scope": f"/{EVIL}", "role_name": EVIL, "created_on": OLD}
    planted = {**trust(issuer=EVIL), "name": EVIL}
    taken = snapshot(federated_credentials=[planted], grants=[grant], attachments=[attached])
    marked = consumer(name=EVIL, field=EVIL, by_hand=EVIL)
    answer = survey(workloads=[running(EVIL)], consumers=[marked], unread=[EVIL])
    return draw(taken, answer, display_name=EVIL)


def test_no_name_adds_anything_to_mermaid() -> None:
    text = graph_pages.mermaid(evil())

    box = re.compile(
        r'n\d+(\(\[|\[\[|\[\(|\{\{|\[)"[A-Za-z0-9 .,/:_#;<>-]*"(\]\)|\]\]|\)\]|\}\}|\])(:::\w+)?'
    )
    edge = re.compile(r'n\d+ -->(\|"[A-Za-z0-9 .,/:_#;-]*"\|)? n\d+')
    for line in text.splitlines():
        assert box.fullmatch(line) or edge.fullmatch(line) or line.startswith(("flow", "classDef"))
    assert set(re.findall(r"<[^>]*>", text)) == {"<br/>"}


def test_no_name_adds_anything_to_the_drawing() -> None:
    plain, marked = ET.fromstring(graph_drawings.svg(draw())), graph_drawings.svg(evil())  # noqa: S314

    tags = {one.tag for one in ET.fromstring(marked).iter()}  # noqa: S314 - our own drawing
    assert tags == {one.tag for one in plain.iter()}
    assert "<script" not in marked
    assert "\u202e" not in marked


def test_no_name_leaves_the_block_of_the_report() -> None:
    text = report_pages.markdown(report(graph=evil()))

    (block,) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert block == graph_pages.mermaid(evil())
    assert "\n## Blast radius: who breaks\n" in text
    assert "<script>" not in text


def test_the_same_graph_is_drawn_the_same() -> None:
    assert graph_drawings.svg(evil()) == graph_drawings.svg(evil())


def boxes_of(drawing: str) -> list[tuple[int, int, int]]:
    """Left, top and height of every box but those of the legend."""
    found = re.findall(r'<rect x="(\d+)" y="(\d+)" width="326" height="(\d+)"', drawing)
    return [(int(left), int(top), int(tall)) for left, top, tall in found]


@pytest.mark.parametrize("crowded", [False, True], ids=["small", "big"])
def test_no_box_lies_on_another_one(crowded: bool) -> None:
    found = sorted(boxes_of(graph_drawings.svg(big() if crowded else draw())))

    assert len(found) > (60 if crowded else 3)
    for (left, top, tall), (to_left, to_top, _) in pairwise(found):
        assert to_left > left or to_top >= top + tall


@pytest.mark.parametrize(
    "name", ["a" * 300, "/subscriptions/" + "b/" * 90, "名" * 200, "c d " * 90]
)
def test_a_long_name_stays_in_its_box_and_says_that_it_is_cut(name: str) -> None:
    for most in (1, 2, 3):
        lines = graph_boxes.wrapped(name, most)

        assert len(lines) == most
        assert lines[-1].endswith("…")
        assert all(len(line) <= graph_boxes.LONGEST for line in lines)


def test_of_a_resource_id_its_end_is_shown() -> None:
    whole = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-orders"
    assert graph_boxes.short(whole) == "…/vaults/kv-orders"
    assert graph_boxes.short("westeurope") == "westeurope"


def big() -> Graph:
    accounts = [account(f"a-{number}") for number in range(40)]
    crowd = [running(f"w-{number}", service_account=f"a-{number % 40}") for number in range(400)]
    crowd.append(running("planted", service_account="a-0", created=NEW))
    return draw(
        snapshot(federated_credentials=[trust()]), survey(accounts=accounts, workloads=crowd)
    )


def test_a_big_graph_is_folded_and_keeps_its_numbers_and_what_is_suspicious() -> None:
    whole = big()
    small = folded(whole, 60)

    assert len(small["nodes"]) <= 60
    assert named(small, "shop/planted")["suspicious"]
    assert sum(one["facts"].get("replicas", 0) for one in small["nodes"]) == 802
    ids = {one["id"] for one in small["nodes"]}
    assert {end for one in small["edges"] for end in (one["source"], one["target"])} <= ids
    assert small["counts"] == whole["counts"]


def test_a_small_graph_is_not_folded() -> None:
    assert folded(draw(), 60) == draw()


def test_mermaid_stays_below_what_mermaid_refuses() -> None:
    text = graph_pages.mermaid(big())

    assert len(text) < 50_000
    assert text.count("-->") < 500


# The API


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvidenceFolder:
    kept = EvidenceFolder(tmp_path)
    monkeypatch.setenv("FIREBREAK_TENANT_ID", TENANT)
    monkeypatch.setenv("FIREBREAK_LOG_WORKSPACE_ID", TENANT)
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    monkeypatch.setattr(intake, "store", lambda: kept)
    return kept


async def ask(incident_id: str = INCIDENT_ID, **params: str) -> func.HttpResponse:
    request = func.HttpRequest(
        "GET",
        "/api",
        headers=signed_in(people.READ),
        params=params,
        route_params={"incident_id": incident_id},
        body=b"",
    )
    answer = await plan_api.read_plan._function._func(request)
    return cast(func.HttpResponse, answer)


async def test_the_plan_comes_with_its_hash_and_the_graph(store: EvidenceFolder) -> None:
    store.put_json(f"incidents/{INCIDENT_ID}/graph.json", draw())
    assert b'"plan": null' in (await ask()).get_body()

    store.put_json(f"incidents/{INCIDENT_ID}/plan.json", {"kind": "application"})
    answer = await ask()

    assert answer.status_code == 200
    assert re.search(rb'"plan_hash": "[0-9a-f]{64}"', answer.get_body())
    assert b'"counts"' in answer.get_body()


@pytest.mark.parametrize(
    ("view", "kind", "begins"),
    [("mermaid", "text/plain", b"flowchart"), ("svg", "image/svg+xml", b"<svg")],
)
async def test_the_graph_is_a_picture_in_which_nothing_runs(
    store: EvidenceFolder, view: str, kind: str, begins: bytes
) -> None:
    store.put_json(f"incidents/{INCIDENT_ID}/graph.json", evil())
    answer = await ask(view=view)

    assert answer.mimetype == kind
    assert answer.get_body().startswith(begins)
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("incident_id", "view", "status"),
    [(INCIDENT_ID, "json", 404), ("../etc", "json", 404), (INCIDENT_ID, "png", 400)],
)
async def test_what_is_not_there_is_said(
    store: EvidenceFolder, incident_id: str, view: str, status: int
) -> None:
    assert (await ask(incident_id, view=view)).status_code == status
