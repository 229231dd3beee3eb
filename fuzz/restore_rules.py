"""What must hold of a false alarm that was taken back: the state is the one before, but for what is never revived."""

from collections.abc import Callable, Iterator

from drill.differences import Difference
from fuzz.played import Finding, Played
from fuzz.states import really
from fuzz.worlds import Json, victim_of

_ENDED = {"restored", "partly_restored", "not_contained", "contained", "partly_contained"}
# https://learn.microsoft.com/azure/aks/workload-identity-overview#service-account-annotations
_CLIENT_ID = "azure.workload.identity/client-id"
_SUCCESSOR = "firebreak.dev/replaces"  # the mark of one that a recovery made
_STOLEN = ("leaked ", "secret planted", "forged for")


def _ends(played: Played) -> Iterator[Finding]:
    if played.outcome not in _ENDED:
        told = played.status["restores"][-1:]
        yield Finding("the restore ends", f"outcome {played.outcome}: {told}"[:900])


def _as_before(played: Played) -> Iterator[Finding]:
    """Restored: no difference is left but what the plan says never comes back, and what recovery made stays closed."""
    if played.outcome != "restored" or played.world["attack"]["footholds"]:
        return
    never = [one["key"].partition(":")[2] for one in played.restored["pieces"] if _is_never(one)]
    for one in really(played.normal, played.normal_after):
        expected = (
            _is_kept(played, one) or _lies_in_the_bin(played, one) or _is_new_key(played, one)
        )
        if not any(key in part for key in never for part in one.path) and not expected:
            yield Finding("restored is as before", str(one)[:300])


def _is_never(piece: Json) -> bool:
    return bool(piece["verdict"] == "never")


def _is_kept(played: Played, one: Difference) -> bool:
    """The successor and its ServiceAccounts stay, so that nobody else takes their names."""
    ids = [
        each
        for made in played.successors
        for each in (made.object_id, made.client_id, made.application_id, made.resource_id.lower())
        if each
    ]
    text = f"{one.path} {one.after}"
    return one.kind == "added" and (any(each in text for each in ids) or _names_nobody(one))


def _names_nobody(one: Difference) -> bool:
    """The successor of a ServiceAccount, once its client id was taken off: a pod may still run as it."""
    if one.path[0] != "clusters" or one.path[2] != "serviceaccounts":
        return False
    notes = one.after["metadata"].get("annotations") or {}
    return _SUCCESSOR in notes and _CLIENT_ID not in notes


def _lies_in_the_bin(played: Played, one: Difference) -> bool:
    """What containment made of an application that had no service principal, disabled: deleting it leaves it there.

    https://learn.microsoft.com/graph/api/serviceprincipal-delete
    """
    binned = one.after if isinstance(one.after, dict) else {}
    return (
        (one.kind, one.path[0]) == ("added", "deletedItems")
        and victim_of(played.world)["kind"] == "application_without_principal"
        and binned.get("appId") == played.victim.client_id
        and binned.get("accountEnabled") is False
    )


def _is_new_key(played: Played, one: Difference) -> bool:
    """Keys that were rotated with a person's consent: nothing turns a cluster back to the ones that are not trusted."""
    return played.rotates_keys and one.path[0] == "clusters" and one.path[2] == "signingKeys"


def _missing_is_named(played: Played) -> Iterator[Finding]:
    ended = played.status["restores"][-1]
    if played.outcome == "partly_restored" and not ended.get("missing"):
        yield Finding("what is missing is named", "partly_restored, and nothing is named")


def _nothing_planted_lives(played: Played) -> Iterator[Finding]:
    """What was stolen or planted buys nothing, now that the identity is open again."""
    for deed in played.deeds:
        late = played.restored_at is not None and deed.at >= played.restored_at
        if late and deed.move == "token" and deed.how.startswith(_STOLEN):
            yield Finding("nothing that was planted lives again", f"{deed.how} after {deed.after}")


RULES: tuple[Callable[[Played], Iterator[Finding]], ...] = (
    _ends,
    _as_before,
    _missing_is_named,
    _nothing_planted_lives,
)
