"""Identity protection of workloads: risky service principals and what was detected of them.

Simulates   /identityProtection/riskyServicePrincipals with history, confirmCompromised, dismiss;
            /identityProtection/servicePrincipalRiskDetections
Faithful    a licence is needed for all of it; one request a second for the whole tenant, 429 without Retry-After (see
            `throttling.py`); at most 60 principals in a call; later enumeration members only to who prefers them
Left out    detections of its own making; conditional access that acts on the risk. What is
            answered for a managed identity, which is out of scope, and without the licence is not documented: here 400,
            and what the user risk API says without its licence
Source      https://learn.microsoft.com/graph/api/riskyserviceprincipal-confirmcompromised
            https://learn.microsoft.com/graph/api/riskyserviceprincipal-dismiss
            https://learn.microsoft.com/entra/id-protection/concept-workload-identity-risk
"""

from dataclasses import replace

from sandbox.graph import audit, bodies, directory_permissions, queries, risk
from sandbox.graph.errors import GraphError, malformed, not_found
from sandbox.graph.exchange import Handler, Reply, Request, Route
from sandbox.graph.risk_schema import HISTORY_ITEM, RISK_DETECTION, RISKY_SERVICE_PRINCIPAL
from sandbox.world import Json

_MOST = 60


def list_risky(request: Request) -> Reply:
    """200 a page; 400; 403."""
    directory_permissions.read_risk(request)
    shelf = request.world.directory.risky_service_principals
    return queries.listed(
        request,
        RISKY_SERVICE_PRINCIPAL,
        lambda _: [_shown(request, each) for each in shelf.values()],
        expand=_expand,
    )


def get_risky(request: Request) -> Reply:
    """200 it; 403; 404 never was at risk."""
    directory_permissions.read_risk(request)
    return queries.one(
        request, RISKY_SERVICE_PRINCIPAL, _shown(request, _find(request)), expand=_expand
    )


def list_history(request: Request) -> Reply:
    """200 a page, oldest first; 403; 404 never was at risk."""
    directory_permissions.read_risk(request)
    found = _history(request, _find(request))
    return queries.listed(request, HISTORY_ITEM, lambda _: found)


def confirm(request: Request) -> Reply:
    """204 all are compromised; 400 more than 60, none, or a managed identity; 403; 404."""
    return _judge(request, risk.CONFIRMED, "ConfirmServicePrincipalCompromised")


def dismiss(request: Request) -> Reply:
    """204 none has a risk; 400 more than 60, none, or a managed identity; 403; 404."""
    return _judge(request, risk.DISMISSED, "DismissServicePrincipal")


def list_detections(request: Request) -> Reply:
    """200 a page; 400; 403."""
    directory_permissions.read_detections(request)
    shelf = request.world.directory.risk_detections
    return queries.listed(
        request, RISK_DETECTION, lambda _: [_shown(request, each) for each in shelf.values()]
    )


def get_detection(request: Request) -> Reply:
    """200 it; 403; 404."""
    directory_permissions.read_detections(request)
    found = request.world.directory.risk_detections.get(request.params["key"])
    if found is None:
        raise not_found(request.params["key"])
    return queries.one(request, RISK_DETECTION, _shown(request, found))


def _judge(request: Request, verdict: risk.Verdict, operation: str) -> Reply:
    directory_permissions.write_risk(request)
    parameters = bodies.read_parameters(request, {"servicePrincipalIds": "str[]"})
    ids = parameters.get("servicePrincipalIds") or []
    if not 1 <= len(ids) <= _MOST:
        raise malformed(f"Between 1 and {_MOST} service principal ids must be specified.")
    principals = [_principal(request, each) for each in ids]
    by = replace(verdict, initiated_by=request.caller.object_id)
    for principal in principals:
        risk.judge(request.world, principal, by)
        audit.record(request, operation, principal)
    return Reply(204)


def _principal(request: Request, object_id: str) -> Json:
    found = request.world.directory.service_principals.get(object_id.lower())
    if found is None:
        raise not_found(object_id)
    if found["servicePrincipalType"] == "ManagedIdentity":
        raise malformed(f"Risk of the managed identity '{object_id}' isn't in scope.")
    return found


def _find(request: Request) -> Json:
    key = request.params["key"].lower()
    found = request.world.directory.risky_service_principals.get(key)
    if found is None:
        raise not_found(key)
    return found


def _expand(request: Request, risky: Json, name: str) -> list[Json]:
    del name
    return _history(request, risky)


def _history(request: Request, risky: Json) -> list[Json]:
    found = request.world.directory.risk_history.get(risky["id"], [])
    return [_shown(request, each) for each in found]


def _shown(request: Request, item: Json) -> Json:
    return risk.named_for(request.headers.get("prefer", ""), item)


def _licensed(handler: Handler) -> Handler:
    def guarded(request: Request) -> Reply:
        """403 without Workload ID Premium; else what the handler says."""
        if not request.world.directory.workload_id_premium:
            raise GraphError(403, "Forbidden", "Your tenant is not licensed for this feature.")
        return handler(request)

    return guarded


_RISKY = "/identityProtection/riskyServicePrincipals"
_DETECTIONS = "/identityProtection/servicePrincipalRiskDetections"
ROUTES = [
    Route(method, path, _licensed(handler))
    for method, path, handler in (
        ("GET", _RISKY, list_risky),
        ("POST", f"{_RISKY}/confirmCompromised", confirm),
        ("POST", f"{_RISKY}/dismiss", dismiss),
        ("GET", f"{_RISKY}/{{key}}", get_risky),
        ("GET", f"{_RISKY}/{{key}}/history", list_history),
        ("GET", _DETECTIONS, list_detections),
        ("GET", f"{_DETECTIONS}/{{key}}", get_detection),
    )
]
