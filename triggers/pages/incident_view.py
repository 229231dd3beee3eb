"""An incident as its page shows it: the status document, joined with the evidence. Blocks; changes nothing."""

from functools import lru_cache
from typing import Any, cast

from playbooks import footprint, plan_files
from playbooks.steps import findings
from playbooks.stopping import stopped_by
from responders import graph_pages
from responders.evidence import EvidenceStore
from responders.graph_model import Graph
from responders.model import Incident, Json
from triggers.pages import words

_MOST_SIGNALS = 50
_MOST_FILES = 400
# What is kept is never another thing later, so that a page that looks every few seconds reads it once.
_KEPT = 64
_CLOCK = (
    ("disabled_at", "No new tokens from here on"),
    ("contained_at", "Containment proven"),
    ("recovered_at", "New identity proven"),
)
_DEADLINES = (
    ("residual_until", "Last stolen token expires, the watch ends"),
    ("trusted_after", "Stolen ServiceAccount tokens have expired"),
    ("risk_until", "Accepted risk ends"),
)


def shown(store: EvidenceStore, status: Json) -> Json:
    """What the page's template takes."""
    base = f"incidents/{status['incident_id']}"
    paths = store.list(base)
    graph = _optional(store, f"{base}/graph.json", paths)
    return {
        "one": status,
        "stopped": why_nothing_acts(store),
        "phase": words.phase(status["phase"]),
        "outcome": words.outcome(status["outcome"]) if status["outcome"] else None,
        "way": words.way(status["mode"], status["phase"]),
        "over": status["phase"] in words.OVER,
        "moments": _moments(status),
        "deadlines": [
            (text, status[name]) for name, text in _DEADLINES if status.get(name) is not None
        ],
        "signals": _signals(store, base, paths),
        "findings": _findings(store, status, paths),
        "untold": _untold(status["channels"]),
        "breaks": graph_pages.summary(cast(Graph, graph)) if graph else [],
        "by_people": graph_pages.by_hand(cast(Graph, graph)) if graph else [],
        "has_graph": bool(graph),
        "has_plan": plan_files.newest_path(store, base) in paths,
        "evidence": _evidence(store, status, paths),
    }


def _untold(channels: Json) -> list[str]:
    """Which channel has not taken which notice; what a channel was too busy for is tried again for half a day."""
    return [
        f"{channel}: “{one['notice']}”: {one['status']}, {one['detail']}".rstrip(", ")
        for channel, said in channels.items()
        for one in said["not_told"]
        if one["status"] != "unknown"  # under way
    ]


def why_nothing_acts(store: EvidenceStore) -> str:
    """The kill switch, where it is pulled or can't be read; nothing while steps may act."""
    stopped = stopped_by(store)
    return "" if stopped is None else f"Nothing acts now: {stopped['detail']}"


def _moments(status: Json) -> list[Json]:
    """What happened when, the earliest first: everything but the steps, which have their own table."""
    signal = status["signal"]
    said = [
        (signal["fired_at"], f"Signal fired: {signal['title']}", ""),
        (status["opened_at"], "Incident opened", f"mode {status['mode']}"),
        *((status[name], text, "") for name, text in _CLOCK if status.get(name)),
        *(
            (one["at"], f"Deepened to {one['mode']} by {one['source']}", one["title"])
            for one in status["deepened"]
        ),
        *((one["ended_at"], f"Restore: {one['outcome']}", "") for one in _ended(status)),
    ]
    if cancelled := status["cancelled"]:
        who = cancelled["by"]["name"]
        said.append((cancelled["at"], f"Cancelled by {who}", str(cancelled["reason"])))
    consent = status["consent"] or {}
    if consent.get("at"):
        yes = "Consent given" if consent.get("decision") == "grant" else "Consent refused"
        name = consent.get("approver", {}).get("name", "nobody")
        said.append((consent["at"], f"{yes} by {name}", str(consent.get("reason", ""))))
    ordered = sorted(said, key=lambda one: str(one[0]))
    return [{"at": at, "text": text, "detail": detail} for at, text, detail in ordered]


def _ended(status: Json) -> list[Json]:
    return [one for one in status["restores"] if one.get("ended_at")]


def _signals(store: EvidenceStore, base: str, paths: list[str]) -> Json:
    """Every signal that is kept with the incident, the first one first."""
    found = [one for one in paths if one.startswith(f"{base}/signals/")]
    read = [read_kept(store, one) for one in found[:_MOST_SIGNALS]]
    read.sort(key=lambda one: str(one.get("fired_at", "")))
    return {"shown": read, "more": len(found) - len(read)}


def _findings(store: EvidenceStore, status: Json, paths: list[str]) -> list[Json]:
    if not any("footprint" in one.rpartition("/")[2] for one in paths):
        return []
    traced = findings.newest(store, cast(Incident, status))
    told = footprint.findings(cast(footprint.Footprint, traced)) if traced else []
    return [dict(one) for one in told]


def _evidence(store: EvidenceStore, status: Json, paths: list[str]) -> Json:
    """The files and their hashes as the newest manifest has them; before the first there are only names."""
    sealed = status["manifest"]
    files = read_kept(store, sealed["path"])["files"] if sealed else []
    named = {one["path"] for one in files} | ({sealed["path"]} if sealed else set())
    later = [one for one in paths if one not in named and not one.endswith("journal.jsonl")]
    return {
        "sealed": sealed,
        "files": files[:_MOST_FILES],
        "more": max(len(files) - _MOST_FILES, 0),
        "later": later[:_MOST_FILES],
        "size": sum(one["size"] for one in files),
    }


def _optional(store: EvidenceStore, path: str, paths: list[str]) -> Any:
    return read_kept(store, path) if path in paths else None


def read_kept(store: EvidenceStore, path: str) -> Any:
    """A document of the evidence, which is written once: read once, and not to be changed by whoever asks."""
    return _kept(store, path)  # type: ignore[arg-type]  # a protocol hides that stores are hashable


@lru_cache(maxsize=_KEPT)
def _kept(store: EvidenceStore, path: str) -> Any:
    return store.get_json(path)
