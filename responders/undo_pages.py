"""What a restore did, and what a person would run in either direction, as Markdown that nobody's text can add to."""

from responders.model import Json
from responders.untrusted import in_markdown, visible


def restored(restores: list[Json]) -> str:
    """What a restore gave back, and what it did not."""
    lines = []
    for one in restores:
        lines.append(f"{one['restore_id']}: {one['outcome']}, {one['ended_at']}: {one['detail']}")
        lines += [f"missing: {each}" for each in one["missing"]]
        lines += [f"not revived: {each}" for each in one["never"]]
        lines += [
            f"changed since: {each['object']}: {each['before']} -> {each['after']}"
            for each in one.get("diff", [])
        ]
    if not lines:
        return ""
    return "## Restored\n" + "\n".join(f"- {in_markdown(line)}" for line in lines)


def by_hand(entries: list[Json]) -> str:
    """By hand, both ways: what finishes each step that is not done, and what takes back each that is or may be."""
    finish = [(one, one["finish"]) for one in reversed(entries) if one["finish"]]
    back = [(one, one["take_back"]) for one in entries if one["take_back"]]
    parts = []
    for title, found in (
        ("To finish by hand what is not done", finish),
        ("To take back by hand what was done", back),
    ):
        if found:
            lines = [line for one, commands in found for line in _remarked(one, commands)]
            fenced = "\n".join(visible(line).replace("`", "'") for line in lines)
            parts.append(f"## {title}\n```sh\n{fenced}\n```")
    return "\n\n".join(parts)


def _remarked(entry: Json, commands: list[str]) -> list[str]:
    why = f": {entry['why_not']}" if entry["why_not"] else ""
    by = f" (restore_identity does it: {entry['undone_by']})" if entry["undone_by"] else ""
    return [f"# {entry['step']} {entry['target']}, {entry['state']}{why}{by}", *commands]
