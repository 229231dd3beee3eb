"""Reading the recorded traffic: what Firebreak changed, and when."""

from datetime import datetime

from drill.options import Json
from drill.scene import Scene


def writes(scene: Scene) -> list[Json]:
    """What Firebreak's own identities changed, or may have changed, in order, off the recorded traffic.

    A call without an answer, or with a server's error, may have been carried out all the same.
    """
    own = ours(scene.seed)
    return [
        exchange
        for exchange in scene.traffic
        if exchange["caller"] in own
        and exchange["method"] in ("PUT", "PATCH", "POST", "DELETE")
        and not was_refused(exchange)
    ]


def ours(seed: Json) -> set[str]:
    """Object ids of the identities that Firebreak acts as."""
    own = seed["firebreak"]
    return {own["object_id"], own["containment"]["object_id"], own["rebuild"]["object_id"]}


def was_refused(exchange: Json) -> bool:
    """Whether the answer says that nothing was done."""
    status = exchange["status"]
    return status is not None and 300 <= status < 500


def succeeded(exchange: Json) -> bool:
    """Whether the answer says that it was done."""
    return exchange["status"] is not None and exchange["status"] < 300


def moment(exchange: Json) -> datetime:
    """When an exchange happened."""
    return datetime.fromisoformat(exchange["at"])
