"""Which trusts may be mended without a person: what can be meant for nobody else. Pure.

A ServiceAccount's annotation is no proof: whoever may write one may write anybody's client id on it. So nothing new is
ever trusted here; a trust that was made for this very subject of this very cluster is freed of its slip, and no more.
"""

from typing import TypedDict

from playbooks.troubleshooting import trust_fixes
from playbooks.troubleshooting.model import Facts
from responders.model import Change, FederatedCredential, Principal
from responders.trust_repairs import said


class Repair(TypedDict):
    """One trust, before and after."""

    principal: Principal
    before: FederatedCredential
    after: FederatedCredential


def possible(facts: Facts) -> list[Repair]:
    """The trust of this ServiceAccount that differs by a slip; none where one fits already."""
    identity = facts["identity"]
    if identity is None or identity["principal"] is None or not facts["cluster"]["issuer_url"]:
        return []
    trust = trust_fixes.meant(facts, identity["trusts"] or [])
    if trust is None or facts["wiring"]["account"] is None:
        return []
    after = {**trust_fixes.wanted(facts, trust["name"]), "id": trust["id"]}
    return [{"principal": identity["principal"], "before": trust, "after": after}]  # type: ignore[typeddict-item]


def changes(repairs: list[Repair]) -> list[Change]:
    """As a plan shows them."""
    return [
        {
            "object": f"federated credential {one['before']['name']} of {one['principal']['app_id']}",
            "before": said(one["before"]),
            "after": said(one["after"]),
        }
        for one in repairs
    ]
