"""Expressions of flexible federated credentials, language version 1: read, and held against a token's claims.

Faithful    `claims['sub'] matches 'repo:contoso/*'` with `*` for any characters and `?` for one; `eq`; several joined
            by `and`; to the letter
Left out    which claims which issuer allows beside `sub`
Source      https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
"""

import re
from collections.abc import Callable

from sandbox.world import Json

_TERM = re.compile(r"claims\['(\w+)'\] (matches|eq) '([^']*)'")
_JOINT = " and "


class ExpressionError(ValueError):
    """The expression is not of this language; says where it stops being so."""


def parse(expression: str) -> Callable[[Json], bool]:
    """The test that an expression makes of claims. Raises `ExpressionError`."""
    terms, rest = [], expression
    while True:
        term = _TERM.match(rest)
        if term is None:
            raise ExpressionError(f"no comparison of a claim at {rest!r}")
        terms.append(_term(*term.groups()))
        rest = rest[term.end() :]
        if not rest:
            return lambda claims: all(each(claims) for each in terms)
        if not rest.startswith(_JOINT):
            raise ExpressionError(f"neither an end nor 'and' at {rest!r}")
        rest = rest.removeprefix(_JOINT)


def _term(claim: str, operator: str, comparand: str) -> Callable[[Json], bool]:
    if operator == "eq":
        return lambda claims: bool(claims.get(claim) == comparand)
    pattern = re.compile(re.escape(comparand).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)
    return lambda claims: pattern.fullmatch(str(claims.get(claim, ""))) is not None
