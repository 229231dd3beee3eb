"""Which credential did what from where: sign-ins and acts joined on the token's id.

Source   https://learn.microsoft.com/entra/identity/monitoring-health/howto-track-linkable-identifiers (the columns:
         UniqueTokenIdentifier of a sign-in, `uti` in the claims of AzureActivity, UniqueTokenId of a Graph call)
"""

from typing import TypedDict

from playbooks.orders import Json
from playbooks.tracing.acts import Rows
from playbooks.tracing.rows import Act, moment, same
from responders.snapshots import Snapshot

_TABLES = ("AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")


class Credential(TypedDict):
    """What a token was asked for with."""

    kind: str  # federated_credential, key, managed_identity, or unknown
    id: str
    name: str  # as the snapshot knows it: empty where it was gone by then, or made later


class Chain(TypedDict):
    """One token: who asked for it with what, and what it was used for."""

    token_id: str
    credential: Credential
    signed_in: str  # when; empty where no sign-in with this token has been logged
    address: str
    resource: str
    addresses: list[
        str
    ]  # from which it was used: another one than it was asked from is a stolen token
    acts: list[Act]


class Use(TypedDict):
    """A credential, over all of its sign-ins."""

    credential: Credential
    succeeded: int
    failed: int
    addresses: list[str]
    first: str
    last: str


def sign_ins(rows: Rows, mark: str = "") -> list[Json]:
    """Of both tables, oldest first, without our own proofs that nothing signs in any more.

    Those carry the incident's mark as their user agent. Who copies it hides failures only.
    """
    found = [
        row
        for table in _TABLES
        for row in rows.get(table, [])
        if is_success(row) or not mark or mark not in str(row.get("UserAgent"))
    ]
    return sorted(found, key=lambda row: moment(row.get("TimeGenerated")))


def is_success(sign_in: Json) -> bool:
    """ResultType is an error code, 0 where there was none."""
    return str(sign_in.get("ResultType")) == "0"


def chains(rows: Rows, acts: list[Act], snapshot: Snapshot | None) -> list[Chain]:
    """A chain for every token that did something, in the order of its first act."""
    asked = {
        str(row["UniqueTokenIdentifier"]): row
        for row in sign_ins(rows)
        if row.get("UniqueTokenIdentifier")
    }
    by_token: dict[str, list[Act]] = {}
    for one in acts:
        if one["token_id"]:
            by_token.setdefault(one["token_id"], []).append(one)
    return [_chain(token, done, asked.get(token), snapshot) for token, done in by_token.items()]


def unattributed(acts: list[Act]) -> list[Act]:
    """Acts whose log names no token: they are the principal's, with which credential is not told."""
    return [one for one in acts if not one["token_id"]]


def uses(signed_in: list[Json], snapshot: Snapshot | None) -> list[Use]:
    """Every credential that was tried, failures too."""
    found: dict[tuple[str, str], Use] = {}
    for row in signed_in:
        credential = _credential(row, snapshot)
        when = str(row.get("TimeGenerated"))
        use = found.setdefault(
            (credential["kind"], credential["id"]),
            {
                "credential": credential,
                "succeeded": 0,
                "failed": 0,
                "addresses": [],
                "first": when,
                "last": when,
            },
        )
        use["succeeded" if is_success(row) else "failed"] += 1
        use["last"] = when
        address = str(row.get("IPAddress") or "")
        if address and address not in use["addresses"]:
            use["addresses"].append(address)
    return list(found.values())


def _chain(
    token_id: str, acts: list[Act], sign_in: Json | None, snapshot: Snapshot | None
) -> Chain:
    row = sign_in or {}
    return {
        "token_id": token_id,
        "credential": _credential(row, snapshot),
        "signed_in": str(row.get("TimeGenerated") or ""),
        "address": str(row.get("IPAddress") or ""),
        "resource": str(row.get("ResourceDisplayName") or ""),
        "addresses": list(dict.fromkeys(one["address"] for one in acts if one["address"])),
        "acts": acts,
    }


def _credential(row: Json, snapshot: Snapshot | None) -> Credential:
    if federated := str(row.get("FederatedCredentialId") or ""):
        known = snapshot["federated_credentials"] if snapshot else []
        names = [
            f"{one['name']} ({one['issuer']}, {one['subject']})"
            for one in known
            if same(one["id"], federated)
        ]
        return {"kind": "federated_credential", "id": federated, "name": "".join(names[:1])}
    if key := str(row.get("ServicePrincipalCredentialKeyId") or ""):
        held = snapshot["credentials"] if snapshot else []
        names = [
            f"{one['kind']} {one['display_name']} on the {one['holder']}"
            for one in held
            if same(one["key_id"], key)
        ]
        return {"kind": "key", "id": key, "name": "".join(names[:1])}
    if row.get("Type") == "AADManagedIdentitySignInLogs":
        return {"kind": "managed_identity", "id": "", "name": "the platform's own, over IMDS"}
    return {"kind": "unknown", "id": "", "name": ""}
