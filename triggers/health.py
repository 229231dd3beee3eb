"""Whether the app can work: for whoever pings it in a word, for who may read in full, never with a secret."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

import azure.durable_functions as df

from playbooks import policy as policies
from playbooks.policy import PolicyError
from responders import kill_switch, own_health
from responders.cloud import Cloud
from responders.errors import ResponderError
from responders.model import Json
from responders.settings import Settings
from triggers import instances, intake

_KEPT_S = 15.0  # a load balancer asks every few seconds on every instance, and anybody may
_EACH_S = 20.0  # of one check; all run side by side
Check = Callable[[], Awaitable[str]]
_last: tuple[float, bool] | None = None


async def is_well() -> bool:
    """Whether settings, policy and evidence store are there: without one of them nothing can act."""
    global _last  # noqa: PLW0603 - one answer for all who ask within seconds
    if _last is None or time.monotonic() - _last[0] > _KEPT_S:
        checks = [await _checked(name, check, "") for name, check in _NEEDED.items()]
        _last = (time.monotonic(), all(one["status"] == "ok" for one in checks))
    return _last[1]


async def deep(client: df.DurableOrchestrationClient) -> Json:
    """Everything that the app depends on, each with how long it took and what a person does about it."""
    named: list[tuple[str, Check, str]] = [
        ("settings", _settings, "correct the setting: docs/reference/settings.md"),
        ("policy", _policy, "correct policy.toml: docs/reference/settings.md"),
        ("evidence store", _evidence, "give the app's identity Storage Blob Data Contributor"),
        (
            "directory",
            _directory,
            "give the app's identity Application.Read.All in Microsoft Graph",
        ),
        ("subscriptions", _subscriptions, "give the app's identity Reader where it is to see"),
        ("workspace", _workspace, "give the app's identity Log Analytics Reader"),
        ("orchestrations", partial(_durable, client), "look at the host's log, and its storage"),
        (
            "signals",
            _signals,
            "look at the queues firebreak-signals and -poison, and the host's log",
        ),
        ("kill switch", _switch, "docs/how-to/stop-everything.md: a person pulled it"),
    ]
    checks = await asyncio.gather(*(_checked(*one) for one in named))
    well = all(one["status"] == "ok" for one in checks)
    return {"status": "ok" if well else "unhealthy", "checks": checks}


async def _checked(name: str, check: Check, fix: str) -> Json:
    started = time.monotonic()
    try:
        async with asyncio.timeout(_EACH_S):
            said, status = await check(), "ok"
    except TimeoutError:
        said, status = f"no answer within {_EACH_S:.0f} s", "failed"
    except (ResponderError, PolicyError) as problem:
        said, status = str(problem), "failed"
    spent = round((time.monotonic() - started) * 1000)
    return {
        "name": name,
        "status": status,
        "duration_ms": spent,
        "detail": said,
        "fix": "" if status == "ok" else fix,
    }


async def _settings() -> str:
    Settings.from_environ()
    return "every setting makes sense"


async def _policy() -> str:
    policy = await asyncio.to_thread(policies.load, Settings.from_environ().policy)
    observing = ", observe only" if policy.guards.observe_only else ""
    return f"{len(policy.signals)} rules for signals{observing}"


async def _evidence() -> str:
    return await asyncio.to_thread(own_health.evidence, intake.store())


async def _readable() -> str:
    await asyncio.to_thread(kill_switch.read, intake.store())
    return "it can be read"


async def _switch() -> str:
    return await asyncio.to_thread(own_health.switch, intake.store(), Settings.from_environ())


async def _signals() -> str:
    return await asyncio.to_thread(own_health.signals, intake.store(), datetime.now(UTC))


async def _directory() -> str:
    return await own_health.directory(await Cloud.connect())


async def _subscriptions() -> str:
    return await own_health.subscriptions(await Cloud.connect())


async def _workspace() -> str:
    return await own_health.workspace(await Cloud.connect(), datetime.now(UTC))


async def _durable(client: df.DurableOrchestrationClient) -> str:
    await instances.status(client, "health-probe")
    return "orchestrations are answered for"


_NEEDED: dict[str, Check] = {"settings": _settings, "policy": _policy, "evidence": _readable}
