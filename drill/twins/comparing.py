"""Whether the plan that was drawn here is the plan that was drawn in the tenant. Pure.

Three things are other here, and are put right before the two are held against each other: the incident's id with the
ending of every new name, the hosts of the clusters' issuers, and the words of why a cluster gave no answer. The plan's
hash of the graph follows from these: the graphs themselves are compared.
"""

from collections.abc import Mapping, Sequence

from drill.differences import differences
from drill.options import Json

UNREACHABLE = "it gave no answer"  # as an export says it of every cluster
_SHOWN = 200  # characters of a value

Pairs = Sequence[tuple[str, str]]


def compared(
    export: Json, plan: Json | None, graph: Json | None, issuers: Mapping[str, str]
) -> list[str]:
    """Each difference on a line of its own: where, what was there, what is here. None: they are the same."""
    there: Json = {"graph": export["graph"], "plan": _without_hash(export["plan"])}
    here: Json = {"graph": graph, "plan": _without_hash(plan)}
    there, here = _replaced(there, _of_here(export, plan, issuers)), _replaced(here, _words(plan))
    found = differences(_indexed(there), _indexed(here))
    return [
        f"{'/'.join(one.path)}: {_said(one.before)} there, {_said(one.after)} here" for one in found
    ]


def _without_hash(plan: Json | None) -> Json | None:
    return plan and {name: each for name, each in plan.items() if name != "graph"}


def _of_here(export: Json, plan: Json | None, issuers: Mapping[str, str]) -> Pairs:
    """What the tenant's plan would say here."""
    pairs = list(issuers.items())
    if plan is not None and export["plan"] is not None:
        pairs += [
            (export["plan"]["incident_id"], plan["incident_id"]),
            (_ending(export["plan"]), _ending(plan)),
        ]
    return pairs


def _ending(plan: Json) -> str:
    """With its dash: of every new name."""
    return f"-{str(plan['display_name']).rpartition('-')[2]}"


def _words(plan: Json | None) -> Pairs:
    """Longest first: one reason may stand within another."""
    clusters = plan["clusters"] if plan is not None else []
    reasons = {
        str(one["survey"]["reason"]) for one in clusters if not one["survey"]["reachable"]
    } - {""}
    return [(one, UNREACHABLE) for one in sorted(reasons, key=len, reverse=True)]


def _replaced(value: object, pairs: Pairs) -> Json:
    """In every text, keys too."""
    found = _in(value, pairs)
    return found if isinstance(found, dict) else {}


def _in(value: object, pairs: Pairs) -> object:
    match value:
        case dict():
            return {_text(key, pairs): _in(each, pairs) for key, each in value.items()}
        case list():
            return [_in(each, pairs) for each in value]
        case str():
            return _text(value, pairs)
        case _:
            return value


def _text(text: str, pairs: Pairs) -> str:
    for there, here in pairs:
        text = text.replace(there, here)
    return text


def _indexed(value: Json) -> Json:
    """Lists as objects by their places, so that one entry is one difference."""
    return {key: _place(each) for key, each in value.items()}


def _place(value: object) -> object:
    match value:
        case dict():
            return {str(key): _place(each) for key, each in value.items()}
        case list():
            return {f"{at:04}": _place(each) for at, each in enumerate(value)}
        case _:
            return value


def _said(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
