"""Which Firebreak this is. The same as in pyproject.toml, which is not deployed; a test compares."""

from typing import Final

VERSION: Final = "0.1.0"
