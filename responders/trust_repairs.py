"""Responder: let a federated credential say what the workload's token says, where it was meant to.

Stops    nothing
Leaves   every other trust; some minutes in which the token endpoint still goes by the old one
Undo     `mend` with before and after changed about
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/federatedidentitycredential-update
         https://learn.microsoft.com/rest/api/managedidentity/federated-identity-credentials/create-or-update

What may be mended is for the caller to judge: this changes exactly the trust that was looked at, or none.
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import identity_trusts, trusts
from responders.cloud import Cloud
from responders.errors import RefusedError
from responders.model import Change, FederatedCredential, Json, Principal, StepResult
from responders.needs import TRUSTS, AzureNeed, GraphNeed, Needs
from responders.patience import until_it_reads_back
from responders.read_only import is_read_only
from responders.settings import checked_guid

_PARTS = ("issuer", "subject", "audiences")
NEEDS: Final = Needs(
    graph=(GraphNeed("Application.ReadWrite.All", "mend a trust of an application", ("_write",)),),
    azure=(AzureNeed(f"{TRUSTS}/write", "mend a trust of a managed identity", ("_write",)),),
)


async def mend(
    cloud: Cloud, principal: Principal, before: FederatedCredential, after: FederatedCredential
) -> StepResult:
    """Read, compare, change, read back. Safe to repeat.

    Raises `RefusedError` where it is not the trust any more that was looked at, or where another one says the same.
    """
    holder, name = trusts.holder_of(principal), before["name"]
    existing = {one["name"]: one for one in await trusts.read(cloud, holder)}
    what = f"federated credential {name} of {principal['app_id']}"
    found = existing.get(name)
    change: Change = {"object": what, "before": said(before), "after": said(after)}
    if found is not None and _is_same(found, after):
        return {"status": "nothing_to_do", "detail": f"{what} says {said(after)} already"}
    if found is None or not _is_same(found, before):
        now = "is gone" if found is None else f"says {said(found)} by now"
        raise RefusedError(f"{what} {now}: somebody changed it since it was looked at")
    twins = [one["name"] for one in existing.values() if one["name"] != name and _twins(one, after)]
    if twins:
        raise RefusedError(f"{what}: {twins[0]} has this issuer and subject already")
    if is_read_only():
        return {"status": "planned", "detail": f"{what} -> {said(after)}", "changes": [change]}

    async def holds() -> bool:
        now = {one["name"]: one for one in await trusts.read(cloud, holder)}
        return name in now and _is_same(now[name], after)

    with bound_contextvars(responder="trust_repairs.mend", target=what):
        await until_it_reads_back(lambda: _write(cloud, principal, found, after), holds, what)
    item: Json = {"before": dict(before), "after": dict(after)}
    return {
        "status": "done",
        "detail": f"{what} says {said(after)}",
        "changes": [change],
        "items": [item],
    }


def said(one: FederatedCredential) -> str:
    """The trust in a line."""
    return f"{one['issuer']} {one['subject']} {', '.join(one['audiences'])}"


async def _write(
    cloud: Cloud, principal: Principal, found: FederatedCredential, after: FederatedCredential
) -> None:
    properties: Json = {part: after[part] for part in _PARTS}  # type: ignore[literal-required]
    if principal["kind"] == "user_assigned_identity":
        at = f"{principal['resource_id']}/federatedIdentityCredentials/{found['name']}"
        await cloud.arm.put(at, identity_trusts.API_VERSION, {"properties": properties})
        return
    application = checked_guid(principal["application_object_id"] or "", "application object id")
    key = checked_guid(found["id"], "credential id")
    at = f"/applications/{application}/federatedIdentityCredentials/{key}"
    await cloud.graph.patch(at, properties)


def _is_same(one: FederatedCredential, other: FederatedCredential) -> bool:
    return all(one[part] == other[part] for part in _PARTS)  # type: ignore[literal-required]


def _twins(one: FederatedCredential, other: FederatedCredential) -> bool:
    return (one["issuer"], one["subject"]) == (other["issuer"], other["subject"])
