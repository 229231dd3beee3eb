"""Responder: all applications of the tenant, page by page, with whom they trust and who owns them.

Stops    nothing
Leaves   everything as it is; what flexible trusts match is in beta alone, and is asked for where there is one
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/application-list
         https://learn.microsoft.com/graph/query-parameters#expand (at most 20 of a relationship, 100 objects a page)
         https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations (at most 20 trusts)

One call for a hundred applications, and one more for the owners of twenty that trust somebody.
"""

from collections.abc import Sequence
from typing import Final

from responders import federated_credentials
from responders.audit_model import ApplicationFacts, ApplicationsChunk, Owner
from responders.cloud import Cloud
from responders.credentials import facts_of
from responders.errors import ContractChangedError, ResponderError
from responders.fan_out import fan_out
from responders.graph_reads import MOST
from responders.model import Json
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

_LIST = "/applications"
_TRUSTS = "federatedIdentityCredentials"
_PARAMS = {
    "$select": "id,appId,displayName,createdDateTime,isDisabled,signInAudience,passwordCredentials,keyCredentials",
    "$expand": _TRUSTS,
    # With $expand a page is cut at a hundred, whatever is asked for.
    "$top": "100",
}
_OWNERS = {"$select": "id,displayName,userPrincipalName"}
_BATCHES_AT_ONCE = 2  # each is twenty requests by Graph's count
_FLEXIBLE_AT_ONCE = 4
# https://learn.microsoft.com/graph/query-parameters#expand
_MOST_EXPANDED = 20
NEEDS: Final = Needs(
    graph=(
        GraphNeed("Application.Read.All", "every application of the tenant"),
        GraphNeed("User.ReadBasic.All", "whether an owner is still there", ("chunk", "_owners_of")),
    ),
)


async def count(cloud: Cloud) -> int:
    """How many applications there are, by the index: for progress, and to share the work out."""
    return await cloud.graph.count(_LIST)


async def chunk(cloud: Cloud, *, after: str | None, most_pages: int) -> ApplicationsChunk:
    """The next pages, cut down to facts as they arrive. `after` is the `next_url` of the chunk before."""
    federated: list[ApplicationFacts] = []
    others: list[str] = []
    next_url: str | None = None
    pages = 0
    async for page in cloud.graph.pages(_LIST, _PARAMS, after=after):
        for item in page.items:
            facts = _parse(item)
            if facts["trusts"]:
                federated.append(facts)
            else:
                others.append(facts["app_id"])
        pages, next_url = pages + 1, page.next_url
        if pages >= most_pages:
            break
    unread = await _add_owners(cloud, federated)
    await _add_expressions(cloud, federated)
    return {"federated": federated, "others": others, "unread": unread, "next_url": next_url}


async def _add_owners(cloud: Cloud, found: list[ApplicationFacts]) -> list[str]:
    """Into each; a sentence for each whose owners could not be read."""
    unread = []
    groups = [tuple(found[at : at + MOST]) for at in range(0, len(found), MOST)]
    asked = await fan_out(groups, lambda group: _owners_of(cloud, group), at_once=_BATCHES_AT_ONCE)
    for group, answers in asked:
        if isinstance(answers, ResponderError):
            unread += [f"owners of application {one['app_id']}: {answers}" for one in group]
            continue
        for one, answer in zip(group, answers, strict=True):
            if isinstance(answer, ResponderError):
                unread.append(f"owners of application {one['app_id']}: {answer}")
            else:
                one["owners"] = [_owner(raw) for raw in answer["value"]]
                one["more_owners"] = "@odata.nextLink" in answer
    return unread


async def _owners_of(
    cloud: Cloud, group: Sequence[ApplicationFacts]
) -> list[Json | ResponderError]:
    paths = [f"{_LIST}/{checked_guid(one['object_id'], 'object id')}/owners" for one in group]
    answers = await cloud.graph.get_many(paths, _OWNERS)
    for answer in answers:
        if isinstance(answer, dict) and not isinstance(answer.get("value"), list):
            raise ContractChangedError(f"owners without a list: {sorted(answer)}")
    return answers


async def _add_expressions(cloud: Cloud, found: list[ApplicationFacts]) -> None:
    """What flexible trusts match; where beta does not say it, `expression_unread` says why."""
    flexible = [one for one in found if any(trust["subject"] is None for trust in one["trusts"])]
    read = await fan_out(
        flexible,
        lambda one: federated_credentials.with_expressions(cloud, one["object_id"], one["trusts"]),
        at_once=_FLEXIBLE_AT_ONCE,
    )
    for one, trusts in read:
        if isinstance(trusts, ResponderError):
            one["trusts"] = [
                {**trust, "expression_unread": str(trusts)} if trust["subject"] is None else trust
                for trust in one["trusts"]
            ]
        else:
            one["trusts"] = trusts


def _parse(item: Json) -> ApplicationFacts:
    match item:
        case {
            "id": str(object_id),
            "appId": str(app_id),
            "federatedIdentityCredentials": [*trusts],
        }:
            return {
                "object_id": object_id.lower(),
                "app_id": app_id.lower(),
                "name": str(item.get("displayName") or ""),
                "created": item.get("createdDateTime"),
                "disabled": bool(item.get("isDisabled")),
                "multi_tenant": item.get("signInAudience") != "AzureADMyOrg",
                "credentials": facts_of(item, "application"),
                "trusts": [federated_credentials.parse(one) for one in trusts],
                "owners": None,
                "more_owners": False,
            }
        case _:
            raise ContractChangedError(f"not an application with its trusts: {sorted(item)}")


def _owner(raw: Json) -> Owner:
    kind = str(raw.get("@odata.type", "")).rpartition(".")[2] or "unknown"
    name = raw.get("userPrincipalName") or raw.get("displayName") or ""
    return {"object_id": str(raw.get("id", "")).lower(), "name": str(name), "kind": kind}
