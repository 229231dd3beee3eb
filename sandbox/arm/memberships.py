"""Who a principal also is: the groups that it is in, directly or through other groups.

Simulates   the transitive groups that Azure RBAC and Key Vault evaluate
Left out    how long a removed membership goes on working: in Azure until the groups are read again, which
            for managed identities takes hours
Source      https://learn.microsoft.com/azure/role-based-access-control/overview#groups
            https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
"""

from sandbox.world import World


def identities_of(world: World, object_id: str) -> set[str]:
    """The principal's own object id and those of all its groups, in lower case."""
    found = {object_id.lower()}
    while True:
        more = {
            group.lower()
            for group, members in world.directory.group_members.items()
            if group in world.directory.groups and found & {each.lower() for each in members}
        }
        if more <= found:
            return found
        found |= more
