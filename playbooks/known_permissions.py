"""What it could do beyond its Azure roles: what comes back, what a person has to choose, and why the rest does not.

Pure. https://learn.microsoft.com/graph/permissions-reference
"""

from playbooks.known import Known, choice, is_old, left
from playbooks.orders import Json
from playbooks.plan_model import Choice, LeftOut
from responders.model import Incident
from responders.snapshots import Snapshot

# Kinds of what a choice restores.
APP_ROLE, CONSENT, GROUP, VAULT, OWNER = (
    "app_role",
    "oauth_grant",
    "membership",
    "key_vault_policy",
    "owner",
)
# Whoever has one of these can become a Global Administrator, or anybody else, or let somebody in.
# https://learn.microsoft.com/entra/identity/role-based-access-control/privileged-roles-permissions
TIER_0 = frozenset(
    {
        "AdministrativeUnit.ReadWrite.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "AppRoleAssignment.ReadWrite.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Device.ReadWrite.All",
        "DeviceManagementConfiguration.ReadWrite.All",
        "DeviceManagementRBAC.ReadWrite.All",
        "Directory.ReadWrite.All",
        "Domain.ReadWrite.All",
        "EntitlementManagement.ReadWrite.All",
        "full_access_as_app",
        "Group.ReadWrite.All",
        "GroupMember.ReadWrite.All",
        "Mail.ReadWrite",
        "Organization.ReadWrite.All",
        "Policy.ReadWrite.AuthenticationMethod",
        "Policy.ReadWrite.ConditionalAccess",
        "Policy.ReadWrite.PermissionGrant",
        "PrivilegedAccess.ReadWrite.AzureAD",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureResources",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Directory",
        "RoleManagement.ReadWrite.Exchange",
        "RoleManagementPolicy.ReadWrite.AzureADGroup",
        "RoleManagementPolicy.ReadWrite.Directory",
        "ServicePrincipalEndpoint.ReadWrite.All",
        "Sites.FullControl.All",
        "Synchronization.ReadWrite.All",
        "User.ReadWrite.All",
        "UserAuthenticationMethod.ReadWrite.All",
    }
)


def app_roles(
    snapshot: Snapshot, incident: Incident
) -> tuple[list[Json], list[Choice], list[LeftOut]]:
    """Application permissions from before the window; those that open the whole tenant only by choice."""
    wanted: list[Json] = []
    choices: list[Choice] = []
    gone: list[LeftOut] = []
    for one in snapshot["app_roles"]:
        name = f"{one['role_name'] or one['app_role_id']} on {one['resource_name']}"
        if _is_anothers(one, incident):
            reason = "a group holds it: it comes with the membership"
            gone.append(left("application permission", name, reason))
        elif one["created"] is not None and not is_old(one["created"], incident["window_start"]):
            reason = "given inside the compromise window"
            gone.append(left("application permission", name, reason, suspicious=True))
        elif reason := _why_chosen(one):
            restores = {"kind": APP_ROLE, "item": one}
            choices.append(choice("application permission", name, reason, restores))
        else:
            wanted.append(one)
    return wanted, choices, gone


def _is_anothers(one: Json, incident: Incident) -> bool:
    holder = str(one.get("principal_id") or incident["principal"]["object_id"])
    return holder.lower() != incident["principal"]["object_id"].lower()


def _why_chosen(one: Json) -> str:
    if one["created"] is None:
        return "nobody knows when it was given"
    if one["role_name"] is None:
        return "what it is called could not be read: it may open the whole tenant"
    if one["role_name"] in TIER_0:
        return "whoever has it can take over the tenant, or let somebody in"
    return ""


def ageless(snapshot: Snapshot, known: Known) -> tuple[list[Choice], list[LeftOut]]:
    """What has no date of its own: each is a choice, unless a log says that it is from inside the window."""
    groups, joined = _groups(snapshot, known)
    owners, owning = _owners(snapshot, known)
    choices = [*_consents(snapshot, known), *groups, *_vault_policies(snapshot), *owners]
    return choices, [*joined, *owning, *_directory_roles(snapshot)]


