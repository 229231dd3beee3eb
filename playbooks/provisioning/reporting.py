"""A plan, or what was done by it, as people read it. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from playbooks.orders import Json
from playbooks.provisioning.model import IdentityPlan, Operation, Plan
from playbooks.runs.model import Confirmation, Document, Finding, RunStatus, Table, document
from responders.model import Change

_APPLY = "firebreak run provision_identity with mode apply"
_WORDS = {
    "in_sync": "as declared",
    "drifted": "differs from its document",
    "missing": "to be made",
    "blocked": "blocked",
}


def drift(plan: IdentityPlan) -> list[Finding]:
    """One finding for each difference of an identity that is there, and for what blocks one."""
    subject = plan["found"]["object_id"] if plan["found"] else plan["address"] or plan["name"]
    found: list[Finding] = [
        {
            "rule": "identity-blocked",
            "severity": "high",
            "subject": f"{subject} {one[:80]}",
            "subject_name": plan["name"],
            "detail": one,
            "fix": one,
            "evidence": [],
        }
        for one in plan["blocked"]
    ]
    if plan["found"] is None:
        return found
    return [*found, *(_differs(plan, subject, one) for one in plan["operations"])]


def _differs(plan: IdentityPlan, subject: str, one: Operation) -> Finding:
    change = one["change"]
    return {
        "rule": f"drift-{one['kind'].replace('_', '-')}",
        "severity": "medium",
        "subject": " ".join(filter(None, (subject, one["cluster"], one["target"]))),
        "subject_name": plan["name"],
        "detail": f"{change['object']}: {change['before']}; declared: {change['after']}",
        "fix": _APPLY,
        "evidence": [],
    }


def _enabled(name: str) -> Change:
    return {
        "object": f"cluster {name}",
        "before": "no OIDC issuer, or workload identity is off",
        "after": "both on; AKS does not switch an issuer off again",
    }


def changes_of(plan: Plan) -> list[Change]:
    """Everything that would change, in the order in which it would."""
    enabled = [_enabled(one["name"]) for one in plan["enable"]]
    own = [change for one in plan["identities"] for change in changes_of_identity(one)]
    return [*enabled, *own]


def changes_of_identity(plan: IdentityPlan) -> list[Change]:
    """Of one identity; none where it is blocked."""
    if plan["blocked"]:
        return []
    return [
        {**one["change"], "object": f"{plan['name']}: {one['change']['object']}"}
        for one in plan["operations"]
    ]


def confirmations_of(plan: Plan) -> list[Confirmation]:
    """What apply has to be told by name."""
    return [
        confirmation
        for one in plan["identities"]
        if not one["blocked"] and one["operations"]
        for confirmation in one["confirmations"]
    ]


def planned(plan: Plan) -> Document:
    """What a run in plan mode says."""
    states = Counter(one["state"] for one in plan["identities"])
    changes = changes_of(plan)
    said = ", ".join(f"{count} {_WORDS[state]}" for state, count in sorted(states.items()))
    status: RunStatus = "done" if changes else "nothing_to_do"
    if states["blocked"]:
        status = "partly" if changes or states["in_sync"] else "refused"
    total = len(plan["identities"])
    return document(
        "Identities as declared",
        f"{total} declared {'identity' if total == 1 else 'identities'}: {said}; {len(changes)} changes to make",
        status,
        findings=[finding for one in plan["identities"] for finding in one["findings"]],
        tables=[_table(plan, {})],
        changes=changes,
        confirmations=confirmations_of(plan),
        unread=_unread(plan),
        by_hand=list(dict.fromkeys(said for one in plan["identities"] for said in one["blocked"])),
        data=_data(plan, {}),
    )


def done(plan: Plan, answers: Mapping[str, Json], enabled: Sequence[Json]) -> Document:
    """What an apply did: of the identities that were begun, by name, and of the clusters to be switched on."""
    failed = {name: one for name, one in answers.items() if one["status"] != "done"}
    blocked = [one for one in plan["identities"] if one["blocked"]]
    made = [
        one for one in plan["identities"] if one["name"] in answers and one["name"] not in failed
    ]
    changes = [_enabled(one["name"]) for one in enabled if one["status"] == "done"]
    changes += [change for one in made for change in changes_of_identity(one)]
    status: RunStatus = "done" if made else "nothing_to_do"
    if failed or blocked:
        status = "partly" if made else ("failed" if failed else "refused")
    same = sum(one["state"] == "in_sync" for one in plan["identities"])
    summary = (
        f"{len(made)} applied with {len(changes)} changes, {same} as declared already, {len(failed)} failed, "
        f"{len(blocked)} blocked"
    )
    return document(
        "Identities as declared",
        summary,
        status,
        findings=[
            finding
            for one in plan["identities"]
            for finding in one["findings"]
            if one["name"] not in {other["name"] for other in made}
            or not finding["rule"].startswith("drift-")
        ]
        + [
            _failure(one, failed[one["name"]])
            for one in plan["identities"]
            if one["name"] in failed
        ],
        tables=[_table(plan, answers)],
        changes=changes,
        unread=_unread(plan),
        by_hand=[
            *dict.fromkeys(said for one in blocked for said in one["blocked"]),
            *(command for one in failed.values() for command in one.get("by_hand", [])),
        ],
        data=_data(plan, answers),
    )


def _failure(plan: IdentityPlan, answer: Json) -> Finding:
    subject = plan["found"]["object_id"] if plan["found"] else plan["address"] or plan["name"]
    return {
        "rule": "identity-not-provisioned",
        "severity": "high",
        "subject": subject,
        "subject_name": plan["name"],
        "detail": f"{plan['name']}: {answer['detail']}",
        "fix": "; ".join(answer.get("by_hand", [])) or "see the detail, then apply again",
        "evidence": [],
    }


def _table(plan: Plan, answers: Mapping[str, Json]) -> Table:
    return {
        "title": "Identities",
        "columns": ["identity", "kind", "state", "client id", "changes", "outcome"],
        "rows": [
            [
                one["name"],
                one["kind"],
                _WORDS[one["state"]],
                _client_id(one, answers),
                str(len(one["operations"])),
                str(answers.get(one["name"], {}).get("detail", "; ".join(one["blocked"]))),
            ]
            for one in plan["identities"]
        ],
    }


def _client_id(plan: IdentityPlan, answers: Mapping[str, Json]) -> str:
    made = answers.get(plan["name"], {}).get("identity") or plan["found"] or {}
    return str(made.get("app_id", ""))


def _data(plan: Plan, answers: Mapping[str, Json]) -> Json:
    return {
        "identities": [
            {
                "name": one["name"],
                "state": one["state"],
                "identity": answers.get(one["name"], {}).get("identity") or one["found"],
                "operations": len(one["operations"]),
                "outcome": answers.get(one["name"], {}).get("status"),
            }
            for one in plan["identities"]
        ]
    }


def _unread(plan: Plan) -> list[str]:
    """What could not be read stops the identity that depends on it, and is said once."""
    said = (why for one in plan["identities"] for why in one["blocked"] if "be read" in why)
    return list(dict.fromkeys(said))
