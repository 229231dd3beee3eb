"""Function keys, as Core Tools and Azure have them.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENT_GRID = "eventgrid_extension"
DURABLE_TASK = "durabletask_extension"


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of one state folder; they stay over restarts."""

    master: str
    functions: dict[str, str]
    systems: dict[str, str]

    def opens_function(self, given: str | None, level: str) -> bool:
        """Whether a key opens a function of that authorization level."""
        match level.upper():
            case "ANONYMOUS":
                return True
            case "FUNCTION":
                return self._is_one_of(given, [self.master, *self.functions.values()])
            case _:  # ADMIN, and whatever else: the strictest
                return self._is_one_of(given, [self.master])

    def opens_system(self, given: str | None, system: str) -> bool:
        """Whether a key opens an extension's webhook."""
        return self._is_one_of(given, [self.master, self.systems[system]])

    def _is_one_of(self, given: str | None, wanted: list[str]) -> bool:
        if not given:
            return False
        matches = [hmac.compare_digest(given.encode(), key.encode()) for key in wanted]
        return any(matches)


def load_or_create(path: Path) -> Keys:
    """Read the keys file, or write one that only its owner can read."""
    if not path.exists():
        document: dict[str, Any] = {
            "masterKey": _key(),
            "functionKeys": {"default": _key()},
            "systemKeys": {EVENT_GRID: _key(), DURABLE_TASK: _key()},
        }
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(document, file, indent=2)
        draft.rename(path)
    document = json.loads(path.read_text("utf-8"))
    return Keys(document["masterKey"], document["functionKeys"], document["systemKeys"])


def _key() -> str:
    return secrets.token_urlsafe(40)