def _consents(snapshot: Snapshot, known: Known) -> list[Choice]:
    """Delegated permissions. A grant has no age, and scopes are added to one that is there."""
    log = _log(known, "consent", gave=bool(known.gifts["consented"]))
    return [
        choice(
            "delegated permission",
            f"{one['scope']} ({one['consent_type']}) on {one['resource_id']}",
            f"a consent has no age; {log}",
            {"kind": CONSENT, "item": one},
        )
        for one in snapshot["oauth_grants"]
    ]


def _groups(snapshot: Snapshot, known: Known) -> tuple[list[Choice], list[LeftOut]]:
    """Direct memberships: each with the Azure roles that it is known to carry."""
    choices: list[Choice] = []
    gone: list[LeftOut] = []
    for one in (each for each in snapshot["memberships"] if each["direct"]):
        name = f"{one['display_name']} ({one['id']})"
        if str(one["id"]).lower() in known.gifts["groups"]:
            reason = "joined inside the compromise window"
            gone.append(left("group membership", name, reason, suspicious=True))
        elif one.get("stays_because"):
            gone.append(left("group membership", name, f"not ours to give: {one['stays_because']}"))
        else:
            carried = _carried(snapshot, str(one["id"]))
            reason = f"a membership has no age; {_log(known, 'membership')}{carried}"
            choices.append(
                choice("group membership", name, reason, {"kind": GROUP, "item": dict(one)})
            )
    return choices, gone


def _carried(snapshot: Snapshot, group_id: str) -> str:
    roles = [
        f"{one['role_name']} at {one['scope']}"
        for one in snapshot["group_grants"]
        if str(one["group_id"]).lower() == group_id.lower()
    ]
    return f"; it carries {', '.join(roles)}" if roles else ""


def _vault_policies(snapshot: Snapshot) -> list[Choice]:
    """Key Vault access policies: Azure keeps no date of them."""
    return [
        choice(
            "Key Vault access policy",
            f"{_allowed(one)} in {one['vault_id']}",
            "an access policy has no age",
            {"kind": VAULT, "item": one},
        )
        for one in snapshot["key_vault_policies"]
    ]


def _owners(snapshot: Snapshot, known: Known) -> tuple[list[Choice], list[LeftOut]]:
    """Who could change the old one. An owner can arm the new one too, so each is a decision."""
    choices: list[Choice] = []
    gone: list[LeftOut] = []
    for one in snapshot["owners"]:
        who = one["user_principal_name"] or one["display_name"] or one["id"]
        name = f"{who} of the {str(one['of']).replace('_', ' ')}"
        if str(one["id"]).lower() in known.gifts["owners"]:
            reason = "made an owner inside the compromise window"
            gone.append(left("owner", name, reason, suspicious=True))
        else:
            reason = f"an owner can add credentials; {_log(known, 'owner')}"
            choices.append(choice("owner", name, reason, {"kind": OWNER, "item": one}))
    return choices, gone


def _directory_roles(snapshot: Snapshot) -> list[LeftOut]:
    """Never: Firebreak has no right to give one, and shall not have it."""
    reason = "never given by Firebreak: an administrator gives it, if the new one still needs it"
    return [
        left("directory role", str(one["role_name"]), reason) for one in snapshot["directory_roles"]
    ]


def _log(known: Known, what: str, *, gave: bool = False) -> str:
    if gave:
        return f"the audit log has a {what} inside the compromise window"
    if not known.gifts["known"]:
        return "the audit log could not be read, so it may be from inside the compromise window"
    return f"the audit log has no such {what} inside the compromise window"


def _allowed(policy: Json) -> str:
    kinds = (f"{kind}: {' '.join(names)}" for kind, names in policy["permissions"].items() if names)
    return "; ".join(kinds) or "nothing"
