"""What must hold of a recovery: the new identity is nobody else's, and what is said to be back is back."""

from collections.abc import Callable, Iterator, Mapping

from fuzz.loot import Deed
from fuzz.played import Finding, Played
from fuzz.worlds import Json, Workload, client_id, victim_of, workload_name

_ACCEPTED = "accept_risk"
_REQUESTED = "request-tokens"  # the confirmation that names who may get tokens at any time
_NOBODY_CHOSE = "# not chosen"
_GOOD = {"done", "nothing_to_do"}
_CONSUMERS = (
    *("secretproviderclasses", "triggerauthentications", "storageclasses", "persistentvolumes"),
    "configmaps",
)


def _nobody_gets_the_successor(played: Played) -> Iterator[Finding]:
    """No move of the attacker ever succeeds as the new identity, unless a person accepted that risk by name."""
    ids = {one.object_id for one in played.successors}
    for deed in played.deeds:
        # A person who may grant roles may grant them to anybody; what counts is whether it gets him in.
        if deed.who in ids and deed.move != "plant" and not _is_accepted(played, deed):
            yield Finding(
                "the new identity is nobody else's",
                f"{deed.move} {deed.what} by {deed.how} after {deed.after}",
            )


def _is_accepted(played: Played, deed: Deed) -> bool:
    """Whether a person read this very holder's name, or that stolen tokens go on working, and said yes."""
    for plan in played.plans:
        if (plan.get("refederation") or {}).get("method") == _ACCEPTED:
            return True
        named = " ".join(
            one["sentence"] for one in plan["confirmations"] if one["key"] == _REQUESTED
        )
        if deed.by and deed.by in named:
            return True
    return False


def _one_successor(played: Played) -> Iterator[Finding]:
    if played.outcome == "recovered" and len(played.successors) != 1:
        yield Finding("there is one new identity", f"{len(played.successors)}")


def _back(played: Played) -> Iterator[Finding]:
    """What could read its data and does not any more is said to be so, in every report and by the last word."""
    if not played.plans:
        return
    for one in played.reports:
        if one.outcome in {"recovered", "partly_recovered"}:
            yield from _working_as_told(played, one.report, one.working, one.outcome)
    if played.outcome in {"recovered", "partly_recovered"}:
        yield from _working_as_told(played, played.status, played.working, played.outcome)


def _working_as_told(
    played: Played, said: Json, working: Mapping[str, bool], outcome: str
) -> Iterator[Finding]:
    for one in _mine(played):
        where = workload_name(one)
        state = said["clusters"].get(one["cluster"], {})
        said_back = outcome == "recovered" or state.get("status") in {*_GOOD, "by_hand", "unproven"}
        if played.able[where] and not working[where] and said_back:
            detail = f"{one['cluster']}: {state.get('detail', '')}"
            text = [*map(str, said["by_hand"]), detail]
            if not _may_miss_a_choice(played, one):
                text = [line for line in text if not line.startswith(_NOBODY_CHOSE)]
            if not _is_named(one, text) and not _is_left_out(played, one):
                what = f"{where}: {outcome}, {said['clusters']}"
                yield Finding("what is said to be back is back", what)


def _may_miss_a_choice(played: Played, one: Workload) -> bool:
    """Whether what it reads was open to it only by a group, which comes back where a person chooses it.

    That sentence names every workload, so it counts only where it can be the reason.
    """
    here = {f"store:{one['reads']}", "root"}
    if one["reads"] not in played.world["homes"]:  # else another subscription, perhaps of no group
        here |= {"group:rg-orders", "subscription", "platform"}
    return not any(
        role["role"].startswith("Storage Blob Data")
        and role["at"] in here
        and not role["through"]
        and role["only_store"] in ("", one["reads"])
        for role in victim_of(played.world)["roles"]
    )


def _is_named(one: Workload, text: list[str]) -> bool:
    """Whether a sentence leaves it to a person, in this cluster."""
    names = (f"/{one['name']}", f"/{one['account']}", f"{one['name']}-settings")
    return any(
        one["cluster"] in line and one["namespace"] in line and any(name in line for name in names)
        for line in text
    )


def _is_left_out(played: Played, one: Workload) -> bool:
    """Whether the plan says, by name, that it does not come back."""
    text = [f"{each['name']} {each['reason']}" for each in played.plan.get("left_out", [])]
    places = [f"{one['cluster']} {one['namespace']}/{one[key]}" for key in ("name", "account")]
    return any(place in line for place in places for line in text)


def _nothing_names_the_old(played: Played) -> Iterator[Finding]:
    """In a cluster that is done, nothing that lives on names the old client id."""
    old = client_id(played.world["victim"])
    for one in played.reports:
        for cluster, state in one.report["clusters"].items():
            if state["status"] != "done" or cluster not in one.state["clusters"]:
                continue
            for plural in _CONSUMERS:
                for item in one.state["clusters"][cluster].get(plural, []):
                    if old in _written(item):
                        name = item["metadata"]["name"]
                        yield Finding(
                            "what is done names the new one", f"{cluster} {plural} {name}"
                        )


def _written(item: Json) -> str:
    """What people wrote, without the record of who wrote it."""
    kept = {key: item[key] for key in ("spec", "data", "parameters") if key in item}
    return str(kept)


def _half_is_resumable(played: Played) -> Iterator[Finding]:
    """A cluster that is not well makes it partly recovered, says so, and can be gone on with."""
    if not played.plans or played.half.get("phase") == "awaiting_consent" or not played.reports:
        return
    first = played.reports[0]
    if first.outcome not in {"recovered", "partly_recovered"}:
        return
    for cluster in played.world["troubles"]:
        if not any(
            one["cluster"] == cluster and played.able[workload_name(one)] for one in _mine(played)
        ):
            continue
        state = first.report["clusters"].get(cluster, {}).get("status", "not named")
        if first.outcome != "partly_recovered" or state in _GOOD:
            what = f"{first.outcome}, {cluster} {state} although it is not well"
            yield Finding("half is said to be half", what)
        elif not played.resumed:
            yield Finding("half can be gone on with", f"{cluster} {state}: not resumable")


def _weak(played: Played) -> Iterator[Finding]:
    """Partly recovered although everything is back and every cluster is in reach."""
    if played.outcome != "partly_recovered":
        return
    mine = [workload_name(one) for one in _mine(played)]
    named = played.status["remaining"] or played.status["by_hand"]
    able = [one for one in mine if played.able[one]]
    # Where nothing ran as the identity, nothing has proven its successor: that is no weakness, it is not known.
    if able and all(played.working[one] for one in able) and not named:
        yield Finding(
            "no claim is too weak", f"partly_recovered: {played.status['clusters']}", "weak"
        )


def _mine(played: Played) -> list[Workload]:
    return [one for one in played.world["workloads"] if one["identity"] == played.world["victim"]]


RULES: tuple[Callable[[Played], Iterator[Finding]], ...] = (
    _nobody_gets_the_successor,
    _one_successor,
    _back,
    _nothing_names_the_old,
    _half_is_resumable,
    _weak,
)
