"""Azure Resource Manager: one front door before every resource provider.

Simulates   https://management.azure.com
Faithful    401 before 429 before 400 before 404 before 403; paths in any case; request and correlation ids;
            every write, done or refused, leaves an activity log event
Left out    deployments
Source      https://learn.microsoft.com/azure/azure-resource-manager/management/overview
"""

import uuid
from dataclasses import replace

from starlette.responses import Response

from sandbox.arm import (
    activity,
    activity_log,
    cluster_actions,
    cluster_updates,
    deny_assignments,
    federated_identity_credentials,
    identity_bindings,
    key_vaults,
    locks,
    managed_clusters,
    management_groups,
    metadata,
    operations,
    paths,
    permissions,
    providers,
    resource_graph,
    resource_groups,
    resources,
    role_assignments,
    role_definitions,
    sentinel_incidents,
    storage_accounts,
    subscriptions,
    throttling,
    token_revocation,
    user_assigned_identities,
    versions,
    virtual_machines,
    web_sites,
    workspaces,
)
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import caller_of
from sandbox.arm.paths import Target
from sandbox.entra.bearer import Caller
from sandbox.web import Call, Router
from sandbox.world import World


async def serve(world: World, call: Call) -> Response:
    """Answer one call, with ARM's headers on whatever the answer is."""
    correlation = call.headers.get("x-ms-correlation-request-id") or str(uuid.uuid4())
    call = replace(
        call,
        path=paths.normal(call.path),
        headers={**call.headers, "x-ms-correlation-request-id": correlation},
    )
    try:
        response = await _answer(world, call)
    except ArmError as error:
        response = error.response()
    response.headers["x-ms-request-id"] = str(uuid.uuid4())
    response.headers["x-ms-correlation-request-id"] = correlation
    response.headers["x-ms-routing-request-id"] = f"SANDBOX:{correlation}"
    asked = call.headers.get("x-ms-return-client-request-id", "").lower()
    if asked == "true" and "x-ms-client-request-id" in call.headers:
        response.headers["x-ms-client-request-id"] = call.headers["x-ms-client-request-id"]
    return response


async def _answer(world: World, call: Call) -> Response:
    if (public := _PUBLIC.find(call)) is not None:
        handler, call = public
        return await handler(world, call)
    caller = caller_of(world, call)
    target = paths.parse(call.path)
    quota = throttling.take(world, caller, call, target)
    try:
        response = await _routed(world, call, caller, target)
    except ArmError as error:
        response = error.response()
    response.headers.update(quota)
    return response


async def _routed(world: World, call: Call, caller: Caller, target: Target) -> Response:
    versions.check(call, target)
    found = _ROUTER.find(call)
    if found is None:
        raise _no_route(call)
    handler, call = found
    # A question to Resource Graph is a POST that changes nothing, and leaves nothing in the activity log.
    if call.method in ("GET", "HEAD") or target.namespace.lower() == "microsoft.resourcegraph":
        return await handler(world, call)
    attempt = activity.begin(world, caller, call, target)
    try:
        response = await handler(world, call)
    except ArmError as error:
        attempt.failed(error.status, error.code, error.message)
        raise
    if response.status_code != 204:  # 204: there was nothing to delete, so nothing happened
        attempt.succeeded(response.status_code)
    return response


def _no_route(call: Call) -> ArmError:
    if methods := _ROUTER.methods(call.path):
        return ArmError(
            405,
            "HttpMethodNotSupported",
            f"The requested resource does not support http method '{call.method}'.",
            headers={"Allow": ", ".join(sorted(methods))},
        )
    return ArmError(404, "NotFound", f"No operation is known at '{call.path}'.")


_PUBLIC = Router(metadata.ROUTES, ignore_case=True)
_ROUTER = Router(
    [
        *subscriptions.ROUTES,
        *resource_groups.ROUTES,
        *resources.ROUTES,
        *providers.ROUTES,
        *managed_clusters.ROUTES,
        *cluster_actions.ROUTES,
        *cluster_updates.ROUTES,
        *identity_bindings.ROUTES,
        *operations.ROUTES,
        *storage_accounts.ROUTES,
        *workspaces.ROUTES,
        *sentinel_incidents.ROUTES,
        *user_assigned_identities.ROUTES,
        *federated_identity_credentials.ROUTES,
        *token_revocation.ROUTES,
        *virtual_machines.ROUTES,
        *web_sites.ROUTES,
        *activity_log.ROUTES,
        *management_groups.ROUTES,
        *key_vaults.ROUTES,
        *resource_graph.ROUTES,
        *role_assignments.ROUTES,
        *role_definitions.ROUTES,
        *deny_assignments.ROUTES,
        *permissions.ROUTES,
        *locks.ROUTES,
    ],
    ignore_case=True,
)
