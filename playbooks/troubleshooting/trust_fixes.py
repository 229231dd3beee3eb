"""The exact commands that mend a trust. Pure.

A trust is changed only where it can't be meant for anybody else: the same but for case, white space or a last slash.
Anything else gets a trust of its own beside it, or a workload that works would lose the one that it has.

Source   https://learn.microsoft.com/cli/azure/identity/federated-credential
         https://learn.microsoft.com/cli/azure/ad/app/federated-credential
"""

import json
import re
from shlex import quote

from playbooks.troubleshooting import differences
from playbooks.troubleshooting.model import Facts, subject_of
from responders.model import FederatedCredential, Principal

MOST = 20  # federated credentials of one identity
_LONGEST = 120
_NAME = re.compile(r"[^A-Za-z0-9-]+")


def is_slip(facts: Facts, trust: FederatedCredential) -> bool:
    """Whether this trust can only be meant for this ServiceAccount of this cluster."""
    pairs = (
        (facts["cluster"]["issuer_url"] or "", trust["issuer"]),
        (subject_of(facts), trust["subject"] or ""),
    )
    return all(wanted == has or differences.is_slip(wanted, has) for wanted, has in pairs)


def meant(facts: Facts, trusts: list[FederatedCredential]) -> FederatedCredential | None:
    """The trust that is for this ServiceAccount, where none fits to the letter and one does but for a slip."""
    exact = (facts["cluster"]["issuer_url"], subject_of(facts))
    if any((one["issuer"], one["subject"]) == exact for one in trusts):
        return None
    return next((one for one in trusts if is_slip(facts, one)), None)


def wanted(facts: Facts, name: str) -> FederatedCredential:
    """The trust as it has to be."""
    return {
        "id": "",
        "name": name,
        "issuer": facts["cluster"]["issuer_url"] or "",
        "subject": subject_of(facts),
        "audiences": [facts["audience"]],
    }


def update(facts: Facts, trust: FederatedCredential) -> str:
    """Let this very trust say what the token says."""
    return _command(facts, "update", wanted(facts, trust["name"]), trust["id"])


def create(facts: Facts) -> str:
    """A trust of its own, beside the others."""
    taken = {one["name"] for one in _existing(facts)}
    name = new_name(facts)
    while name in taken:
        name = f"{name[: _LONGEST - 2]}-x"
    command = _command(facts, "create", wanted(facts, name), "")
    if len(_existing(facts)) < MOST:
        return command
    return f"first delete one of its {MOST} federated credentials that nobody needs; then {command}"


def new_name(facts: Facts) -> str:
    """The same for the same ServiceAccount of the same cluster."""
    wiring = facts["wiring"]
    said = "-".join((facts["cluster"]["name"], wiring["namespace"], wiring["name"]))
    return _NAME.sub("-", said)[:_LONGEST]


def _existing(facts: Facts) -> list[FederatedCredential]:
    identity = facts["identity"]
    return (identity["trusts"] if identity else None) or []


def _command(facts: Facts, verb: str, one: FederatedCredential, credential_id: str) -> str:
    identity = facts["identity"]
    principal: Principal | None = identity["principal"] if identity else None
    if principal is None:
        return "the identity has to be known first"
    if principal["kind"] == "user_assigned_identity" and principal["resource_id"]:
        parts = principal["resource_id"].split("/")
        return (
            f"az identity federated-credential {verb} --subscription {parts[2]} --resource-group {quote(parts[4])} "
            f"--identity-name {quote(parts[-1])} --name {quote(one['name'])} --issuer {quote(one['issuer'])} "
            f"--subject {quote(one['subject'] or '')} --audiences {quote(one['audiences'][0])}"
        )
    if principal["application_object_id"] is None:
        return "its application is another tenant's: only its owner can add the trust"
    which = f" --federated-credential-id {quote(credential_id)}" if verb == "update" else ""
    body = {key: one[key] for key in ("name", "issuer", "subject", "audiences")}
    if verb == "update":
        del body["name"]  # it can't be changed
    return (
        f"az ad app federated-credential {verb} --id {principal['application_object_id']}{which} "
        f"--parameters {quote(json.dumps(body))}"
    )
