"""An activity log event as a row of the AzureActivity table.

Faithful    operation names in capitals and other words for a status than the REST API has, as the
            diagnostic settings export them: compare without case
Left out    the deprecated columns OperationName, ActivityStatus, ActivitySubstatus, Category,
            ResourceProvider and Resource stay empty
Source      https://learn.microsoft.com/azure/azure-monitor/reference/tables/azureactivity
            https://learn.microsoft.com/azure/azure-monitor/platform/activity-log-schema
"""

import json

from sandbox.world import Json, World

_STATUS = {"Started": "Start", "Succeeded": "Success", "Failed": "Failure"}


def add(world: World, event: Json) -> None:
    """Put the row on its way into the table."""
    authorization = event["authorization"]
    properties = {
        "entity": event["resourceId"],
        "message": event["operationName"]["value"],
        "hierarchy": f"{world.tenant_id}/{event['subscriptionId']}",
        **event["properties"],
    }
    row = {
        "TimeGenerated": event["eventTimestamp"],
        "OperationNameValue": event["operationName"]["value"].upper(),
        "ActivityStatusValue": _STATUS[event["status"]["value"]],
        "ActivitySubstatusValue": event["subStatus"]["value"],
        "Authorization": json.dumps(authorization),
        "Authorization_d": authorization,
        "Caller": event["caller"],
        "CallerIpAddress": event["httpRequest"]["clientIpAddress"],
        "CategoryValue": event["category"]["value"],
        "Claims": json.dumps(event["claims"]),
        "Claims_d": event["claims"],
        "CorrelationId": event["correlationId"],
        "EventDataId": event["eventDataId"],
        "EventSubmissionTimestamp": event["submissionTimestamp"],
        "Hierarchy": properties["hierarchy"],
        "HTTPRequest": json.dumps(event["httpRequest"]),
        "Level": event["level"],
        "OperationId": event["operationId"],
        "Properties": json.dumps(properties),
        "Properties_d": properties,
        "ResourceGroup": event["resourceGroupName"].upper(),
        "ResourceProviderValue": event["resourceProviderName"]["value"].upper(),
        "SubscriptionId": event["subscriptionId"],
        "_ResourceId": event["resourceId"].lower(),
        "_SubscriptionId": event["subscriptionId"],
        "SourceSystem": "Azure",
        "TenantId": world.workspace_id,
        "Type": "AzureActivity",
    }
    world.logs.add("AzureActivity", row, delay_s=world.delays.ingestion)
