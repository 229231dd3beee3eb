"""What nobody chose of a plan, whose workloads may miss it, and the commands that give it after all. Pure.

A choice that is not made is a decision, so the recovery is as complete as a person wanted it. But what a workload can't
do any more looks like an outage, and who looks into it finds here what it was. The commands are comments: who runs
all that is left to a person must not give by the way what a person did not want.
"""

from collections.abc import Collection

from playbooks import known_grants, known_permissions
from playbooks.choosing import for_successor
from playbooks.orders import Json
from playbooks.plan_model import Plan
from responders import giving_commands, grant_additions
from responders.model import NewIdentity, Principal
from responders.untrusted import visible

MARK = "# not chosen"  # how each line begins
_COMMANDS = 8  # a card and a status have to stay small: the report's choices have all of them
_WORKLOADS = 20
# An owner opens nothing to a workload.
_OPENS = frozenset(
    {
        known_grants.KIND,
        known_permissions.APP_ROLE,
        known_permissions.CONSENT,
        known_permissions.GROUP,
        known_permissions.VAULT,
    }
)


def by_hand(
    plan: Plan, chosen: Collection[str], principal: Principal, identity: NewIdentity
) -> list[str]:
    """Whose workloads may stay broken, then a command for each thing that nobody chose. Empty where all was chosen."""
    left = [
        one
        for one in plan["choices"]
        if one["key"] not in chosen and one["restores"]["kind"] in _OPENS
    ]
    workloads = [
        f"{cluster['survey']['cluster']['name']} {one['namespace']}/{one['name']}"
        for cluster in plan["clusters"]
        if cluster["acts"]
        for one in cluster["workloads"]
    ]
    if not left or not workloads:
        return []
    first = (
        f"{MARK}: what follows, so the new identity {identity['app_id']} is without it, and a workload that needs it "
        f"does not work until a person gives it. It has {_few(workloads, _WORKLOADS)}"
    )
    commands = [
        f"{MARK}: {_command(one['restores'], principal, identity)}  # {visible(one['what'])} "
        f"{visible(one['name'])}: {visible(one['reason'])}"
        for one in left[:_COMMANDS]
    ]
    more = len(left) - _COMMANDS
    return [
        first,
        *commands,
        *([f"{MARK}: and {more} more, see the report's choices"] if more > 0 else []),
    ]


def _command(restores: Json, principal: Principal, identity: NewIdentity) -> str:
    object_id = identity["object_id"]
    match restores["kind"]:
        case known_grants.KIND:
            return grant_additions.by_hand(object_id, [restores["grant"]])[0]
        case known_permissions.APP_ROLE:
            return giving_commands.app_role(object_id, restores["item"])
        case known_permissions.CONSENT:
            return giving_commands.consent(object_id, restores["item"])
        case known_permissions.GROUP:
            return giving_commands.member(object_id, restores["item"])
        case _:
            policy = for_successor(restores["item"], principal, identity)
            return giving_commands.vault_policy(policy)


def _few(names: list[str], most: int) -> str:
    more = len(names) - most
    return ", ".join([*map(visible, names[:most]), *([f"and {more} more"] if more > 0 else [])])
