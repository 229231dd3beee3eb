"""What a federated identity credential has to be, alone and beside the others of its application.

Source      https://learn.microsoft.com/graph/api/resources/federatedidentitycredential
            https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
"""

import re

from sandbox.entra import claims_matching
from sandbox.graph.errors import GraphError, bad_request, duplicate
from sandbox.world import Json

_MOST = 20
_LONGEST = 600  # characters of issuer, subject, audience and description
_NAME = re.compile(r"[A-Za-z0-9_~.-]{3,120}")


def check(wanted: Json, present: list[Json]) -> None:
    """Whether it can stand beside those that are there. Raises 400, 409."""
    others = [each for each in present if each["id"] != wanted["id"]]
    flexible = wanted.get("claimsMatchingExpression")
    for name in ("name", "issuer") if flexible else ("name", "issuer", "subject"):
        if not wanted.get(name):
            raise _invalid(f"The required property '{name}' is missing or empty.", name)
    if flexible:
        _check_expression(wanted)
    if not _NAME.fullmatch(wanted["name"]):
        raise _invalid("The name must be URL friendly and 3 to 120 characters long.", "name")
    if len(wanted.get("audiences") or []) != 1:
        raise _invalid("Exactly one audience must be specified.", "audiences")
    texts = {"audiences": wanted["audiences"][0]} | {
        name: wanted.get(name) or "" for name in ("issuer", "subject", "description")
    }
    for name, text in texts.items():
        if len(text) > _LONGEST:
            raise _invalid(f"The value is longer than {_LONGEST} characters.", name)
    _check_unique(wanted, others)
    if len(others) >= _MOST:
        raise bad_request(
            f"The maximum number of federated identity credentials ({_MOST}) for the application "
            "has been reached.",
            "Directory_QuotaExceeded",
        )


def _check_expression(wanted: Json) -> None:
    """What a flexible credential has to be: https://aka.ms/flexiblefic. Raises 400."""
    name, expression = "claimsMatchingExpression", wanted["claimsMatchingExpression"]
    if wanted.get("subject") is not None:
        raise _invalid("Subject and claimsMatchingExpression are mutually exclusive.", name)
    if expression.get("languageVersion") != 1:
        raise _invalid("The language version must be 1.", name)
    allowed = claims_matching.claims_of(wanted["issuer"])
    if not allowed:
        raise _invalid("The issuer is not supported with claims matching expressions.", "issuer")
    try:
        test = claims_matching.parse(expression.get("value") or "")
    except claims_matching.ExpressionError as wrong:
        raise _invalid(f"The expression is not valid: {wrong}.", name) from wrong
    if unknown := {each.claim for each in test.comparisons} - allowed:
        raise _invalid(f"The claim '{min(unknown)}' is not supported for the issuer.", name)


def _check_unique(wanted: Json, others: list[Json]) -> None:
    if any(each["name"] == wanted["name"] for each in others):
        raise duplicate(f"FederatedIdentityCredential with name {wanted['name']} already exists.")
    pair = (wanted["issuer"], wanted.get("subject"))
    if pair[1] is not None and any(
        (each["issuer"], each.get("subject")) == pair for each in others
    ):
        raise _invalid(
            "The combination of issuer and subject must be unique for the application. Issuer "
            f"{pair[0]} and Subject: {pair[1]} already exist.",
            "subject",
        )


def _invalid(message: str, name: str) -> GraphError:
    return bad_request(
        f"{message} paramName: FederatedIdentityCredential.{name.capitalize()}, objectType: "
        "Microsoft.Online.DirectoryServices.Application",
        "InvalidFederatedIdentityCredentialValue",
    )
