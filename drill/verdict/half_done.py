"""A recovery in a world where not everything can be moved: it says exactly what was not, and that alone was not."""

import json

from drill import unmoved
from drill.options import Json
from drill.scene import Scene
from drill.states import Workload, accounts_naming, pods_of, workloads_of
from drill.traffic import writes
from drill.verdict.evidence import changes_a_cluster
from drill.verdict.facts import Check, Finding, every
from drill.writings import is_report


def is_due(scene: Scene) -> bool:
    """Whether there is anything that nobody could have moved. Where that can't be seen, these facts are due: red."""
    try:
        return bool(unmoved.out(scene) or unmoved.leftovers(scene))
    except LookupError:
        return True


def outcome_of(scene: Scene) -> str:
    """What a recovery may call itself in this world, at best."""
    return "partly_recovered" if is_due(scene) else "recovered"


def _waits(scene: Scene) -> Finding:
    outcome, resumable = scene.status["outcome"], scene.status["resumable"]
    holds = outcome == "partly_recovered" and resumable is True
    return Finding(holds, f"{outcome}, resumable {resumable}")


def _clusters(scene: Scene) -> Finding:
    """Of each cluster that has to do with the identity, and of no other one."""
    said = {name: one["status"] for name, one in scene.status["clusters"].items()}
    is_so: dict[str, tuple[str, ...]] = dict.fromkeys(unmoved.using(scene), ("done",))
    is_so |= dict.fromkeys((one.cluster for one in unmoved.leftovers(scene)), ("by_hand",))
    is_so |= dict.fromkeys(unmoved.put_back(scene), ("reverted",))
    is_so |= dict.fromkeys(unmoved.shut(scene), ("refused", "failed"))
    named = sorted(said.keys() | is_so.keys())
    return every(
        [(f"{one}: {said.get(one)}", said.get(one) in is_so.get(one, ())) for one in named]
    )


def _named(scene: Scene) -> Finding:
    """Each cluster with its reason and what to do next; each object by its name, in its cluster and for people.

    By the report: a status answer has to be short, and says where it was cut.
    """
    reports = [one for one in scene.evidence if is_report(one.path)]
    [whole] = [json.loads(one.text) for one in reports if one.path.endswith(".json")]
    told = next(one.text for one in reports if one.path.endswith(".md"))
    said = whole["clusters"]
    clusters = [
        (one, bool(said[one]["detail"] and said[one]["next"]) and one in told)
        for one in sorted(unmoved.out(scene))
    ]
    patches = [
        (
            f"a patch for the Git of {one}",
            any(f"gitops/{one}-" in file.path for file in scene.evidence),
        )
        for one in sorted(unmoved.put_back(scene))
    ]
    objects = [
        (f"{one.cluster} {one.kind}/{one.name}", one.is_in(said[one.cluster]["detail"], told))
        for one in unmoved.leftovers(scene)
    ]
    return every([*clusters, *patches, *objects])


def _left_alone(scene: Scene) -> Finding:
    """Nothing was written there, and what ran there runs on."""
    return every(
        [
            found
            for cluster in sorted(unmoved.shut(scene))
            for found in (
                (f"{cluster}: {_changes(scene, cluster)} changes", not _changes(scene, cluster)),
                (f"{cluster}: ServiceAccounts as before", _accounts_stand(scene, cluster)),
                (f"{cluster}: its pods run on", _pods_stand(scene, cluster)),
            )
        ]
        or [("every cluster could be moved", True)]
    )


def _changes(scene: Scene, cluster: str) -> int:
    server = str(scene.seed["clusters"][cluster]["server"])
    here = [one for one in writes(scene) if str(one["url"]).startswith(f"{server}/")]
    # A call that nobody answered was none: what it asked for is looked at in the state.
    return sum(1 for one in here if changes_a_cluster(one) and one["status"] is not None)


def _accounts_stand(scene: Scene, cluster: str) -> bool:
    old = scene.victim.app_id
    before, after = scene.staged["clusters"][cluster], scene.after["clusters"][cluster]
    return accounts_naming(before, old) == accounts_naming(after, old)


def _pods_stand(scene: Scene, cluster: str) -> bool:
    found = workloads_of(scene.staged, scene.victim.app_id)
    here = [one for one in found if one.cluster == cluster]
    return all(_pods(scene.staged, one) == _pods(scene.after, one) for one in here)


def _pods(state: Json, workload: Workload) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods_of(state, workload)}


CHECKS = (
    Check("half done, it says so and waits to be told to go on", "partly_recovered", _waits),
    Check(
        "of each cluster it says whether it was moved",
        "refused or failed, reverted by Git, by_hand where something is left, or done",
        _clusters,
    ),
    Check("what was not moved is named, with what to do", "in the report, each", _named),
    Check("a cluster that could not be moved was left as it was", "as before", _left_alone),
)
TABLE = (("half done", CHECKS),)
