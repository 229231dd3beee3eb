"""One principal of a tenant, read into an export. Nothing is written anywhere: the transport refuses it."""

import asyncio
from datetime import UTC, datetime

from playbooks.policy import Policy
from responders import principals
from responders.cloud import Cloud
from responders.model import Hint
from responders.read_only import read_only
from twin import planning, reading_azure, reading_clusters, reading_directory, review
from twin.document import Drawn, Export, Log, Principal, Review
from twin.planning import Planned
from twin.wire import cut


async def take(cloud: Cloud, hint: Hint, policy: Policy, *, pseudonymous: bool = False) -> Export:
    """Read and plan. Raises an error of `responders.errors` where the plan's own parts could not be read."""
    with read_only():
        principal = await principals.resolve(cloud, hint)
        incident = planning.incident_about(principal, policy, datetime.now(UTC))
        planned = await planning.draw(cloud, incident, policy, pseudonymous=pseudonymous)
        export = await _read(cloud, planned)
    export.review = review.of(export, pseudonyms=pseudonymous)
    return planned.names.within_export(export)


async def _read(cloud: Cloud, planned: Planned) -> Export:
    incident, snapshot = planned.incident, planned.snapshot
    principal = incident["principal"]
    gaps = [f"{part}: {why}" for part, why in snapshot["unread"].items()]
    gaps += [
        f"log {name}: {gap}"
        for name, log in planned.logs.items()
        if not log["complete"]  # that the last minutes may arrive late is so of every log
        for gap in log["gaps"]
    ]
    used = [one["cluster"]["resource_id"] for one in planned.surveys if one["service_accounts"]]
    directory, azure, clusters = await asyncio.gather(
        reading_directory.read(cloud, principal, gaps),
        reading_azure.read(cloud, principal, snapshot, used, gaps),
        asyncio.gather(
            *(reading_clusters.read(cloud, principal, one, gaps) for one in planned.surveys)
        ),
    )
    return Export(
        schema_version=1,
        exported_at=incident["opened_at"],
        tenant_id=principal["tenant_id"],
        principal=cut(Principal, principal),
        drawn=cut(Drawn, incident),
        directory=directory,
        azure=azure,
        clusters=sorted(clusters, key=lambda one: one.resource.id.lower()),
        logs={name: Log.model_validate(one) for name, one in planned.logs.items()},
        plan=dict(planned.plan) if planned.plan is not None else None,
        graph=dict(planned.graph),
        not_rebuilt=planned.not_rebuilt,
        gaps=list(dict.fromkeys(gaps)),
        review=Review(contains=[], never=[], pseudonyms=False),
    )
