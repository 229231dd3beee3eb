"""Moments as people send them: RFC 3339 and nothing else. Left alone, pydantic takes "0" for the year 1970."""

import re
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def _checked(sent: object) -> object:
    if isinstance(sent, str) and not _RFC_3339.fullmatch(sent):
        raise ValueError("a moment is written as 2026-11-27T01:00:00Z")
    return sent


Moment = Annotated[AwareDatetime, BeforeValidator(_checked)]
