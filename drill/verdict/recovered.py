"""The identity that took the old one's place, application or managed identity: complete, and nobody else's."""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

from drill import unmoved
from drill.options import Json
from drill.scene import Reply, Scene
from drill.states import accounts_naming, grants_of, identity_trusts_of, only, trusts_of
from drill.successors import successor_of
from drill.traffic import moment, succeeded, writes
from drill.verdict import half_done
from drill.verdict.attacker import REFUSALS
from drill.verdict.facts import Check, Finding, every, none_of
from drill.writings import is_report

# A token whose time or whose key is over is refused as such.
# https://learn.microsoft.com/entra/identity-platform/reference-error-codes
_OVER = REFUSALS | {"AADSTS700024", "AADSTS7000272"}


def _exists(scene: Scene) -> Finding:
    made = successor_of(scene)
    principal = only(scene.after["servicePrincipals"], "id", made.object_id)
    return Finding(principal["accountEnabled"] is True, f"{principal['displayName']} is enabled")


def _issuers(scene: Scene) -> Finding:
    ours = {cluster["issuer"] for cluster in scene.seed["clusters"].values()}
    return every([(issuer, issuer in ours) for issuer, _ in successor_of(scene).trusts])


def covers(scene: Scene) -> Finding:
    """One trust for each ServiceAccount that named the identity, for its issuer and in its namespace, and no other."""
    clusters, shut = scene.seed["clusters"], unmoved.shut(scene)
    wanted = Counter(
        (clusters[cluster]["issuer"], account["metadata"]["namespace"])
        for cluster, objects in scene.before["clusters"].items()
        if cluster not in shut  # nobody could use a trust there, so none is made
        for account in accounts_naming(objects, scene.victim.app_id)
    )
    trusts = successor_of(scene).trusts
    # A subject is system:serviceaccount:<namespace>:<name>; the name may be a new one.
    given = Counter((issuer, subject.split(":")[2]) for issuer, subject in trusts)
    text = f"{len(trusts)} trusts for {wanted.total()} ServiceAccounts"
    return Finding(bool(wanted) and given == wanted, text)


def _new_subjects(scene: Scene) -> Finding:
    old = set(_old_trusts(scene))
    return every([(one[1], one not in old) for one in successor_of(scene).trusts])


def _kept_subjects(scene: Scene) -> Finding:
    old = set(_old_trusts(scene))
    return every([(one[1], one in old) for one in successor_of(scene).trusts])


def _old_trusts(scene: Scene) -> list[tuple[str, str]]:
    if scene.victim.resource_id:
        found = identity_trusts_of(scene.before, scene.victim.resource_id)
        return [(one["properties"]["issuer"], one["properties"]["subject"]) for one in found]
    found = trusts_of(scene.before, scene.victim.application_object_id)
    return [(one["issuer"], one["subject"]) for one in found]


def _credentials(scene: Scene) -> Finding:
    return none_of(successor_of(scene).credentials)


def _grants(scene: Scene) -> Finding:
    """As before the attack. Owner-level ones were not chosen, so there must have been none."""
    wanted = grants_of(scene.before, scene.victim.object_id)
    found = grants_of(scene.after, successor_of(scene).object_id)
    missing, surplus = wanted - found, found - wanted
    text = f"{len(found)} grants, {len(missing)} missing, {len(surplus)} too many"
    return Finding(bool(wanted) and not missing and not surplus, text)


def refused(replies: Mapping[str, Reply]) -> Finding:
    """Each by a code that speaks of the trust, the principal, or a token that is over."""
    return every(
        [
            (f"{name} {reply}", reply.status in (400, 401) and reply.code in _OVER)
            for name, reply in replies.items()
        ]
    )


def _risk_is_as_said(scene: Scene) -> Finding:
    """A stolen token opens the new identity exactly while the incident says that it may."""
    until = datetime.fromisoformat(str(scene.status["risk_until"]))
    ends = [_expiry(value) for value in scene.account_tokens.values()]
    opened = [name for name, reply in scene.new_identity_replays.items() if reply.status == 200]
    late = [end for end in ends if end > until]
    text = f"{len(opened)} of {len(scene.new_identity_replays)} open it; said until {until}, last ends {max(ends)}"
    return Finding(bool(opened) and not late, text)


