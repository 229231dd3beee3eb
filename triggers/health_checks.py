"""What is asked about the app itself, in the order in which it is shown: from what it is told to what waits in it."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import azure.durable_functions as df

from playbooks import policy as policies
from playbooks.policy import Policy, PolicyError
from responders import (
    kill_switch,
    own_channels,
    own_endpoints,
    own_health,
    own_services,
    own_tables,
    own_versions,
    signal_records,
)
from responders.cloud import Cloud
from responders.own_checks import Check, Row, saying
from responders.own_tables import Limits
from responders.settings import Settings
from triggers import health_rights, health_sign_in, instances, intake

_SETTINGS = "correct the setting: docs/reference/settings.md"
_POLICY = "correct policy.toml: docs/reference/settings.md; firebreak policy-check"
_GIVEN_UP = timedelta(days=7)
_LOG = "look at the host's log, and its storage"


def every(client: df.DurableOrchestrationClient) -> list[Check]:
    """All of them. Each has a name that `only` may ask for."""
    return [
        Check("settings", _settings, _SETTINGS),
        Check("policy", _policy, _POLICY),
        Check("versions", _versions, "deploy host.json with the app: azd deploy"),
        Check("endpoints", _endpoints, "let the app out to Resource Manager on 443"),
        Check("clock", _clock, "see the endpoints", "unknown"),
        *own_services.services(Cloud.connect, intake.store),
        Check("tables", _tables, own_tables.FIX, "unknown", seconds=30),
        Check("channels", _channels, "docs/how-to/teams.md"),
        *health_rights.checks(),
        *health_sign_in.checks(),
        Check("orchestrations", saying(partial(_durable, client)), _LOG),
        Check("signals", _signals, own_health.SIGNALS_FIX),
        own_services.switch(intake.store, Settings.from_environ),
    ]


def names() -> frozenset[str]:
    """What may be asked for by `only`. No check is carried out to know."""
    return frozenset(one.name for one in every(None))


def needed() -> list[Check]:
    """Without one of them nothing can act."""
    return [
        Check("settings", _settings, _SETTINGS),
        Check("policy", _policy, _POLICY),
        Check("evidence store", saying(_readable), "see the full check"),
    ]


async def _settings() -> list[Row]:
    settings = Settings.from_environ()
    rows = [Row("ok", "every setting makes sense")]
    if settings.evidence_url is None and _is_deployed():
        said = "evidence lies in a folder of the instance, and goes with it"
        rows.append(
            Row(
                "failed",
                said,
                "set FIREBREAK_EVIDENCE to a container: docs/how-to/verify-evidence.md",
            )
        )
    if settings.rebuild_client_id is None:
        said = "one identity does all: what rebuilds is not kept apart from what is always on"
        fix = "set FIREBREAK_REBUILD_CLIENT_ID: docs/reference/permissions.md"
        rows.append(Row("note", said, fix, "second identity"))
    return rows


def _is_deployed() -> bool:
    """Whether this is the platform and not somebody's own machine."""
    host = os.environ.get("WEBSITE_HOSTNAME", "")
    return bool(host) and not host.startswith(("127.0.0.1", "localhost"))


async def _read_policy() -> Policy:
    return await asyncio.to_thread(policies.load, Settings.from_environ().policy)


async def _policy() -> list[Row]:
    try:
        policy = await _read_policy()
    except PolicyError as wrong:
        return [Row("failed", str(wrong), _POLICY, grave=True)]
    rows = [Row("ok", f"{len(policy.signals)} rules for signals")]
    if policy.guards.observe_only:
        fix = "guards.observe_only = false, once you have read a few plans"
        rows.append(Row("note", "observe only: every signal is answered with a plan", fix))
    if not policy.guards.acting:
        rows.append(Row("failed", "guards.acting is false: nothing acts", "guards.acting = true"))
    if not policy.guards.protected and not policy.guards.break_glass:
        fix = "guards.protected, guards.break_glass: docs/how-to/deploy.md, step 5"
        rows.append(Row("note", "nobody is protected, and no emergency access is named", fix))
    return rows


async def _versions() -> list[Row]:
    return await asyncio.to_thread(own_versions.look)


async def _endpoints() -> list[Row]:
    return own_endpoints.reached(await own_endpoints.look(await Cloud.connect(), _now))


async def _clock() -> list[Row]:
    return own_endpoints.clocks(await own_endpoints.look(await Cloud.connect(), _now))


async def _tables() -> list[Row]:
    try:
        policy = await _read_policy()
    except PolicyError:
        return [Row("unknown", "what incidents read is not known without a policy", _POLICY)]
    hours = max(policy.windows.evidence_hours, policy.windows.compromise_hours)
    sweep = timedelta(minutes=policy.watch.second_sweep_minutes)
    return await own_tables.look(
        await Cloud.connect(), Limits(timedelta(hours=hours), sweep), _now()
    )


async def _channels() -> list[Row]:
    return own_channels.look(Settings.from_environ())


async def _readable() -> str:
    await asyncio.to_thread(kill_switch.read, intake.store())
    return "it can be read"


async def _signals() -> list[Row]:
    store, now = intake.store(), _now()
    said, given_up = await asyncio.gather(
        asyncio.to_thread(own_health.signals, store, now),
        asyncio.to_thread(signal_records.poisoned, store, now, _GIVEN_UP),
    )
    rows = [Row("ok", said)]
    if given_up:
        said = f"{len(given_up)} signals of the last week were given up, the first of {given_up[0]['received_at']}"
        rows.append(
            Row(
                "failed",
                said,
                "docs/how-to/signals-that-wait.md; firebreak signals --status poisoned",
            )
        )
    return rows


async def _durable(client: df.DurableOrchestrationClient) -> str:
    await instances.status(client, "health-probe")
    return "orchestrations are answered for"


def _now() -> datetime:
    return datetime.now(UTC)
