"""From chunks of facts, one after the other, to a tenant that can be judged. Pure, no I/O.

What no rule asks for is dropped as it comes: of fifty thousand role assignments those of audited identities stay.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from playbooks.auditing.model import (
    Role,
    Tenant,
    Tier,
    holder_of_application,
    holder_of_identity,
)
from responders.audit_model import (
    ApplicationsChunk,
    AssignmentsChunk,
    ClusterFacts,
    GrantFacts,
    IdentityFacts,
    PrincipalFacts,
    PrincipalsChunk,
    RoleFacts,
)
from responders.model import ClusterRef
from responders.workload_lists import unread

_USER_ASSIGNED = "/userassignedidentities/"
_GROUP = "Group"
_SERVICE_PRINCIPAL = "ServicePrincipal"


@dataclass
class Gathering:
    """Takes chunks in this order: principals, applications and identities, assignments; clusters at any time."""

    tenant: Tenant
    duties: dict[str, str]  # of identities that clusters stand on, by resource id in lower case
    definitions: dict[str, str] = field(
        default_factory=dict
    )  # of the roles that audited identities have
    groups: dict[str, list[GrantFacts]] = field(default_factory=dict)  # their role assignments
    _of_groups: dict[str, str] = field(default_factory=dict)  # definitions of their roles
    _principals: dict[str, PrincipalFacts] = field(default_factory=dict)  # by client id
    _audited: set[str] = field(default_factory=set)  # object ids of their service principals
    _seen: set[str] = field(default_factory=set)  # role assignments: lists overlap

    def add_principals(self, chunk: PrincipalsChunk) -> None:
        """Service principals, whose object ids role assignments name."""
        for one in chunk["principals"]:
            self._principals[one["app_id"]] = one
            self.tenant.app_ids.add(one["app_id"])
            self.tenant.principal_ids.add(one["object_id"])
        self.tenant.principal_ids.update(chunk["microsofts"])

    def add_applications(self, chunk: ApplicationsChunk) -> None:
        """Applications: those that trust somebody are audited, of the others it is known that they are there."""
        self.tenant.app_ids.update(chunk["others"])
        self.tenant.unread += chunk["unread"]
        for one in chunk["federated"]:
            self.tenant.app_ids.add(one["app_id"])
            holder = holder_of_application(one, self._principals.get(one["app_id"]))
            self.tenant.holders.append(holder)
            if holder.principal_id is not None:
                self._audited.add(holder.principal_id)

    def add_identities(self, found: Iterable[IdentityFacts]) -> None:
        """User-assigned identities, all of which are audited."""
        for one in found:
            self.tenant.app_ids.add(one["app_id"])
            self.tenant.principal_ids.add(one["object_id"])
            principal = self._principals.get(one["app_id"])
            duty = self.duties.get(one["resource_id"].lower(), "")
            self.tenant.holders.append(holder_of_identity(one, principal, duty))
            self._audited.add(one["object_id"])
            if one["gap"] is not None:
                self.tenant.unread.append(f"flexible trusts of {one['resource_id']}: {one['gap']}")

    def add_assignments(self, chunk: AssignmentsChunk) -> None:
        """Those of audited identities, and those whose service principal is gone."""
        for grant in chunk["grants"]:
            key = grant["id"].lower()
            if key in self._seen:
                continue
            self._seen.add(key)
            principal = grant["principal_id"]
            if principal in self._audited:
                self.tenant.grants.setdefault(principal, []).append(grant)
                self.definitions[grant["role_id"]] = chunk["definitions"][grant["role_id"]]
            elif grant["principal_type"] == _GROUP:
                self.groups.setdefault(principal, []).append(grant)
                self._of_groups[grant["role_id"]] = chunk["definitions"][grant["role_id"]]
            elif (
                grant["principal_type"] == _SERVICE_PRINCIPAL
                and principal not in self.tenant.principal_ids
            ):
                self.tenant.orphans.append(grant)

    def add_members(self, members: dict[str, list[str]]) -> None:
        """What groups carry: `members` are the service principals in each, after all assignments are there."""
        for group, inside in members.items():
            for principal in self._audited.intersection(inside):
                for grant in self.groups[group]:
                    carried: GrantFacts = {**grant, "via": group}
                    self.tenant.grants.setdefault(principal, []).append(carried)
                    self.definitions[grant["role_id"]] = self._of_groups[grant["role_id"]]

    def add_clusters(self, found: Iterable[ClusterFacts]) -> None:
        """What clusters say, those that could not be read included."""
        self.tenant.clusters += found

    def complete(self, clusters: Iterable[ClusterRef]) -> None:
        """All is there that could be read: what is missing is said, and taken for unknown."""
        seen = {one["resource_id"].lower() for one in self.tenant.clusters}
        self.tenant.clusters += [
            unread(one, "its step was lost")
            for one in clusters
            if one["resource_id"].lower() not in seen
        ]
        known = {one.app_id for one in self.tenant.holders}
        self.tenant.opaque = {
            one["app_id"]
            for one in self._principals.values()
            if _USER_ASSIGNED in (one["resource_id"] or "").lower() and one["app_id"] not in known
        }

    def add_roles(self, found: dict[str, RoleFacts]) -> None:
        """What the roles in `definitions` allow."""
        self.tenant.roles |= {
            key: Role(one["name"], tier_of(one), one["owner_level"]) for key, one in found.items()
        }


def tier_of(role: RoleFacts) -> Tier:
    """The highest thing that it allows."""
    if role["owner_level"]:
        return "owner"
    if role["writes"]:
        return "write"
    return "data" if role["data"] else "read"
