"""What a review notes: one object against one control. Plain JSON: it is kept as evidence."""

from typing import TypedDict


class Note(TypedDict):
    """An object that was looked at. `holds` None: it could not be told, and `said` has why."""

    control: str
    subject: str  # immutable id
    name: str
    holds: bool | None
    said: str
    fix: str


def note(
    control: str, subject: str, name: str, *, holds: bool | None, said: str, fix: str = ""
) -> Note:
    """One note."""
    return {
        "control": control,
        "subject": subject.lower(),
        "name": name,
        "holds": holds,
        "said": said,
        "fix": fix if holds is False else "",
    }
