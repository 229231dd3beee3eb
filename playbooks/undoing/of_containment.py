"""Commands that take each lever of containment back, by the snapshot. Pure: no I/O, no clock.

Source   https://learn.microsoft.com/cli/azure/ad, https://learn.microsoft.com/cli/azure/role/assignment
         https://learn.microsoft.com/cli/azure/identity/federated-credential
"""

from collections.abc import Callable, Mapping

from playbooks.undoing.known import GRAPH, Known, Undoing, quoted, rest
from responders import (
    app_roles,
    applications,
    credentials,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    made_principals,
    managed_identities,
    memberships,
    oauth_grants,
    owners,
    risk,
    role_assignments,
    service_principals,
)
from responders.model import FederatedCredential, Json, Principal

_EXPOSED = "exposed credentials are never revived: their holders get new ones"


def _by_hand(commands: Callable[[Principal], list[str]]) -> Callable[[Known, str], list[str]]:
    return lambda known, _: commands(known.incident["principal"])


def _enable(known: Known, _: str) -> list[str]:
    principal = known.incident["principal"]
    if principal["kind"] == "application_without_principal":
        return [quoted("az", "ad", "sp", "delete", "--id", principal["app_id"])]
    return [
        quoted(
            "az",
            "ad",
            "sp",
            "update",
            "--id",
            principal["object_id"],
            "--set",
            "accountEnabled=true",
        )
    ]


def _activate(known: Known, _: str) -> list[str]:
    object_id = known.incident["principal"]["application_object_id"]
    return [rest("PATCH", f"/applications/{object_id}", {"isDisabled": False})] if object_id else []


def _trust_again(known: Known, _: str) -> list[str]:
    object_id = known.incident["principal"]["application_object_id"]
    path = f"/applications/{object_id}/federatedIdentityCredentials"
    return [rest("POST", path, _trust(one)) for one in _fixed(known)] if object_id else []


def _federate_again(known: Known, _: str) -> list[str]:
    identity = str(known.incident["principal"]["resource_id"] or "")
    parts = identity.split("/")
    if len(parts) < 9:
        return []
    return [
        quoted("az", "identity", "federated-credential", "create", "--subscription", parts[2],
               "--resource-group", parts[4], "--identity-name", parts[8], "--name", one["name"],
               "--issuer", one["issuer"], "--subject", one["subject"],
               "--audiences", *one["audiences"])
        for one in _fixed(known)
    ]  # fmt: skip


def _fixed(known: Known) -> list[FederatedCredential]:
    """All but flexible ones, which a person makes who has looked at their expression."""
    found = known.snapshot["federated_credentials"] if known.snapshot else []
    return [one for one in found if one["subject"] is not None]


def _trust(one: FederatedCredential) -> Json:
    names = ("name", "issuer", "subject", "audiences")
    return {name: one[name] for name in names}  # type: ignore[literal-required]


def _issue(holder: str) -> Callable[[Known, str], list[str]]:
    def commands(known: Known, _: str) -> list[str]:
        principal = known.incident["principal"]
        is_application = holder == "application"
        object_id = principal["application_object_id" if is_application else "object_id"]
        group = "app" if is_application else "sp"
        return [quoted("az", "ad", group, "credential", "reset", "--append", "--id", object_id)]

    return commands


def grant_commands(grants: list[Json], object_id: str) -> list[str]:
    """One `az role assignment create` for each, conditions kept."""
    found = []
    for one in grants:
        words = ["az", "role", "assignment", "create", "--assignee-object-id", object_id]
        words += ["--assignee-principal-type", "ServicePrincipal", "--scope", one["scope"]]
        words += ["--role", one["role_definition_id"].rpartition("/")[2]]
        if one["condition"]:
            version = one["condition_version"] or "2.0"
            words += ["--condition", one["condition"], "--condition-version", version]
        found.append(quoted(*words))
    return found


def _grant_again(known: Known, _: str) -> list[str]:
    found = [dict(one) for one in known.snapshot["grants"]] if known.snapshot else []
    return grant_commands(found, known.incident["principal"]["object_id"])


def _app_roles_again(known: Known, _: str) -> list[str]:
    own = known.incident["principal"]["object_id"]
    found = known.snapshot["app_roles"] if known.snapshot else []
    return [
        rest(
            "POST",
            f"/servicePrincipals/{own}/appRoleAssignments",
            {"principalId": own, "resourceId": one["resource_id"], "appRoleId": one["app_role_id"]},
        )
        for one in found
    ]


def _consent_again(known: Known, _: str) -> list[str]:
    found = known.snapshot["oauth_grants"] if known.snapshot else []
    return [
        rest(
            "POST",
            "/oauth2PermissionGrants",
            {
                "clientId": known.incident["principal"]["object_id"],
                "consentType": one["consent_type"],
                "resourceId": one["resource_id"],
                "scope": one["scope"],
                **({"principalId": one["principal_id"]} if one["principal_id"] else {}),
            },
        )
        for one in found
    ]


