"""How long it took, by the sandbox's own record: from the alert to the last lever."""

from typing import TypedDict

from drill.options import Json
from drill.scene import Scene
from drill.traffic import moment, succeeded, writes
from drill.verdict.evidence import changes_a_cluster, is_irreversible


class Times(TypedDict):
    """Seconds after the alert was sent; None where it did not happen."""

    disabled_s: float | None  # the token endpoint refuses from here on
    contained_s: float | None  # the last credential, trust and role is gone
    recovered_s: float | None  # the last change to a cluster


def measure(scene: Scene) -> Times:
    """Read the times off the recorded traffic."""
    changes = [each for each in writes(scene) if succeeded(each)]
    return {
        "disabled_s": _after(scene, [each for each in changes if _disables(each)], last=False),
        "contained_s": _after(scene, [each for each in changes if is_irreversible(each)]),
        "recovered_s": _after(scene, [each for each in changes if changes_a_cluster(each)]),
    }


def _disables(exchange: Json) -> bool:
    body = exchange["request_body"]
    return isinstance(body, dict) and body.get("accountEnabled") is False


def _after(scene: Scene, exchanges: list[Json], *, last: bool = True) -> float | None:
    if not exchanges or scene.alerted_at is None:
        return None
    chosen = exchanges[-1 if last else 0]
    return round((moment(chosen) - scene.alerted_at).total_seconds(), 2)
