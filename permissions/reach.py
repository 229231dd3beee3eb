"""What a function of the product leads to: whatever is named in it, in what that names, and so on.

By reference and not by call alone: steps hand functions on, and look into tables of functions. A method counts once its
class and, somewhere, an attribute of its name were named. So it finds too much rather than too little: no identity is
without what one of its steps needs, and what nothing used is listed by a drill.
"""

from functools import cache
from typing import Final

from permissions.source import Node, modules, refers

# Tables of levers of which only the names are read, and where: what they hold is not called from there.
NAMES_ONLY: Final = frozenset(
    (("playbooks.undoing.book", "_expected"), ("playbooks.levers", table))
    for table in ("FIRST", "LEVERS", "BESIDE")
)


@cache
def reached(start: Node) -> dict[Node, bool]:
    """Everything that this leads to, itself among it; True where more than reading may be done there."""
    acting = _closure(start, acting=True)
    return {node: node in acting for node in _closure(start, acting=False)}


def _closure(start: Node, *, acting: bool) -> set[Node]:
    seen: set[Node] = set()
    named: set[str] = set()
    waiting = {start}
    while waiting:
        node = waiting.pop()
        seen.add(node)
        refer = refers(node, acting=acting)
        named |= refer.attributes
        waiting |= {one for one in refer.nodes if (node, one) not in NAMES_ONLY} - seen
        if not waiting:
            waiting = _methods(seen, named) - seen
    return seen


def _methods(seen: set[Node], named: set[str]) -> set[Node]:
    """Methods of the classes that were named, whose own names were named as well, or that Python calls itself."""
    return {
        (module, f"{name}.{method}")
        for module, name in seen
        for method in modules()[module].methods.get(name, ())
        if method in named or method.startswith("__")
    }
