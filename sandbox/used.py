"""Which of the permissions that it was given let a call of Firebreak's own through.

Each call is noted with everything that the caller holds and that would have sufficed: what was alone at least once is
needed, what never was could be taken away.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["graph", "azure", "cluster"]
_KINDS: tuple[Kind, ...] = ("graph", "azure", "cluster")
Held = Mapping[Kind, Collection[str]]


@dataclass
class Used:
    """Of the principals that are watched; of others nothing is noted."""

    names: dict[str, str] = field(
        default_factory=dict
    )  # object id -> what it is called in the permission file
    held: dict[str, Held] = field(default_factory=dict)  # that name -> what it was given
    _noted: Counter[tuple[str, Kind, frozenset[str]]] = field(default_factory=Counter)

    def watch(self, object_id: str, name: str, held: Held) -> None:
        """Note what this one uses, from now on."""
        self.names[object_id.lower()] = name
        self.held[name] = held

    def is_watched(self, object_id: str) -> bool:
        """Whether it is worth finding out what sufficed."""
        return object_id.lower() in self.names

    def note(self, object_id: str, kind: Kind, sufficed: Collection[str]) -> None:
        """Each of these would have let this call through. None: it was let through by something else."""
        name = self.names.get(object_id.lower())
        if name is not None and sufficed:
            self._noted[name, kind, frozenset(sufficed)] += 1

    def as_json(self) -> Json:
        """Name -> kind -> permission -> how often it sufficed, and how often nothing else did."""
        return {
            name: {
                kind: {one: self._counts(name, kind, one) for one in sorted(held.get(kind, ()))}
                for kind in _KINDS
            }
            for name, held in self.held.items()
        }

    def _counts(self, name: str, kind: Kind, permission: str) -> Json:
        mine = {
            sufficed: count
            for (whose, what, sufficed), count in self._noted.items()
            if (whose, what) == (name, kind) and permission in sufficed
        }
        return {"used": sum(mine.values()), "alone": mine.get(frozenset({permission}), 0)}
