"""What the principal did in the window, read out of the collected rows. Pure: no I/O, no clock."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from playbooks.tracing import acts as tracing
from playbooks.tracing import artefacts, chains, exposures
from playbooks.tracing.acts import Rows
from playbooks.tracing.artefacts import Suspect
from playbooks.tracing.chains import Chain, Use
from playbooks.tracing.exposures import Rotation
from playbooks.tracing.rows import Act, moment
from responders.model import Principal
from responders.snapshots import Snapshot

_SECRET_READS = {"get secrets", "list secrets", "watch secrets"}
_MOST = 1_000  # acts of a kind: the rows have them all


class Finding(TypedDict):
    """A heading and its sentences, for a person."""

    title: str
    lines: list[str]


class Footprint(TypedDict):
    """Findings: what to look at next."""

    addresses: list[str]  # where its tokens were asked for, most often first
    credentials_used: list[str]  # key ids and federated credential ids
    changed: list[str]  # what it created, changed or deleted
    keys_listed: list[str]  # secondary credentials it may have harvested: rotate these
    credentials: list[Use]
    chains: list[Chain]  # which credential did what from where, token by token
    unattributed: list[Act]  # acts whose log names no token
    artefacts: list[Act]  # successful changes
    suspects: list[Suspect]  # who to look at next
    secrets_read: list[Act]
    rotation: list[Rotation]  # in Microsoft's order
    after_containment: list[str]  # whatever still worked then
    minted: list[Act]  # tokens that others requested for its ServiceAccounts
    entered: list[Act]  # shells and tunnels into pods of its namespaces
    cluster_secrets_read: list[Act]  # by its own ServiceAccounts
    left_out: int  # acts beyond what is told here; the rows have them


@dataclass(frozen=True, slots=True)
class Known:
    """What the rows are read against. `contained_at` is None where nothing was contained."""

    principal: Principal
    snapshot: Snapshot | None = None
    contained_at: datetime | None = None
    usernames: tuple[str, ...] = ()  # of the ServiceAccounts that may use it
    ours: frozenset[str] = frozenset()  # object ids of Firebreak itself, who is nobody's suspect
    mark: str = ""  # what Firebreak's own requests of this incident carry as their user agent


def trace(rows: Rows, known: Known) -> Footprint:
    """Group the rows of all sweeps, by source, into findings."""
    done = tracing.all_of(rows, known.principal, known.usernames)
    asked = chains.sign_ins(rows, known.mark)
    told = done[:_MOST]
    joined = chains.chains(rows, told, known.snapshot)
    used = chains.uses(asked, known.snapshot)
    addresses = Counter(str(row["IPAddress"]) for row in asked if row.get("IPAddress"))
    return {
        "addresses": [address for address, _ in addresses.most_common()],
        "credentials_used": [one["credential"]["id"] for one in used if one["credential"]["id"]],
        "changed": [_line(one) for one in artefacts.changes(done)],
        "keys_listed": [_line(one) for one in exposures.keys_listed(done)],
        "credentials": used,
        "chains": joined,
        "unattributed": chains.unattributed(told),
        "artefacts": artefacts.changes(done),
        "suspects": artefacts.suspects(rows, done, known.principal, known.ours),
        "secrets_read": exposures.secrets_read(done),
        "rotation": exposures.rotations(rows, done),
        "after_containment": _after(rows, done, known.contained_at),
        "minted": tracing.mints(rows, known.principal, known.usernames, known.ours),
        "entered": tracing.entries(rows, known.ours),
        "cluster_secrets_read": [one for one in done if one["operation"] in _SECRET_READS],
        "left_out": len(done) - len(told),
    }


def findings(found: Footprint) -> list[Finding]:
    """What a person reads, the most urgent first. Headings that have nothing under them are left out."""
    suspects = [
        f"{one['kind']} {one['name']} {one['id']}: {one['why']} ({one['when']})"
        for one in found["suspects"]
    ]
    rotation = [
        f"{one['order']}. {one['what']} in {one['where']}: {one['why']}"
        for one in found["rotation"]
    ]
    told = [_told(one) for one in found["chains"]]
    if found["left_out"]:
        told.append(f"{found['left_out']} more acts stand in the rows only")
    sections: list[Finding] = [
        {"title": "What still worked after containment", "lines": found["after_containment"]},
        {"title": "Which credential did what, from where", "lines": told},
        {"title": "Look at these next", "lines": suspects},
        {"title": "Rotate, in this order", "lines": rotation},
        {
            "title": "Tokens that others requested for its ServiceAccounts",
            "lines": [
                f"{one['when']} {_line(one)} from {one['address']}" for one in found["minted"]
            ],
        },
        {
            "title": "Shells and tunnels into pods of its namespaces",
            "lines": [
                f"{one['when']} {_line(one)} from {one['address']}" for one in found["entered"]
            ],
        },
    ]
    return [one for one in sections if one["lines"]]


def _told(chain: Chain) -> str:
    credential = chain["credential"]
    what = credential["name"] or credential["id"] or "that no sign-in names"
    used_from = ", ".join(chain["addresses"]) or "an unknown address"
    failed = sum(one["count"] for one in chain["acts"] if not one["ok"])
    total = sum(one["count"] for one in chain["acts"])
    return (
        f"{credential['kind']} {what}, token {chain['token_id']} used from {used_from}: "
        f"{total} calls, {failed} refused; first {_line(chain['acts'][0])}"
    )


def uncovered(snapshot: Snapshot) -> list[str]:
    """What containment takes away from nobody: a person has to look.

    Application permissions are written into a token when it is issued, so removing them later doesn't
    reach it. https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    permissions = [
        f"application permission {one.get('role_name') or one['app_role_id']} on "
        f"{one.get('resource_name') or one['resource_id']}: tokens already issued keep it until they expire"
        for one in snapshot["app_roles"]
    ]
    roles = [
        f"directory role {one.get('role_name') or one.get('role_definition_id')}"
        for one in snapshot["directory_roles"]
    ]
    attached = [
        f"{one['resource_id']} can still ask for tokens: code there is the principal"
        for one in snapshot["attachments"]
    ]
    unread = [f"{what}, which could not be read: {why}" for what, why in snapshot["unread"].items()]
    return [
        *permissions,
        *roles,
        *attached,
        *unread,
        "access outside Azure RBAC and Key Vault: database users, keys and SAS it has read",
    ]


def _after(rows: Rows, done: list[Act], contained_at: datetime | None) -> list[str]:
    """Sign-ins and acts that succeeded after containment. Like acts are judged by the last of them."""
    if contained_at is None:
        return []
    late = [one for one in done if one["ok"] and moment(one["until"]) > contained_at]
    tokens = [
        f"{row.get('TimeGenerated')} a token for {row.get('ResourceDisplayName')} from {row.get('IPAddress')}"
        for row in chains.sign_ins(rows)
        if chains.is_success(row) and moment(row.get("TimeGenerated")) > contained_at
    ]
    return [*tokens, *(f"{one['until']} {_line(one)} from {one['address']}" for one in late)]


def _line(one: Act) -> str:
    times = f" ({one['count']} times)" if one["count"] > 1 else ""
    return f"{one['operation']} on {one['target'] or 'an unnamed resource'}{times}"
