"""What speaks against a part of the graph: it came inside the compromise window, or nobody of ours has it. Pure."""

from collections.abc import Sequence

from playbooks.known import is_old
from responders.model import FederatedCredential, Grant, ServiceAccountRef
from responders.surveys import Survey

_IN_WINDOW = "made inside the compromise window, or nobody knows when"
# https://learn.microsoft.com/azure/aks/identity-bindings-concepts
_BINDINGS_ISSUER = "https://ib.oic.prod-aks.azure.com/"


def of_age(created: str | None, start: str) -> str:
    """Why something made then may be planted."""
    return "" if is_old(created, start) else _IN_WINDOW


def of_grant(grant: Grant, start: str) -> str:
    """Why this role may be planted."""
    return "" if is_old(grant["created_on"], start) else f"{grant['role_name']}: {_IN_WINDOW}"


def of_account(account: ServiceAccountRef, start: str) -> str:
    """Why this ServiceAccount may be planted, or an old one turned to the identity."""
    named = account.get("named_since")
    if not is_old(account.get("created"), start):
        return _IN_WINDOW
    if named is not None and not is_old(named, start):
        return f"what names the client id was last written inside the compromise window, at {named}"
    return ""


def of_trust(trust: FederatedCredential, surveys: Sequence[Survey]) -> str:
    """Why this trust may be planted."""
    if trust["subject"] is None:
        return "it is flexible: whoever fits its expression gets tokens"
    own = [one for one in surveys if one["cluster"]["issuer_url"] == trust["issuer"]]
    if not own:
        return _of_stranger(trust, surveys)
    if not all(one["reachable"] for one in own):
        return ""  # not known, and the cluster says so
    accounts = [account for one in own for account in one["service_accounts"]]
    if any(one["subject"] == trust["subject"] for one in accounts):
        return ""
    return "no ServiceAccount of that cluster with this subject names the client id"


def _of_stranger(trust: FederatedCredential, surveys: Sequence[Survey]) -> str:
    bound = any(
        one["kind"] == "IdentityBinding"
        for survey in surveys
        for one in survey.get("consumers", [])
    )
    if bound and trust["issuer"].startswith(_BINDINGS_ISSUER):
        return ""
    return "its issuer is none of our clusters"
