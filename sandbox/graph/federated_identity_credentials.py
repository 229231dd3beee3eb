"""Federated identity credentials of an application: who outside is believed to be it.

Simulates   /applications/{id}/federatedIdentityCredentials, in v1.0 and beta
Faithful    at most 20; name of 3 to 120 URL-friendly characters, unique and immutable; issuer and subject
            unique together and to the letter; exactly one audience; addressed by id or name; PATCH by name
            upserts with `Prefer: create-if-missing`. What is written here is not yet known to the token
            endpoint: see `Delays.federation`
            Flexible ones are made in beta; v1.0 shows them with `subject` null and without their expression
Source      https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
            https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from sandbox.graph import audit, bodies, directory, permissions, queries
from sandbox.graph import federated_identity_rules as rules
from sandbox.graph.errors import not_found, read_only
from sandbox.graph.exchange import BY_NAME, Reply, Request, Route
from sandbox.graph.schema import FEDERATED_CREDENTIAL, FEDERATED_CREDENTIAL_BETA, Resource
from sandbox.graph.shapes import new_id
from sandbox.world import Json, World

_EMPTY: Json = {"description": None, "subject": None, "claimsMatchingExpression": None}


def list_all(request: Request) -> Reply:
    """200 a page; 403; 404 no such application."""
    permissions.read_applications(request)
    application = directory.application(request, request.params["key"])
    return queries.listed(
        request,
        _resource(request),
        lambda _: _seen_by(request, application["id"]),
        context=_context(application),
    )


def count(request: Request) -> Reply:
    """200 a number; 400 without ConsistencyLevel; 403; 404."""
    permissions.read_applications(request)
    application = directory.application(request, request.params["key"])
    found = _seen_by(request, application["id"])
    return queries.counted(request, _resource(request), found, queries.no_relations)


def get(request: Request) -> Reply:
    """200 it; 403; 404 no such application or credential."""
    permissions.read_applications(request)
    application, credential = _both(request)
    context = f"{_context(application)}/$entity"
    return queries.one(request, _resource(request), credential, context=context)


def create(request: Request) -> Reply:
    """201 it; 400 a value is wrong, or issuer and subject are taken; 403; 404; 409 the name is taken."""
    application = directory.application(request, request.params["key"])
    permissions.update(request, application["id"])
    wanted = bodies.read(request, _resource(request))
    return _add(request, application, wanted)


def update(request: Request) -> Reply:
    """204 changed, 201 created by upsert; 400; 403; 404."""
    application = directory.application(request, request.params["key"])
    permissions.update(request, application["id"])
    wanted = bodies.read(request, _resource(request))
    key = request.params["credential"]
    found = _find(request.world, application["id"], key)
    if found is None:
        if not (key.startswith(BY_NAME) and _upserts(request)):
            raise not_found(key.removeprefix(BY_NAME))
        return _add(request, application, {**wanted, "name": key.removeprefix(BY_NAME)})
    if wanted.get("name", found["name"]) != found["name"]:
        raise read_only("name")
    changed = {**found, **wanted}
    rules.check(changed, of_application(request.world, application["id"]))
    _write(request, application, changed)
    return Reply(204)


def delete(request: Request) -> Reply:
    """204 gone; 403; 404 was not there."""
    application = directory.application(request, request.params["key"])
    permissions.update(request, application["id"])
    _, credential = _both(request)
    world = request.world
    before = of_application(world, application["id"])
    world.directory.federated_credentials.remove(credential["id"])
    _audit(request, application, before)
    return Reply(204)


def of_application(world: World, application_id: str) -> list[Json]:
    """All credentials of an application, as beta shows them."""
    return [
        _public(each, FEDERATED_CREDENTIAL_BETA)
        for each in world.directory.federated_credentials.values_by("application", application_id)
    ]


def expanded(world: World, application_id: str) -> list[Json]:
    """The same, as `$expand` of v1.0 shows them."""
    found = of_application(world, application_id)
    return [_public(each, FEDERATED_CREDENTIAL) for each in found]


def purge(world: World, application_id: str) -> None:
    """The application is gone for good, and they with it."""
    for each in of_application(world, application_id):
        world.directory.federated_credentials.remove(each["id"])


def _add(request: Request, application: Json, wanted: Json) -> Reply:
    credential = {"id": new_id(), **_EMPTY, **wanted}
    others = of_application(request.world, application["id"])
    rules.check(credential, others)
    _write(request, application, credential)
    shown = _public(credential, _resource(request))
    context = f"{request.root}/$metadata#{_context(application)}/$entity"
    return Reply(201, {"@odata.context": context, **shown})


def _write(request: Request, application: Json, credential: Json) -> None:
    world = request.world
    before = of_application(world, application["id"])
    world.directory.federated_credentials.put(
        credential["id"], {**credential, "applicationId": application["id"]}
    )
    _audit(request, application, before)


def _audit(request: Request, application: Json, before: list[Json]) -> None:
    """The whole list before and after, as the audit log shows it."""
    after = of_application(request.world, application["id"])
    change = audit.modified("FederatedIdentityCredentials", _logged(before), _logged(after))
    audit.record(request, "Update application", application, [change])


def _logged(credentials: list[Json]) -> list[Json]:
    return [{name[0].upper() + name[1:]: each[name] for name in each} for each in credentials]


def _upserts(request: Request) -> bool:
    return "create-if-missing" in request.headers.get("prefer", "").lower()


def _both(request: Request) -> tuple[Json, Json]:
    application = directory.application(request, request.params["key"])
    found = _named(_seen_by(request, application["id"]), request.params["credential"])
    if found is None:
        raise not_found(request.params["credential"].removeprefix(BY_NAME))
    return application, found


def _seen_by(request: Request, application_id: str) -> list[Json]:
    shelf = request.world.directory.federated_credentials
    seen = directory.seen_by(
        request, shelf, lambda each: bool(each["applicationId"] == application_id)
    )
    return [_public(each, FEDERATED_CREDENTIAL_BETA) for each in seen]


def _find(world: World, application_id: str, key: str) -> Json | None:
    return _named(of_application(world, application_id), key)


def _named(credentials: list[Json], key: str) -> Json | None:
    """By id, or by name: both work as the last segment too."""
    name = key.removeprefix(BY_NAME)
    for each in credentials:
        if name in (each["id"], each["name"]):
            return each
    return None


def _public(credential: Json, resource: Resource) -> Json:
    return {name: credential.get(name) for name in resource.properties}


def _resource(request: Request) -> Resource:
    return FEDERATED_CREDENTIAL_BETA if request.version == "beta" else FEDERATED_CREDENTIAL


def _context(application: Json) -> str:
    return f"applications('{application['id']}')/federatedIdentityCredentials"


_COLLECTION = "/applications/{key}/federatedIdentityCredentials"
ROUTES = [
    Route("GET", _COLLECTION, list_all),
    Route("POST", _COLLECTION, create),
    Route("GET", f"{_COLLECTION}/$count", count),
    Route("GET", f"{_COLLECTION}/{{credential}}", get),
    Route("PATCH", f"{_COLLECTION}/{{credential}}", update),
    Route("DELETE", f"{_COLLECTION}/{{credential}}", delete),
]
