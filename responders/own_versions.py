"""What runs here: Firebreak, Python, Durable, and whether an upgrade may come while an incident is open.

Source   https://learn.microsoft.com/azure/azure-functions/durable/durable-functions-orchestration-versioning
         https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
"""

import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Final

from responders.errors import ContractChangedError
from responders.model import Json
from responders.own_checks import Row
from responders.version import VERSION

_HOST_JSON: Final = Path(__file__).resolve().parent.parent / "host.json"
_OVERRIDE: Final = "AzureFunctionsJobHost__extensions__durableTask__"
# Of an upgrade while an incident is open: docs/how-to/upgrade.md
_WANTED: Final = {"versionMatchStrategy": "CurrentOrOlder", "versionFailureStrategy": "Reject"}
_PACKAGES: Final = ("azure-functions", "azure-functions-durable")


def look() -> list[Row]:
    """What is installed, and what Durable is told about versions."""
    packages = ", ".join(f"{one} {_version(one)}" for one in _PACKAGES)
    said = f"Firebreak {VERSION}, Python {platform.python_version()}, {packages}"
    return [Row("ok", said), _durable(_told())]


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "of the platform"


def _told() -> Json:
    """`durableTask` of host.json, as app settings outweigh it."""
    try:
        document = json.loads(_HOST_JSON.read_bytes())
        found: Json = dict(document["extensions"]["durableTask"])
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise ContractChangedError(f"host.json says nothing of Durable: {wrong}") from wrong
    names = ("defaultVersion", *_WANTED)
    return found | {
        name: os.environ[_OVERRIDE + name] for name in names if _OVERRIDE + name in os.environ
    }


def _durable(told: Json) -> Row:
    about = "Durable"
    wrong = [
        f"{name} is {told.get(name)!r}, not {value}"
        for name, value in _WANTED.items()
        if told.get(name) != value
    ]
    if not told.get("defaultVersion"):
        wrong.insert(0, "defaultVersion is not set")
    if wrong:
        said = f"{'; '.join(wrong)}: an upgrade breaks the incidents that are open"
        fix = "extensions.durableTask of host.json, or the app setting that outweighs it: docs/how-to/upgrade.md"
        return Row("failed", said, fix, about)
    return Row("ok", f"new incidents are of version {told['defaultVersion']}", about=about)
