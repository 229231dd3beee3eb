"""How one cluster stands in a recovery, and what a person does next. Pure."""

from collections.abc import Mapping
from typing import Literal, TypedDict

from playbooks.orders import Json
from playbooks.settling import GOOD

# "waiting" is not begun and will be; "by_hand" is moved, but for what its detail leaves to a person; "unproven" is
# moved, and nobody asked whether it works; "reverted" was moved, and somebody put the old state back.
ClusterStatus = Literal["done", "waiting", "by_hand", "unproven", "refused", "failed", "reverted"]
_RESUME = "then POST /api/incidents/{id}/resume"
_NEXT: dict[ClusterStatus, str] = {
    "done": "",
    "waiting": "",
    "by_hand": f"do what is named, {_RESUME}",
    "unproven": "look whether its workloads get tokens: nothing more is asked in this incident",
    "refused": f"mend what is named, {_RESUME}",
    "failed": f"look at what is named, {_RESUME}",
    "reverted": f"put the patch from the evidence (gitops/) into Git and let it sync, {_RESUME}",
}


class State(TypedDict):
    """One cluster, as status answers, cards and the report show it."""

    status: ClusterStatus
    detail: str
    next: str  # what a person does; empty where nothing is left to do


def state(status: ClusterStatus, detail: str) -> State:
    """A cluster's state with what follows from it."""
    return {"status": status, "detail": detail, "next": _NEXT[status]}


def of_answer(answer: Json, doing: str = "") -> State:
    """The state that a step's or a sub-orchestration's answer means."""
    status: ClusterStatus = "done" if answer["status"] in GOOD else answer["status"]
    if answer.get("reverted"):
        status = "reverted"
    detail = str(answer.get("detail", ""))
    return state(status, f"{doing}: {detail}" if doing else detail)


def is_over(one: State) -> bool:
    """Whether going on would change nothing."""
    return one["status"] in {"done", "unproven"}


def summary(states: Mapping[str, Json]) -> list[str]:
    """How all clusters stand, the ones that need somebody first: for cards."""
    named = sorted(states.items(), key=lambda one: (one[1]["status"] == "done", one[0]))
    done = sum(1 for one in states.values() if one["status"] == "done")
    lines = [f"{done} of {len(states)} clusters are recovered and proven"] if states else []
    return [*lines, *(_line(name, one) for name, one in named)]


def _line(name: str, one: Json) -> str:
    then = f". Next: {one['next']}" if one.get("next") else ""
    return f"{name}: {one['status']} {one['detail']}{then}"


def is_done(one: State) -> bool:
    """Whether nothing is left to do in this cluster."""
    return one["status"] == "done"
