"""What Firebreak hangs on, asked by using it: the same questions for the daily check and for the doctor."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from responders import own_health
from responders.cloud import Cloud
from responders.evidence import EvidenceStore
from responders.own_checks import Check, Row, saying
from responders.settings import Settings

Connect = Callable[[], Awaitable[Cloud]]
SWITCH = "kill switch"
_PULLED = "docs/how-to/stop-everything.md: a person pulled it"


def services(connect: Connect, opened: Callable[[], EvidenceStore]) -> list[Check]:
    """The evidence store, the directory, the subscriptions, the workspace."""

    async def evidence() -> str:
        return await asyncio.to_thread(own_health.evidence, opened())

    async def directory() -> str:
        return await own_health.directory(await connect())

    async def subscriptions() -> str:
        return await own_health.subscriptions(await connect())

    async def workspace() -> str:
        return await own_health.workspace(await connect(), datetime.now(UTC))

    return [
        Check(
            "evidence store",
            saying(evidence),
            "give the app's identity Firebreak Evidence Keeper and Firebreak Claims Keeper at the two containers "
            "(or Storage Blob Data Contributor)",
        ),
        Check(
            "directory",
            saying(directory),
            "give the app's identity Directory.Read.All in Microsoft Graph: docs/reference/permissions.md",
        ),
        Check(
            "subscriptions",
            saying(subscriptions),
            "give the app's identity its role where it is to see: docs/reference/permissions.md",
        ),
        Check(
            "workspace",
            saying(workspace),
            "give the app's identity Firebreak Log Reader at the workspace (or Log Analytics Reader)",
        ),
    ]


def switch(opened: Callable[[], EvidenceStore], settings: Callable[[], Settings]) -> Check:
    """A switch that somebody pulled is as it should be, and still nobody is defended meanwhile."""

    async def ask() -> list[Row]:
        said = await asyncio.to_thread(own_health.switch, opened(), settings())
        return [Row("ok", said) if said == own_health.ACTING else Row("failed", said, _PULLED)]

    return Check(SWITCH, ask, "the evidence store has to answer: nothing acts before", "failed")
