"""Responder: whether everything that Firebreak calls answers at all, and what time it is there.

Stops    nothing
Leaves   what an answer does not prove: that we may do something there, or that a card is posted
Undo     none needed
Needs    nothing: no token is sent
Source   https://www.rfc-editor.org/rfc/rfc9110#name-date
         https://learn.microsoft.com/azure/app-service/overview-hosting-plans (the platform keeps its instances' clocks)

Clusters are not here: `own_clusters` asks them.
"""

import asyncio
import statistics
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from responders import endpoints
from responders.calls import azure_call
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.own_checks import Row

_ANSWER_S = 10.0
_REACH = (
    "let the app out to {host} on 443: DNS, firewall, private endpoint, VNet integration "
    "(az functionapp vnet-integration list)"
)
# Tokens and signatures are believed within minutes: https://learn.microsoft.com/entra/identity-platform/access-tokens
_NOTICED, _GRAVE = timedelta(seconds=60), timedelta(minutes=5)
Clock = Callable[[], datetime]


class Seen(NamedTuple):
    """One service: why it was not reached, or how far its clock is ahead of ours."""

    name: str
    host: str
    problem: str
    ahead: timedelta | None  # None where it does not say what time it is


def named(cloud: Cloud) -> dict[str, str]:
    """Every service outside of clusters that the settings and the cloud's own description lead to: name -> URL."""
    where, settings = cloud.endpoints, cloud.settings
    discovery = ".well-known/openid-configuration"
    found = {
        "Resource Manager": endpoints.metadata_url(where.arm),
        "Microsoft Graph": f"{where.graph}/v1.0/",
        "sign-in": f"{where.login}/{settings.tenant_id}/v2.0/{discovery}",
        "log workspace": f"{where.logs}/v1/",
    }
    # The paths of these are secrets or places to write to: their hosts alone are asked.
    others = {
        "evidence store": settings.evidence_url,
        "Teams workflow": settings.teams_webhook_url,
        "Event Grid topic": settings.event_grid_topic,
    }
    return found | {name: _origin(url) for name, url in others.items() if url and _origin(url)}


def _origin(url: str) -> str:
    """`https://host/`; "" for what is no address, such as a reference that was not resolved."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/" if parts.scheme.startswith("http") else ""


async def look(cloud: Cloud, now: Clock) -> list[Seen]:
    """All of them side by side, each once however many checks want to know."""

    async def ask() -> list[Seen]:
        return list(await asyncio.gather(*(_one(cloud, *one, now) for one in named(cloud).items())))

    return await cloud.remembered("every endpoint", ask)


async def _one(cloud: Cloud, name: str, url: str, now: Clock) -> Seen:
    host = urlsplit(url).netloc
    try:
        async with azure_call(f"GET {host}", seconds=_ANSWER_S):
            before = now()
            answer = await cloud.http.get(url)
            middle = before + (now() - before) / 2
    except ResponderError as error:
        return Seen(name, host, str(error), None)
    problem = f"{host} answers {answer.status_code}" if answer.status_code >= 500 else ""
    return Seen(name, host, problem, _ahead(answer.headers.get("Date", ""), middle))


def _ahead(date: str, now: datetime) -> timedelta | None:
    try:
        said = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (said if said.tzinfo else said.replace(tzinfo=UTC)) - now


def reached(seen: list[Seen]) -> list[Row]:
    """A row for each."""
    return [
        Row("failed", one.problem, _REACH.format(host=one.host), one.name, grave=True)
        if one.problem
        else Row("ok", f"{one.host} answers", about=one.name)
        for one in seen
    ]


def clocks(seen: list[Seen]) -> list[Row]:
    """One row: the middle of what they say, so that one odd clock is not taken for ours."""
    said = {one.name: one.ahead for one in seen if one.ahead is not None}
    if not said:
        fix = "see the endpoints: none of them says what time it is"
        return [Row("unknown", "no service says what time it is", fix)]
    ahead = timedelta(seconds=statistics.median(one.total_seconds() for one in said.values()))
    return [skew_row(ahead, f"{len(said)} services", "the app")]


def skew_row(ahead: timedelta, others: str, ours: str) -> Row:
    """What a difference between two clocks means. Dates on the wire count whole seconds."""
    off = abs(ahead)
    seconds = round(ahead.total_seconds())
    if off <= _NOTICED:
        return Row("ok", f"{ours} and {others} agree within {max(abs(seconds), 1)} s")
    way = "behind" if seconds > 0 else "ahead of"
    said = f"the clock of {ours} is {abs(seconds)} s {way} {others}"
    fix = "set the machine's clock (NTP); on the platform: az functionapp restart, then a support request"
    if off <= _GRAVE:
        return Row("failed", said, fix)
    return Row("failed", f"{said}: tokens are refused, windows are read wrong", fix, grave=True)
