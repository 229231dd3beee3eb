"""The product's own code as a graph: which top-level names a function, a class or a table refers to.

Read as text, so that nothing of it runs. Annotations are left out: what is passed in, its maker is asked about.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("responders", "playbooks", "triggers")
Node = tuple[str, str]  # module, and a name at its top level or "Class.method"
_Imported = tuple[str, str]  # module, and the name in it; "" where the module itself is meant


@dataclass(frozen=True, slots=True)
class Refers:
    """What one piece of code names: ours, and every attribute, which may be a method of something of ours."""

    nodes: frozenset[Node]
    attributes: frozenset[str]


@dataclass(slots=True)
class Module:
    """One file."""

    trees: dict[str, list[ast.AST]] = field(default_factory=dict)  # by node name
    methods: dict[str, set[str]] = field(default_factory=dict)  # of a class
    imported: dict[str, _Imported] = field(default_factory=dict)


@cache
def modules() -> Mapping[str, Module]:
    """Every module of the product, by its dotted name."""
    found: dict[str, Module] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = _module(ast.parse(path.read_text(encoding="utf-8")))
    return found


def functions(package: str) -> Iterator[tuple[Node, ast.AsyncFunctionDef | ast.FunctionDef]]:
    """Every top-level function below a package."""
    for name, module in modules().items():
        if name.split(".")[0] == package:
            for label, trees in module.trees.items():
                for tree in trees:
                    if isinstance(tree, ast.AsyncFunctionDef | ast.FunctionDef):
                        yield (name, label), tree


@cache
def refers(node: Node, *, acting: bool) -> Refers:
    """What a node names. `acting` leaves out what stands below `with read_only():`, which changes nothing."""
    module, name = node
    parts = [
        part
        for tree in modules()[module].trees.get(name, ())
        for part in _parts(tree, acting=acting, top=tree)
    ]
    inner = {
        alias: meant
        for part in parts
        if isinstance(part, ast.Import | ast.ImportFrom)
        for alias, meant in _imports(part)
    }
    return Refers(
        frozenset(one for part in parts for one in _meant(module, _chain(part), inner)),
        frozenset(part.attr for part in parts if isinstance(part, ast.Attribute)),
    )


def _module(tree: ast.Module) -> Module:
    module = Module()
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            module.imported.update(_imports(statement))
        for name in _defined(statement):
            module.trees.setdefault(name, []).append(statement)
        if isinstance(statement, ast.ClassDef):
            for part in statement.body:
                if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                    module.methods.setdefault(statement.name, set()).add(part.name)
                    module.trees.setdefault(f"{statement.name}.{part.name}", []).append(part)
    return module


def _defined(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return [name]
        case ast.Assign(targets=targets):
            walked = (one for target in targets for one in ast.walk(target))
            return [one.id for one in walked if isinstance(one, ast.Name)]
        case ast.AugAssign(target=ast.Name(id=name)):
            return [name]
    return []


def _parts(tree: ast.AST, *, acting: bool, top: ast.AST) -> Iterator[ast.AST]:
    yield tree
    for name, value in ast.iter_fields(tree):
        if name in {"annotation", "returns"}:
            continue
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, ast.AST):
                continue
            # A class by itself is no call of its methods: each is a node of its own.
            if tree is top and isinstance(tree, ast.ClassDef) and isinstance(one, _FUNCTIONS):
                continue
            if acting and isinstance(one, ast.With) and _is_read_only(one):
                continue
            yield from _parts(one, acting=acting, top=top)


_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def _is_read_only(block: ast.With) -> bool:
    return any(ast.unparse(one.context_expr) == "read_only()" for one in block.items)


def _chain(part: ast.AST) -> list[str]:
    """`a` or `a.b.c` as its names; empty for what begins with more than a name."""
    names: list[str] = []
    while isinstance(part, ast.Attribute):
        names.insert(0, part.attr)
        part = part.value
    return [part.id, *names] if isinstance(part, ast.Name) else []


def _meant(module: str, chain: list[str], inner: Mapping[str, _Imported]) -> Iterator[Node]:
    """The node that a dotted expression means in a module, if it is one of ours."""
    if not chain:
        return
    first, *rest = chain
    if first in inner:
        yield from _found(*inner[first], rest)
    elif first in modules()[module].trees:
        yield module, first
    elif first in modules()[module].imported:
        yield from _found(*modules()[module].imported[first], rest)


def _found(target: str, name: str, rest: list[str]) -> Iterator[Node]:
    """Down from a module to the name in it; a module may hand on what it imported."""
    while not name and rest:
        below = f"{target}.{rest[0]}"
        if below in modules():
            target = below
        else:
            name = rest[0]
        rest = rest[1:]
    known = modules().get(target)
    if known is None or not name:
        return
    if name in known.trees:
        yield target, name
    elif name in known.imported:
        yield from _found(*known.imported[name], rest)


def _imports(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, _Imported]]:
    for one in statement.names:
        if isinstance(statement, ast.Import):
            whole = one.name if one.asname else one.name.partition(".")[0]
            yield one.asname or whole, (whole, "")
        else:
            whole = f"{statement.module}.{one.name}"
            at = ROOT / whole.replace(".", "/")
            is_module = at.is_dir() or at.with_suffix(".py").exists()
            yield (
                one.asname or one.name,
                (whole, "") if is_module else (str(statement.module), one.name),
            )
