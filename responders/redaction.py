"""Cutting secrets out of what is kept or logged: tokens, signatures, passwords, values of telling names.

Evidence is read by many and kept for long; what is needed of a secret is that it was there.
"""

import re
from typing import Any

REDACTED = "[redacted]"
# A JWT; the signature of a webhook or SAS URL; a secret in a query, a connection string or an argument.
_JWT = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*")
_NAMED = re.compile(
    r"(?i)\b(sig|code|client_secret|password|passwd|pwd|accountkey|sharedaccesskey|apikey|api_key)"
    r"([=:]\s*)[^&\s\"';,]+"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
# Environment variables that say what they hold. A path to a secret's file is no secret.
_TELLING = re.compile(
    r"(?i)(secret|passw|pwd|token|credential|api_?key|access_?key|account_?key|private_?key|conn)"
)
_A_PATH = re.compile(r"(?i)(_file|_path|_dir|_url|_uri|_host)$")


def scrub(text: str) -> str:
    """The text without what looks like a secret."""
    text = _JWT.sub("[redacted token]", text)
    text = _NAMED.sub(rf"\1\2{REDACTED}", text)
    return _BEARER.sub(rf"\1 {REDACTED}", text)


def scrub_document(value: Any) -> Any:
    """`scrub` for every text in a JSON document, and for values of variables with telling names."""
    match value:
        case str():
            return scrub(value)
        case list():
            return [scrub_document(one) for one in value]
        case {"name": str(name), "value": str()} if is_telling(name):
            return {**value, "value": REDACTED}
        case dict():
            return {key: scrub_document(one) for key, one in value.items()}
        case _:
            return value


def is_telling(name: str) -> bool:
    """Whether a variable of this name most likely holds a secret itself."""
    return bool(_TELLING.search(name)) and not _A_PATH.search(name)
