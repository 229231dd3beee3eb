"""Responder: a comment on an incident of Microsoft Sentinel.

Stops    nothing
Leaves   one comment per notice: the same notice again writes over its own
Undo     delete the comment by hand
Needs    NEEDS, below
Source   https://learn.microsoft.com/rest/api/securityinsights/incident-comments/create-or-update
"""

from typing import Final

from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, RefusedError
from responders.model import StepResult
from responders.needs import AzureNeed, Needs
from responders.read_only import telling_people

API_VERSION = "2025-09-01"
# https://learn.microsoft.com/azure/sentinel/sentinel-service-limits#incident-limits
MOST_CHARACTERS = 30_000
NEEDS: Final = Needs(
    azure=(
        AzureNeed(
            "Microsoft.SecurityInsights/incidents/comments/write",
            "comment on the Sentinel incident that a signal came from",
            scope="sentinel",
            only_with="notices.sentinel_comments",
        ),
    ),
)


async def put(cloud: Cloud, incident: str, comment_id: str, message: str) -> StepResult:
    """Write the comment. `incident` is an ARM id that was checked where it came in.

    Raises `RefusedError` where the incident is gone or the role is missing.
    """
    path = f"{incident}/comments/{comment_id}"
    try:
        with telling_people():
            written = await cloud.arm.put(path, API_VERSION, {"properties": {"message": message}})
    except NotFoundError as gone:
        raise RefusedError(f"the Sentinel incident is not there (any more): {gone}") from gone
    match written:
        case {"properties": {"message": str(kept)}} if kept == message:
            return {"status": "done", "detail": "the Sentinel incident has the comment"}
        case _:
            raise ContractChangedError(f"{path} was accepted, and its answer has another message")
