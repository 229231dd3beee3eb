"""grant-graph.sh: an administrator gives app roles to both identities. Its logic is a file, its lists are made."""

from pathlib import Path
from typing import Any, Final

from permissions.document import PROFILES

Json = dict[str, Any]
_TEMPLATE: Final = Path(__file__).parent / "grant-graph.template.sh"
_HERE: Final = "# ROLES\n"


def script(hands: Json) -> str:
    """The template with a function that names the roles."""
    cases = [
        f'    {hand}/{profile}) echo "{_named(found["graph"], profile)}" ;;'
        for hand, found in hands.items()
        for profile in PROFILES
    ]
    roles = "\n".join(["roles_of() {", '  case "$1/$2" in', *cases, "  esac", "}"])
    return _TEMPLATE.read_text(encoding="utf-8").replace(_HERE, f"{roles}\n")


def _named(lines: list[Json], profile: str) -> str:
    return " ".join(one["role"] for one in lines if profile in one["profiles"])
