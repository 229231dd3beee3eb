"""Where a page ends, as a word that nobody has to understand: it stays good while new things come in before it."""

import base64
import binascii
from typing import Annotated

from pydantic import AfterValidator, Field

_LONGEST = 600


def cursor(position: str) -> str:
    """The word for a position."""
    return base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def position(word: str) -> str:
    """The position that a word stands for. Raises `ValueError` for one that this app did not make."""
    try:
        found = base64.b64decode(word + "=" * (-len(word) % 4), altchars=b"-_", validate=True)
        text = found.decode()
    except (binascii.Error, UnicodeDecodeError) as odd:
        raise ValueError(
            "no cursor that this app made: take next_cursor of the page before"
        ) from odd
    if not text.isprintable() or cursor(text) != word:
        raise ValueError("no cursor that this app made: take next_cursor of the page before")
    return text


# A field of a query; the model gets the position.
CursorField = Annotated[str, Field(min_length=1, max_length=_LONGEST), AfterValidator(position)]
