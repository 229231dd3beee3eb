"""The API server's refusals, worded and ordered as it writes them.

Source   https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

from sandbox.kubernetes.field_problems import FieldProblem
from sandbox.kubernetes.kind import Kind
from sandbox.world import Json


class StatusError(Exception):
    """A request that is answered with a Status."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: Json | None = None,
        metadata: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """`details` is left out of the body where it is None, and stands there as {} where empty."""
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.details = details
        self.metadata = metadata or {}
        self.headers = headers or {}

    def body(self) -> Json:
        """The Status object, its keys in the API server's order."""
        status: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": self.metadata,
            "status": "Failure",
            "message": str(self),
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = self.details
        status["code"] = self.code
        return status


def not_found(kind: Kind, name: str) -> StatusError:
    """404: this object does not exist."""
    message = f'{kind.group_resource} "{name}" not found'
    return StatusError(404, "NotFound", message, details=_details(kind, name, kind.plural))


def no_such_resource() -> StatusError:
    """404: the group is known, the resource is not."""
    message = "the server could not find the requested resource"
    return StatusError(404, "NotFound", message, details={})


def already_exists(kind: Kind, name: str) -> StatusError:
    """409 to a create."""
    message = f'{kind.group_resource} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, details=_details(kind, name, kind.plural))


def conflict(kind: Kind, name: str, why: str = "") -> StatusError:
    """409: somebody else wrote first."""
    text = why or (
        "the object has been modified; please apply your changes to the latest version "
        "and try again"
    )
    message = f'Operation cannot be fulfilled on {kind.group_resource} "{name}": {text}'
    return StatusError(409, "Conflict", message, details=_details(kind, name, kind.plural))


def precondition_failed(kind: Kind, name: str, field: str, wanted: str, found: str) -> StatusError:
    """409 to a delete whose preconditions name another object."""
    label = "UID" if field == "uid" else "ResourceVersion"
    text = (
        f"the {label} in the precondition ({wanted}) does not match the {label} in record "
        f"({found}). The object might have been deleted and then recreated"
        if field == "uid"
        else f"the {label} in the precondition ({wanted}) does not match the {label} in record "
        f"({found}). The object might have been modified"
    )
    message = f'Operation cannot be fulfilled on {kind.kind} "{name}": {text}'
    return StatusError(409, "Conflict", message, details=_details(kind, name, kind.kind))


def forbidden(kind: Kind, name: str, why: str, causes: list[Json] | None = None) -> StatusError:
    """403: by authorization or by admission."""
    subject = f'{kind.group_resource} "{name}"' if name else kind.group_resource
    details = _details(kind, name, kind.plural)
    if causes:
        details["causes"] = causes
    return StatusError(403, "Forbidden", f"{subject} is forbidden: {why}", details=details)


def invalid(kind: Kind, name: str, problems: list[FieldProblem]) -> StatusError:
    """422: every problem that validation found."""
    texts = [f"{problem.field}: {problem.text}" for problem in problems]
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    details = _details(kind, name, kind.kind)
    details["causes"] = [
        {"reason": problem.reason, "message": problem.text, "field": problem.field}
        for problem in problems
    ]
    message = f'{qualified} "{name}" is invalid: {listed}'
    return StatusError(422, "Invalid", message, details=details)


def bad_patch(text: str) -> StatusError:
    """422: the patched document is not one of these objects. Kind and name are empty, as upstream."""
    details = {"causes": [{"reason": "FieldValueInvalid", "message": text, "field": "patch"}]}
    return StatusError(422, "Invalid", f' "" is invalid: patch: {text}', details=details)


def rejected() -> StatusError:
    """422 to a JSON patch that does not apply."""
    message = "the server rejected our request due to an error in our request"
    return StatusError(422, "Invalid", message, details={})


def bad_request(message: str) -> StatusError:
    """400."""
    return StatusError(400, "BadRequest", message)


def internal(message: str) -> StatusError:
    """500 for what upstream does not class any further: such a Status carries no reason."""
    return StatusError(500, "", message)


def unauthorized() -> StatusError:
    """401 to a token that is not accepted; no credentials at all is system:anonymous and 403."""
    return StatusError(401, "Unauthorized", "Unauthorized")


def expired(message: str, *, continue_token: str = "") -> StatusError:
    """410: that revision is gone."""
    metadata = {"continue": continue_token} if continue_token else {}
    return StatusError(410, "Expired", message, metadata=metadata)


def revision_too_large(wanted: int, current: int) -> StatusError:
    """504 to a resourceVersion from the future."""
    message = f"Too large resource version: {wanted}, current: {current}"
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    return StatusError(504, "Timeout", message, details=details, headers={"Retry-After": "1"})


def method_not_allowed() -> StatusError:
    """405."""
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, details={})


def not_acceptable(served: str) -> StatusError:
    """406."""
    message = f"only the following media types are accepted: {served}"
    return StatusError(406, "NotAcceptable", message)


def unsupported_media_type(accepted: str) -> StatusError:
    """415."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        f"{accepted}"
    )
    return StatusError(415, "UnsupportedMediaType", message, details={})


def success(kind: Kind, name: str, uid: str) -> Json:
    """What most kinds answer a delete with."""
    details = _details(kind, name, kind.plural)
    details["uid"] = uid
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }


def _details(kind: Kind, name: str, called: str) -> Json:
    details: Json = {"name": name} if name else {}
    if kind.group:
        details["group"] = kind.group
    details["kind"] = called
    return details
