"""What a function of the product leads to: whatever is named in it, in what that names, and so on.

By reference and not by call alone: steps hand functions on, and look into tables of functions. A method counts once its
class and, somewhere, an attribute of its name were named. So it finds too much rather than too little: no identity is
without what one of its steps needs, and what nothing used is listed by a drill.
"""

import ast
from functools import cache
from typing import Final

from permissions.source import PACKAGES, Node, functions, modules, refers

# Tables of levers of which only the names are read, and where: what they hold is not called from there.
NAMES_ONLY: Final = frozenset(
    (("playbooks.undoing.book", "_expected"), ("playbooks.levers", table))
    for table in ("FIRST", "LEVERS", "BESIDE")
)


# Of a function that reads as the identity that is always on, whoever's step it is: see `responders/looking.py`.
_LOOKING: Final = "as_containment"


@cache
def reached(start: Node) -> dict[Node, bool]:
    """What this leads to as the identity whose step it is, itself among it; True: more than reading may be done."""
    acting = _closure(start, acting=True)
    return {node: node in acting for node in _closure(start, acting=False)}


@cache
def looked(start: Node) -> frozenset[Node]:
    """What this leads to as the identity that is always on: what lies behind functions that read as that one."""
    own = _closure(start, acting=False)
    return frozenset(
        node for one in own & _looking() for node in _closure(one, acting=False, through=True)
    )


@cache
def _looking() -> frozenset[Node]:
    return frozenset(
        node
        for package in PACKAGES
        for node, tree in functions(package)
        if any(isinstance(one, ast.Name) and one.id == _LOOKING for one in tree.decorator_list)
    )


def _closure(start: Node, *, acting: bool, through: bool = False) -> set[Node]:
    """`through` goes on behind functions that look as the other identity; else these are where it ends."""
    seen: set[Node] = set()
    named: set[str] = set()
    waiting = {start}
    while waiting:
        node = waiting.pop()
        seen.add(node)
        if node in _looking() and not through:
            continue
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
