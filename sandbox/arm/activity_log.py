"""Reading the activity log.

Simulates   GET …/providers/Microsoft.Insights/eventtypes/management/values (2015-04-01)
Faithful    newest first, 90 days, pages, late; only the documented filters, so that nobody leans
            on the undocumented ones
Left out    the tenant's own log
Source      https://learn.microsoft.com/rest/api/monitor/activity-logs/list
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from sandbox.arm import paths
from sandbox.arm.bodies import page
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.arm.resources import require_scope
from sandbox.web import Call, Route
from sandbox.world import Json, World

_READ = "Microsoft.Insights/eventtypes/values/Read"
_PAGE = 200
_KEPT = timedelta(days=90)
_TIME = re.compile(r"eventTimestamp\s+(ge|le)\s+'?([^'\s]+)'?", re.IGNORECASE)
_OTHER = re.compile(
    r"(resourceGroupName|resourceUri|resourceProvider|correlationId)\s+eq\s+'([^']*)'",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A parsed `$filter`: a time span and at most one other condition."""

    since: datetime
    until: datetime
    key: str = ""
    value: str = ""


async def list_all(world: World, call: Call) -> Response:
    """200 with a page of events, 400 for a missing or undocumented filter, 403, 404."""
    scope = f"/subscriptions/{call.params['subscription']}"
    authorize(world, call, _READ, scope)
    require_scope(world, scope)
    wanted = _parse(world, call.query.get("$filter", ""))
    now = world.clock.now()
    found = [
        event
        for event in reversed(world.azure.activity)
        if event["subscriptionId"].lower() == call.params["subscription"].lower()
        and datetime.fromisoformat(event["submissionTimestamp"]) <= now
        and wanted.since <= datetime.fromisoformat(event["eventTimestamp"]) <= wanted.until
        and _fits(event, wanted)
    ]
    return page(call, _selected(call, found), size=_PAGE, cursor="$skipToken")


def _parse(world: World, text: str) -> _Wanted:
    now = world.clock.now()
    times: dict[str, datetime] = {}
    others: list[tuple[str, str]] = []
    for term in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        if time := _TIME.fullmatch(term):
            times[time[1].lower()] = _moment(time[2])
        elif other := _OTHER.fullmatch(term):
            others.append((other[1].lower(), other[2].lower()))
        else:
            raise _refused(f"The filter '{text}' is not supported.")
    if "ge" not in times or len(others) > 1:
        raise _refused(f"The filter '{text}' is not supported.")
    if times["ge"] < now - _KEPT:
        raise _refused("The start time cannot be more than 90 days in the past.")
    until = times.get("le", now)
    if until < times["ge"]:
        raise _refused("The end time cannot be before the start time.")
    return _Wanted(times["ge"], until, *(others[0] if others else ("", "")))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise _refused(f"'{text}' is not a time.") from None
    return moment if moment.tzinfo else datetime.fromisoformat(f"{text}+00:00")


def _refused(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message, bare=True)


def _fits(event: Json, wanted: _Wanted) -> bool:
    resource_id = event["resourceId"].lower()
    match wanted.key:
        case "resourcegroupname":
            return paths.resource_group_of(resource_id) == wanted.value
        case "resourceuri":
            return bool(f"{resource_id}/".startswith(f"{wanted.value}/"))
        case "resourceprovider":
            return bool(event["resourceProviderName"]["value"].lower() == wanted.value)
        case "correlationid":
            return bool(event["correlationId"].lower() == wanted.value)
        case _:
            return True


def _selected(call: Call, events: list[Json]) -> list[Json]:
    names = [name.strip().lower() for name in call.query.get("$select", "").split(",") if name]
    if not names:
        return events
    return [
        {name: value for name, value in event.items() if name.lower() in names} for event in events
    ]


ROUTES = [
    Route(
        "GET",
        "/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
        list_all,
    ),
]
