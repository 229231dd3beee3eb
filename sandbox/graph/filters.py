"""$filter: parsed, held against what the resource's index supports, and applied.

Simulates   the part of OData's filter grammar that directory objects understand
Faithful    an operator that a property has no index for is refused, not evaluated; some need an advanced query; strings
            compare without regard to case
Left out    functions but startsWith and endsWith; arithmetic
Source      https://learn.microsoft.com/graph/filter-query-parameter
            https://learn.microsoft.com/graph/aad-advanced-queries
"""

from collections.abc import Callable
from typing import Any

from sandbox.graph import filter_values as values
from sandbox.graph.errors import GraphError, malformed, unsupported_query
from sandbox.graph.filter_tokens import Token, tokenize
from sandbox.graph.schema import Property, Resource
from sandbox.world import Json

Test = Callable[[dict[str, Any]], bool]  # variables -> verdict; "" is the object itself
Related = Callable[[Json, str], int]  # object, relationship -> how many
_COMPARISONS = {"eq", "ne", "ge", "le", "gt", "lt"}
_FUNCTIONS = {"startswith", "endswith"}


def compile_filter(
    text: str, resource: Resource, *, advanced: bool, count_related: Related
) -> Callable[[Json], bool]:
    """A predicate over objects of this resource. Raises 400."""
    parser = _Parser(text, resource, advanced=advanced, count_related=count_related)
    test = parser.parse()
    return lambda item: test({"": item})


class _Parser:
    """Recursive descent over the tokens; each method returns a test."""

    def __init__(
        self, text: str, resource: Resource, *, advanced: bool, count_related: Related
    ) -> None:
        self._tokens = tokenize(text)
        self._at = 0
        self._text = text
        self._resource = resource
        self._advanced = advanced
        self._count_related = count_related
        self._variables: dict[str, Property] = {}

    def parse(self) -> Test:
        test = self._or()
        if self._peek().kind != "end":
            raise self._syntax()
        return test

    def _or(self) -> Test:
        tests = [self._and()]
        while self._accept("or"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda scope: any(test(scope) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._accept("and"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda scope: all(test(scope) for test in tests)

    def _not(self) -> Test:
        if self._accept("not"):
            self._need_advanced("Not")
            inner = self._not()
            return lambda scope: not inner(scope)
        if self._accept("("):
            inner = self._or()
            self._expect(")")
            return inner
        if self._peek().text.lower() in _FUNCTIONS:
            return self._function()
        return self._comparison()

    def _function(self) -> Test:
        name = self._next().text.lower()
        self._expect("(")
        variable, path, known = self._path()
        self._expect(",")
        wanted = str(self._literal()).lower()
        self._expect(")")
        if self._accept("eq") and self._literal() is not True:
            raise self._syntax()
        self._check(known, name)
        method = str.startswith if name == "startswith" else str.endswith
        return lambda scope: any(
            isinstance(value, str) and method(value.lower(), wanted)
            for value in values.follow(scope[variable], path)
        )

    def _comparison(self) -> Test:
        variable, path, known = self._path()
        if self._accept("any"):
            return self._any(variable, path, known)
        if path and path[-1] == "$count":
            return self._count(variable, path[0])
        operator = self._next().text.lower()
        if operator == "in":
            return self._in(variable, path, known)
        if operator not in _COMPARISONS:
            raise self._syntax()
        wanted = values.typed(known, self._literal(), self._resource)
        self._check(known, operator)
        if known.collection and variable == "":
            raise _unsupported(known, self._resource)
        return lambda scope: any(
            values.compare(values.comparable(known, value), operator, wanted)
            for value in values.follow(scope[variable], path)
        )

    def _any(self, variable: str, path: list[str], known: Property) -> Test:
        if not known.collection or known.access == "nav":
            raise _unsupported(known, self._resource)
        self._expect("(")
        name = self._next().text
        self._expect(":")
        self._variables[name] = known
        inner = self._or()
        del self._variables[name]
        self._expect(")")
        return lambda scope: any(
            inner({**scope, name: element})
            for elements in values.follow(scope[variable], path)
            for element in elements or []
        )

    def _in(self, variable: str, path: list[str], known: Property) -> Test:
        self._expect("(")
        wanted = [values.typed(known, self._literal(), self._resource)]
        while self._accept(","):
            wanted.append(values.typed(known, self._literal(), self._resource))
        self._expect(")")
        self._check(known, "in")
        return lambda scope: any(
            values.comparable(known, value) in wanted
            for value in values.follow(scope[variable], path)
        )

    def _count(self, variable: str, relation: str) -> Test:
        """`owners/$count eq 0`: only as an advanced query."""
        self._need_advanced("Count")
        operator = self._next().text.lower()
        wanted = self._literal()
        if operator not in _COMPARISONS or not isinstance(wanted, float):
            raise self._syntax()
        return lambda scope: values.compare(
            float(self._count_related(scope[variable], relation)), operator, wanted
        )

    def _path(self) -> tuple[str, list[str], Property]:
        """The variable that a path starts from, the rest of it, and the property that has the index."""
        names = [self._name()]
        while self._accept("/"):
            if self._peek().text == "any":
                break
            names.append(self._name())
        if names[0] in self._variables:
            return names[0], names[1:], self._variables[names[0]]
        known = self._resource.properties.get(names[0])
        if known is None:
            raise malformed(
                f"Invalid filter clause: Could not find a property named '{names[0]}' on type "
                f"'{self._resource.odata_type[1:]}'."
            )
        return "", names, known

    def _name(self) -> str:
        token = self._next()
        if token.kind != "word":
            raise self._syntax()
        return token.text

    def _literal(self) -> Any:
        token = self._next()
        if token.kind not in ("string", "number", "date", "guid", "constant"):
            raise self._syntax()
        return token.value

    def _check(self, known: Property, operator: str) -> None:
        if operator in known.operators:
            return
        if operator not in known.advanced:
            raise _unsupported(known, self._resource)
        self._need_advanced(operator.capitalize())

    def _need_advanced(self, operator: str) -> None:
        if not self._advanced:
            raise unsupported_query(
                f"Operator '{operator}' is not supported because the required parameters might be "
                "missing. Try adding $count=true query parameter and ConsistencyLevel:eventual "
                "header. Refer to https://aka.ms/graph-docs/advanced-queries for more information"
            )

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _accept(self, text: str) -> bool:
        token = self._peek()
        found = token.kind in ("word", "punctuation") and token.text.lower() == text
        self._at += found
        return found

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._syntax()

    def _syntax(self) -> GraphError:
        position = self._peek().position
        return malformed(
            f"Invalid filter clause: Syntax error at position {position} in '{self._text}'."
        )


def _unsupported(known: Property, resource: Resource) -> GraphError:
    return unsupported_query(
        f"Unsupported or invalid query filter clause specified for property '{known.name}' of "
        f"resource '{resource.title}'."
    )
