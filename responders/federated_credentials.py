"""Responder: federated credentials of an application.

Stops    new tokens for every workload, pipeline and attacker that federates into the application
Leaves   tokens already issued; trust that the token endpoint still caches, for a few minutes
Undo     `ensure`, with what `read_all` returned, minus what nobody vouches for
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
"""

from typing import Final

from structlog.contextvars import bound_contextvars

from responders import removals, wanted_trusts
from responders.cloud import Cloud
from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)
from responders.model import FederatedCredential, Json, Principal, StepResult
from responders.needs import GraphNeed, Needs
from responders.patience import rounds
from responders.read_only import is_read_only
from responders.settings import checked_guid
from responders.wanted_trusts import name as _name

NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "trusts of an application"),
        GraphNeed("Application.ReadWrite.All", "remove trusts of an application", ("_delete",)),
        GraphNeed("Application.ReadWrite.All", "add trusts to an application", ("_post",)),
    ),
)


async def read_all(cloud: Cloud, application_object_id: str) -> list[FederatedCredential]:
    """Everything `ensure` needs, so read it in a step of its own before `remove_all`.

    v1.0 shows a flexible one without what it matches; beta tells that, and where it does not, it is said.
    """
    found = await _list(cloud, application_object_id)
    if all(one["subject"] is not None for one in found):
        return found
    return await with_expressions(cloud, application_object_id, found)


async def remove_all(cloud: Cloud, application_object_id: str) -> StepResult:
    """Delete every one, flexible ones too, side by side, and read back until none is left.

    One that is planted meanwhile is deleted too. Safe to repeat: one already gone is gone.
    """

    async def read() -> list[Json]:
        # An expression costs a read, and the snapshot has it: only a plan is worth it.
        found = await (read_all if is_read_only() else _list)(cloud, application_object_id)
        return [dict(one) for one in found]

    return await removals.remove_all(
        removals.Removal(
            what=f"federated credentials of application {application_object_id}",
            read=read,
            remove=lambda one: _delete(cloud, application_object_id, one),
            name=_name,
            before="trusted",
        )
    )


def by_hand(principal: Principal) -> list[str]:
    """What a person would run. An application of another tenant is its owner's to change."""
    if principal["application_object_id"] is None:
        return []
    object_id = checked_guid(principal["application_object_id"], "application object id")
    base = "az ad app federated-credential"
    return [
        f"{base} list --id {object_id}",
        f"{base} delete --id {object_id} --federated-credential-id <id>",
    ]


async def ensure(
    cloud: Cloud,
    application_object_id: str,
    wanted: list[FederatedCredential],
    *,
    only: list[FederatedCredential] | None = None,
) -> StepResult:
    """Create those that are missing, by name, one after the other. Safe to repeat.

    Raises `RefusedError` where a name is taken by another trust, and, with `only`, where anything else than
    these is trusted.
    """
    existing = await _read_new(cloud, application_object_id)
    holder = f"application {application_object_id}"
    missing = wanted_trusts.missing(existing, wanted, holder, only=only)
    if missing and not is_read_only():
        for one in missing:
            await _create(cloud, application_object_id, one)
    return wanted_trusts.answer(wanted, missing)


async def _list(cloud: Cloud, application_object_id: str) -> list[FederatedCredential]:
    return [parse(item) for item in await cloud.graph.list(_collection(application_object_id))]


async def with_expressions(
    cloud: Cloud, application_object_id: str, found: list[FederatedCredential]
) -> list[FederatedCredential]:
    """Flexible ones with what they match, e.g. "claims['sub'] matches 'repo:contoso/*'".

    https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
    """
    expressions: dict[str, Json] = {}
    unread = "beta does not show it"
    try:
        for raw in await cloud.graph.list(_collection(application_object_id), beta=True):
            match raw:
                case {"id": str(key), "claimsMatchingExpression": {"value": str()} as expression}:
                    expressions[key] = expression
    except ResponderError as error:
        unread = str(error)
    completed: list[FederatedCredential] = []
    for one in found:
        if one["id"] in expressions:
            completed.append({**one, "claims_matching_expression": expressions[one["id"]]})
        elif one["subject"] is None:
            completed.append({**one, "expression_unread": unread})
        else:
            completed.append(one)
    return completed


async def _delete(cloud: Cloud, application_object_id: str, one: Json) -> None:
    path = f"{_collection(application_object_id)}/{checked_guid(one['id'], 'credential id')}"
    target = f"{application_object_id}/{one['name']}"
    with bound_contextvars(responder="federated_credentials.remove_all", target=target):
        await cloud.graph.delete(path)


async def _create(cloud: Cloud, application_object_id: str, one: FederatedCredential) -> None:
    """Create and read back. A POST that failed late may have worked, so the list is asked again."""
    last: ResponderError | None = None
    posted = False
    async for count in rounds():
        if count > 1 and await _is_listed(cloud, application_object_id, one):
            return
        if not posted:
            try:
                await _post(cloud, application_object_id, one)
            except (NotFoundError, TransientError, ConflictError) as error:
                last = error  # a new application is not known everywhere at once
                continue
        posted = True
        if await _is_listed(cloud, application_object_id, one):
            return
    what = f"federated credential {one['name']} of application {application_object_id}"
    if posted:
        raise TransientError(f"{what} was created, but is not listed yet")
    if isinstance(last, ConflictError):
        raise RefusedError(f"{what}: another one has its issuer and subject: {last}")
    raise TransientError(f"{what}: {last}")


async def _is_listed(cloud: Cloud, application_object_id: str, one: FederatedCredential) -> bool:
    found = await _read_new(cloud, application_object_id)
    return wanted_trusts.is_there({other["name"]: other for other in found}, one)


async def _read_new(cloud: Cloud, application_object_id: str) -> list[FederatedCredential]:
    try:
        return await read_all(cloud, application_object_id)
    except NotFoundError:
        return []


async def _post(cloud: Cloud, application_object_id: str, one: FederatedCredential) -> None:
    body: Json = {
        "name": one["name"],
        "issuer": one["issuer"],
        "subject": one["subject"],
        "audiences": one["audiences"],
    }
    if one.get("description"):
        body["description"] = one["description"]
    target = f"{application_object_id}/{one['name']}"
    with bound_contextvars(responder="federated_credentials.ensure", target=target):
        await cloud.graph.post(_collection(application_object_id), body)


def _collection(application_object_id: str) -> str:
    checked = checked_guid(application_object_id, "application object id")
    return f"/applications/{checked}/federatedIdentityCredentials"


def parse(item: Json) -> FederatedCredential:
    """One as Graph shows it. Raises `ContractChangedError`."""
    match item:
        case {
            "id": str(credential_id),
            "name": str(name),
            "issuer": str(issuer),
            "audiences": [*audiences],
        }:
            subject = item.get("subject")  # None: a flexible one, matched by an expression
            return {
                "id": credential_id,
                "name": name,
                "issuer": issuer,
                "subject": str(subject) if subject is not None else None,
                "audiences": [str(audience) for audience in audiences],
                "description": item.get("description"),
            }
        case _:
            raise ContractChangedError(f"not a federated credential: {sorted(item)}")
