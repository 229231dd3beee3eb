"""How one cluster stands in a recovery, and what a person does next. Pure."""

from typing import Literal, TypedDict

from playbooks.orders import Json
from playbooks.settling import GOOD

# "waiting" is not begun and will be; "by_hand" is moved, but for what its detail leaves to a person; "reverted"
# was moved, and somebody put the old state back.
ClusterStatus = Literal["done", "waiting", "by_hand", "refused", "failed", "reverted"]
_RESUME = "then POST /api/incidents/{id}/resume"
_NEXT: dict[ClusterStatus, str] = {
    "done": "",
    "waiting": "",
    "by_hand": f"do what is named, {_RESUME}",
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


def is_done(one: State) -> bool:
    """Whether nothing is left to do in this cluster."""
    return one["status"] == "done"
