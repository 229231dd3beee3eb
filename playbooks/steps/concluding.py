"""The last steps of every run of a quiet-day playbook: its end written down, and people told."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import azure.durable_functions as df

from playbooks import addresses
from playbooks.journaled import Work, open_store
from playbooks.orders import Json
from playbooks.running import perform
from playbooks.runs.catalogue import PLAYBOOKS
from playbooks.runs.differing import difference
from playbooks.runs.model import (
    SEVERITIES,
    Difference,
    Document,
    Run,
    RunOrder,
    counts,
    document,
    folder,
)
from responders import cards, notices, reports, run_pages, run_records, tracing
from responders.errors import ConflictError, ResponderError
from responders.evidence import EvidenceRef, EvidenceStore

bp = df.Blueprint()
_COUNTS = frozenset({"done", "nothing_to_do", "partly"})  # what a later run is compared with
_BAD = frozenset({"refused", "failed"})
_NAMED = 20  # findings on a card


@bp.activity_trigger(input_name="order")
async def end_run(order: RunOrder) -> Json:
    """Close: the report, what is new since the last run that counts, the list, and the lock."""
    run, answer = order["run"], order["facts"]["answer"]

    async def act(work: Work) -> Json:
        return await asyncio.to_thread(_ended, work.store, run, answer)

    return await perform("end_run", order, act)


@bp.activity_trigger(input_name="order")
async def tell_of_run(order: RunOrder) -> Json:
    """Tell: one card about the run; one that was handed over is not handed over again."""
    run = order["run"]

    async def act(work: Work) -> Json:
        path = f"{folder(run)}/notices/ended.json"
        if await asyncio.to_thread(work.store.exists, path):
            return {"status": "nothing_to_do", "detail": "handed over before"}
        card = await asyncio.to_thread(_card, work.store, run)
        told = await notices.send(work.cloud, card)
        if told["status"] == "done":
            await asyncio.to_thread(work.store.put_json, path, card)
        return dict(told)

    return await perform("tell_of_run", order, act)


@bp.activity_trigger(input_name="order")
async def seal_run(order: RunOrder) -> Json:
    """Record: a manifest of everything that the run left. Its own hash is told where the bundle is not."""
    run = order["run"]

    async def act(work: Work) -> Json:
        manifest = await asyncio.to_thread(_manifest, work.store, folder(run))
        await asyncio.to_thread(run_records.sealed, work.store, run["run_id"], manifest)
        return {"status": "done", "detail": manifest["path"]}

    sealed = await perform("seal_run", order, act)
    await asyncio.to_thread(_write_root, run)
    await tracing.handed_over()
    return sealed


def _write_root(run: Run) -> None:
    """The run is over with this step, however it ended."""
    if not tracing.is_on():
        return
    try:
        how = run_records.end_of(open_store(), run["run_id"])
    except ResponderError:
        how = None
    status = "unknown" if how is None else how["status"]
    said: tracing.Attributes = {
        "firebreak.run_id": run["run_id"],
        "firebreak.playbook": run["playbook"],
        "firebreak.mode": run["mode"],
        "firebreak.outcome": status,
        "firebreak.started_by": run["started_by"],
    }
    began = datetime.fromisoformat(run["opened_at"])
    now = datetime.now(UTC)  # noqa: TID251 - an activity, never replayed
    bad = status if status in _BAD else ""
    tracing.write_root(f"run {run['playbook']}", run["run_id"], (began, now), said, bad=bad)


def _manifest(store: EvidenceStore, where: str) -> EvidenceRef:
    """Written once; a step that runs again finds it."""
    path = f"{where}/manifest.json"
    return (
        reports.reference(store, path)
        if store.exists(path)
        else reports.write_manifest(store, where)
    )


def _ended(store: EvidenceStore, run: Run, answer: Json) -> Json:
    found, where = _document(store, run, answer)
    before = run_records.last(store, run["playbook"], run["parameters"])
    blinder = bool(found["unread"])
    if before is not None and before.run_id == run["run_id"]:  # this step ran before
        told: Difference = store.get_json(f"{folder(run)}/difference.json")
    else:
        earlier = None if before is None else store.get_json(before.document)
        told = difference(found, earlier, None if before is None else before.run_id)
        blinder = len(found["unread"]) != (len(earlier["unread"]) if earlier else 0)
        _once(store, f"{folder(run)}/difference.json", told)
    for name, text in (
        ("report.md", run_pages.markdown(_json(run), _json(found), _json(told))),
        ("report.html", run_pages.html(_json(run), _json(found), _json(told))),
        ("findings.csv", run_pages.csv_of(_json(found))),
    ):
        store.put(f"{folder(run)}/{name}", text.encode())
    if run["mode"] == "apply" and found["status"] in _COUNTS:
        counted = run_records.Counted(run["run_id"], where)
        run_records.count(store, run["playbook"], run["parameters"], counted)
    now = datetime.now(UTC)  # noqa: TID251 - an activity, never replayed
    how: run_records.Ended = {
        "run_id": run["run_id"],
        "status": found["status"],
        "summary": found["summary"],
        "ended_at": now.isoformat(timespec="milliseconds"),
        "counts": counts(found["findings"]),
        "new": len(told["new"]),
        "gone": len(told["gone"]),
        "document": where,
        "plan_hash": answer.get("plan_hash"),
        "confirmations": [one["key"] for one in found["confirmations"]],
    }
    run_records.ended(store, how)
    run_records.unlock(store, run["run_id"])
    return {
        "status": "done",
        "detail": found["summary"],
        "outcome": found["status"],
        "summary": found["summary"],
        "counts": how["counts"],
        "tell": _is_told(run, found, told, blinder=blinder),
    }


def _document(store: EvidenceStore, run: Run, answer: Json) -> tuple[Document, str]:
    """What the playbook found, and where it lies; a refusal or a failure as a document."""
    if path := answer.get("document"):
        found: Document = store.get_json(path)
        return found, str(path)
    status = "refused" if answer["status"] == "refused" else "failed"
    summary = str(answer.get("detail", "it says no reason"))
    title = PLAYBOOKS[run["playbook"]].summary
    failed = document(title, summary, status, by_hand=list(answer.get("by_hand", [])))  # type: ignore[arg-type]
    path = f"{folder(run)}/failure.json"
    _once(store, path, failed)
    return failed, path


def _once(store: EvidenceStore, path: str, value: Any) -> None:
    """What an earlier attempt of the same step wrote stands."""
    try:
        store.put_json(path, value)
    except ConflictError:
        return


def _is_told(run: Run, found: Document, told: Difference, *, blinder: bool) -> bool:
    """`blinder`: more, or less, could be read than by the run before; each day the same is no news."""
    tells = PLAYBOOKS[run["playbook"]].tells
    if run["mode"] == "plan" or tells == "never":
        return False
    changed = bool(told["new"] or told["gone"]) or (
        told["since"] is None and bool(found["findings"])
    )
    return tells == "always" or changed or blinder or found["status"] in {"refused", "failed"}


def _card(store: EvidenceStore, run: Run) -> Json:
    how = run_records.end_of(store, run["run_id"])
    if how is None:
        raise LookupError(f"{run['run_id']} has no end: end_run comes first")
    told: Difference = store.get_json(f"{folder(run)}/difference.json")
    numbers = [f"{how['counts'][one]} {one}" for one in SEVERITIES if how["counts"][one]]
    since = (
        f"{how['new']} new, {how['gone']} gone" if told["since"] else "the first run that counts"
    )
    facts = [
        ("Playbook", f"{run['playbook']}, {run['mode']}"),
        ("Findings", ", ".join(numbers) or "none"),
        ("Since the last", since),
        ("Run", run["run_id"]),
    ]
    lines = [f"new, {one['severity']}: {one['detail']}" for one in told["new"][:_NAMED]]
    lines += [f"gone: {one['detail']}" for one in told["gone"][:_NAMED]]
    now = "Read the findings, the gravest first." if numbers else ""
    links = [("Open the run", addresses.page_url(f"/runs/{run['run_id']}"))]
    return cards.content(cards.Card(how["summary"], _mood(how), now, facts, lines, links))


def _mood(how: run_records.Ended) -> cards.Mood:
    grave = how["counts"]["critical"] or how["counts"]["high"]
    if grave or how["status"] in {"refused", "failed"}:
        return "bad"
    return "asking" if how["counts"]["medium"] or how["status"] == "partly" else "good"


def _json(value: Any) -> Json:
    """A TypedDict as the plain JSON that it is."""
    return dict(value)
