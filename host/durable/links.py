"""The URLs with which people steer an instance, and the JSON that a durable client is built from.

The URLs carry the system key: who has one may terminate the instance.
"""

import json
from dataclasses import dataclass

ROOT = "/runtime/webhooks/durabletask"
_PLACEHOLDER = "INSTANCEID"


@dataclass(frozen=True, slots=True)
class Links:
    """How links are made for this host."""

    hub_name: str
    system_key: str

    def management(self, origin: str, instance_id: str) -> dict[str, str]:
        """An instance's URLs, under the names that the SDKs use."""
        base = f"{origin}{ROOT}/instances/{instance_id}"
        query = f"taskHub={self.hub_name}&connection=Storage&code={self.system_key}"
        return {
            "id": instance_id,
            "statusQueryGetUri": f"{base}?{query}",
            "sendEventPostUri": f"{base}/raiseEvent/{{eventName}}?{query}",
            "terminatePostUri": f"{base}/terminate?reason={{text}}&{query}",
            "rewindPostUri": f"{base}/rewind?reason={{text}}&{query}",
            "purgeHistoryDeleteUri": f"{base}?{query}",
            "restartPostUri": f"{base}/restart?{query}",
            "suspendPostUri": f"{base}/suspend?reason={{text}}&{query}",
            "resumePostUri": f"{base}/resume?reason={{text}}&{query}",
        }

    def client_binding(self, origin: str, rpc_url: str) -> str:
        """What the extension passes to a `durableClient` parameter."""
        query = f"taskHub={self.hub_name}&connection=Storage&code={self.system_key}"
        start = (
            f"{origin}{ROOT}/orchestrators/{{functionName}}[/{{instanceId}}]?code={self.system_key}"
        )
        return json.dumps(
            {
                "taskHubName": self.hub_name,
                "creationUrls": {
                    "createNewInstancePostUri": start,
                    "createAndWaitOnNewInstancePostUri": start,
                },
                "managementUrls": self.management(origin, _PLACEHOLDER),
                "baseUrl": f"{origin}{ROOT}",
                "requiredQueryStringParameters": query,
                "rpcBaseUrl": rpc_url,
            }
        )
