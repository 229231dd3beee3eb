"""The book itself: every mutating step of an incident, the latest first, with the way on and the way back. Pure."""

from collections.abc import Iterable, Mapping

from playbooks.levers import BESIDE, FIRST, LEVERS
from playbooks.undoing.known import Known, State, UndoEntry, Undoing
from playbooks.undoing.of_containment import CONTAINMENT, RESTORE
from playbooks.undoing.of_recovery import PER_CLUSTER, RECOVERY, WHOLE
from responders.journal import Step
from responders.model import Change, Json

BOOK: Mapping[str, Undoing] = {**CONTAINMENT, **RECOVERY, **RESTORE}
_STATES: Mapping[str, State] = {
    "unknown": "unknown",
    "done": "done",
    "nothing_to_do": "nothing to do",
    "refused": "open",
    "failed": "open",
}


def entries(known: Known) -> list[UndoEntry]:
    """In reverse order: what was done last is taken back first; what never began stands at the top."""
    begun = [one for one in known.steps if one["step"] in BOOK]
    seen = {(one["step"], one["target"]) for one in begun}
    steps = {step for step, _ in seen}
    missing = [one for one in _expected(known, steps) if one not in seen]
    written = [_entry(known, one, _STATES.get(one["status"], "unknown")) for one in begun]
    return [*(_not_begun(known, *one) for one in reversed(missing)), *reversed(written)]


def _expected(known: Known, steps: set[str]) -> Iterable[tuple[str, str]]:
    """What the incident was to do by its kind, its mode and a person's consent."""
    principal = known.incident["principal"]
    kind, own = principal["kind"], principal["object_id"]
    if known.incident["mode"] != "plan":
        for lever in (*FIRST.get(kind, ()), *LEVERS.get(kind, ()), *BESIDE.get(kind, ())):
            yield lever._function._name, own
    if known.plan is None or not known.consented:
        return
    for step in WHOLE:
        yield step, own
    for cluster in known.plan["clusters"]:
        for step in PER_CLUSTER:
            if cluster["acts"] and _takes(step, known):
                yield step, cluster["survey"]["cluster"]["name"]


def _takes(step: str, known: Known) -> bool:
    """Where a ServiceAccount keeps its name, none is retired."""
    renames = known.plan is not None and known.plan["refederation"]["method"] == "new_subject"
    return renames or step != "retire_service_accounts"


def _entry(known: Known, step: Step, state: State) -> UndoEntry:
    undoing, target = BOOK[step["step"]], step["target"]
    went = state not in {"nothing to do"}
    is_whole = state == "done"
    return {
        "step": step["step"],
        "target": target,
        "state": state,
        "detail": step["detail"],
        "changed": _changed(known, step["step"], target),
        "undone_by": undoing.by,
        "why_not": undoing.why_not,
        "finish": [] if is_whole or not went else undoing.finish(known, target),
        "take_back": undoing.take_back(known, target) if went else [],
    }


def _not_begun(known: Known, step: str, target: str) -> UndoEntry:
    undoing = BOOK[step]
    return {
        "step": step,
        "target": target,
        "state": "not begun",
        "detail": "",
        "changed": [],
        "undone_by": "",
        "why_not": "nothing to take back",
        "finish": undoing.finish(known, target),
        "take_back": [],
    }


def _changed(known: Known, step: str, target: str) -> list[Change]:
    """What every run of it says that it changed, once."""
    found: dict[tuple[str, str, str], Change] = {}
    for answer in known.kept.get(step, []):
        if answer.get("target", target) == target:
            for one in _changes(answer):
                found.setdefault((one["object"], one["before"], one["after"]), one)
    return list(found.values())


def _changes(answer: Json) -> list[Change]:
    inner = [one for item in answer.get("items", []) for one in _of_item(item)]
    return [*answer.get("changes", []), *inner]


def _of_item(item: Json) -> list[Change]:
    """Answers of many objects hold one answer each."""
    return [
        *item.get("changes", []),
        *(one for part in item.get("items", []) for one in _pairs(part)),
    ]


def _pairs(part: Json) -> list[Change]:
    """`replicas_before: 3, replicas_after: 0` of one object, as before -> after."""
    name = str(part.get("workload") or part.get("object") or part.get("owner") or "")
    name = name or str(part.get("service_account") or part.get("created") or "")
    found: list[Change] = []
    if "before" in part or "after" in part:
        found.append(
            {"object": name, "before": str(part.get("before")), "after": str(part.get("after"))}
        )
    for key, value in part.items():
        stem = key.removesuffix("_before")
        if stem != key:
            after = part.get(f"{stem}_after", part.get(f"{stem}_restored"))
            found.append(
                {
                    "object": f"{name} {stem.replace('_', ' ')}",
                    "before": str(value),
                    "after": str(after),
                }
            )
    if "created" in part and "before" not in part:
        found.append({"object": name, "before": "none", "after": "created"})
    return found
