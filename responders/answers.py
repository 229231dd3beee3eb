"""What a status and an error code of Azure mean for us, with what to do next.

Sources   https://learn.microsoft.com/graph/errors
          https://learn.microsoft.com/azure/role-based-access-control/troubleshooting
          https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources
"""

from dataclasses import dataclass
from typing import Any

from responders.errors import (
    ConflictError,
    ContractChangedError,
    NotFoundError,
    RefusedError,
    ResponderError,
    TransientError,
)

# Codes that say more than the status they come with.
_TIME_HEALS = frozenset(
    {
        "PrincipalNotFound",  # a new service principal that RBAC has not heard of yet
        "NoBackingApplicationObject",  # a new application that the directory has not replicated yet
        "ConditionalAccessEvaluationServiceUnavailable",
    }
)
_A_LOCK = frozenset({"ScopeLocked", "ReadOnlyDisabledSubscription"})
_A_RIGHT = "Give Firebreak's identity what docs/reference/permissions.md names for this step, or do it by hand"
_A_PERSON = {  # what the person does
    # Comes with a 412, but there is no race to be lost.
    "DeletingLastRbacAdminAssignment": "Make somebody else an owner there first, then run again",
    "RoleAssignmentUpdateNotPermitted": "An assignment of that name belongs to somebody else: assign by hand",
    "RoleAssignmentLimitExceeded": "Take assignments away that nobody needs there, then run again",
    "CannotUpdateLockedServicePrincipalProperty": "The application's instance property lock forbids it: "
    "change the application, or lift its lock",
    "Authorization_RequestDenied": _A_RIGHT,
    "MissingSubscriptionRegistration": _A_RIGHT,
}
_DETAIL_LIMIT = 400  # characters of Azure's own words; an HTML error page is cut


@dataclass(frozen=True, slots=True)
class Answer:
    """An error as a service gave it."""

    target: str  # "DELETE https://graph…/applications/…", without the query
    status: int
    code: str
    message: str
    request_id: str | None = None

    @property
    def text(self) -> str:
        """One sentence for a person."""
        found = f" (request {self.request_id})" if self.request_id else ""
        said = " ".join(self.message.split())[:_DETAIL_LIMIT]
        return f"{self.target} answered {self.status} {self.code}: {said}{found}"


def error_for(answer: Answer) -> ResponderError:
    """The error that an answer with status 300 or more stands for, or a long operation that failed in the end.

    That one comes with a 200: the answer to how the operation is.

    https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations
    """
    named = _by_code(answer)
    return named if named is not None else _by_status(answer)


def parse_body(body: Any) -> tuple[str, str]:
    """Code and message, as Graph, ARM, Log Analytics and the token endpoint write them."""
    match body:
        case {"error": {"message": str(message), "details": [{"code": str(code)}, *_]}} if (
            code in _TIME_HEALS  # Graph's own code is Request_BadRequest then, whatever is wrong
        ):
            return code, message
        case {"error": {"code": str(code), "message": str(message)}}:
            return code, message
        case {"error": str(code), "error_description": str(message)}:
            return code, message
        case {"code": str(code), "message": str(message)}:
            return code, message
        case _:
            return "", str(body)[:_DETAIL_LIMIT]


def _by_code(answer: Answer) -> ResponderError | None:
    if answer.code in _TIME_HEALS:
        return TransientError(answer.text)
    if answer.code in _A_LOCK:
        return RefusedError(
            f"{answer.text}. Remove that lock by hand (it is a decision of its own), then run again"
        )
    if answer.code in _A_PERSON:
        return RefusedError(f"{answer.text}. {_A_PERSON[answer.code]}")
    if answer.code == "Directory_ConcurrencyViolation":
        return ConflictError(answer.text)
    return None


def _by_status(answer: Answer) -> ResponderError:
    status, text = answer.status, answer.text
    if status < 300:
        return TransientError(f"{text}. It was accepted, and failed. It is tried again")
    if status in {408, 429} or status >= 500:
        return TransientError(f"{text}. It is tried again")
    if status in {401, 403}:
        return RefusedError(f"{text}. {_permission_hint(answer)}")
    if status == 404:
        return NotFoundError(text)
    if status in {409, 412}:
        return ConflictError(text)
    return ContractChangedError(f"{text}. This is a bug in Firebreak or a change in Azure")


def _permission_hint(answer: Answer) -> str:
    if answer.status == 401:
        return "The token was not accepted: check FIREBREAK_TENANT_ID and the app's identity"
    return _A_RIGHT
