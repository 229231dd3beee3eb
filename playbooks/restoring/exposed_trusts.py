"""Which federated credentials may come back after a false alarm, and why others may not. Pure: no I/O, no clock.

Entra asks for nothing but the token's signature, issuer, subject and audience: whoever holds a token that fits signs
in. https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

from playbooks.restoring.comparing import Findings, Judged
from playbooks.tracing.rows import same
from responders.model import FederatedCredential
from responders.presences import Account

_PARTS = 4  # system:serviceaccount:<namespace>:<name>


def judge(trust: FederatedCredential, found: Findings, accounts: dict[str, Account]) -> Judged:
    """Whether it comes back, and why not. `accounts` are our clusters, by the issuer's exact text."""
    return _never(trust, found, accounts) or _of_nobody(trust, accounts) or _doubtful(trust, found)


def _never(
    trust: FederatedCredential, found: Findings, accounts: dict[str, Account]
) -> Judged | None:
    """What is known to be open to somebody else."""
    if trust["subject"] is None:
        return "never", "flexible: a person who has looked at its expression makes it again"
    if {trust["name"], trust["name"].lower()} & set(found.gifts["trusts"]):
        return "never", "made or changed inside the compromise window"
    if minted := _minted(trust, found, accounts):
        return "never", f"somebody else asked for a token of its ServiceAccount: {minted}"
    return None


def _of_nobody(trust: FederatedCredential, accounts: dict[str, Account]) -> Judged | None:
    """Nobody of ours uses it, or nobody can say: whoever comes to have the subject would be the identity."""
    account = accounts.get(trust["issuer"])
    if account is None:
        return (
            "choice",
            "its issuer is none of our clusters: whether it leaked, nobody here can see",
        )
    if account["subjects"] is None:
        return "unread", f"cluster {account['cluster']} can't be asked: {account['reason']}"
    if trust["subject"] not in account["subjects"]:
        named = f"no ServiceAccount of {account['cluster']} with this subject names the client id"
        return "drifted", f"{named} any more: whoever makes one would be given the identity"
    return None


def _minted(
    trust: FederatedCredential, found: Findings, accounts: dict[str, Account]
) -> str | None:
    """The first request for a token of this subject that neither a node nor we made."""
    parts = (trust["subject"] or "").split(":")
    account = accounts.get(trust["issuer"])
    if found.footprint is None or len(parts) != _PARTS or account is None:
        return None
    where = f"{parts[2]}/{parts[3]} in {account['cluster']}".lower()
    return next(
        (
            f"{one['target']} at {one['when']}"
            for one in found.footprint["minted"]
            if one["ok"] and one["target"].lower().startswith(where)
        ),
        None,
    )


def _doubtful(trust: FederatedCredential, found: Findings) -> Judged:
    """What a person decides: nothing proves that it leaked, and nothing proves that it did not."""
    if found.footprint is None:
        return "choice", "nobody has looked at its sign-ins: the incident never came so far"
    if found.plan is not None and found.plan["refederation"]["vector"] == "cluster":
        return "choice", f"somebody was in a cluster: {found.plan['refederation']['because']}"
    if not found.gifts["known"]:
        return "choice", "the audit log could not be read, so nobody knows when it was made"
    for use in found.footprint["credentials"]:
        if same(use["credential"]["id"], trust["id"]) and len(use["addresses"]) > 1:
            seen = ", ".join(use["addresses"])
            return "choice", f"signed in with from several addresses: {seen}"
    stolen = [
        chain
        for chain in found.footprint["chains"]
        if same(chain["credential"]["id"], trust["id"])
        and set(chain["addresses"]) - {chain["address"], ""}
    ]
    if stolen:
        seen = ", ".join(stolen[0]["addresses"])
        return "choice", f"a token that was asked for with it was used from elsewhere: {seen}"
    return "restore", "its ServiceAccount is there, and nothing says that its tokens leaked"
