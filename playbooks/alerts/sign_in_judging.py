"""Many sign-ins of an identity failed: somebody attacks it, or something is broken. Pure: rows in, a judgement out.

By three things: where they came from, what Entra answered, and which credential was used. An address counts as known
where credentials that it has got tokens before. That something failed is never proof of an attack: a new cluster, or a
trust that is made a minute late, fails from an address that nobody knows, and then works.

Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables/aadserviceprincipalsigninlogs
         https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypedDict

from playbooks.runs.model import Json
from playbooks.troubleshooting.error_codes import known

Kind = Literal["taken", "attempts", "breakage", "unknown", "quiet"]
# Somebody sent a secret, a key, or an assertion of their own making.
_GUESSED = frozenset({7000215, 7000222, 700027, 50027})
_SHOWN = 5
_DEPTHS = ("", "plan", "contain", "respond")


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to judge by."""

    rows: Sequence[Json]  # sign-ins, both before the alert's window and in it
    since: str  # RFC 3339: where the alert's window begins
    # Ids of every credential that it has: secrets, keys and trusts. None: the log names them otherwise than Resource
    # Manager does, and all of its trusts lead to our clusters.
    held: Collection[str] | None
    secrets: bool  # it has a secret or a key at all
    unread: Sequence[str] = field(default=())


class Judgement(TypedDict):
    """What it is, by which signs, and from where it came."""

    kind: Kind
    because: list[str]
    addresses: list[str]  # that nobody knows
    failures: int


def judge(seen: Seen) -> Judgement:
    """A token that a stranger got outweighs everything; guesses outweigh what is merely broken."""
    now = [one for one in seen.rows if str(one.get("TimeGenerated", "")) >= seen.since]
    failed = [one for one in now if _code(one) not in {0, None}]
    familiar = _familiar(seen)
    strangers = sorted({_address(one) for one in failed} - familiar)
    if got := _taken(seen, now, failed, familiar):
        return _judged("taken", got, strangers, failed)
    if not failed:
        quiet = ["no sign-in failed since then"] + [f"not read: {one}" for one in seen.unread]
        return _judged("unknown" if seen.unread else "quiet", quiet, [], failed)
    if tries := _attempts(seen, failed, familiar):
        return _judged("attempts", tries, strangers, failed)
    return _without_attack(seen, failed, familiar, strangers)


def _without_attack(
    seen: Seen, failed: Sequence[Json], familiar: set[str], strangers: list[str]
) -> Judgement:
    """Broken only where all of it came from where its own workloads are; else nobody can say."""
    doubts = [f"not read: {one}" for one in seen.unread]
    if not familiar:
        doubts.append("no token that it got before tells which addresses are its own")
    elif strangers:
        where = ", ".join(strangers[:_SHOWN])
        doubts.append(f"some came from {where}, where it never got a token before")
    if doubts:
        return _judged("unknown", [*doubts, *_summed(failed)], strangers, failed)
    where = ", ".join(sorted(familiar)[:_SHOWN])
    return _judged("breakage", [f"all came from {where}, its own", *_summed(failed)], [], failed)


def _familiar(seen: Seen) -> set[str]:
    """Where credentials that it has got tokens before the alert."""
    return {
        _address(one)
        for one in seen.rows
        if _code(one) == 0
        and str(one.get("TimeGenerated", "")) < seen.since
        and _is_held(seen, _credential(one))
    } - {""}


def _taken(
    seen: Seen, now: Sequence[Json], failed: Sequence[Json], familiar: set[str]
) -> list[str]:
    """Tokens that a stranger got: who had guessed before, or by a credential that is not the identity's."""
    if not familiar:
        return []  # with nothing to compare, the first token of a new workload looks like this
    guessed: dict[str, str] = {}
    for one in failed:
        if _code(one) in _GUESSED:
            first = guessed.get(_address(one), "~")
            guessed[_address(one)] = min(first, str(one.get("TimeGenerated", "")))
    found = []
    for one in now:
        address = _address(one)
        if _code(one) != 0 or address in familiar or not address:
            continue
        if guessed.get(address, "~") <= str(one.get("TimeGenerated", "")):
            found.append(f"{address} guessed, and then got a token by {_named(one)}")
        elif not _is_held(seen, _credential(one)) and not seen.unread:
            found.append(f"{address} got a token by {_named(one)}, which it does not have")
    return list(dict.fromkeys(found))[:_SHOWN]


def _is_held(seen: Seen, credential: str) -> bool:
    """Whether it is one of the identity's. What the log does not name can't be told from one."""
    if seen.held is None or not credential:
        return True
    return credential.lower() in {one.lower() for one in seen.held}


def _attempts(seen: Seen, failed: Sequence[Json], familiar: set[str]) -> list[str]:
    """Guesses from where its workloads are not. From where they are, the same is a program that is set up wrong."""
    guesses = [one for one in failed if _code(one) in _GUESSED and _address(one) not in familiar]
    if not guesses or (not familiar and seen.secrets):
        return []
    by_address: dict[str, int] = {}
    for one in guesses:
        by_address[_address(one)] = by_address.get(_address(one), 0) + 1
    has = "" if seen.secrets else ", though it has neither secret nor key"
    return [
        f"{count} guesses from {address or 'an unknown address'}{has}"
        for address, count in sorted(by_address.items(), key=lambda one: -one[1])[:_SHOWN]
    ]


def _summed(failed: Sequence[Json]) -> list[str]:
    codes: dict[int, int] = {}
    for one in failed:
        code = _code(one) or 0
        codes[code] = codes.get(code, 0) + 1
    return [
        f"{count} times AADSTS{code}: {known(code).cause}"
        for code, count in sorted(codes.items(), key=lambda one: -one[1])[:_SHOWN]
    ]


def _judged(
    kind: Kind, because: list[str], addresses: list[str], failed: Sequence[Json]
) -> Judgement:
    return {
        "kind": kind,
        "because": because,
        "addresses": [one for one in addresses if one][:20],
        "failures": len(failed),
    }


def _code(row: Json) -> int | None:
    said = str(row.get("ResultType", ""))
    return int(said) if said.isdigit() else None


def _address(row: Json) -> str:
    return str(row.get("IPAddress") or "")


def _credential(row: Json) -> str:
    return str(row.get("FederatedCredentialId") or row.get("ServicePrincipalCredentialKeyId") or "")


def _named(row: Json) -> str:
    if row.get("FederatedCredentialId"):
        return f"federated credential {row['FederatedCredentialId']}"
    if row.get("ServicePrincipalCredentialKeyId"):
        return f"secret or key {row['ServicePrincipalCredentialKeyId']}"
    return "a credential that the log does not name"


def depth(judged: Judgement, rules: Json, most: str) -> str:
    """How deep an incident about it goes; "" where there is none."""
    wanted = {"taken": rules["on_taken"], "attempts": rules["on_attempts"]}.get(judged["kind"], "")
    return _DEPTHS[min(_DEPTHS.index(wanted), _DEPTHS.index(most))]
