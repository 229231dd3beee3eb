"""`serviceaccounts/token`: a client asks for a token of a ServiceAccount.

Source   https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/
"""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.kubernetes import service_account_tokens
from sandbox.kubernetes.field_problems import FieldProblem, invalid_value
from sandbox.kubernetes.kind import Kind
from sandbox.kubernetes.kinds import stored
from sandbox.kubernetes.names import timestamp
from sandbox.kubernetes.statuses import StatusError, bad_request, invalid, not_found
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

KIND = Kind("authentication.k8s.io", "tokenrequests", "TokenRequest")
_DEFAULT_S = 3600
_SHORTEST_S = 600
_LONGEST_S = 1 << 32
# AKS caps tokens at 24 hours, and does not extend the kubelet's own ones to a year as a plain API
# server does. https://learn.microsoft.com/azure/aks/use-oidc-issuer
_CAP_S = 86400


def answer(cluster: "Cluster", namespace: str, name: str, asked: Json) -> tuple[Json, list[str]]:
    """The TokenRequest with its token, and warnings. Raises `StatusError` 400, 404, 409, 422."""
    accounts = stored("serviceaccounts")
    account = cluster.store.get(accounts, namespace, name)
    if account is None:
        raise not_found(accounts, name)
    spec = dict(asked.get("spec") or {})
    audiences = spec.get("audiences") or [cluster.issuer.url]
    seconds = spec.get("expirationSeconds", _DEFAULT_S)
    if problems := _problems(seconds, asked.get("metadata") or {}, name):
        raise invalid(KIND, "", problems)
    pod = _bound_pod(cluster, namespace, name, spec.get("boundObjectRef"))
    warnings = []
    if seconds > _CAP_S:
        warnings = [f"requested expiration of {seconds} seconds shortened to {_CAP_S} seconds"]
        seconds = _CAP_S
    token, expires = service_account_tokens.mint(
        cluster, account, audiences=audiences, seconds=seconds, pod=pod
    )
    issued = {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": account["metadata"]["uid"],
            "creationTimestamp": timestamp(cluster.now()),
        },
        "spec": {
            "audiences": audiences,
            "expirationSeconds": seconds,
            "boundObjectRef": spec.get("boundObjectRef"),
        },
        "status": {
            "token": token,
            "expirationTimestamp": timestamp(datetime.fromtimestamp(expires, tz=UTC)),
        },
    }
    return issued, warnings


def _problems(seconds: int, about: Json, name: str) -> list[FieldProblem]:
    path = "spec.expirationSeconds"
    found = []
    if seconds < _SHORTEST_S:
        text = "may not specify a duration less than 10 minutes"
        found.append(invalid_value(path, seconds, text))
    if seconds > _LONGEST_S:
        text = "may not specify a duration larger than 2^32 seconds"
        found.append(FieldProblem("FieldValueTooLong", path, f"Too long: {text}"))
    if about.get("name") and about["name"] != name:
        text = "must match the service account name if specified"
        found.append(invalid_value("metadata.name", about["name"], text))
    return found


def _bound_pod(
    cluster: "Cluster", namespace: str, account: str, reference: Json | None
) -> Json | None:
    if reference is None:
        return None
    kind = reference.get("kind")
    if kind != "Pod" or reference.get("apiVersion") not in (None, "v1"):
        raise bad_request(f"cannot bind token for serviceaccount to object of type {kind!s}")
    pods = stored("pods")
    name = reference.get("name", "")
    pod = cluster.store.get(pods, namespace, name)
    if pod is None:
        raise not_found(pods, name)
    if pod["spec"].get("serviceAccountName") != account:
        other = pod["spec"].get("serviceAccountName")
        raise bad_request(
            f'cannot bind token for serviceaccount "{account}" to pod running with different '
            f'serviceaccount name "{other}"'
        )
    uid, found = reference.get("uid"), pod["metadata"]["uid"]
    if uid and uid != found:
        message = (
            f'Operation cannot be fulfilled on Pod "{name}": the UID in the bound object reference '
            f"({uid}) does not match the UID in record. The object might have been deleted and "
            "then recreated"
        )
        details = {"name": name, "kind": "Pod"}
        raise StatusError(409, "Conflict", message, details=details)
    return pod
