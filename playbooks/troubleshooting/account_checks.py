"""Checks of the ServiceAccount and of the identity that it names. Pure.

Source   https://learn.microsoft.com/azure/aks/workload-identity-overview
         https://learn.microsoft.com/entra/identity/enterprise-apps/disable-user-sign-in-portal
"""

from playbooks.troubleshooting import differences
from playbooks.troubleshooting.model import Check, Facts, broken, kubectl, ok, unknown, where
from playbooks.troubleshooting.wiring import running, wires_itself
from responders.entitlements import Entitlement
from responders.gitops import sentence
from responders.inventory_cuts import CLIENT_ID
from responders.model import Principal
from responders.settings import is_guid
from responders.wirings import TENANT_ID, AccountSeen

_SOMEBODYS = "<client id of the identity>"


def service_account(facts: Facts) -> Check:
    """It exists and names a client id as such."""
    name, account = "service-account", facts["wiring"]["account"]
    if account is None:
        if why := facts["wiring"]["unread"].get("the ServiceAccount"):
            return unknown(name, f"the ServiceAccount could not be read: {why}")
        create = f"{kubectl(facts)} create serviceaccount {facts['wiring']['name']}"
        fix = f"{create} && {_annotate(facts, _wanted(facts))}"
        return broken(name, f"there is no ServiceAccount {where(facts)}", fix)
    return _owned(account, _annotations(facts, account))


def _annotations(facts: Facts, account: AccountSeen) -> Check:
    name, said = "service-account", account["client_id"]
    pods = running(facts)
    if said is None and pods and all(wires_itself(one) for one in pods):
        return ok(name, f"{where(facts)} names no client id, and its pods' own manifest does")
    if said is None:
        found = f"{where(facts)} names no client id: {CLIENT_ID} is not set"
        return broken(name, found, _annotate(facts, _wanted(facts)))
    if said != said.strip():
        evidence = differences.lines(said.strip(), said)[1:]
        found = f"the client id on {where(facts)} has white space around it"
        return broken(name, found, _annotate(facts, said.strip()), evidence=evidence)
    if not is_guid(said):
        shown = differences.shown(said)[:80]
        found = f"{where(facts)} names {shown!r}, which is no client id"
        return broken(name, found, _annotate(facts, _wanted(facts)))
    tenant = account["tenant_id"]
    if tenant is not None and tenant.strip().lower() != facts["tenant_id"].lower():
        return broken(
            name,
            f"{where(facts)} asks tenant {differences.shown(tenant)[:80]}, and the identity is in {facts['tenant_id']}",
            f"{kubectl(facts)} annotate serviceaccount {facts['wiring']['name']} {TENANT_ID}-",
        )
    return ok(name, f"{where(facts)} names {said}")


def identity(facts: Facts) -> Check:
    """The client id is somebody's, and nobody has switched it off."""
    name, found = "identity", facts["identity"]
    if found is None:
        return unknown(name, "no client id is named, so nobody can say whose it is")
    principal = found["principal"]
    if principal is None:
        why = found["unread"].get("the identity", "")
        return _nobodys(facts, found) if not why else unknown(name, f"it could not be read: {why}")
    if (wrong := _kind(facts, found, principal)) is not None:
        return wrong
    if principal.get("enabled") is False or found["deactivated"]:
        return _off(facts, principal)
    if unread := found["unread"].get("its application"):
        return unknown(name, f"whether its application is switched off: {unread}")
    kind = principal["kind"].replace("_", " ")
    return ok(name, f"{found['client_id']} is an enabled {kind}", [principal["object_id"]])


def _kind(facts: Facts, found: Entitlement, principal: Principal) -> Check | None:
    """Why what it is gets no token for a workload at all; None where it may."""
    if principal["kind"] == "application_without_principal":
        said = (
            f"application {principal['app_id']} has no service principal here, so it gets no token"
        )
        return broken("identity", said, f"az ad sp create --id {principal['app_id']}")
    if principal["kind"] in {"system_assigned_identity", "unsupported"}:
        why = principal["unsupported_because"] or "a system-assigned identity can't be federated"
        todo = "name a user-assigned identity or an application: " + _annotate(facts, _SOMEBODYS)
        return broken("identity", f"{found['client_id']} is no identity of a workload: {why}", todo)
    return None


def _off(facts: Facts, principal: Principal) -> Check:
    """Somebody switched it off, maybe because it is compromised: that comes first."""
    if facts["incident"] is not None:
        found = (
            f"{principal['app_id']} is disabled, and incident {facts['incident']} is open about it"
        )
        return broken("identity", found, f"firebreak show {facts['incident']}  # not by hand")
    object_id, application = principal["object_id"], principal["application_object_id"]
    on = f"az ad sp update --id {object_id} --set accountEnabled=true"
    if principal.get("enabled") is not False:
        url = f"https://graph.microsoft.com/v1.0/applications/{application}"
        on = f"az rest --method PATCH --url {url} --body '{{\"isDisabled\": false}}'"
    return broken(
        "identity",
        f"{principal['app_id']} is disabled: it gets no token at all",
        on,
        evidence=[
            "who disabled it, and why, is in the audit log: it may have been contained on purpose"
        ],
    )


def _nobodys(facts: Facts, found: Entitlement) -> Check:
    if found["meant"]:
        said = f"{found['client_id']} is an identity's object id, and its client id is {found['meant']}"
        return broken("identity", said, _annotate(facts, found["meant"]))
    return broken(
        "identity",
        f"nobody has this client id: {found['unresolved']}",
        _annotate(facts, _SOMEBODYS),
        evidence=["of a managed identity: az identity show --ids <resource id> --query clientId"],
    )


def _wanted(facts: Facts) -> str:
    return facts["asked_for"] or _SOMEBODYS


def _annotate(facts: Facts, client_id: str) -> str:
    account = facts["wiring"]["name"]
    value = client_id if is_guid(client_id) else f"'{client_id}'"
    return f"{kubectl(facts)} annotate --overwrite serviceaccount {account} {CLIENT_ID}={value}"


def _owned(account: AccountSeen, check: Check) -> Check:
    """With what undoes the fix, where somebody else writes the object too."""
    if account["owner"] is not None and check["state"] == "broken":
        check["evidence"].append(sentence(account["owner"]))
    return check
