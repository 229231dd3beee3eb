"""A rotation, planned or done, as people read it. Pure."""

from playbooks.federation.model import ClusterRotation, RotationPlan
from playbooks.orders import Json
from playbooks.runs.model import Document, Finding, RunStatus, Table, document
from responders.model import Change
from responders.wanted_trusts import name as named

_TITLE = "Federation of an identity, rotated"


def changes_of(plan: RotationPlan) -> list[Change]:
    """Everything that would change, in the order in which it would."""
    found = [one for cluster in plan["clusters"] for one in _of_cluster(cluster)]
    return [*found, *_of_the_rest(plan)]


def _of_cluster(cluster: ClusterRotation) -> list[Change]:
    name = cluster["ref"]["name"]
    found: list[Change] = []
    for one in cluster["accounts"]:
        place = f"{one['old']['namespace']}/{one['old']['name']}"
        found.append(
            {
                "object": f"{name} {place}, trust {one['trust']['name']}",
                "before": f"trusts {one['trust']['subject']}",
                "after": f"trusts {one['new_trust']['subject']} ({one['new_trust']['name']}); {place} is retired",
            }
        )
        found += [
            {
                "object": f"{name} {ref['namespace']} {ref['kind']}/{ref['name']}",
                "before": f"runs as {ref['service_account']}",
                "after": f"runs as {one['new_name']}, by a rollout",
            }
            for ref in one["workloads"]
        ]
    for move in cluster["migrations"]:
        entries = sorted(
            {str(one["name"]) for listed in move["variables"].values() for one in listed}
        )
        found.append(
            {
                "object": f"{name} {move['namespace']} {move['kind']}/{move['name']}",
                "before": f"holds a secret: {', '.join(entries)}",
                "after": f"runs as {move['account']}, which is trusted; without them",
            }
        )
    return found


def _of_the_rest(plan: RotationPlan) -> list[Change]:
    trusts: list[Change] = [
        {"object": f"trust {one['name']}", "before": named(dict(one)), "after": "deleted"}
        for one in plan["remove_trusts"]
    ]
    credentials: list[Change] = [
        {
            "object": f"{one['kind']} {one['key_id']} of the {one['holder'].replace('_', ' ')}",
            "before": f"valid until {one['ends']}",
            "after": "deleted; nothing brings it back",
        }
        for one in plan["remove_credentials"]
    ]
    return [*trusts, *credentials]


def planned(plan: RotationPlan, unread: list[str]) -> Document:
    """What a run in mode plan says."""
    changes = changes_of(plan)
    status: RunStatus = "done" if changes else "nothing_to_do"
    if plan["blocked"]:
        status = "refused"
    who = f"{plan['identity']['display_name']} ({plan['identity']['app_id']})"
    accounts = sum(len(one["accounts"]) for one in plan["clusters"])
    said = (
        f"{accounts} trusts in {len(plan['clusters'])} clusters to replace, {len(changes)} changes"
    )
    return document(
        _TITLE,
        f"{who}: {'; '.join(plan['blocked']) or said}",
        status,
        findings=plan["findings"],
        tables=[_table(plan, [])],
        changes=[] if plan["blocked"] else changes,
        confirmations=plan["confirmations"],
        unread=unread,
        by_hand=plan["by_hand"],
        data=_data(plan, []),
    )


def done(plan: RotationPlan, answers: list[Json], rest: Json | None, unread: list[str]) -> Document:
    """What an apply did. `rest` is what became of trusts and credentials that go; None where that was not begun."""
    pairs = list(zip(plan["clusters"], answers, strict=True))
    well = [cluster for cluster, answer in pairs if answer["status"] == "done"]
    failed = [(cluster, answer) for cluster, answer in pairs if answer["status"] != "done"]
    rest_done = rest is not None and rest["status"] == "done"
    changes = [one for cluster in well for one in _of_cluster(cluster)]
    changes += _of_the_rest(plan) if rest_done else []
    bad = bool(failed) or (rest is not None and not rest_done)
    status: RunStatus = "done"
    if bad:
        status = "partly" if well or rest_done else "failed"
    accounts = sum(len(one["accounts"]) for one in well)
    who = f"{plan['identity']['display_name']} ({plan['identity']['app_id']})"
    return document(
        _TITLE,
        f"{who}: {accounts} trusts replaced in {len(well)} of {len(pairs)} clusters",
        status,
        findings=[*plan["findings"], *(_failure(plan, *one) for one in failed), *_rest(plan, rest)],
        tables=[_table(plan, answers)],
        changes=changes,
        unread=unread,
        by_hand=[*plan["by_hand"], *_documents(well)],
        data=_data(plan, answers),
    )


def _documents(well: list[ClusterRotation]) -> list[str]:
    """What a repository says of it has to change too, or it is put back."""
    renamed = {
        f"{one['old']['namespace']}/{one['old']['name']}: {one['new_name']}"
        for cluster in well
        for one in cluster["accounts"]
    }
    if not renamed:
        return []
    listed = ", ".join(sorted(renamed))
    return [f"in manifests and in the identity's document, name the new ServiceAccounts: {listed}"]


def _failure(plan: RotationPlan, cluster: ClusterRotation, answer: Json) -> Finding:
    return {
        "rule": "cluster-not-rotated",
        "severity": "high",
        "subject": f"{plan['identity']['object_id']} {cluster['ref']['resource_id']}",
        "subject_name": cluster["ref"]["name"],
        "detail": f"{cluster['ref']['name']}: {answer['detail']}",
        "fix": "mend the cause, then run it again with the same label: it goes on from there",
        "evidence": [],
    }


def _rest(plan: RotationPlan, rest: Json | None) -> list[Finding]:
    if rest is None or rest["status"] == "done":
        return []
    return [
        {
            "rule": "not-removed",
            "severity": "high",
            "subject": plan["identity"]["object_id"],
            "subject_name": plan["identity"]["display_name"],
            "detail": rest["detail"],
            "fix": "mend the cause, then run it again with the same label",
            "evidence": [],
        }
    ]


def _table(plan: RotationPlan, answers: list[Json]) -> Table:
    said = [str(one["detail"]) for one in answers] or ["" for _ in plan["clusters"]]
    return {
        "title": "Clusters, in order",
        "columns": ["cluster", "trusts", "workloads", "secrets given up", "outcome"],
        "rows": [
            [
                cluster["ref"]["name"],
                str(len(cluster["accounts"])),
                str(sum(len(one["workloads"]) for one in cluster["accounts"])),
                str(len(cluster["migrations"])),
                outcome,
            ]
            for cluster, outcome in zip(plan["clusters"], said, strict=True)
        ],
    }


def _data(plan: RotationPlan, answers: list[Json]) -> Json:
    return {
        "identity": plan["identity"],
        "label": plan["label"],
        "clusters": [
            {
                "cluster": one["ref"]["resource_id"],
                "renamed": {
                    f"{each['old']['namespace']}/{each['old']['name']}": each["new_name"]
                    for each in one["accounts"]
                },
                "status": answers[number]["status"] if answers else None,
            }
            for number, one in enumerate(plan["clusters"])
        ],
    }
