"""A rehearsal of a real principal: its own plan, all of it taken away, and a successor as the plan says."""

import json
from collections.abc import Sequence
from dataclasses import replace

from drill import unmoved
from drill.options import Json
from drill.scene import Scene
from drill.states import grants_of
from drill.successors import successor_of
from drill.twins.comparing import compared
from drill.verdict import contained, half_done, people, recovered, workloads
from drill.verdict.facts import Check, Fact, Finding, establish, every
from drill.verdict.judgement import Verdict
from drill.verdict.levers import ALWAYS, LEVERS, there_was
from drill.verdict.times import measure

_SHOWN = 5  # differences


def judge(scene: Scene, export: Json, *, rebuilt: bool) -> Verdict:
    """Every fact. What the principal never had is no lever's to take away, and is not asked for."""
    kind = str(export["principal"]["kind"])
    due = [step for step in LEVERS if step in ALWAYS[kind] or there_was(scene, step)]
    table: list[tuple[str, Sequence[Check]]] = [
        ("plan", (same_plan(export, scene.seed["issuers"]),)),
        ("old identity", [LEVERS[step] for step in due]),
        ("evidence", (contained.WRITTEN_FIRST,)),
        ("people", people.CHECKS),
    ]
    if rebuilt:
        table += _rebuilt(scene)
    else:
        table.append(("incident", (contained.SAID, contained.RESIDUAL)))
    seen = _as_far_as_seen(scene)
    facts: list[Fact] = [
        fact
        for noun, checks in table
        for fact in establish(noun, checks, seen if noun == "half done" else scene)
    ]
    passed = all(fact["holds"] for fact in facts)
    return {"passed": passed, "facts": facts, "times": measure(scene)}


def _rebuilt(scene: Scene) -> list[tuple[str, Sequence[Check]]]:
    found: list[tuple[str, Sequence[Check]]] = [
        ("new identity", (recovered.CHECKS[0], _TRUSTS, recovered.CHECKS[3], _GRANTS)),
        ("incident", (_SAID, contained.RESIDUAL)),
    ]
    if unmoved.using(scene) - unmoved.out(scene):
        back, new, _, old = workloads.CHECKS
        found.append(("workloads", (back, new, _TOKENS, old)))
    return [*found, *(half_done.TABLE if half_done.is_due(scene) else ())]


def _as_far_as_seen(scene: Scene) -> Scene:
    """Without what the incident says of clusters that gave no answer: what runs there was never exported."""
    said = scene.status.get("clusters") or {}
    seen = {name: one for name, one in said.items() if name not in _silent(scene)}
    return replace(scene, status={**scene.status, "clusters": seen})


def _silent(scene: Scene) -> set[str]:
    return {name for name, one in scene.switches.items() if one["api_server"] != "up"}


def same_plan(export: Json, issuers: Json) -> Check:
    """The plan in the evidence, and the graph of who breaks, against those of the tenant."""

    def look(scene: Scene) -> Finding:
        plan, graph = _written(scene, "plan.json"), _written(scene, "graph.json")
        if graph is None or (plan is None) != (export["plan"] is None):
            return Finding(False, f"plan: {plan is not None}, graph: {graph is not None}")
        found = compared(export, plan, graph, issuers)
        if not found:
            return Finding(True, "the same")
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return Finding(False, f"{len(found)} differences: {'; '.join(found[:_SHOWN])}{more}")

    return Check("the plan is the one that was drawn in the tenant", "no difference", look)


def _written(scene: Scene, name: str) -> Json | None:
    found = [one.text for one in scene.evidence if one.path.rpartition("/")[2] == name]
    return dict(json.loads(found[0])) if found else None


def _plan(scene: Scene) -> Json:
    found = _written(scene, "plan.json")
    if found is None:
        raise LookupError("no plan")
    return found


def _trusts(scene: Scene) -> Finding:
    """Those of the plan, but for clusters that nobody could move."""
    shut = {scene.seed["clusters"][one]["issuer"] for one in unmoved.shut(scene)}
    planned = {
        (one["issuer"], one["subject"])
        for one in _plan(scene)["federated_credentials"]
        if one["issuer"] not in shut
    }
    made = set(successor_of(scene).trusts)
    text = f"{len(made)} trusts, {len(planned - made)} missing, {len(made - planned)} too many"
    return Finding(made == planned, text)


def _grants(scene: Scene) -> Finding:
    planned = {
        (str(one["scope"]).lower(), str(one["role_definition_id"]).rpartition("/")[2].lower())
        for one in _plan(scene)["grants"]
    }
    made = grants_of(scene.after, successor_of(scene).object_id)
    text = f"{len(made)} roles, {len(planned - made)} missing, {len(made - planned)} too many"
    return Finding(made == planned, text)


def _said(scene: Scene) -> Finding:
    """Partly, where something is left to a person, or a cluster that it trusted gave no answer."""
    outcome, left = scene.status.get("outcome"), _by_hand(scene)
    silent = _silent(scene) & (scene.status.get("clusters") or {}).keys()
    wanted = "partly_recovered" if half_done.is_due(scene) or left or silent else "recovered"
    return Finding(outcome == wanted, f"outcome is {outcome}, by what is left it is {wanted}")


def _by_hand(scene: Scene) -> set[tuple[str, str]]:
    """Cluster and name of what gets its tokens in a way that only a person can move."""
    return {
        (one["cluster"], one["name"])
        for cluster in _plan(scene)["clusters"]
        for one in cluster["survey"].get("consumers", [])
        if one["kind"] == "IdentityBinding"
    }


def _tokens(scene: Scene) -> Finding:
    """Each pod was asked, but for those that get their tokens in such a way."""
    out, left = unmoved.out(scene), _by_hand(scene)
    asked = [
        one
        for one in scene.workload_reads
        if one.cluster not in out
        and not any(one.cluster == at and one.pod.startswith(f"{name}-") for at, name in left)
    ]
    return every([(f"{one.cluster}: {one.reply}", one.reply.status == 200) for one in asked])


_TOKENS = Check("every workload pod gets a token that Azure takes", "200 from ARM", _tokens)
_SAID = Check("the incident says that it is recovered, or what is not", "as it is", _said)
_TRUSTS = Check("it trusts what the plan says", "no more, no less", _trusts)
_GRANTS = Check("it has the roles that the plan says", "no more, no less", _grants)
