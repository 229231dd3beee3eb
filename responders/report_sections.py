"""What the incident document tells of its parts together, as Markdown that nobody's text can add to."""

from responders.model import Json
from responders.untrusted import in_markdown

_SAFE = {
    "no": "**No.**",
    "not_yet": "**Not yet.**",
    "as_far_as_proven": "**Yes, as far as it was proven.**",
    "nothing_was_done": "**Nothing was touched.**",
}


def summary(told: Json) -> str:
    """What happened, what was done, whether it is safe now, what people must do; empty in documents of before."""
    if not told:
        return ""
    parts = (
        ("What happened", told["happened"]),
        ("What was done", told["done"]),
        ("What could not be done or asked", told["not_done"]),
        ("What people must do", told["todo"] or ["nothing that this incident knows of"]),
    )
    safe = f"Is it safe now? {_SAFE[told['safe']]}"
    head = f"## Summary: {in_markdown(told['headline'])}\n\n{safe}\n\n{_list(told['safe_because'])}"
    return "\n\n".join(
        [head.rstrip(), *(f"### {title}\n{_list(lines)}" for title, lines in parts if lines)]
    )


def timeline(moments: list[Json]) -> str:
    """One line a moment, in UTC."""
    if not moments:
        return ""
    columns = ("at", "kind", "what", "who")
    rows = ["| " + " | ".join(in_markdown(one[name]) for name in columns) + " |" for one in moments]
    return "\n".join(["## Timeline (UTC)", "| when | | what | who |", "|---|---|---|---|", *rows])


def techniques(found: list[Json]) -> str:
    """Each with its link, which is ours, and its evidence, which is not."""
    if not found:
        return ""
    told = [
        f"- [{one['id']}]({one['url']}) {one['name']}"
        + "".join(f"\n  - {in_markdown(line)}" for line in one["evidence"])
        + (f"\n  - and {one['more']} more" if one["more"] else "")
        for one in found
    ]
    return f"## MITRE ATT&CK techniques (version {found[0]['attack_version']})\n" + "\n".join(told)


def journal(head: Json) -> str:
    """How far the journal had come."""
    if not head:
        return ""
    return f"Journal: {head['entries']} lines, the last with hash `{head['head']}`"


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {in_markdown(line)}" for line in lines)
