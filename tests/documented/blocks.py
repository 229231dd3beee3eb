"""Every block of commands and every command in running text, of every page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
# What pages have people run, and what runs commands itself.
SCRIPTS = (ROOT / "infra" / "permissions" / "grant-graph.sh",)
_SHELLS = frozenset({"sh", "bash", "shell", "console"})
TOOLS = ("firebreak", "make", "az", "azd", "kubectl", "curl", "python -m", "python3 -m")
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```", re.M | re.S
)
_INDENTED = re.compile(r"(?:^    [^\n]*\n)+", re.M)
_PROMPT = "$ "


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a page that a shell can read, less its indentation."""

    page: str  # below the repository
    line: int
    text: str
    output: str = ""  # what the page shows as the answer

    def __str__(self) -> str:
        """Where an editor finds it."""
        return f"{self.page}:{self.line}"


def pages() -> list[Path]:
    """Whatever a reader may copy a command from; the changelog tells of what was, too."""
    top = [ROOT / "README.md", ROOT / "SECURITY.md"]
    return [*top, *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(page: Path) -> list[Block]:
    """Those of one page, from top to bottom."""
    text = page.read_text()
    name = page.relative_to(ROOT).as_posix()
    found = [*_fenced(name, text), *_indented(name, text)]
    return sorted(found, key=lambda one: one.line)


def fences(text: str) -> Iterator[tuple[int, str, str]]:
    """(where it begins, language or "", what is inside) of every fenced block."""
    for match in _FENCE.finditer(text):
        inside = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.M)
        yield match.start(), match["language"].strip(), inside


def _fenced(name: str, text: str) -> Iterator[Block]:
    for start, language, inside in fences(text):
        line = text.count("\n", 0, start) + 2
        if language == "console" or (not language and inside.startswith(_PROMPT)):
            typed = [one for one in inside.splitlines() if one.startswith(_PROMPT)]
            said = [one for one in inside.splitlines() if not one.startswith(_PROMPT)]
            commands = "\n".join(one.removeprefix(_PROMPT) for one in typed)
            yield Block(name, line, commands + "\n", "\n".join(said))
        elif language in _SHELLS or (not language and inside.startswith(TOOLS)):
            yield Block(name, line, inside)


def _indented(name: str, text: str) -> Iterator[Block]:
    """Markdown's older way: four spaces. Text of a list that is indented as deep does not begin with a tool."""
    without = _FENCE.sub(lambda match: re.sub(r"[^\n]", "", match[0]), text)
    for match in _INDENTED.finditer(without):
        inside = re.sub(r"^    ", "", match[0], flags=re.M)
        if inside.startswith((*TOOLS, "ls ", "less ", "grep ")):
            yield Block(name, without.count("\n", 0, match.start()) + 1, inside)


def spoken(page: Path) -> Iterator[tuple[int, str]]:
    """(line, command) of what stands between backticks in a sentence or a table, and begins with a tool."""
    text = _FENCE.sub(lambda match: re.sub(r"[^\n]", "", match[0]), page.read_text())
    for match in re.finditer(r"`([^`\n]+)`", text):
        said = match[1].replace("\\|", "|")
        if said.startswith(tuple(f"{one} " for one in TOOLS)):
            yield text.count("\n", 0, match.start()) + 1, said
