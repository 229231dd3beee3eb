"""What the steps of a recovery do with one workload or ServiceAccount: read how it stands, then act."""

from responders import evictions, moves, rollouts, service_accounts, standing
from responders.kube import Kube
from responders.model import ServiceAccountRef, StepResult, WorkloadRef

OLD_ID = "00000000-0000-4000-8000-000000000000"
NEW_ID = "11111111-1111-4111-8111-111111111111"


async def stop(kube: Kube, ref: WorkloadRef, incident_id: str) -> StepResult:
    return await evictions.stop(kube, ref, await standing.read(kube, [ref]), incident_id)


async def is_stopped(kube: Kube, ref: WorkloadRef) -> StepResult:
    return evictions.is_stopped(ref, await standing.read(kube, [ref], pods=True))


async def move(
    kube: Kube, ref: WorkloadRef, account: str, incident_id: str, *, old_id: str = OLD_ID
) -> StepResult:
    now = await standing.read(kube, [ref])
    return await moves.move(kube, ref, now, moves.Move(account, old_id, NEW_ID, incident_id))


async def is_healthy(kube: Kube, ref: WorkloadRef, account: str, client_id: str) -> StepResult:
    now = await standing.read(kube, [ref], pods=True)
    return rollouts.is_healthy(ref, now, account, client_id)


async def ensure_successor(
    kube: Kube, ref: ServiceAccountRef, name: str, client_id: str, incident_id: str
) -> StepResult:
    known = await service_accounts.read(kube, [ref])
    to = service_accounts.Successor(name, client_id, incident_id)
    old = known.get((ref["namespace"], ref["name"]))
    return await service_accounts.ensure_successor(kube, ref, old, to)


async def retire(
    kube: Kube, ref: ServiceAccountRef, replaced_by: str, incident_id: str
) -> StepResult:
    known = (await service_accounts.read(kube, [ref])).get((ref["namespace"], ref["name"]))
    return await service_accounts.retire(kube, ref, known, replaced_by, incident_id)
