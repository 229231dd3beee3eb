"""What a federated credential of a user-assigned identity may say.

Source      https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
            https://learn.microsoft.com/entra/workload-id/workload-identities-flexible-federated-identity-credentials
"""

import re
from collections.abc import Sequence

from sandbox.arm.bodies import Shape
from sandbox.arm.errors import ArmError
from sandbox.entra import claims_matching
from sandbox.world import Json

SHAPE: Shape = {
    "id": None,
    "name": None,
    "type": None,
    "systemData": None,
    "properties": {
        "issuer": None,
        "subject": None,
        "audiences": None,
        "claimsMatchingExpression": {"value": None, "languageVersion": None},
    },
}
FLEXIBLE_SINCE = ("2025-01-31-preview", "2025-05-31-preview")  # api-versions that know them
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}")
_MOST = 20
_LONGEST = 600


def check(name: str, properties: Json, others: Sequence[Json], *, version: str) -> Json:
    """The properties to keep, or 400 with what is wrong about them."""
    if not _NAME.fullmatch(name):
        raise _wrong(f"The name '{name}' of the Federated Identity Credential is not valid.")
    kept = {key: value for key, value in properties.items() if value is not None}
    flexible = kept.get("claimsMatchingExpression")
    if flexible is not None and version not in FLEXIBLE_SINCE:
        raise _wrong("The property 'claimsMatchingExpression' is not known to this api-version.")
    matcher = "subject" if flexible is None else "claimsMatchingExpression"
    if set(kept) != {"issuer", "audiences", matcher}:
        # The words: https://github.com/zioproto/istio-aks-example/issues/6
        raise _wrong(
            "The request format was unexpected. Federated Identity Credential must specify "
            "'issuer', 'subject' and 'audience'."
        )
    _check_values(kept)
    if len(others) >= _MOST:
        raise _wrong(
            "Too many Federated Identity Credentials for the managed identity: "
            f"at most {_MOST} are supported."
        )
    if any(_same(kept, each["properties"], matcher) for each in others):
        # The words: https://github.com/Azure/bicep-types-az/issues/2054
        raise _wrong("Issuer and subject combination already exists for this Managed Identity.")
    return kept


def _check_values(kept: Json) -> None:
    audiences = kept["audiences"]
    if not isinstance(audiences, list) or len(audiences) != 1 or not _text(audiences[0]):
        raise _wrong("Federated Identity Credential must have exactly one audience.")
    if not _text(kept["issuer"]) or not kept["issuer"].startswith("https://"):
        raise _wrong(f"The issuer is not an https URL of at most {_LONGEST} characters.")
    if "subject" in kept and not _text(kept["subject"]):
        raise _wrong(f"The subject is not a text of at most {_LONGEST} characters.")
    _check_expression(kept.get("claimsMatchingExpression"), kept["issuer"])


def _check_expression(expression: Json | None, issuer: str) -> None:
    if expression is None:
        return
    if not _text(expression.get("value")) or expression.get("languageVersion") != 1:
        raise _wrong("A claimsMatchingExpression has a value, and languageVersion 1.")
    allowed = claims_matching.claims_of(issuer)
    if not allowed:
        raise _wrong(f"The issuer '{issuer}' is not supported with a claimsMatchingExpression.")
    try:
        test = claims_matching.parse(expression["value"])
    except claims_matching.ExpressionError as wrong:
        raise _wrong(f"The claimsMatchingExpression is not valid: {wrong}.") from wrong
    if unknown := {each.claim for each in test.comparisons} - allowed:
        raise _wrong(f"The claim '{min(unknown)}' is not supported for the issuer.")


def _text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST


def _same(one: Json, other: Json, matcher: str) -> bool:
    return bool(one["issuer"] == other["issuer"] and one[matcher] == other.get(matcher))


def _wrong(message: str) -> ArmError:
    return ArmError(400, "BadRequest", message)
