"""The functions that the app registers. The SDK lists those of one app once and no more, so every test asks here."""

import os
from functools import cache
from typing import Any
from unittest import mock

_SETTINGS = {
    "FIREBREAK_TENANT_ID": "00000000-0000-0000-0000-000000000001",
    "FIREBREAK_LOG_WORKSPACE_ID": "00000000-0000-0000-0000-000000000002",
}


@cache
def functions() -> dict[str, Any]:
    """By name."""
    with mock.patch.dict(os.environ, _SETTINGS):
        import function_app  # noqa: PLC0415 - it reads the settings

        return {one.get_function_name(): one for one in function_app.app.get_functions()}


def http_trigger(name: str) -> Any:
    """The HTTP trigger of a function, or None."""
    found = [one for one in functions()[name].get_bindings() if one.type == "httpTrigger"]
    return found[0] if found else None
