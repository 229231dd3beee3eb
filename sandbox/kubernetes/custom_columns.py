"""The columns of a custom resource, as its definition names them: `additionalPrinterColumns`.

Faithful    dotted paths, `[*]`, `[?(@.type=="Ready")]`, dates as ages, null where there is nothing
Left out    every other form of JSONPath
Source      https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns
"""

import re
from typing import Any

from sandbox.world import Json

_STEP = re.compile(r'\.([\w-]+)|\[\*\]|\[\?\(@\.(\w+)==["\']([^"\']*)["\']\)\]')


def value_at(item: Json, path: str) -> Any:
    """What the path finds; of several the first, None where it finds nothing."""
    found: list[Any] = [item]
    for name, key, wanted in _STEP.findall(path):
        if name:
            found = [each[name] for each in found if isinstance(each, dict) and name in each]
        else:
            inner = [one for each in found if isinstance(each, list) for one in each]
            found = [one for one in inner if not key or one.get(key) == wanted]
    return found[0] if found else None
