"""Which objects a label selector selects. Pure, no I/O.

Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#resources-that-support-set-based-requirements
"""

from responders.model import Json


def selects(selector: Json | None, labels: Json) -> bool:
    """Whether all of it holds. An empty selector selects everything, none at all nothing."""
    if selector is None:
        return False
    plain: Json = selector.get("matchLabels") or {}
    return all(labels.get(name) == value for name, value in plain.items()) and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or []
    )


def _holds(requirement: Json, labels: Json) -> bool:
    found, values = labels.get(requirement["key"]), requirement.get("values") or []
    match requirement["operator"]:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return found is not None
        case _:  # DoesNotExist
            return found is None
