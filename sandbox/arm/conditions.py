"""Conditions on role assignments: the attributes that have to fit for a role to grant anything.

Simulates   condition version 2.0, as constrained delegation and storage conditions are written
Faithful    ActionMatches, SubOperationMatches, Exists; @Request and @Resource attributes; comparisons of
            strings, GUIDs and booleans with ForAnyOf… and ForAllOf…; not, and, or
Left out    @Principal and @Environment attributes, tags, numbers, dates, and attributes that the caller of this
            module doesn't know: a condition that needs one of these grants nothing, whatever Azure would say
Source      https://learn.microsoft.com/azure/role-based-access-control/conditions-format
            https://learn.microsoft.com/azure/role-based-access-control/delegate-role-assignments-examples
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from sandbox.world import Json

Attributes = Mapping[str, str]  # "@Request[Microsoft.…:Name]" in lower case -> value
_Test = Callable[[str, Attributes], bool]  # of an action and the attributes

_TOKEN = re.compile(
    r"\s*(?P<token>'[^']*'|@\w+\[[^\]]+\]|&&|\|\||[(){},!]"
    r"|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[A-Za-z][\w:]*)"
)
_COMPARISON = re.compile(
    r"(?:For(?:Any|All)Of(?P<values>Any|All)Values:)?(?P<type>String|Guid|Bool)(?P<negated>Not)?"
    r"(?P<how>Equals|StartsWith|Like)(?P<ignore>IgnoreCase)?"
)
_CONTAINER = re.compile(
    r".*/storageAccounts/([^/]+)(?:/blobServices/default/containers/([^/]+))?.*", re.I
)
_ACCOUNT = "Microsoft.Storage/storageAccounts"
SUBOPERATION = "suboperation"  # among the attributes, though it is none
_ROLE_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"


class ConditionError(Exception):
    """The condition can't be evaluated here; says why."""


def holds(condition: str | None, action: str, attributes: Attributes) -> bool:
    """Whether an assignment with this condition grants this action. One that can't be evaluated doesn't."""
    if not condition:
        return True
    try:
        return _parsed(condition)(action, attributes)
    except ConditionError:
        return False


def of_role_assignment(source: str, properties: Json) -> dict[str, str]:
    """What constrained delegation asks about: an assignment as requested, or as it is."""
    named = {
        "RoleDefinitionId": str(properties.get("roleDefinitionId") or "").rsplit("/", 1)[-1],
        "PrincipalId": str(properties.get("principalId") or ""),
        "PrincipalType": str(properties.get("principalType") or ""),
    }
    return {
        f"{source}[{_ROLE_ASSIGNMENTS}:{name}]".lower(): value
        for name, value in named.items()
        if value
    }


def of_storage(scope: str) -> dict[str, str]:
    """What storage conditions ask about, as far as a scope tells it: account and container."""
    match = _CONTAINER.fullmatch(scope)
    if match is None:
        return {}
    account, container = match.groups()
    known = {f"@Resource[{_ACCOUNT}:name]".lower(): account}
    if container:
        known[f"@Resource[{_ACCOUNT}/blobServices/containers:name]".lower()] = container
    return known


def of_blob(path: str) -> dict[str, str]:
    """What storage conditions ask about a blob; a listing is told apart by its suboperation.

    https://learn.microsoft.com/azure/storage/blobs/storage-auth-abac-attributes
    """
    if not path:
        return {SUBOPERATION: "Blob.List"}
    return {f"@Resource[{_ACCOUNT}/blobServices/containers/blobs:path]".lower(): path}


@lru_cache(maxsize=256)
def _parsed(condition: str) -> _Test:
    parser = _Parser(_tokens(condition))
    test = parser.disjunction()
    if parser.left:
        raise ConditionError(f"unexpected {parser.left[0]}")
    return test


def _tokens(condition: str) -> list[str]:
    tokens, at = [], 0
    text = condition.strip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConditionError(f"can't read {text[at : at + 20]!r}")
        tokens.append(match["token"])
        at = match.end()
    return tokens


@dataclass
class _Parser:
    """Recursive descent; each method takes its part from the front of `left`."""

    left: list[str] = field(default_factory=list)

    def disjunction(self) -> _Test:
        test = self._conjunction()
        while self._takes("or", "||"):
            test = _either(test, self._conjunction())
        return test

    def _conjunction(self) -> _Test:
        test = self._negation()
        while self._takes("and", "&&"):
            test = _both(test, self._negation())
        return test

    def _negation(self) -> _Test:
        if self._takes("not", "!"):
            return _not(self._negation())
        if self._takes("("):
            test = self.disjunction()
            self._insist(")")
            return test
        return self._expression()

    def _expression(self) -> _Test:
        word = self._next()
        match word.lower():
            case "actionmatches":
                (pattern,) = self._values()
                return _action_matches(pattern)
            case "suboperationmatches":
                (name,) = self._values()
                return lambda _, known: known.get(SUBOPERATION, "").lower() == name.lower()
            case "exists":
                name = self._next().lower()
                return lambda _, known: name in known
        if not word.startswith("@"):
            raise ConditionError(f"unexpected {word}")
        return _comparison(word.lower(), self._next(), self._values())

    def _values(self) -> list[str]:
        if not self._takes("{"):
            return [self._next().strip("'")]
        values = [self._next().strip("'")]
        while self._takes(","):
            values.append(self._next().strip("'"))
        self._insist("}")
        return values

    def _takes(self, *words: str) -> bool:
        if self.left and self.left[0].lower() in words:
            self.left.pop(0)
            return True
        return False

    def _insist(self, word: str) -> None:
        if not self._takes(word):
            raise ConditionError(f"{word} is missing")

    def _next(self) -> str:
        if not self.left:
            raise ConditionError("the condition ends too early")
        return self.left.pop(0)


def _either(one: _Test, other: _Test) -> _Test:
    return lambda action, known: one(action, known) or other(action, known)


def _both(one: _Test, other: _Test) -> _Test:
    return lambda action, known: one(action, known) and other(action, known)


def _not(test: _Test) -> _Test:
    return lambda action, known: not test(action, known)


def _action_matches(pattern: str) -> _Test:
    wildcard = _wildcard(pattern)
    return lambda action, _: wildcard.fullmatch(action) is not None


def _wildcard(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)


def _comparison(attribute: str, operator: str, values: list[str]) -> _Test:
    match = _COMPARISON.fullmatch(operator)
    if match is None or any(value.startswith("@") for value in values):
        raise ConditionError(f"{operator} is not known here")
    ignore_case = match["type"] != "String" or match["ignore"] is not None
    quantified = all if match["values"] == "All" else any

    def test(_: str, known: Attributes) -> bool:
        if attribute not in known:
            raise ConditionError(f"{attribute} is not known here")
        # Each comparison is negated, not what comes of them: "not one of these" is ForAnyOfAllValues:GuidNotEquals.
        # https://learn.microsoft.com/azure/role-based-access-control/conditions-format#foranyofallvalues
        return quantified(
            _fits(match["how"], known[attribute], value, ignore_case=ignore_case)
            is (match["negated"] is None)
            for value in values
        )

    return test


def _fits(how: str, held: str, wanted: str, *, ignore_case: bool) -> bool:
    if ignore_case:
        held, wanted = held.lower(), wanted.lower()
    if how == "StartsWith":
        return held.startswith(wanted)
    if how == "Like":
        pattern = re.escape(wanted).replace(r"\*", ".*").replace(r"\?", ".")
        return re.fullmatch(pattern, held) is not None
    return held == wanted
