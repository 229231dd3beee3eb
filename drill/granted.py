"""What of the permissions that Firebreak's two identities were given let a call through, and what never did.

The sandbox plants exactly what the permission file says, so a permission that is missing makes a drill red. One that no
drill uses could be taken away, as far as drills go: it is listed.
"""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]


def unused(permissions: Json) -> list[str]:
    """Each that let nothing through, as "identity: permission". `permissions` is what `/sandbox/permissions` says."""
    return [
        f"{hand}: {name}"
        for hand, kinds in permissions.items()
        for held in kinds.values()
        for name, counts in held.items()
        if not counts["used"]
    ]


def granted(permissions: Json) -> int:
    """How many there are."""
    return sum(len(held) for kinds in permissions.values() for held in kinds.values())


def merged(several: Iterable[Json]) -> Json:
    """The counts of several drills, added up."""
    whole: Json = {}
    for permissions in several:
        for hand, kinds in permissions.items():
            for kind, held in kinds.items():
                into = whole.setdefault(hand, {}).setdefault(kind, {})
                for name, counts in held.items():
                    known = into.setdefault(name, dict.fromkeys(counts, 0))
                    into[name] = {what: known[what] + count for what, count in counts.items()}
    return whole


def said(permissions: Json) -> str:
    """In a sentence."""
    return f"{len(unused(permissions))} of {granted(permissions)} granted permissions let nothing through"
