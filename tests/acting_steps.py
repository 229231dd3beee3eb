"""Which steps act on the world, read from the source: those that tell `perform` or a helper of it so."""

import ast
from collections.abc import Callable
from pathlib import Path

_PLAYBOOKS = Path(__file__).parent.parent / "playbooks"
_RUNS = "from playbooks.running import"  # steps of quiet-day runs: the way back stands in the run's own document


def names() -> set[str]:
    """Names of every step of an incident that is carried out with `acts=True`, by itself or through a helper."""
    return _in(lambda text: _RUNS not in text)


def of_runs() -> set[str]:
    """The same of every step of a quiet-day run."""
    return _in(lambda text: _RUNS in text)


def _in(wanted: Callable[[str], bool]) -> set[str]:
    found: set[str] = set()
    for path in sorted((_PLAYBOOKS / "steps").glob("*.py")):
        text = path.read_text()
        if not wanted(text):
            continue
        tree = ast.parse(text)
        functions = [one for one in ast.walk(tree) if isinstance(one, ast.AsyncFunctionDef)]
        # A helper that passes the step's name on: whoever calls it with a name acts under that name.
        helpers = {
            one.name for one in functions if any(_takes_name(call, one) for call in _acting(one))
        }
        for one in functions:
            calls = [*_acting(one), *(call for call in _calls(one) if _named(call) in helpers)]
            found |= {name for call in calls if (name := _constant(call))}
    return found


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [one for one in ast.walk(tree) if isinstance(one, ast.Call)]


def _acting(tree: ast.AST) -> list[ast.Call]:
    return [
        call
        for call in _calls(tree)
        if any(
            one.arg == "acts" and isinstance(one.value, ast.Constant) and one.value.value is True
            for one in call.keywords
        )
    ]


def _named(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _constant(call: ast.Call) -> str | None:
    match call.args:
        case [ast.Constant(value=str(name)), *_]:
            return name
        case _:
            return None


def _takes_name(call: ast.Call, function: ast.AsyncFunctionDef) -> bool:
    parameters = {one.arg for one in function.args.args}
    match call.args:
        case [ast.Name(id=name), *_]:
            return name in parameters
        case _:
            return False
