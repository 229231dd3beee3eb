"""Which federated credentials an identity lacks, and which it has that nobody declares. Pure.

Issuer and subject are unique for an identity, so a trust that is there under another name is the declared one.
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from typing import Protocol

from playbooks.orders import Json
from playbooks.provisioning import naming
from playbooks.provisioning.compared import Compared
from playbooks.provisioning.model import ClusterState, IdentityState, WiredAccount
from responders.model import FederatedCredential
from responders.wanted_trusts import MOST
from responders.wanted_trusts import name as named

_LATER = "issuer not known before the cluster's is switched on"


class _Settings(Protocol):
    @property
    def audience(self) -> str:
        """Of this cloud."""

    @property
    def remove_undeclared(self) -> bool:
        """Whether what nobody declares goes."""


def compare(
    state: IdentityState,
    wired: list[WiredAccount],
    clusters: dict[str, ClusterState],
    settings: _Settings,
) -> Compared:
    """One trust for each ServiceAccount in each cluster, to the letter of its issuer."""
    found = Compared()
    issuers = {one["ref"]["resource_id"]: one["issuer_url"] for one in clusters.values()}
    kept: list[FederatedCredential] = []
    for account in wired:
        wanted = _wanted(account, issuers[account["cluster"]], settings.audience)
        there = _same_way_in(state["trusts"], wanted)
        if there is not None and there["audiences"] == wanted["audiences"]:
            kept.append(there)
            continue
        wrong = there or _namesake(state["trusts"], wanted)
        kept += [wrong] if wrong else []
        _add(found, account["cluster"], wanted, wrong)
    strange = [one for one in state["trusts"] if one not in kept and not _is_binding(one)]
    for one in strange:
        _strange(found, state, one, removed=settings.remove_undeclared)
    gone = len(strange) if settings.remove_undeclared else 0
    new = sum(one["kind"] == "trust" and one["before"] is None for one in found.operations)
    if (count := len(state["trusts"]) - gone + new) > MOST:
        found.blocked.append(
            f"it would have {count} federated credentials ({len(state['trusts'])} now, {new} new); Entra allows {MOST} "
            "of one identity: split the ServiceAccounts over two identities, or remove what nobody declares"
        )
    return found


def _wanted(account: WiredAccount, issuer: str | None, audience: str) -> FederatedCredential:
    return {
        "id": "",
        "name": naming.trust_name(account["cluster"], account["namespace"], account["name"]),
        "issuer": issuer or "",
        "subject": naming.subject(account["namespace"], account["name"]),
        "audiences": [audience],
    }


def _same_way_in(
    trusts: list[FederatedCredential], wanted: FederatedCredential
) -> FederatedCredential | None:
    """The trust of exactly this issuer and subject: case and a trailing slash matter to Entra, so they do here."""
    way = (wanted["issuer"], wanted["subject"])
    return next((one for one in trusts if (one["issuer"], one["subject"]) == way), None)


def _namesake(
    trusts: list[FederatedCredential], wanted: FederatedCredential
) -> FederatedCredential | None:
    """One under the computed name that trusts something else: the cluster was made anew, or somebody changed it."""
    return next((one for one in trusts if one["name"].lower() == wanted["name"].lower()), None)


def _add(
    found: Compared, cluster: str, wanted: FederatedCredential, wrong: FederatedCredential | None
) -> None:
    after: Json = dict(wanted)
    before: Json | None = dict(wrong) if wrong else None
    now = _trusts(wrong) if wrong else "not trusted"
    then = f"trusts {wanted['subject']} of {wanted['issuer'] or _LATER}"
    said = (f"federated credential {wanted['name']}", now, then)
    found.change("trust", wanted["name"], before, after, said, cluster)


def _strange(
    found: Compared, state: IdentityState, one: FederatedCredential, *, removed: bool
) -> None:
    identity = state["found"]
    holder = identity["app_id"] if identity else ""
    subject = (f"{holder}/{one['name']}", one["name"])
    found.find(
        "undeclared-trust",
        "high",
        subject,
        f"the identity trusts {named(dict(one))}, which nobody declares: whoever has such a token is this identity",
        "declare it, or apply with remove_undeclared after looking whose it is",
    )
    if removed:
        said = (f"federated credential {one['name']}", _trusts(one), "deleted")
        found.change("untrust", one["name"], dict(one), None, said)


def _trusts(one: FederatedCredential) -> str:
    audience = ", ".join(one["audiences"])
    return f"trusts {one['subject'] or 'by an expression'} of {one['issuer']} for {audience}"


def _is_binding(one: FederatedCredential) -> bool:
    """What AKS makes for identity bindings: nobody declares it, and nobody else signs for that issuer.

    https://learn.microsoft.com/azure/aks/identity-bindings-concepts
    """
    return one["issuer"].lower().startswith("https://ib.oic.prod-aks.azure.com/")
