"""The expression language of flexible federated credentials: which tokens of an issuer are believed.

    claims['sub'] matches 'repo:contoso/*:ref:refs/heads/main' and claims['job_workflow_ref'] eq '…'

Faithful    `eq`, `matches` with `*` and `?`, `and`; single spaces; a quote inside a value is doubled; only the issuers
            and claims of GitHub, GitLab and Terraform Cloud
Source      https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_VALUE = r"'(?:[^']|'')*'"
_COMPARISON = re.compile(rf"claims\['([A-Za-z_]+)'\] (eq|matches) ({_VALUE})")
_WILDCARDS = {"*": ".*", "?": "."}
_ISSUERS: list[tuple[str, frozenset[str]]] = [
    (r"https://token\.actions\.githubusercontent\.com", frozenset({"sub", "job_workflow_ref"})),
    (r"https://gitlab(?:\.com|\.[A-Za-z0-9-]+\.(?:com|ca))", frozenset({"sub"})),
    (r"https://app\.(?:eu\.)?terraform\.io", frozenset({"sub"})),
]


class ExpressionError(ValueError):
    """The expression is none of the language; says where."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One claim against one value."""

    claim: str
    operator: str
    value: str

    def fits(self, claims: Mapping[str, Any]) -> bool:
        """Whether the claim is there, is a text, and compares; case counts."""
        found = claims.get(self.claim)
        if not isinstance(found, str):
            return False
        if self.operator == "eq":
            return found == self.value
        pattern = "".join(_WILDCARDS.get(each, re.escape(each)) for each in self.value)
        return re.fullmatch(pattern, found, re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class Expression:
    """The test that an expression makes of claims."""

    comparisons: tuple[Comparison, ...]

    def __call__(self, claims: Mapping[str, Any]) -> bool:
        """Whether a token with these claims is believed: all comparisons have to hold."""
        return all(each.fits(claims) for each in self.comparisons)


def parse(expression: str) -> Expression:
    """The test. Raises `ExpressionError`."""
    found: list[Comparison] = []
    at = 0
    while True:
        match = _COMPARISON.match(expression, at)
        if match is None:
            raise ExpressionError(f"no comparison at position {at} of {expression!r}")
        claim, operator, value = match.groups()
        found.append(Comparison(claim, operator, value[1:-1].replace("''", "'")))
        at = match.end()
        if at == len(expression):
            return Expression(tuple(found))
        if not expression.startswith(" and ", at):
            raise ExpressionError(f"' and ' is needed at position {at} of {expression!r}")
        at += len(" and ")


def claims_of(issuer: str) -> frozenset[str]:
    """Claims that an expression over this issuer may name; none where the issuer is not supported."""
    return next((claims for url, claims in _ISSUERS if re.fullmatch(url, issuer)), frozenset())
