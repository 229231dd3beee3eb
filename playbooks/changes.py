"""What the steps of an incident changed, or would change: out of the answers that they kept as evidence."""

from functools import lru_cache

from playbooks.orders import Json, folder
from responders.evidence import EvidenceStore
from responders.model import Incident


def counts(incident: Incident, answer: Json) -> bool:
    """Whether a step's answer is about what the incident does: a plan that was deepened has acted since."""
    return incident["mode"] == "plan" or answer.get("status") != "planned"


def all_of(store: EvidenceStore, incident: Incident) -> list[Json]:
    """Before and after of every object, lever by lever, then the rebuild, by the names of their files."""
    paths = (store.list(f"{folder(incident)}/{part}") for part in ("levers", "rebuild"))
    kept = (_kept(store, path) for found in paths for path in found)  # type: ignore[arg-type]  # a protocol hides that stores are hashable
    return [change for one in kept if counts(incident, one) for change in one["changes"]]


@lru_cache(
    maxsize=1_000
)  # who follows an incident asks every few seconds, and evidence never changes
def _kept(store: EvidenceStore, path: str) -> Json:
    answer = store.get_json(path)
    return {"status": answer.get("status"), "changes": list(answer.get("changes", []))}
