"""Names and addresses of people, replaced by what only this file knows: the same everywhere in it."""

import hashlib
import re

from twin.document import Export
from twin.wire import as_json

_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_IN_LOGS = frozenset(
    {"ipaddress", "calleripaddress", "clientip", "sourceips", "ipaddressfromresourceprovider"}
)


def applied(export: Export) -> Export:
    """The same export; ids stay, since a plan is drawn by them."""
    names: dict[str, str] = {}
    for one in export.directory.people:
        if one.appId is not None:
            continue  # an application is no person
        short = _short(one.id)
        if one.userPrincipalName:
            names[one.userPrincipalName] = f"person-{short}@example.invalid"
        if one.displayName:
            names[one.displayName] = f"Person {short}"
    return Export.model_validate(_replaced(as_json(export), names))


def _short(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()[:8]


def _replaced(value: object, names: dict[str, str]) -> object:
    match value:
        case dict():
            return {key: _of_field(key, one, names) for key, one in value.items()}
        case list():
            return [_replaced(one, names) for one in value]
        case str():
            return _text(value, names)
        case _:
            return value


def _of_field(key: str, value: object, names: dict[str, str]) -> object:
    if key.lower() in _IN_LOGS and isinstance(value, str):
        return f"address-{_short(value)}" if value else value
    return _replaced(value, names)


def _text(text: str, names: dict[str, str]) -> str:
    """Whole words alone: somebody's name may be part of a workload's."""
    for name, other in names.items():
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", other, text)
    return _ADDRESS.sub(_address, text)


def _address(found: "re.Match[str]") -> str:
    if found[0].endswith("@example.invalid"):
        return found[0]
    return f"person-{_short(found[0])}@example.invalid"
