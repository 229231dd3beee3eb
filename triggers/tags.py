"""ETags of an incident: whether anything about it is new, and whether it stands where somebody saw it.

A tag has two parts. The whole of it changes with every step, so who polls is told as soon as there is news. Its first
part changes with what a person decides by: the phase, the outcome, the depth, the plan that is asked about. A call that
steers is held against that part alone, or a check that ran meanwhile would void it.
"""

from responders.evidence import canonical, digest
from responders.model import Json

# What a person decides by, of the status document.
_DECIDED_BY = ("phase", "outcome", "mode", "resume", "cancelled", "recovered_at", "contained_at")
_OF_CONSENT = ("plan_hash", "decision")  # another's yes to the same plan voids nobody's own


def of(shown: Json) -> str:
    """The tag of a status document."""
    consent = shown.get("consent") or {}
    decided_by = [
        *(shown.get(name) for name in _DECIDED_BY),
        *(consent.get(name) for name in _OF_CONSENT),
    ]
    return f'"{digest(canonical(decided_by))[:12]}.{digest(canonical(shown))[:16]}"'


def of_bytes(content: bytes) -> str:
    """The tag of something that never changes."""
    return f'"{digest(content)[:24]}"'


def is_known(header: str | None, tag: str) -> bool:
    """If-None-Match: whether the caller has exactly this."""
    return header is not None and (header.strip() == "*" or tag in _listed(header))


def stands(header: str, tag: str) -> bool:
    """If-Match: whether it stands where the caller saw it."""
    seen = {one.partition(".")[0].strip('"') for one in _listed(header)}
    return header.strip() == "*" or tag.partition(".")[0].strip('"') in seen


def _listed(header: str) -> list[str]:
    """A proxy that compresses makes a tag weak; it still says what was seen."""
    return [one.strip().removeprefix("W/") for one in header.split(",")]
