"""Responder: all service principals of the tenant, page by page.

Stops    nothing
Leaves   everything as it is; those of other tenants' applications are there, too; of Microsoft's own the ids alone
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/serviceprincipal-list
         https://learn.microsoft.com/graph/api/resources/serviceprincipal
"""

from typing import Final

from responders.audit_model import PrincipalFacts, PrincipalsChunk
from responders.cloud import Cloud
from responders.credentials import facts_of
from responders.errors import ContractChangedError
from responders.model import Credential, Json
from responders.needs import GraphNeed, Needs
from responders.principals import MICROSOFT_TENANT

_LIST = "/servicePrincipals"
_PARAMS = {
    "$select": "id,appId,displayName,accountEnabled,servicePrincipalType,alternativeNames,appOwnerOrganizationId,"
    "createdDateTime,passwordCredentials,keyCredentials",
    "$top": "999",
}
_MANAGED = "ManagedIdentity"
NEEDS: Final = Needs(
    graph=(GraphNeed("Application.Read.All", "every service principal of the tenant"),),
)


async def chunk(cloud: Cloud, *, after: str | None, most_pages: int) -> PrincipalsChunk:
    """The next pages, cut down to facts as they arrive. `after` is the `next_url` of the chunk before."""
    found: list[PrincipalFacts] = []
    microsofts: list[str] = []
    next_url: str | None = None
    pages = 0
    async for page in cloud.graph.pages(_LIST, _PARAMS, after=after):
        for item in page.items:
            if _is_microsofts(item):
                microsofts.append(str(item.get("id")).lower())
            else:
                found.append(_parse(item))
        pages, next_url = pages + 1, page.next_url
        if pages >= most_pages:
            break
    return {"principals": found, "microsofts": microsofts, "next_url": next_url}


def _is_microsofts(item: Json) -> bool:
    """Its own applications are nobody's here to review; a managed identity names no owning tenant, or ours."""
    owner = str(item.get("appOwnerOrganizationId") or "").lower()
    return owner == MICROSOFT_TENANT and item.get("servicePrincipalType") != _MANAGED


def _parse(item: Json) -> PrincipalFacts:
    match item:
        case {"id": str(object_id), "appId": str(app_id)}:
            return {
                "object_id": object_id.lower(),
                "app_id": app_id.lower(),
                "name": str(item.get("displayName") or ""),
                # Null where nobody has ever said: Entra takes that for enabled.
                "enabled": item.get("accountEnabled") is not False,
                "kind": str(item.get("servicePrincipalType") or ""),
                "created": item.get("createdDateTime"),
                "resource_id": _resource_id(item),
                "credentials": _credentials(item),
            }
        case _:
            raise ContractChangedError(f"not a service principal: {sorted(item)}")


def _credentials(item: Json) -> list[Credential]:
    """A managed identity's certificate is Azure's own to rotate, and nobody else ever has it."""
    if item.get("servicePrincipalType") == _MANAGED:
        return []
    return facts_of(item, "service_principal")


def _resource_id(item: Json) -> str | None:
    names = item.get("alternativeNames") or []
    return next((str(one) for one in names if str(one).lower().startswith("/subscriptions/")), None)
