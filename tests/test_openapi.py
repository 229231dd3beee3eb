"""The description of the API: made from the code, complete, committed as it is served, of ways in that differ."""

import ast
import re
from itertools import combinations
from pathlib import Path

from jsonschema import Draft202012Validator

from tests.registered import functions, http_trigger
from triggers import openapi
from triggers.machine_routes import MACHINE_ROUTES

COMMITTED = Path(__file__).parent.parent / "docs" / "reference" / "openapi.json"
HTTP = [name for name in functions() if http_trigger(name)]


def of_the_api() -> set[str]:
    """Pages are for browsers, and describe themselves."""
    return {name for name in HTTP if not name.startswith("page_")}


def described() -> dict[str, tuple[str, str]]:
    """Operation id -> method and path."""
    return {
        one["operationId"]: (method.upper(), path)
        for path, methods in openapi.document()["paths"].items()
        for method, one in methods.items()
    }


def methods(name: str) -> set[str]:
    return {str(getattr(one, "value", one)) for one in http_trigger(name).methods}


def test_the_committed_description_is_the_one_that_is_served() -> None:
    made = "run: .venv/bin/python -m triggers.openapi > docs/reference/openapi.json"
    assert COMMITTED.read_text() == openapi.text(), made


def test_every_way_in_is_described_and_nothing_else() -> None:
    registered = {name: f"/{http_trigger(name).route}" for name in of_the_api()}

    assert {name: path for name, (_, path) in described().items()} == registered
    for name, (method, _) in described().items():
        assert methods(name) - {"HEAD"} == {method}


def test_what_is_described_is_what_is_called_and_by_machines_what_is_registered() -> None:
    assert set(described()) == set(openapi.operations()) | set(MACHINE_ROUTES)


def test_every_reference_leads_somewhere() -> None:
    text = openapi.text()
    known = openapi.document()["components"]["schemas"]

    for name in re.findall(r'"#/components/schemas/(\w+)"', text):
        assert name in known
    for schema in known.values():
        Draft202012Validator.check_schema(schema)


def test_every_error_is_described_as_a_problem() -> None:
    for path, found in openapi.document()["paths"].items():
        for one in found.values():
            for code, said in one["responses"].items():
                if int(code) >= 400 and path != "/api/health" and "content" in said:
                    assert list(said["content"]) == ["application/problem+json"], (path, code)


REFERENCE = (COMMITTED.parent / "api.md").read_text()


def test_the_reference_names_every_path_and_every_code_of_an_error() -> None:
    paths = {path.replace("{incident_id}", "{id}") for _, path in described().values()}
    assert {path for path in paths if path not in REFERENCE} == set()
    codes: set[str] = set()
    for file in (COMMITTED.parent.parent.parent / "triggers").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(
                    func=ast.Name(id="error"), args=[_, ast.Constant(value=str(code)), *_]
                ):
                    codes.add(code)
    assert len(codes) > 20
    assert {one for one in codes if f"`{one}`" not in REFERENCE} == set()


def shape(route: str) -> list[str]:
    return ["*" if part.startswith("{") else part.lower() for part in route.split("/")]


def test_no_two_ways_in_fit_the_same_call() -> None:
    """Azure tries routes as they were registered, in an order that nobody promises.

    https://github.com/Azure/azure-webjobs-sdk-extensions/blob/main/src/WebJobs.Extensions.Http/Routing/WebJobsRouteBuilder.cs
    """
    assert [pair for pair in combinations(sorted(HTTP), 2) if fit_the_same(*pair)] == []


def fit_the_same(one: str, other: str) -> bool:
    first, second = (shape(http_trigger(name).route) for name in (one, other))
    same = len(first) == len(second) and all(
        a == b or "*" in {a, b} for a, b in zip(first, second, strict=True)
    )
    return same and bool(methods(one) & methods(other))
