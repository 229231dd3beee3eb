"""What is new and what is gone between two runs of the same playbook. Pure."""

from playbooks.runs.model import Difference, Document, Finding


def difference(now: Document, before: Document | None, since: str | None) -> Difference:
    """Findings that the earlier run did not have, and those that it alone had. What was unread then is not "new"."""
    known = _keyed(before["findings"]) if before else {}
    current = _keyed(now["findings"])
    # What could not be read now is not gone: nobody looked.
    gone = [] if now["unread"] else [one for key, one in known.items() if key not in current]
    new = [one for key, one in current.items() if key not in known]
    return {"since": since, "new": new, "gone": gone, "known": len(current) - len(new)}


def _keyed(findings: list[Finding]) -> dict[tuple[str, str], Finding]:
    return {(one["rule"], one["subject"]): one for one in findings}
