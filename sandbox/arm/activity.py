"""The activity log: what ARM writes down of every write, delete and action.

Simulates   administrative events, in the REST shape and as rows of the AzureActivity table
Faithful    a start and an end event that share a correlation id; `caller` is a service principal's
            OBJECT id and a user's name; the claims with `uti`; which role assignment let it through
Left out    categories other than Administrative
Source      https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
            https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity
"""

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from sandbox.arm import activity_rows, paths
from sandbox.arm.access import deciding_assignment
from sandbox.arm.definitions import find_role_definition
from sandbox.arm.paths import Target
from sandbox.entra.bearer import Caller
from sandbox.eventgrid import topics
from sandbox.web import Call
from sandbox.world import Json, World, timestamp

_GRANT = "microsoft.authorization/roleassignments/write"
# How Entra's short claim names are written in the log.
_CLAIMS = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
    "idp": "http://schemas.microsoft.com/identity/claims/identityprovider",
    "scp": "http://schemas.microsoft.com/identity/claims/scope",
    "sub": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier",
    "upn": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One write on its way: it will have succeeded or failed."""

    world: World
    caller: Caller
    call: Call
    operation: str
    resource_id: str
    evidence: Json  # which assignment allows it, as known before the write changed anything

    def succeeded(self, status_code: int) -> None:
        """Log the end of a write that was done."""
        topics.publish(self.world, self._record("Succeeded", status_code))

    def failed(self, status_code: int, code: str, message: str) -> None:
        """Log the end of a write that was refused."""
        properties = {"statusCode": _phrase(status_code), "statusMessage": f"{code}: {message}"}
        self._record("Failed", status_code, properties)

    def _record(self, status: str, status_code: int, properties: Json | None = None) -> Json:
        first = self._event("Started", None, self._requested())
        last = self._event(status, status_code, properties)
        for event in (first, last):
            event["operationId"] = event["correlationId"]
            self.world.azure.activity.append(_as_listed(event))
            activity_rows.add(self.world, event)
        return last

    def _requested(self) -> Json | None:
        """Who is to get which role: the one kind of write whose body the log keeps.

        https://learn.microsoft.com/azure/role-based-access-control/change-history-report
        """
        if self.operation.lower() != _GRANT:
            return None
        try:
            wished = self.call.json()["properties"]
        except (ValueError, KeyError, TypeError):
            return None  # refused as a bad request, and logged as such
        if not isinstance(wished, dict):
            return None
        properties = {name[:1].upper() + name[1:]: value for name, value in wished.items()}
        name = self.resource_id.rpartition("/")[2]
        return {"requestbody": json.dumps({"Id": name, "Properties": properties})}

    def _event(self, status: str, status_code: int | None, properties: Json | None = None) -> Json:
        now, event_id = self.world.clock.now(), str(uuid.uuid4())
        arrives = now + timedelta(seconds=self.world.delays.ingestion)
        namespace = paths.parse(self.resource_id).namespace
        ended = status_code is not None
        sub_status = f"{_phrase(status_code)} (HTTP Status Code: {status_code})" if ended else ""
        ticks = int(now.timestamp() * 10_000_000) + 621_355_968_000_000_000  # 100 ns since year 1
        return {
            "authorization": {
                "action": self.operation,
                "scope": self.resource_id,
                "evidence": self.evidence,
            },
            "caller": str(self.caller.claims.get("upn") or self.caller.object_id),
            "claims": _claims(self.caller),
            "correlationId": self.call.headers["x-ms-correlation-request-id"],
            "description": "",
            "eventDataId": event_id,
            "eventName": _localizable("EndRequest" if ended else "BeginRequest"),
            "category": _localizable("Administrative"),
            "httpRequest": self._http_request(),
            "id": f"{self.resource_id}/events/{event_id}/ticks/{ticks}",
            "level": "Error" if status == "Failed" else "Informational",
            "resourceGroupName": paths.resource_group_of(self.resource_id),
            "resourceProviderName": _localizable(namespace),
            "resourceId": self.resource_id,
            "resourceType": _localizable(self.operation.rpartition("/")[0]),
            "operationId": event_id,
            "operationName": _localizable(self.operation),
            "properties": properties or {},
            "status": _localizable(status),
            "subStatus": _localizable(_phrase(status_code) if ended else "", sub_status),
            "eventTimestamp": timestamp(now),
            "submissionTimestamp": timestamp(arrives),
            "subscriptionId": paths.subscription_of(self.resource_id),
            "tenantId": self.world.tenant_id,
        }

    def _http_request(self) -> Json:
        given = self.call.headers.get("x-ms-client-request-id")
        return {
            "clientRequestId": given or str(uuid.uuid4()),
            "clientIpAddress": self.call.client_ip,
            "method": self.call.method,
            "uri": f"{self.call.origin}{self.call.path}",
        }


def begin(world: World, caller: Caller, call: Call, target: Target) -> Attempt:
    """A write that is about to be tried. Tell the returned attempt how it ended."""
    operation = target.operation(call.method)
    resource_id = target.resource_id(call.path)
    evidence = _evidence(world, caller, operation, resource_id)
    return Attempt(world, caller, call, operation, resource_id, evidence)


def _evidence(world: World, caller: Caller, operation: str, resource_id: str) -> Json:
    assignment = deciding_assignment(world, caller.object_id, operation, resource_id)
    if assignment is None:
        return {}
    properties = assignment["properties"]
    definition = find_role_definition(world, properties["roleDefinitionId"])
    return {
        "role": definition["properties"]["roleName"] if definition else "",
        "roleAssignmentScope": properties["scope"],
        "roleAssignmentId": assignment["name"].replace("-", ""),
        "roleDefinitionId": properties["roleDefinitionId"].rsplit("/", 1)[-1].replace("-", ""),
        "principalId": properties["principalId"].replace("-", ""),
        "principalType": properties["principalType"],
    }


def _as_listed(event: Json) -> Json:
    """The REST API's event says under which action and scope, not by which assignment."""
    authorization = event["authorization"]
    listed = {"action": authorization["action"], "scope": authorization["scope"]}
    if role := authorization["evidence"].get("role"):
        listed["role"] = role
    return {**event, "authorization": listed}


def _claims(caller: Caller) -> dict[str, str]:
    return {_CLAIMS.get(name, name): _text(value) for name, value in caller.claims.items()}


def _text(value: object) -> str:
    return ",".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _localizable(value: str, localized: str | None = None) -> dict[str, str]:
    return {"value": value, "localizedValue": value if localized is None else localized}


def _phrase(status_code: int | None) -> str:
    return HTTPStatus(status_code).phrase.replace(" ", "") if status_code else ""
