"""What each lever of containment must have changed, by the name of the step that pulls it.

A lever that had nothing to pull proves nothing, so each check asks first whether there was something.
"""

from collections.abc import Callable, Mapping

from drill.options import Json
from drill.scene import Scene, Victim
from drill.states import credentials_of, grants_of, identity_trusts_of, only, trusts_of
from drill.traffic import succeeded, writes
from drill.verdict import old_identity
from drill.verdict.facts import Check, Finding, every, none_of

Read = Callable[[Json, Victim], list[str]]


def _gone(read: Read) -> Callable[[Scene], Finding]:
    """Something was there when the alert came, and nothing of it is left."""

    def look(scene: Scene) -> Finding:
        if not read(scene.staged, scene.victim):
            return Finding(False, "there was nothing to take away, so nothing is proven")
        return none_of(read(scene.after, scene.victim))

    return look


def _trusts(state: Json, victim: Victim) -> list[str]:
    return [
        f"{one['name']} ({one['issuer']})" for one in trusts_of(state, victim.application_object_id)
    ]


def _identity_trusts(state: Json, victim: Victim) -> list[str]:
    trusts = identity_trusts_of(state, victim.resource_id)
    return [f"{one['name']} ({one['properties']['issuer']})" for one in trusts]


def _on_application(state: Json, victim: Victim) -> list[str]:
    return credentials_of(only(state["applications"], "id", victim.application_object_id))


def _on_principal(state: Json, victim: Victim) -> list[str]:
    return credentials_of(only(state["servicePrincipals"], "id", victim.object_id))


def _grants(state: Json, victim: Victim) -> list[str]:
    grants = sorted(grants_of(state, victim.object_id))
    return [f"{definition} at {scope}" for scope, definition in grants]


def _app_roles(state: Json, victim: Victim) -> list[str]:
    assignments = state["appRoleAssignments"]
    return [one["appRoleId"] for one in assignments if one["principalId"] == victim.object_id]


def _oauth_grants(state: Json, victim: Victim) -> list[str]:
    grants = state["oauth2PermissionGrants"]
    return [one["scope"] for one in grants if one["clientId"] == victim.object_id]


def _memberships(state: Json, victim: Victim) -> list[str]:
    groups = state["groupMembers"].items()
    return [group for group, members in groups if victim.object_id in members]


def _owners(state: Json, victim: Victim) -> list[str]:
    owned = (victim.application_object_id, victim.object_id)
    return [owner for each in owned for owner in state["owners"].get(each, [])]


def _vault_policies(state: Json, victim: Victim) -> list[str]:
    return [
        vault["name"]
        for vault in state["resources"]
        if vault["type"].lower() == "microsoft.keyvault/vaults"
        for policy in vault["properties"].get("accessPolicies") or []
        if policy["objectId"] == victim.object_id
    ]


def _risk(scene: Scene) -> Finding:
    risky = {one["id"]: one["riskState"] for one in scene.after["riskyServicePrincipals"]}
    state = risky.get(scene.victim.object_id, "not risky")
    return Finding(state == "confirmedCompromised", f"riskState is {state}")


def _revoked(scene: Scene) -> Finding:
    """By the record: no state of Azure shows that tokens were revoked."""
    path = f"{scene.victim.resource_id}/revokeTokens".lower()
    asked = [each for each in writes(scene) if path in str(each["url"]).lower()]
    return every([(f"{each['method']} {each['status']}", succeeded(each)) for each in asked])


def _attached(state: Json, victim: Victim) -> list[str]:
    return [
        str(one["id"])
        for one in state["resources"]
        if victim.resource_id.lower()
        in {
            each.lower() for each in (one.get("identity") or {}).get("userAssignedIdentities") or {}
        }
    ]


def _attachments(scene: Scene) -> Finding:
    """Every resource that can still ask for tokens is named where a person will read it."""
    named = "\n".join(file.text for file in scene.evidence if "report_attachments" in file.path)
    attached = _attached(scene.staged, scene.victim)
    return every([(one.rsplit("/", 1)[-1], one.lower() in named.lower()) for one in attached])


# What each lever takes away, as far as a state shows it.
_HELD: Mapping[str, Read] = {
    "remove_federated_credentials": _trusts,
    "remove_identity_trusts": _identity_trusts,
    "remove_application_credentials": _on_application,
    "remove_service_principal_credentials": _on_principal,
    "remove_role_assignments": _grants,
    "remove_app_roles": _app_roles,
    "remove_oauth_grants": _oauth_grants,
    "remove_memberships": _memberships,
    "remove_owners": _owners,
    "remove_key_vault_policies": _vault_policies,
    "report_attachments": _attached,
}
# What is pulled whatever the principal has, by its kind.
ALWAYS: Mapping[str, tuple[str, ...]] = {
    "application": ("disable_service_principal", "deactivate_application", "confirm_compromised"),
    "foreign_application": ("disable_service_principal", "confirm_compromised"),
    "application_without_principal": ("deactivate_application",),
    "user_assigned_identity": ("revoke_tokens",),
    "system_assigned_identity": (),
}


def there_was(scene: Scene, step: str) -> bool:
    """Whether the principal had anything that this lever takes away."""
    read = _HELD.get(step)
    try:
        return read is not None and bool(read(scene.staged, scene.victim))
    except LookupError:  # it has no such object
        return False


LEVERS: Mapping[str, Check] = {
    "disable_service_principal": old_identity.DISABLED,
    "deactivate_application": old_identity.DEACTIVATED,
    "remove_federated_credentials": Check("no issuer is trusted any more", "none", _gone(_trusts)),
    "remove_identity_trusts": Check(
        "the managed identity trusts no issuer any more", "none", _gone(_identity_trusts)
    ),
    "remove_application_credentials": Check(
        "the application's secrets and keys are gone", "none", _gone(_on_application)
    ),
    "remove_service_principal_credentials": Check(
        "the service principal's secrets and keys are gone", "none", _gone(_on_principal)
    ),
    "remove_role_assignments": Check("its roles in Azure are gone", "none", _gone(_grants)),
    "remove_app_roles": Check("its application permissions are gone", "none", _gone(_app_roles)),
    "remove_oauth_grants": Check(
        "its delegated permissions are gone", "none", _gone(_oauth_grants)
    ),
    "remove_memberships": Check("it is a member of no group", "none", _gone(_memberships)),
    "remove_owners": Check("nobody owns it", "none", _gone(_owners)),
    "remove_key_vault_policies": Check(
        "no vault's access policy names it", "none", _gone(_vault_policies)
    ),
    "confirm_compromised": Check(
        "Entra ID Protection knows that it is compromised", "confirmedCompromised", _risk
    ),
    "revoke_tokens": Check("its tokens were asked to be revoked", "2xx from ARM", _revoked),
    "report_attachments": Check(
        "every resource that can still use it is named", "each in the evidence", _attachments
    ),
}
