"""How long what was issued before containment still opens something, per kind of resource. Pure.

Access tokens can't be revoked: disabling stops new ones, and taking grants away leaves old ones with
nothing to open, each kind of resource at its own pace.
https://learn.microsoft.com/entra/identity-platform/configurable-token-lifetimes
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from playbooks.orders import Json
from responders.model import MANAGED, Principal
from responders.snapshots import Snapshot

# https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
_RBAC = timedelta(minutes=10)
# Continuous access evaluation makes tokens for Microsoft Graph live longer, up to 28 hours instead of 24.
# https://learn.microsoft.com/entra/identity/conditional-access/concept-continuous-access-evaluation
_EVALUATED = timedelta(hours=4)
# How long Entra's replicas take to refuse a token once something is disabled is not documented; of a new trust they are
# said to take a couple of minutes: https://azure.github.io/azure-workload-identity/docs/faq.html. Assumed for both.
_REPLICATED = timedelta(minutes=5)
_NOBODY_ASKED = (
    "; 5 minutes of it because the token endpoint could not be asked of every way in: some of Entra's replicas may "
    "have issued tokens for so long"
)
_NOT_OURS = "bindings in clusters, database users and ACLs that name it are not ours to remove"
_MANAGEMENT_GROUP = "/providers/microsoft.management/managementgroups/"


class Exposure(TypedDict):
    """One kind of resource, and until when a token issued before containment may open it."""

    resource: str
    until: str  # RFC 3339, UTC
    why: str


def exposures(
    principal: Principal,
    snapshot: Snapshot,
    contained_at: datetime,
    policy: Json,
    *,
    refused: bool,
) -> list[Exposure]:
    """What remains, latest last. Tokens are taken to live as long as policy.toml [windows] residual_hours says.

    `refused`: the token endpoint itself said no by `contained_at`, to every way in; else tokens may have been issued
    somewhat longer.

    24 h for workload identities (https://learn.microsoft.com/azure/aks/workload-identity-overview) and for
    managed identities, whose tokens are cached for so long:
    https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/managed-identity-best-practice-recommendations
    """
    token = timedelta(hours=policy["windows"]["residual_hours"])
    found = [
        _azure(snapshot, token),
        *_by_group(snapshot, token),
        *_graph(principal, snapshot, token),
    ]
    if _may_have(snapshot, "key_vault_policies"):
        why = "access policies are removed; how soon a vault honours that is not documented"
        found.append(("Key Vault access policies", token, why))
    outside = "Kubernetes, databases and other access outside Azure RBAC"
    found.append((outside, token, _NOT_OURS + _renewed(principal, snapshot)))
    return [
        {
            "resource": resource,
            "until": (contained_at + span).isoformat(timespec="seconds"),
            "why": why,
        }
        for resource, span, why in sorted(map(_later(refused), found), key=lambda one: one[1])
    ]


def _later(refused: bool) -> Callable[[tuple[str, timedelta, str]], tuple[str, timedelta, str]]:
    """What lasts as long as a token does lasts longer where the last token's moment is not known."""

    def later(one: tuple[str, timedelta, str]) -> tuple[str, timedelta, str]:
        resource, span, why = one
        if refused or span == _RBAC:  # a cache of roles does not care when a token was issued
            return one
        return resource, span + _REPLICATED, why + _NOBODY_ASKED

    return later


def _renewed(principal: Principal, snapshot: Snapshot) -> str:
    """What is said besides where a machine may still have the identity: it gets tokens that no deadline here counts."""
    kind = principal["kind"]
    itself = kind == "system_assigned_identity"
    if itself or (kind in MANAGED and _may_have(snapshot, "attachments")):
        return "; what it is attached to gets new tokens after that time too, which open these"
    return ""


def deadline(found: list[Exposure]) -> datetime:
    """When the last of them has passed."""
    return max(datetime.fromisoformat(one["until"]) for one in found)


def _azure(snapshot: Snapshot, token: timedelta) -> tuple[str, timedelta, str]:
    above = any(one["scope"].lower().startswith(_MANAGEMENT_GROUP) for one in snapshot["grants"])
    if above or "grants" in snapshot["unread"]:
        why = "roles at management groups are gone; data planes may honour that hours later"
        return "Azure resources under Azure RBAC", token, why
    return "Azure resources under Azure RBAC", _RBAC, "roles are gone; caches hold up to 10 minutes"


def _by_group(snapshot: Snapshot, token: timedelta) -> list[tuple[str, timedelta, str]]:
    if not _may_have(snapshot, "group_grants"):
        return []
    why = "roles carried by groups: a token keeps its groups until it expires"
    return [("Azure resources through group membership", token, why)]


def _graph(
    principal: Principal, snapshot: Snapshot, token: timedelta
) -> list[tuple[str, timedelta, str]]:
    if not _may_have(snapshot, "app_roles", "oauth_grants", "directory_roles"):
        return []
    why = "application permissions are written into a token when it is issued"
    span = token if principal["kind"] in MANAGED else token + _EVALUATED
    return [("Microsoft Graph and other APIs", span, why)]


def _may_have(snapshot: Snapshot, *parts: str) -> bool:
    """What could not be read is taken to be there: a deadline too late is no harm."""
    found: Json = {**snapshot}
    return any(found[part] or part in snapshot["unread"] for part in parts)
