"""Which instance ids are valid, and what to say about one that is taken.

Source: DurableClient.StartNewAsync of Azure/azure-functions-durable-extension
"""

import unicodedata

_LONGEST = 256


class InvalidInstanceIdError(ValueError):
    """The id can't name an instance."""


def check(instance_id: str) -> None:
    """Raise `InvalidInstanceIdError`, in the extension's words, for an id that Azure refuses."""
    if instance_id.startswith("@"):
        raise InvalidInstanceIdError("Orchestration instance ids must not start with @.")
    if any(c in "/\\#?" or unicodedata.category(c) == "Cc" for c in instance_id):
        raise InvalidInstanceIdError(
            "Orchestration instance ids must not contain /, \\, #, ?, or control characters."
        )
    if not instance_id or len(instance_id) > _LONGEST:
        raise InvalidInstanceIdError(f"Instance ID lengths must not exceed {_LONGEST} characters.")


def conflict(status: str) -> str:
    """The framework's OrchestrationAlreadyExistsException."""
    return f"An Orchestration instance with the status {status} already exists."
