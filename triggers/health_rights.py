"""What the app's identities hold against what they need, who else may act as them, and which clusters they reach."""

import asyncio
from functools import partial

from playbooks import policy as policies
from playbooks.policy import PolicyError
from responders import own_clusters, own_permissions, permission_data
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.own_checks import Check, Row
from responders.own_permissions import Wanted
from responders.settings import Settings

_LONG_S = 60.0  # hundreds of clusters, each within its own time


def checks() -> list[Check]:
    """Each reads; none of them tries what it asks about."""
    return [
        *own_permissions.checks(Cloud.connect, _wanted),
        Check("clusters", _clusters, "let the app's identity list clusters", "unknown", _LONG_S),
        Check("cluster permissions", _in_clusters, "see the check clusters", "unknown", _LONG_S),
    ]


async def _wanted() -> Wanted:
    settings = Settings.from_environ()
    try:
        policy = await asyncio.to_thread(policies.load, settings.policy)
    except PolicyError as wrong:
        raise RefusedError("what is needed is not known without a policy") from wrong
    switched_on = permission_data.switched_on(settings, policy.model_dump(mode="json"))
    return partial(permission_data.of, profile=settings.profile, switched_on=switched_on)


async def _clusters() -> list[Row]:
    return await own_clusters.reached(await Cloud.connect())


async def _in_clusters() -> list[Row]:
    wanted = await _wanted()
    return await own_clusters.rights(await Cloud.connect(), wanted)
