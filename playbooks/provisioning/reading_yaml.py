"""The YAML of a repository, read into declarations: everything that is wrong at once, each with its file and line.

YAML is read by PyYAML's safe loader. What it would pass over in silence is an error here: a key that is there twice,
of which the last one would win, and an alias, by which a page of text grows to gigabytes.
https://yaml.org/spec/1.2.2/#3213-node-comparison
"""

from collections.abc import Iterator
from typing import Any, TypedDict

from pydantic import ValidationError

from playbooks.provisioning.declarations import Identity

_MOST = 500  # documents of one run
_SHOWN = 20  # problems in one message


class Problem(TypedDict):
    """What is wrong, and where."""

    file: str
    line: int
    key: str  # "" where it is the whole document
    message: str


class DeclarationError(ValueError):
    """These files can't be applied."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(said, problems[:_SHOWN])))
        self.problems = problems


def said(problem: Problem) -> str:
    """As compilers say it: file, line, key, what."""
    key = f" {problem['key']}:" if problem["key"] else ""
    return f"{problem['file']}:{problem['line']}:{key} {problem['message']}"


def read(files: dict[str, str]) -> list[Identity]:
    """All documents of all files, by file name. Raises `DeclarationError` with everything that is wrong."""
    found: list[tuple[str, int, Identity]] = []
    problems: list[Problem] = []
    for file in sorted(files):
        for line, document in _documents(file, files[file], problems):
            identity = _identity(file, line, document, problems)
            if identity is not None:
                found.append((file, line, identity))
    problems += _twice(found)
    if not found and not problems:
        problems.append(_problem("declarations", 1, "", "there is no document in any file"))
    if len(found) > _MOST:
        message = f"{len(found)} identities: apply at most {_MOST} at once, folder by folder"
        problems.append(_problem("declarations", 1, "", message))
    if problems:
        raise DeclarationError(problems)
    return [identity for _, _, identity in found]


def _documents(file: str, text: str, problems: list[Problem]) -> Iterator[tuple[int, Any]]:
    """The document nodes of one file, each with its first line."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - 50 ms that a cold start can do without

    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            if _is_empty(node):
                continue
            before = len(problems)
            problems += _faults(file, node, set())
            if len(problems) == before:
                yield node.start_mark.line + 1, (node, loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        problems.append(_problem(file, line, "", f"is not YAML: {error.problem or error.context}"))
    # A character that YAML forbids; a scalar that is no date although it looks like one; nested without end.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        first = str(error).strip().partition("\n")[0][:200]
        problems.append(_problem(file, 1, "", f"is not YAML: {first}"))


def _is_empty(node: Any) -> bool:
    return bool(node is None or node.tag == "tag:yaml.org,2002:null")


def _faults(file: str, node: Any, seen: set[int]) -> list[Problem]:
    """Keys that are there twice, and nodes that are there twice: those are aliases."""
    if id(node) in seen:
        line = node.start_mark.line + 1
        return [
            _problem(file, line, "", "an alias stands for it elsewhere: write it out each time")
        ]
    seen.add(id(node))
    found: list[Problem] = []
    if node.id == "sequence":
        for one in node.value:
            found += _faults(file, one, seen)
    if node.id == "mapping":
        keys: set[str] = set()
        for key, value in node.value:
            if key.value in keys if key.id == "scalar" else True:
                message = "is there twice" if key.id == "scalar" else "is no word"
                found.append(_problem(file, key.start_mark.line + 1, str(key.value)[:80], message))
            elif key.id == "scalar":
                keys.add(key.value)
            found += _faults(file, value, seen)
    return found


def _identity(
    file: str, line: int, document: tuple[Any, Any], problems: list[Problem]
) -> Identity | None:
    node, value = document
    try:
        return Identity.model_validate(value)
    except ValidationError as error:
        for one in error.errors(include_input=False, include_url=False):
            where = tuple(one["loc"])
            message = one["msg"].removeprefix("Value error, ")
            problems.append(_problem(file, _line_of(node, where) or line, _key(where), message))
        return None


def _line_of(node: Any, where: tuple[int | str, ...]) -> int:
    """The line of the innermost node that is there: what is missing has the line of what it is missing in."""
    line = int(node.start_mark.line) + 1
    for part in where:
        inner = _inner(node, part)
        if inner is None:
            return line
        key, node = inner
        line = int(key.start_mark.line) + 1
    return line


def _inner(node: Any, part: int | str) -> tuple[Any, Any] | None:
    if node.id == "sequence" and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if node.id == "mapping":
        return next(((key, value) for key, value in node.value if key.value == part), None)
    return None


def _key(where: tuple[int | str, ...]) -> str:
    """As people write it: service_accounts[0].namespace."""
    parts = [f"[{one}]" if isinstance(one, int) else f".{one}" for one in where]
    return "".join(parts).removeprefix(".")


def _twice(found: list[tuple[str, int, Identity]]) -> list[Problem]:
    """A name is an identity's address in everything that Firebreak keeps of it."""
    first: dict[str, str] = {}
    problems: list[Problem] = []
    for file, line, identity in found:
        other = first.setdefault(identity.name, f"{file}:{line}")
        if other != f"{file}:{line}":
            problems.append(
                _problem(file, line, "name", f"{identity.name} is declared in {other} too")
            )
    return problems


def _problem(file: str, line: int, key: str, message: str) -> Problem:
    return {"file": file, "line": line, "key": key, "message": message}
