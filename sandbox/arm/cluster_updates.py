"""Switching features of an AKS cluster on.

Simulates   PUT Microsoft.ContainerService/managedClusters/{name} (2026-08-01): the OIDC issuer and workload identity
Faithful    the whole resource is put; If-Match is compared with its eTag; a long-running operation; what AKS sets
            itself is passed over; the issuer can't be switched off again; the webhook comes with workload identity
Left out    creating a cluster, and changing anything else: refused, so that nobody takes it for done
Source      https://learn.microsoft.com/rest/api/aks/managed-clusters/create-or-update
            https://learn.microsoft.com/azure/aks/use-oidc-issuer
            https://learn.microsoft.com/azure/aks/workload-identity-deploy-cluster
"""

import json
from hashlib import sha256
from typing import Any

from starlette.responses import JSONResponse, Response

from sandbox.arm import cluster_actions, locks, operations, resources
from sandbox.arm.errors import ArmError
from sandbox.arm.gate import authorize
from sandbox.kubernetes import switches
from sandbox.web import Call, Route
from sandbox.world import Json, World

_TYPE = "Microsoft.ContainerService/managedClusters"
_CLUSTER = f"/subscriptions/{{subscription}}/resourceGroups/{{group}}/providers/{_TYPE}/{{name}}"
_TOP = ("location", "tags", "sku", "identity", "kind", "extendedLocation")
# What AKS sets itself: in a request it is passed over.
_READ_ONLY = ("provisioningState", "powerState", "currentKubernetesVersion", "fqdn", "privateFQDN")
_SWITCHES = ("oidcIssuerProfile", "securityProfile")


def etag_of(cluster: Json) -> str:
    """Changes with anything in it that can be set."""
    kept = {name: value for name, value in cluster.items() if name != "eTag"}
    kept["properties"] = _settable(cluster)
    return sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


async def put(world: World, call: Call) -> Response:
    """200 under way or nothing to change, 400, 403, 404 nothing is created, 409 busy or locked, 412 changed since."""
    authorize(world, call, f"{_TYPE}/write", call.path)
    found = resources.require(world, call.path)
    locks.refuse_if_locked(world, call.path, verb="write")
    condition = call.headers.get("if-match", "").strip('"')
    if condition and condition not in ("*", etag_of(found)):
        raise ArmError(
            412, "PreconditionFailed", "The resource has been modified since it was read."
        )
    body = _body(call)
    _refuse_other_changes(found, body)
    issuer, workload = _wanted(found, body)
    if (issuer, workload) == _now(found):
        return JSONResponse({**found, "eTag": etag_of(found)})
    inside = cluster_actions.inside_of(world, found)

    def finish() -> None:
        switches.set_workload_identity(inside, issuer=issuer, webhook=workload)

    begun = operations.begin(world, call, found, "Updating", finish)
    where = {"Azure-AsyncOperation": begun.headers["Azure-AsyncOperation"]}
    now = resources.require(world, call.path)
    return JSONResponse({**now, "eTag": etag_of(now)}, headers=where)


def _body(call: Call) -> Json:
    try:
        body = call.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("properties"), dict):
        raise ArmError(
            400, "InvalidRequestContent", "The request content is not a managed cluster."
        )
    return body


def _settable(cluster: Json) -> Json:
    return {name: value for name, value in cluster["properties"].items() if name not in _READ_ONLY}


def _refuse_other_changes(found: Json, body: Json) -> None:
    """A property that is left out would be reset by AKS: so it has to be there, as it was."""
    pairs: list[tuple[str, Any, Any]] = [
        (name, found.get(name), body.get(name)) for name in _TOP if name in found or name in body
    ]
    properties = {
        name: value for name, value in body["properties"].items() if name not in _READ_ONLY
    }
    current = _settable(found)
    pairs += [
        (f"properties.{name}", current.get(name), properties.get(name))
        for name in sorted({*current, *properties} - {*_SWITCHES})
    ]
    for name, old, new in pairs:
        if not _is_within(new, old):
            raise ArmError(
                400,
                "NotSimulated",
                f"Changing '{name}' is left out here: {old!r:.80} -> {new!r:.80}",
            )


def _is_within(new: Any, old: Any) -> bool:
    """Whether every value that is sent is the one that is there; what only AKS writes may be missing within objects."""
    if isinstance(new, dict) and isinstance(old, dict):
        return all(name in old and _is_within(value, old[name]) for name, value in new.items())
    if isinstance(new, list) and isinstance(old, list):
        return len(new) == len(old) and all(map(_is_within, new, old))
    return bool(new == old) or (new is None and old in ({}, []))


def _now(cluster: Json) -> tuple[bool, bool]:
    properties = cluster["properties"]
    issuer = bool((properties.get("oidcIssuerProfile") or {}).get("enabled"))
    security = properties.get("securityProfile") or {}
    return issuer, bool((security.get("workloadIdentity") or {}).get("enabled"))


def _wanted(found: Json, body: Json) -> tuple[bool, bool]:
    issuer, workload = _now(body)
    if _now(found)[0] and not issuer:
        raise ArmError(
            400,
            "OIDCIssuerFeatureCannotBeDisabled",
            "The OIDC issuer can't be disabled once it is enabled.",
        )
    if workload and not issuer:
        raise ArmError(
            400, "InvalidParameter", "Workload identity requires the OIDC issuer to be enabled."
        )
    return issuer, workload


ROUTES = [Route("PUT", _CLUSTER, put)]
