"""Names and addresses of people, replaced by what only this file knows: the same everywhere in it.

They are replaced before a plan is drawn, since keys of a plan follow from what it says. Ids stay.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from responders.snapshots import Snapshot
from twin.document import Export
from twin.wire import as_json

ReadT = TypeVar("ReadT")
# A guest's has a mark of its own: dana_partner.com#EXT#@contoso.com.
_ADDRESS = re.compile(r"[\w.+'#-]{1,113}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_NOBODYS = "@example.invalid"
_PLACE = "address-"
_NAMED = frozenset({"display_name", "displayname"})
# Columns of log rows, in small letters.
_IN_ROWS = frozenset(
    {
        "ipaddress",
        "calleripaddress",
        "clientip",
        "sourceips",
        "ipaddressfromresourceprovider",
    }
)


@dataclass(frozen=True, slots=True)
class Names:
    """What is replaced by what: addresses wherever they stand, names where a name stands. Without `hides` nothing."""

    hides: bool
    known: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, *, hides: bool) -> "Names":
        """The people who own it, by name; everybody else by what looks like an address."""
        known: dict[str, str] = {}
        for one in snapshot["owners"] if hides else []:
            short = _short(str(one["id"]))
            if one.get("user_principal_name"):
                known[str(one["user_principal_name"])] = f"person-{short}{_NOBODYS}"
                if one.get("display_name"):  # an application is no person
                    known[str(one["display_name"])] = f"Person {short}"
        return cls(hides, known)

    def within(self, value: ReadT) -> ReadT:
        """The same document without people's names. Doing it twice changes nothing."""
        return cast(ReadT, self._replaced(value)) if self.hides else value

    def within_export(self, export: Export) -> Export:
        """The same of a whole export."""
        if not self.hides:
            return export
        return Export.model_validate(self._replaced(as_json(export)))

    def _replaced(self, value: object) -> object:
        match value:
            case dict():
                return {key: self._of_field(key, one) for key, one in value.items()}
            case list():
                return [self._replaced(one) for one in value]
            case str():
                return self._text(value)
            case _:
                return value

    def _of_field(self, key: str, value: object) -> object:
        if key.lower() in _NAMED and isinstance(value, str):
            return self.known.get(value) or self._text(value)
        if key.lower() in _IN_ROWS and isinstance(value, str):
            is_done = not value or value.startswith(_PLACE)
            return value if is_done else f"{_PLACE}{_short(value)}"
        return self._replaced(value)

    def _text(self, text: str) -> str:
        """Addresses alone: somebody may be called as a namespace is."""
        for name, other in self.known.items():
            if "@" in name:
                text = text.replace(name, other)
        return _ADDRESS.sub(_address, text)


def _address(found: "re.Match[str]") -> str:
    return found[0] if found[0].endswith(_NOBODYS) else f"person-{_short(found[0])}{_NOBODYS}"


def _short(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()[:8]
