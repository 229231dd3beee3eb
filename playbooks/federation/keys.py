"""Signing keys turned twice in the clusters that federate into an identity: the plan, and what came of it. Pure."""

from typing import TypedDict

from playbooks.orders import Json
from playbooks.runs.model import Confirmation, Document, RunStatus, document
from responders.evidence import canonical, digest
from responders.model import Change, ClusterRef
from responders.restarts import TokenUsers

_TITLE = "Signing keys of clusters, turned twice"


class KeyCluster(TypedDict):
    """One cluster, and what its new keys would mean."""

    ref: ClusterRef
    problem: str  # why its keys can't be turned; "" where they can
    users: TokenUsers
    published: int  # keys


class KeyPlan(TypedDict):
    """The whole of a run."""

    clusters: list[KeyCluster]
    blocked: list[str]


def draw(found: list[KeyCluster], stop: list[str], canary: str) -> KeyPlan:
    """The canary first."""
    ordered = sorted(found, key=lambda one: (one["ref"]["name"] != canary, one["ref"]["name"]))
    nobody = [] if ordered else ["no cluster in sight federates into it, and none was named"]
    return {
        "clusters": ordered,
        "blocked": [*stop, *(one["problem"] for one in ordered if one["problem"]), *nobody],
    }


def plan_hash(plan: KeyPlan) -> str:
    """What a person agrees to: whose keys. Who holds tokens of them changes with every rollout."""
    ids = [one["ref"]["resource_id"].lower() for one in plan["clusters"]]
    return digest(canonical({"method": "signing_keys", "clusters": ids}))


def confirmations(plan: KeyPlan) -> list[Confirmation]:
    """One for each cluster: nothing brings a key back, and everybody there is concerned."""
    said: list[Confirmation] = []
    for one in plan["clusters"]:
        name, restarted = one["ref"]["name"], len(one["users"]["restart"])
        left = len(one["users"]["report"])
        said.append(
            {
                "key": f"rotate-keys:{name}",
                "text": f"{name}: every ServiceAccount token of the whole cluster becomes worthless, whoever holds it; "
                f"{restarted} workloads of all its teams are restarted now, and {left} have to be by hand. Workloads "
                "that cache their token fail until then. Nothing brings the old keys back",
            }
        )
    return said


def changes(plan: KeyPlan) -> list[Change]:
    """In the order in which it would be done."""
    return [
        {
            "object": f"signing keys of {one['ref']['name']}",
            "before": f"{one['published']} published",
            "after": f"none of them; {len(one['users']['restart'])} workloads restarted",
        }
        for one in plan["clusters"]
    ]


def planned(plan: KeyPlan) -> Document:
    """What a run in mode plan says."""
    status: RunStatus = "refused" if plan["blocked"] else "done"
    count = len(plan["clusters"])
    return document(
        _TITLE,
        "; ".join(plan["blocked"]) or f"the keys of {count} clusters are to be turned twice",
        status,
        changes=[] if plan["blocked"] else changes(plan),
        confirmations=confirmations(plan),
        by_hand=_by_hand(plan),
        data={"clusters": [one["ref"]["resource_id"] for one in plan["clusters"]]},
    )


def _by_hand(plan: KeyPlan) -> list[str]:
    found = [each["by_hand"] for one in plan["clusters"] for each in one["users"]["report"]]
    return list(dict.fromkeys(one for one in found if one))


def done(plan: KeyPlan, answers: list[Json]) -> Document:
    """What an apply did."""
    pairs = list(zip(plan["clusters"], answers, strict=True))
    well = [one for one, answer in pairs if answer["status"] == "done"]
    status: RunStatus = "done" if len(well) == len(pairs) else ("partly" if well else "failed")
    rows = [[one["ref"]["name"], answer["status"], answer["detail"]] for one, answer in pairs]
    left = [said for answer in answers for said in answer.get("remaining", [])]
    return document(
        _TITLE,
        f"the keys of {len(well)} of {len(pairs)} clusters were turned twice, and no old one is published",
        status,
        findings=[
            {
                "rule": "keys-not-turned",
                "severity": "high",
                "subject": one["ref"]["resource_id"],
                "subject_name": one["ref"]["name"],
                "detail": f"{one['ref']['name']}: {answer['detail']}",
                "fix": "mend it, then run it again with the same label: a third rotation is not made",
                "evidence": [],
            }
            for one, answer in pairs
            if answer["status"] != "done"
        ],
        tables=[
            {"title": "Clusters", "columns": ["cluster", "status", "detail"], "rows": rows},
            {"title": "Not restarted", "columns": ["what"], "rows": [[one] for one in left]},
        ],
        changes=changes({"clusters": well, "blocked": []}),
        by_hand=[command for answer in answers for command in answer.get("by_hand", [])],
        data={"clusters": {one["ref"]["resource_id"]: answer["status"] for one, answer in pairs}},
    )
