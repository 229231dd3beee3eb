"""A verdict on the screen: every fact, the red ones with what was expected and what was seen."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from drill.verdict.facts import Fact
from drill.verdict.judgement import Verdict
from drill.verdict.times import Times

_WRONG_SHOWN = 600  # characters of what a red fact saw


def verdict(found: Verdict) -> RenderableType:
    """Every fact, the red ones with what was expected and what was seen."""
    lines: list[RenderableType] = []
    noun = ""
    for fact in found["facts"]:
        lines.extend(fact_lines(fact, noun))
        noun = fact["noun"]
    rebuilt = any(fact["noun"] == "new identity" for fact in found["facts"])
    took = "  " + times(found["times"], rebuilt=rebuilt)
    return Group(*lines, Text(""), Text(took, "bold"), conclusion(found["facts"]))


def fact_lines(fact: Fact, noun: str) -> list[RenderableType]:
    """One fact; the noun is left out where the fact before had the same."""
    shown = fact["noun"] if fact["noun"] != noun else ""
    mark, style = ("✓", "green") if fact["holds"] else ("✗", "bold red")
    line = Text.assemble((f"  {mark} ", style), (f"{shown:<14}", "dim"), fact["fact"])
    if fact["holds"]:
        return [line]
    return [
        line,
        Text(f"{'':18}expected {fact['expected']}", "yellow"),
        Text(f"{'':18}actual   {fact['actual'][:_WRONG_SHOWN]}", "yellow"),
    ]


def times(measured: Times, *, rebuilt: bool = True) -> str:
    """How long it took, by the sandbox's record. What was not to be rebuilt was not left unrecovered."""
    names = {"disabled_s": "disabled", "contained_s": "contained"}
    names |= {"recovered_s": "recovered"} if rebuilt else {}
    said = [
        f"{name} {seconds:.1f} s" if isinstance(seconds, float) else f"never {name}"
        for key, name in names.items()
        for seconds in [measured.get(key)]
    ]
    return "after the alert: " + ", ".join(said)


def conclusion(facts: Sequence[Fact]) -> RenderableType:
    """The last word."""
    wrong = sum(not fact["holds"] for fact in facts)
    if wrong:
        return Text(f"  {wrong} of {len(facts)} facts do not hold.", "bold red")
    return Text(f"  All {len(facts)} facts hold.", "bold green")
