"""MITRE ATT&CK techniques that the evidence of an incident fits, each with the evidence that says so. Pure.

A technique without evidence is not named. What stands in the identity's name may be the workload's own: only what was
planted, came from elsewhere, or was done to it by others is the attacker's for certain, and each line says which it is.

Source   https://attack.mitre.org/versions/v18/matrices/enterprise/cloud/
         https://attack.mitre.org/versions/v18/matrices/enterprise/containers/
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypedDict

from playbooks.orders import Json

ATTACK_VERSION = "18"
_MOST = 8  # lines of evidence a technique; the rest is counted, and stands under Footprint
_VAULT_TABLES = {"AZKVAuditLogs", "AzureDiagnosticsKeyVault"}
_STORAGE_READS = ("getblob", "getfile", "getmessages", "queryentity", "queryentities")
# https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities (the names of AuditLogs), and
# https://learn.microsoft.com/azure/role-based-access-control/permissions/identity (the operations of Resource Manager)
_CREDENTIALS_ADDED = (
    "federatedidentitycredentials/write",
    "certificates and secrets management",
    "add service principal credentials",
)
_ROLES_ADDED = (
    "roleassignments/write",
    "add app role assignment",
    "add delegated permission grant",
    "add member to role",
    "add eligible member to role",
)
_ACCOUNTS_MADE = ("add application", "add service principal", "add user")
_NOT_MADE = ("credentials", "app role")  # also begin with "Add service principal" and the like


class Technique(TypedDict):
    """One technique, and why it is named here."""

    id: str
    name: str
    attack_version: str
    url: str
    evidence: list[str]
    more: int  # lines of evidence beyond those


class _Rule(NamedTuple):
    id: str
    name: str
    find: Callable[[Json], list[str]]


def techniques(report: Json) -> list[Technique]:
    """By id, those that something in this document speaks for."""
    found: list[Technique] = []
    for rule in _RULES:
        lines = list(dict.fromkeys(rule.find(report)))
        if lines:
            found.append(
                {
                    "id": rule.id,
                    "name": rule.name,
                    "attack_version": ATTACK_VERSION,
                    "url": f"https://attack.mitre.org/versions/v{ATTACK_VERSION}/techniques/"
                    f"{rule.id.replace('.', '/')}/",
                    "evidence": lines[:_MOST],
                    "more": max(0, len(lines) - _MOST),
                }
            )
    return found


def _footprint(report: Json, part: str) -> list[Any]:
    return list(report["footprint"].get(part, []))


def _said(one: Json) -> str:
    times = f", {one['count']} times" if one["count"] > 1 else ""
    source = f" from {one['address']}" if one["address"] else ""
    what = f"{one['operation']} on {one['target'] or 'an unnamed resource'}"
    return f"{one['when']} {what}{source}{times} ({one['table']})"


def _planted(report: Json, *kinds: str) -> list[str]:
    """What is judged to be planted on the identity, by the same judgement that keeps it out of a rebuild."""
    return [
        f"may be planted: {one['what']} {one['name']}: {one['reason']}"
        for one in report["left_out"]
        if one["suspicious"] and one["what"].startswith(kinds)
    ]


def _done(report: Json, *marks: str, but: tuple[str, ...] = ()) -> list[str]:
    """Changes in the identity's name, by the words of their operation."""
    return [
        f"in its name: {_said(one)}"
        for one in _footprint(report, "artefacts")
        if any(mark in one["operation"].lower() for mark in marks)
        and not any(mark in one["operation"].lower() for mark in but)
    ]


def _valid_account(report: Json) -> list[str]:
    """Sign-ins with a credential that was planted."""
    planted = [one["name"].lower() for one in report["left_out"] if one["suspicious"]]
    return [
        f"{one['succeeded']} sign-ins with what may be planted: {one['credential']['kind']} "
        f"{one['credential']['name'] or one['credential']['id']} from {', '.join(one['addresses'])}, "
        f"{one['first']} to {one['last']}"
        for one in _footprint(report, "credentials")
        if one["succeeded"]
        and one["credential"]["id"]
        and any(one["credential"]["id"].lower() in name for name in planted)
    ]


def _token_used_elsewhere(report: Json) -> list[str]:
    """A token that was used from where it was not asked for."""
    elsewhere = [
        f"token {one['token_id']}, asked for from {one['address']}, was used from {', '.join(other)}"
        for one in _footprint(report, "chains")
        if one["address"] and (other := [ip for ip in one["addresses"] if ip != one["address"]])
    ]
    after = [f"after containment: {one}" for one in _footprint(report, "after_containment")]
    return [*elsewhere, *after]


def _tokens_stolen(report: Json) -> list[str]:
    return [
        f"by others, for its ServiceAccounts: {_said(one)}"
        for one in _footprint(report, "minted")
        if one["ok"]
    ]


def _vaults_read(report: Json) -> list[str]:
    reads = _footprint(report, "secrets_read")
    return [f"in its name: {_said(one)}" for one in reads if one["table"] in _VAULT_TABLES]


def _storage_read(report: Json) -> list[str]:
    acts = [act for chain in _footprint(report, "chains") for act in chain["acts"]]
    return [
        f"in its name: {_said(one)}"
        for one in [*acts, *_footprint(report, "unattributed")]
        if one["ok"] and one["operation"].lower().startswith(_STORAGE_READS)
    ]


def _cluster_secrets(report: Json) -> list[str]:
    reads = _footprint(report, "cluster_secrets_read")
    return [f"by its ServiceAccounts: {_said(one)}" for one in reads if one["ok"]]


def _entered(report: Json) -> list[str]:
    return [f"by others: {_said(one)}" for one in _footprint(report, "entered") if one["ok"]]


_RULES = (
    _Rule("T1078.004", "Valid Accounts: Cloud Accounts", _valid_account),
    _Rule("T1098", "Account Manipulation", lambda one: _planted(one, "owner", "group membership")),
    _Rule(
        "T1098.001",
        "Account Manipulation: Additional Cloud Credentials",
        lambda one: [
            *_planted(one, "federated credential", "password", "key"),
            *_done(one, *_CREDENTIALS_ADDED),
        ],
    ),
    _Rule(
        "T1098.003",
        "Account Manipulation: Additional Cloud Roles",
        lambda one: [
            *_planted(one, "grant", "application permission", "directory role"),
            *_done(one, *_ROLES_ADDED),
        ],
    ),
    _Rule(
        "T1136.003",
        "Create Account: Cloud Account",
        lambda one: _done(one, *_ACCOUNTS_MADE, but=_NOT_MADE),
    ),
    _Rule("T1528", "Steal Application Access Token", _tokens_stolen),
    _Rule("T1530", "Data from Cloud Storage", _storage_read),
    _Rule(
        "T1550.001",
        "Use Alternate Authentication Material: Application Access Token",
        _token_used_elsewhere,
    ),
    _Rule("T1552.007", "Unsecured Credentials: Container API", _cluster_secrets),
    _Rule(
        "T1555.006",
        "Credentials from Password Stores: Cloud Secrets Management Stores",
        _vaults_read,
    ),
    _Rule("T1609", "Container Administration Command", _entered),
)
