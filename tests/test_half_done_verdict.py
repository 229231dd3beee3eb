"""Where not everything can be moved a verdict excuses just that, and wants it named: nothing else, and nowhere else."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from drill.scene import EvidenceFile, Scene
from drill.verdict.judgement import judge
from tests.drill_scene import START, scene

Json = dict[str, Any]
UP = {"api_server": "up", "webhook_ready": True, "gitops": []}
WAITS = "half done, it says so and waits to be told to go on"
SAYS = "of each cluster it says whether it was moved"
NAMES = "what was not moved is named, with what to do"
ALONE = "a cluster that could not be moved was left as it was"


def half_done(change: Callable[[Json], None] = lambda _: None) -> Scene:
    """aks-neu is down and as it was; everything else went well. `change` gets all that differs from the good scene."""
    good = scene()
    after = copy.deepcopy(good.after)
    after["clusters"]["aks-neu"] = copy.deepcopy(good.staged["clusters"]["aks-neu"])
    trusts = after["federatedCredentials"]
    after["federatedCredentials"] = [one for one in trusts if "aks-neu" not in one["issuer"]]
    clusters = {
        "aks-weu": {"status": "done", "detail": "moved", "next": ""},
        "aks-neu": {"status": "refused", "detail": "unreachable", "next": "mend it"},
    }
    parts: Json = {
        "after": after,
        "switches": {"aks-weu": UP, "aks-neu": UP | {"api_server": "reset"}},
        "traffic": [one for one in good.traffic if "aks-neu" not in one["url"]],
        "status": {"outcome": "partly_recovered", "resumable": True, "clusters": clusters},
        "report": {"clusters": copy.deepcopy(clusters)},
        "told": "aks-neu is not moved",
    }
    change(parts)
    report, told = json.dumps(parts.pop("report")), parts.pop("told")
    written = [EvidenceFile("report.json", START, report), EvidenceFile("report.md", START, told)]
    return scene(**parts, evidence=[*good.evidence, *written])


def red(seen: Scene) -> set[str]:
    """What is told to people and channels stands in other scenes."""
    facts = [one for one in judge(seen)["facts"] if one["noun"] != "people"]
    return {one["fact"] for one in facts if not one["holds"]}


def paused(parts: Json) -> None:
    """A second Deployment of aks-weu waits to be resumed, without a pod: a person's, and said to be so."""
    for when in ("before", "staged", "after"):
        state = copy.deepcopy(parts.get(when) or getattr(scene(), when))
        cluster = state["clusters"]["aks-weu"]
        another = copy.deepcopy(cluster["deployments"][0])
        another["metadata"]["name"] = "orders-preview"
        another["spec"] |= {"paused": True, "selector": {"matchLabels": {"app": "preview"}}}
        cluster["deployments"].append(another)
        parts[when] = state
    said = {"status": "by_hand", "detail": "Deployment/orders-preview is paused", "next": "do it"}
    parts["status"]["clusters"]["aks-weu"] = said
    parts["report"]["clusters"]["aks-weu"] = copy.deepcopy(said)
    parts["told"] += "; resume orders-preview"


def test_what_nobody_could_move_turns_nothing_red() -> None:
    assert red(half_done()) == set()
    assert red(half_done(paused)) == set()


def claimed_done(parts: Json) -> None:
    parts["status"]["clusters"]["aks-neu"]["status"] = "done"


def claimed_recovered(parts: Json) -> None:
    parts["status"] |= {"outcome": "recovered", "resumable": False}


def moved_nowhere(parts: Json) -> None:
    parts["status"]["clusters"]["aks-weu"]["status"] = "refused"


def another_one_said(parts: Json) -> None:
    parts["status"]["clusters"]["aks-sea"] = {"status": "done", "detail": "", "next": ""}


def untold(parts: Json) -> None:
    parts["told"] = "all is well"


def no_next(parts: Json) -> None:
    parts["report"]["clusters"]["aks-neu"]["next"] = ""


def paused_and_unnamed(parts: Json) -> None:
    paused(parts)
    parts["report"]["clusters"]["aks-weu"]["detail"] = "Deployment/orders-preview-2 is paused"


def paused_and_said_to_be_done(parts: Json) -> None:
    paused(parts)
    parts["status"]["clusters"]["aks-weu"]["status"] = "done"


def stopped_there(parts: Json) -> None:
    parts["after"]["clusters"]["aks-neu"]["pods"].pop()


def written_there(parts: Json) -> None:
    parts["traffic"] += [one for one in scene().traffic if "aks-neu" in one["url"]]


@pytest.mark.parametrize(
    ("fact", "change"),
    [
        (WAITS, claimed_recovered),
        (SAYS, claimed_done),
        (SAYS, moved_nowhere),
        (SAYS, another_one_said),
        (SAYS, paused_and_said_to_be_done),
        (NAMES, untold),
        (NAMES, no_next),
        (NAMES, paused_and_unnamed),
        (ALONE, stopped_there),
        (ALONE, written_there),
    ],
)
def test_what_is_said_wrongly_turns_its_fact_red(fact: str, change: Callable[[Json], None]) -> None:
    assert fact in red(half_done(change))


def left_in_a_cluster_that_is_well(parts: Json) -> None:
    staged = copy.deepcopy(scene().staged["clusters"]["aks-weu"])
    parts["after"]["clusters"]["aks-weu"] = staged


def test_a_cluster_that_could_be_moved_is_excused_by_nobody_elses_trouble() -> None:
    found = red(half_done(left_in_a_cluster_that_is_well))

    assert "no ServiceAccount names the old client id" in found
    assert "every workload pod carries the new client id" in found
    assert "no pod carries the old client id" in found


def put_back_by_git(parts: Json) -> None:
    """Nothing is down, and both were moved; but Flux put the old state of aks-neu there a minute later."""
    good = scene()
    parts["after"]["federatedCredentials"] = good.after["federatedCredentials"]
    parts["switches"]["aks-neu"] = UP | {"gitops": ["shop"]}
    parts["traffic"] = list(good.traffic)
    said = {"status": "reverted", "detail": "put back: orders-api", "next": "put the patch in Git"}
    parts["status"]["clusters"]["aks-neu"] = said
    parts["report"]["clusters"]["aks-neu"] = said
    parts["told"] += "; aks-neu was put back"


def retired(parts: Json) -> None:
    put_back_by_git(parts)
    account = "https://aks-neu/api/v1/namespaces/shop/serviceaccounts/orders-api"
    parts["traffic"].append(parts["traffic"][-1] | {"method": "PATCH", "url": account})


def test_what_git_put_back_is_excused_only_where_it_was_moved_before() -> None:
    """And only where the patch for Git is at hand, which is missing here."""
    assert red(half_done(retired)) == {NAMES}
    assert "no ServiceAccount names the old client id" in red(half_done(put_back_by_git))