def _expired_first(scene: Scene) -> Finding:
    """No trust was written while a stolen token could still be presented."""
    holder = successor_of(scene).holder.lower()
    written = [moment(one) for one in writes(scene) if succeeded(one) and _federates(one, holder)]
    ends = [_expiry(value) for value in scene.account_tokens.values()]
    if not written or not ends:
        return Finding(False, f"{len(written)} trusts written, {len(ends)} tokens stolen")
    spare = (min(written) - max(ends)).total_seconds()
    return Finding(spare > 0, f"first trust {spare:+.0f} s after the last stolen token's end")


def _federates(exchange: Json, holder: str) -> bool:
    url = str(exchange["url"]).lower()
    return "federatedidentitycredentials" in url and holder in url


def _expiry(token: str) -> datetime:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return datetime.fromtimestamp(int(claims["exp"]), UTC)


def _said(scene: Scene) -> Finding:
    outcome, wanted = scene.status.get("outcome"), half_done.outcome_of(scene)
    return Finding(outcome == wanted, f"outcome is {outcome}")


def _no_risk_said(scene: Scene) -> Finding:
    until = scene.status.get("risk_until")
    return Finding(until is None, "no risk is said to be accepted" if until is None else str(until))


def _risk_said(scene: Scene) -> Finding:
    reports = "\n".join(one.text for one in scene.evidence if is_report(one.path))
    until = str(scene.status.get("risk_until"))
    wanted = ("risk accepted until", until, "Confirmed by", "Risk accepted:")
    said = [(what, what in reports) for what in wanted]
    return every(said)


def _explained(method: str) -> Check:
    def look(scene: Scene) -> Finding:
        plans = [one.text for one in scene.evidence if one.path.endswith("plan.json")]
        if len(plans) != 1:
            return Finding(False, f"{len(plans)} plans")
        chosen = json.loads(plans[0])["refederation"]
        reports = "\n".join(one.text for one in scene.evidence if is_report(one.path))
        told = f"Re-federation: {chosen['method']}" in reports
        return Finding(chosen["method"] == method and told, f"{chosen['method']}, told: {told}")

    return Check("plan and report explain how stolen tokens are shut out", method, look)


_REFUSED = "refused by the token endpoint"
OLD_REFUSED = Check(
    "ServiceAccount tokens, stolen and fresh, do not open the old identity",
    _REFUSED,
    lambda scene: refused(scene.old_identity_replays),
)
NEW_REFUSED = Check(
    "stolen ServiceAccount tokens do not open the new identity",
    _REFUSED,
    lambda scene: refused(scene.new_identity_replays),
)
EXPIRED_FIRST = Check(
    "the new identity trusted nobody before the last stolen token had expired",
    "trusts are written later than that",
    _expired_first,
)
RISK_IS_AS_SAID = Check(
    "a stolen token opens the new identity no longer than the incident says",
    "it works, and ends before risk_until",
    _risk_is_as_said,
)
NO_RISK_SAID = Check("no risk is said to be accepted", "none", _no_risk_said)
RISK_SAID = Check("the report says what risk was accepted, and until when", "said", _risk_said)
SAID = Check(
    "the incident says that it is recovered, or what is not",
    "recovered, or partly where not all can be moved",
    _said,
)
EXPLAINED = {
    one: _explained(one) for one in ("new_subject", "wait_out", "rotate_keys", "accept_risk")
}
CHECKS = (
    Check("there is one new identity, and it is enabled", "accountEnabled True", _exists),
    Check("it trusts the clusters' own issuers only", "each issuer is a cluster's", _issuers),
    Check("it trusts every ServiceAccount that needs it", "one trust each", covers),
    Check("it has no secret and no key", "none", _credentials),
    Check("it has the roles from before the attack, no more, no less", "as before", _grants),
)
SUBJECTS = {
    True: Check("it trusts no subject that the old one trusted", "new ones only", _new_subjects),
    False: Check("ServiceAccounts kept their names", "subjects as before", _kept_subjects),
}
