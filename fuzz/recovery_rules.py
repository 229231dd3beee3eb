"""What must hold of a recovery: the new identity is nobody else's, and what is said to be back is back."""

from collections.abc import Callable, Iterator

from fuzz.played import Finding, Played
from fuzz.worlds import Json, workload_name

_ACCEPTED = "accept_risk"


def _nobody_gets_the_successor(played: Played) -> Iterator[Finding]:
    """No move of the attacker ever succeeds as the new identity, unless a person accepted that risk by name."""
    if (played.plan.get("refederation") or {}).get("method") == _ACCEPTED:
        return
    ids = {one.object_id for one in played.successors}
    for deed in played.deeds:
        # A person who may grant roles may grant them to anybody; what counts is whether it gets him in.
        if deed.who in ids and deed.move != "plant":
            yield Finding(
                "the new identity is nobody else's",
                f"{deed.move} {deed.what} by {deed.how} after {deed.after}",
            )


def _one_successor(played: Played) -> Iterator[Finding]:
    if played.outcome == "recovered" and len(played.successors) != 1:
        yield Finding("there is one new identity", f"{len(played.successors)}")


def _back(played: Played) -> Iterator[Finding]:
    """Recovered: everything that could read its data reads it. Else each that does not is in a cluster that says so."""
    if not played.plan or played.outcome not in {"recovered", "partly_recovered"}:
        return
    states: Json = played.status.get("clusters", {})
    for one in played.world["workloads"]:
        where = workload_name(one)
        if one["identity"] != played.world["victim"] or not played.able[where]:
            continue
        said_well = states.get(one["cluster"], {}).get("status") in {"done", "nothing_to_do"}
        said_back = said_well or played.outcome == "recovered"
        left_out = _is_left_out(played, one["namespace"], one["name"], one["account"])
        if said_back and not played.working[where] and not left_out:
            yield Finding("what is said to be back is back", f"{where}: {states}")


def _is_left_out(played: Played, namespace: str, *names: str) -> bool:
    """Whether the plan says, by name, that it does not come back."""
    text = [f"{one['name']} {one['reason']}" for one in played.plan.get("left_out", [])]
    return any(f"{namespace}/{name}" in line for name in names for line in text)


def _weak(played: Played) -> Iterator[Finding]:
    """Partly recovered although everything is back and every cluster is in reach."""
    if played.outcome != "partly_recovered" or played.world["troubles"]:
        return
    mine = [
        workload_name(one)
        for one in played.world["workloads"]
        if one["identity"] == played.world["victim"]
    ]
    if (
        all(played.working[one] for one in mine if played.able[one])
        and not played.status["remaining"]
    ):
        yield Finding(
            "no claim is too weak", f"partly_recovered: {played.status['clusters']}", "weak"
        )


RULES: tuple[Callable[[Played], Iterator[Finding]], ...] = (
    _nobody_gets_the_successor,
    _one_successor,
    _back,
    _weak,
)