def _join_again(known: Known, _: str) -> list[str]:
    own = known.incident["principal"]["object_id"]
    found = known.snapshot["memberships"] if known.snapshot else []
    return [
        quoted("az", "ad", "group", "member", "add", "--group", one["id"], "--member-id", own)
        for one in found
        if one["direct"]
    ]


def _own_again(known: Known, _: str) -> list[str]:
    principal = known.incident["principal"]
    places = {
        "application": f"/applications/{principal['application_object_id']}",
        "service_principal": f"/servicePrincipals/{principal['object_id']}",
    }
    found = known.snapshot["owners"] if known.snapshot else []
    return [
        rest(
            "POST",
            f"{places[one['of']]}/owners/$ref",
            {"@odata.id": f"{GRAPH}/directoryObjects/{one['id']}"},
        )
        for one in found
    ]


def _let_in_again(known: Known, _: str) -> list[str]:
    found = known.snapshot["key_vault_policies"] if known.snapshot else []
    commands = []
    for one in found:
        words = ["az", "keyvault", "set-policy", "--object-id", one["object_id"]]
        words += ["--name", str(one["vault_id"]).rpartition("/")[2]]
        for kind, names in sorted(one["permissions"].items()):
            # https://learn.microsoft.com/cli/azure/keyvault#az-keyvault-set-policy
            option = {"keys": "key", "secrets": "secret", "certificates": "certificate"}
            words += [f"--{option.get(kind, kind)}-permissions", *names] if names else []
        commands.append(quoted(*words))
    return commands


def _dismiss(known: Known, _: str) -> list[str]:
    ids = {"servicePrincipalIds": [known.incident["principal"]["object_id"]]}
    return [rest("POST", "/identityProtection/riskyServicePrincipals/dismiss", ids)]


_NOTHING = "it changes nothing outside: it looks, and counts"
CONTAINMENT: Mapping[str, Undoing] = {
    "check_guards": Undoing(why_not=_NOTHING),
    "disable_service_principal": Undoing(
        "enable_service_principal", take_back=_enable, finish=_by_hand(service_principals.by_hand)
    ),
    "deactivate_application": Undoing(
        "reactivate_application", take_back=_activate, finish=_by_hand(applications.by_hand)
    ),
    "remove_federated_credentials": Undoing(
        "return_trusts", take_back=_trust_again, finish=_by_hand(federated_credentials.by_hand)
    ),
    "remove_identity_trusts": Undoing(
        "return_trusts", take_back=_federate_again, finish=_by_hand(identity_trusts.by_hand)
    ),
    "remove_application_credentials": Undoing(
        why_not=_EXPOSED, take_back=_issue("application"), finish=_by_hand(credentials.by_hand)
    ),
    "remove_service_principal_credentials": Undoing(
        why_not=_EXPOSED,
        take_back=_issue("service_principal"),
        finish=_by_hand(credentials.by_hand),
    ),
    "remove_role_assignments": Undoing(
        "return_role_assignments", take_back=_grant_again, finish=_by_hand(role_assignments.by_hand)
    ),
    "remove_app_roles": Undoing(
        "return_app_roles", take_back=_app_roles_again, finish=_by_hand(app_roles.by_hand)
    ),
    "remove_oauth_grants": Undoing(
        "return_oauth_grants", take_back=_consent_again, finish=_by_hand(oauth_grants.by_hand)
    ),
    "remove_memberships": Undoing(
        "return_memberships", take_back=_join_again, finish=_by_hand(memberships.by_hand)
    ),
    "remove_owners": Undoing(
        "return_owners", take_back=_own_again, finish=_by_hand(owners.by_hand)
    ),
    "remove_key_vault_policies": Undoing(
        "return_key_vault_policies",
        take_back=_let_in_again,
        finish=_by_hand(key_vault_policies.by_hand),
    ),
    "clear_made_principal": Undoing(
        why_not="the application had none of it: the service principal was made since",
        finish=_by_hand(made_principals.by_hand),
    ),
    "confirm_compromised": Undoing(
        "dismiss_risk", take_back=_dismiss, finish=_by_hand(risk.by_hand)
    ),
    "revoke_tokens": Undoing(
        why_not="a revoked token does not come back, and needs not: a new one is asked for",
        finish=_by_hand(managed_identities.by_hand),
    ),
    "report_directory_roles": Undoing(why_not="it names what a person takes away"),
    "report_attachments": Undoing(why_not="it names what a person detaches"),
}
_AGAIN = "another incident contains it again, from a snapshot of its own"
RESTORE: Mapping[str, Undoing] = {
    name: Undoing(why_not=_AGAIN)
    for name in (
        "restore_objects",
        "return_role_assignments",
        "return_memberships",
        "return_app_roles",
        "return_oauth_grants",
        "return_key_vault_policies",
        "return_owners",
        "return_trusts",
        "dismiss_risk",
        "reactivate_application",
        "enable_service_principal",
    )
} | {"begin_restore": Undoing(why_not=_NOTHING)}
