"""What must hold of every world, whatever was drawn: each rule is a pure function of what was seen."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from fuzz.loot import Deed
from fuzz.played import Claim, Finding, Played
from fuzz.recovery_rules import RULES as RECOVERY
from fuzz.report_rules import RULES as REPORT
from fuzz.restore_rules import RULES as RESTORE
from fuzz.states import Leftovers, leftovers, standing_id, touched
from fuzz.worlds import Json, workload_name

_CONTAINED = {"contained", "partly_contained", "recovered", "partly_recovered"}
_REPLICAS = timedelta(minutes=10)
# Calls of one kind to one address; more would be a siege. Where containment can't be proven, policy.toml allows 30
# attempts at the first proof and 30 at the last, and a world may deliver that step twice. Levers ask the same, for as
# long as a replica is behind: some twenty times where it takes seven seconds.
_MOST_ALIKE = 2 * 2 * 30 + 40
# Which exposure covers a place that was opened: the words that the report uses for it.
_COVERED = {
    "blob": ("Azure resources",),
    "arm": ("Azure resources",),
    "vault by role": ("Azure resources",),
    "vault by policy": ("Key Vault access policies",),
    "graph": ("Microsoft Graph",),
    "cluster": ("Kubernetes",),
}


def judge(played: Played) -> list[Finding]:
    """Every finding of every rule, the first of those that say the same."""
    found: dict[tuple[str, str], Finding] = {}
    rules = (*_ALWAYS, *RESTORE) if played.restored else (*_ALWAYS, *_RULES, *RECOVERY, *REPORT)
    for rule in rules:
        for finding in rule(played):
            told = finding.what.partition(" at ")[0].partition(" after ")[0]
            found.setdefault((finding.rule, told), finding)
    return list(found.values())


def _ends(played: Played) -> Iterator[Finding]:
    """It ends, and says how."""
    if played.outcome not in {*_CONTAINED, "not_contained", "refused"}:
        yield Finding("the incident ends", f"outcome {played.outcome}")
    if played.outcome in _CONTAINED and not played.claims:
        yield Finding("the incident ends", f"{played.outcome}, and no proof ever held")


def _no_token(played: Played) -> Iterator[Finding]:
    """Once containment is proven, nothing buys a token as the victim; what remains is named."""
    for deed in _undisturbed(played, "token"):
        if deed.who != played.victim.object_id or _is_late(played, deed):
            continue
        if not _is_named(played, deed):
            yield Finding("no token after containment", f"{deed.how} at {deed.at} {deed.after}")


def nothing_opens(played: Played) -> Iterator[Finding]:
    """Once containment is proven, the victim's tokens open nothing but what the report says, and until it says."""
    for deed in _undisturbed(played, "open"):
        if deed.who == played.victim.object_id and not _is_exposed(played, deed):
            yield Finding(
                "nothing opens after containment",
                f"{deed.what} with {deed.how} at {deed.at}, exposures {played.status['exposures']}",
            )


def _undisturbed(played: Played, move: str) -> Iterator[Deed]:
    """Deeds after a proof, up to where the attacker changed something himself, which a later proof has to notice."""
    moments = [one.at for one in played.claims]
    end = played.restored_at  # from there on it is open again, as a person said
    for since, until in zip(moments, [*moments[1:], end], strict=False):
        planted = [one.at for one in played.planted_after(since)]
        for deed in played.deeds:
            is_within = since <= deed.at and all(
                deed.at < one for one in (until, end) if one is not None
            )
            if deed.move == move and is_within and all(deed.at < one for one in planted):
                yield deed


def _is_named(played: Played, deed: Deed) -> bool:
    """A machine that can still ask is named as what remains, by its id."""
    text = " ".join(played.status.get("remaining", [])).lower()
    machine = deed.how.removeprefix("code on ").partition(" as ")[0].lower()
    return deed.how.startswith("code on ") and machine in text


def _is_late(played: Played, deed: Deed) -> bool:
    """Where nobody could ask the token endpoint, that is said, and replicas may be as late as Azure's."""
    unasked = any("token endpoint" in one for one in played.status.get("unasked", []))
    claimed = max((one.at for one in played.claims if one.at <= deed.at), default=deed.at)
    return unasked and deed.at <= claimed + _REPLICAS


def _is_exposed(played: Played, deed: Deed) -> bool:
    """Within the time that is said; or later, with a new token of a machine that is named, where that is said."""
    return any(
        deed.at <= datetime.fromisoformat(one["until"])
        or ("gets new tokens after that time" in one["why"] and _is_named(played, deed))
        for one in played.status.get("exposures", [])
        if one["resource"].startswith(_COVERED[deed.what])
    )


def _state_is_as_claimed(played: Played) -> Iterator[Finding]:
    """When the proof held nothing was left that it says is gone, and what may remain was named."""
    for claim in played.claims:
        yield from _compared(played, claim, claim.state)


