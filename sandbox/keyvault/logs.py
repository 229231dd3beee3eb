"""Rows of AZKVAuditLogs: who read which secret, and who was refused.

Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/azkvauditlogs
            https://learn.microsoft.com/azure/key-vault/general/logging
"""

from dataclasses import dataclass
from http import HTTPStatus

from sandbox.entra.bearer import Caller
from sandbox.keyvault.decisions import Decision, Wish
from sandbox.keyvault.errors import KeyVaultError
from sandbox.web import Call
from sandbox.world import Json, World, timestamp

# How the log writes a token's claims, beside those that keep their names.
_CLAIMS = {
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "upn": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
}
_KEPT = ("appid", "azp", "xms_mirid", "uti")


@dataclass(slots=True)
class Row:
    """One request on its way: its decision and its failure are filled in as they come."""

    world: World
    call: Call
    vault: Json | None
    caller: Caller | None
    wish: Wish
    request_id: str
    decision: Decision | None = None
    failure: KeyVaultError | None = None

    def record(self, status: int) -> None:
        """Write it down; it can be queried after the ingestion delay. Nobody logs for an unknown vault."""
        if self.vault is None:
            return
        row: Json = {
            "TimeGenerated": timestamp(self.world.clock.now()),
            "TenantId": self.world.workspace_id,
            "Type": "AZKVAuditLogs",
            "SourceSystem": "Azure",
            "_ResourceId": self.vault["id"].lower(),
            "_SubscriptionId": self.world.subscription_id,
            "OperationName": self.wish.operation if self.caller else "Authentication",
            "OperationVersion": self.call.query.get("api-version", ""),
            "CallerIpAddress": self.call.client_ip,
            "ClientInfo": self.call.headers.get("user-agent", ""),
            "CorrelationId": self.request_id,
            "DurationMs": 1,
            "HttpStatusCode": status,
            "Id": self._id(),
            "Identity": self._identity(),
            "RequestUri": self.call.origin + self.call.path,
            "ResultType": "Failed" if self.failure else "Success",
            "ResultSignature": self._signature(status),
            "ResultDescription": self.failure.message if self.failure else "",
            "Tlsversion": "TLS1_3",
            **self._authorization(),
        }
        self.world.logs.add("AZKVAuditLogs", row, delay_s=self.world.delays.ingestion)

    def _id(self) -> str:
        name = self.call.params.get("name")
        base = str(self.vault["properties"]["vaultUri"]) if self.vault else ""
        return f"{base}secrets/{name}" if name else base

    def _identity(self) -> Json:
        claims = self.caller.claims if self.caller else {}
        named = {long: claims[short] for short, long in _CLAIMS.items() if short in claims}
        return {"claim": named | {name: claims[name] for name in _KEPT if name in claims}}

    def _signature(self, status: int) -> str:
        phrase = HTTPStatus(status).phrase.replace(" ", "")
        if self.failure and self.failure.inner:
            return f"{phrase}({self.failure.inner})"
        return phrase

    def _authorization(self) -> Json:
        if self.decision is None:
            return {}
        decision = self.decision
        return {
            "IsRbacAuthorized": decision.by_rbac and decision.allowed,
            "IsAccessPolicyMatch": not decision.by_rbac and decision.allowed,
            "AppliedAssignmentId": decision.assignment["name"] if decision.assignment else "",
            "IsAddressAuthorized": True,
        }
