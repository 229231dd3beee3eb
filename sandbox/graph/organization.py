"""The tenant itself.

Simulates   /organization: list, get
Source      https://learn.microsoft.com/graph/api/resources/organization
"""

from sandbox.graph import permissions
from sandbox.graph.errors import not_found
from sandbox.graph.exchange import Reply, Request, Route
from sandbox.graph.shapes import DOMAIN
from sandbox.world import Json


def list_all(request: Request) -> Reply:
    """200 the one tenant; 403."""
    permissions.read_organization(request)
    context = f"{request.root}/$metadata#organization"
    return Reply(200, {"@odata.context": context, "value": [_tenant(request)]})


def get(request: Request) -> Reply:
    """200 it; 403; 404 another tenant."""
    permissions.read_organization(request)
    if request.params["key"].lower() != request.world.tenant_id:
        raise not_found(request.params["key"])
    context = f"{request.root}/$metadata#organization/$entity"
    return Reply(200, {"@odata.context": context, **_tenant(request)})


def _tenant(request: Request) -> Json:
    return {
        "id": request.world.tenant_id,
        "deletedDateTime": None,
        "businessPhones": [],
        "city": None,
        "countryLetterCode": "NL",
        "createdDateTime": "2019-03-04T09:12:27Z",
        "displayName": "Contoso",
        "preferredLanguage": "en",
        "technicalNotificationMails": [f"operations@{DOMAIN}"],
        "tenantType": "AAD",
        "assignedPlans": [],
        "provisionedPlans": [],
        "verifiedDomains": [
            {
                "capabilities": "Email, OfficeCommunicationsOnline",
                "isDefault": True,
                "isInitial": False,
                "name": DOMAIN,
                "type": "Managed",
            }
        ],
    }


ROUTES = [
    Route("GET", "/organization", list_all),
    Route("GET", "/organization/{key}", get),
]