def _compared(played: Played, claim: Claim, state: Json) -> Iterator[Finding]:
    left = _left(played, state)
    for noun, ids in left.must.items():
        if ids:
            yield Finding("the proof is true", f"{noun} left: {', '.join(ids)} at {claim.at}")
    text = " ".join(claim.remaining).lower()
    for noun, ids in left.may.items():
        unnamed = [one for one in ids if one.lower() not in text]
        if unnamed:
            yield Finding("what remains is named", f"{noun} not named: {', '.join(unnamed)}")


def _end_is_as_told(played: Played) -> Iterator[Finding]:
    """At the end the last word still fits the state."""
    left = _left(played, played.after)
    if played.outcome in _CONTAINED:
        for noun, ids in left.must.items():
            if ids:
                yield Finding(
                    "the last word is true", f"{played.outcome}, {noun}: {', '.join(ids)}"
                )
    if played.outcome in {"contained", "recovered"}:
        for noun, ids in left.may.items():
            text = " ".join(
                [*played.status.get("remaining", []), *played.status["reversals"]]
            ).lower()
            if any(one.lower() not in text for one in ids):
                yield Finding(
                    "the last word is true", f"{played.outcome}, {noun}: {', '.join(ids)}"
                )
    if played.outcome == "not_contained" and left.none_at_all and not _was_disturbed(played):
        yield Finding(
            "no claim is too weak", f"not_contained: {played.status['remaining']}", "weak"
        )


def _was_disturbed(played: Played) -> bool:
    """Whether anything but the product had a hand in it: then less may be claimed than is true at the end."""
    world = played.world
    return bool(world["attack"]["stubborn"] or world["faults"] or world["locks"] or world["delays"])


def _left(played: Played, state: Json) -> Leftovers:
    victim = played.victim
    object_id = standing_id(state, victim.object_id, victim.client_id)
    return leftovers(state, object_id, victim.application_id, victim.resource_id)


def _plants_are_noticed(played: Played) -> Iterator[Finding]:
    """What was planted after the last proof is told, or the incident does not say that it is contained."""
    if not played.claims or played.outcome == "not_contained" or played.status["reversals"]:
        return
    last = played.claims[-1].at
    planted = [one for one in played.planted_after(played.claims[0].at) if one.at < last]
    effective = [one for one in planted if one.who == played.victim.object_id]
    still = _left(played, played.after)
    if effective and (any(still.must.values())):
        yield Finding("what is planted is noticed", f"{[one.what for one in effective]}")


def _steps_are_true(played: Played) -> Iterator[Finding]:
    """A lever that called itself done last left nothing of its noun when the proof was asked for."""
    said = dict(played.answers)
    if not played.claims:
        return
    left = _left(played, played.claims[-1].state)
    both = {**left.must, **left.may}
    for step, noun in _NOUNS.items():
        if said.get(step, {}).get("status") in {"done", "nothing_to_do"} and both[noun]:
            yield Finding(
                "a lever that says done is done", f"{step}: {noun} {', '.join(both[noun])}"
            )


_NOUNS = {
    "disable_service_principal": "enabled service principal",
    "deactivate_application": "active application",
    "remove_federated_credentials": "trust",
    "remove_identity_trusts": "trust",
    "remove_role_assignments": "role",
    "remove_key_vault_policies": "vault policy",
    "remove_app_roles": "application permission",
    "remove_oauth_grants": "delegated permission",
}


def _bystanders(played: Played) -> Iterator[Finding]:
    """Nobody else's things are touched, and everybody else's workloads still work."""
    # A person confirmed, cluster by cluster, that everybody's pods are restarted where keys are rotated.
    rotated = played.rotates_keys
    name = played.world["victim"]
    ids = [
        each
        for one in (played.victim, *played.successors)
        for each in (one.object_id, one.client_id, one.application_id, one.resource_id)
    ]
    ids.append(standing_id(played.after, played.victim.object_id, played.victim.client_id))
    for one in touched(played.normal, played.normal_after, f"ns-{name}/", ids, rotated=rotated):
        yield Finding("bystanders are left alone", str(one)[:300])
    for work in played.world["workloads"]:
        where = workload_name(work)
        if work["identity"] != name and played.able[where] and not played.working[where]:
            yield Finding("bystanders still work", where)


def _no_secret(played: Played) -> Iterator[Finding]:
    """No secret and no token is in anything that was written."""
    for name, value in played.secrets.items():
        for where, text in played.outputs.items():
            if value and value in text:
                yield Finding("no secret is written down", f"{name} in {where}")


def _no_siege(played: Played) -> Iterator[Finding]:
    call, count = played.most_alike
    if count > _MOST_ALIKE + 40 * len(played.claims):
        yield Finding("no siege", f"{count} times {call}")


_ALWAYS: tuple[Callable[[Played], Iterator[Finding]], ...] = (
    _no_token,
    nothing_opens,
    _state_is_as_claimed,
    _bystanders,
    _no_secret,
    _no_siege,
)
_RULES: tuple[Callable[[Played], Iterator[Finding]], ...] = (
    _ends,
    _end_is_as_told,
    _plants_are_noticed,
    _steps_are_true,
)
