"""Responder: which service principals groups carry their roles to, nested groups included.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://learn.microsoft.com/graph/api/group-list-transitivemembers
         https://learn.microsoft.com/graph/json-batching

Twenty groups in one call; only one with more than 999 members costs more.
"""

from collections.abc import Sequence
from typing import Final

from responders.cloud import Cloud
from responders.errors import ContractChangedError, NotFoundError, ResponderError, TransientError
from responders.fan_out import fan_out
from responders.graph_reads import MOST, Answers
from responders.model import Json
from responders.needs import GraphNeed, Needs
from responders.settings import checked_guid

_PARAMS = {"$select": "id", "$top": "999"}
_KIND = "#microsoft.graph.servicePrincipal"
_BATCHES_AT_ONCE = 2
NEEDS: Final = Needs(
    graph=(
        GraphNeed(
            "GroupMember.Read.All", "which workload identities are in a group that has roles"
        ),
        GraphNeed("Application.Read.All", "what these members are"),
    ),
)


async def of(cloud: Cloud, groups: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Group to the object ids of its service principals, and a sentence for each that could not be read.

    Raises what time can fix: a group that was not asked looks like one without workloads.
    """
    batches = [tuple(groups[at : at + MOST]) for at in range(0, len(groups), MOST)]
    asked = await fan_out(batches, lambda one: _ask(cloud, one), at_once=_BATCHES_AT_ONCE)
    found: dict[str, list[str]] = {}
    unread: list[str] = []
    for batch, answers in asked:
        each = [answers] * len(batch) if isinstance(answers, ResponderError) else answers
        for group, answer in zip(batch, each, strict=True):
            match answer:
                case TransientError():
                    raise answer
                case NotFoundError():
                    continue  # it is gone, and its role assignment gives nothing to anybody
                case ResponderError():
                    unread.append(f"members of group {group}, which has roles: {answer}")
                case page:
                    found[group] = await _members(cloud, group, page)
    return found, unread


async def _ask(cloud: Cloud, groups: Sequence[str]) -> Answers:
    return await cloud.graph.get_many([_path(one) for one in groups], _PARAMS)


async def _members(cloud: Cloud, group: str, first: Json) -> list[str]:
    if not isinstance(first.get("value"), list):
        raise ContractChangedError(f"members of group {group} are no list: {sorted(first)}")
    items: list[Json] = list(first["value"])
    if after := first.get("@odata.nextLink"):
        async for page in cloud.graph.pages(_path(group), _PARAMS, after=str(after)):
            items += page.items
    return [str(one["id"]).lower() for one in items if one.get("@odata.type") == _KIND]


def _path(group: str) -> str:
    return f"/groups/{checked_guid(group, 'group id')}/transitiveMembers"
