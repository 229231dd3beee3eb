"""The form above a list: its fields, what was sent of them, and the address of the next page."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import azure.functions as func

from responders.model import Json

_DAY = 10  # characters: what a browser's date field sends
Options = Sequence[tuple[str, str]]


class Filter(NamedTuple):
    """One field."""

    name: str
    text: str
    options: Options = ()
    type: str = ""
    value: str = ""


def sent(req: func.HttpRequest) -> dict[str, str]:
    """What the query says, without the fields that were left empty."""
    return {name: value.strip() for name, value in req.params.items() if value.strip()}


def dated(said: Json) -> dict[str, Any]:
    """A day from a browser's date field begins at midnight in UTC, and the last one counts as a whole."""
    found = dict(said)
    for name, clock in (("since", "00:00:00"), ("until", "23:59:59.999")):
        if len(found.get(name, "")) == _DAY:
            found[name] = f"{found[name]}T{clock}+00:00"
    return found


def filled(fields: Sequence[Filter], said: Json) -> list[Filter]:
    """The fields with what was sent."""
    return [one._replace(value=str(said.get(one.name, ""))[:100]) for one in fields]


def following(path: str, said: Json, cursor: str | None) -> str:
    """Where the next page is; nothing where there is none."""
    return f"{path}?{urlencode({**said, 'cursor': cursor})}" if cursor else ""
