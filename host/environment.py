"""The environment that the app sees: the host's own, local.settings.json, and what the platform sets.

https://learn.microsoft.com/azure/azure-functions/functions-develop-local#local-settings-file
"""

import json
import os
from pathlib import Path

from host.errors import ConfigurationError


def prepare(folder: Path, port: int, *, signs_in: bool) -> None:
    """Set what Core Tools would set. A variable that is set already wins over local.settings.json."""
    for name, value in _local_settings(folder / "local.settings.json").items():
        os.environ.setdefault(name, value)
    os.environ.update(
        FUNCTIONS_WORKER_RUNTIME="python",
        AZURE_FUNCTIONS_ENVIRONMENT="Development",
        WEBSITE_HOSTNAME=f"127.0.0.1:{port}",
        AzureWebJobsScriptRoot=str(folder),
    )
    # Only this host's own check may tell the app that callers are authenticated.
    if signs_in:
        os.environ["WEBSITE_AUTH_ENABLED"] = "True"
    else:
        os.environ.pop("WEBSITE_AUTH_ENABLED", None)


def _local_settings(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        document = json.loads(path.read_bytes())
    except ValueError as malformed:
        raise ConfigurationError(f"{path} isn't JSON: {malformed}") from malformed
    if document.get("IsEncrypted"):
        raise ConfigurationError(f"{path} is encrypted: run `func settings decrypt` first")
    values = document.get("Values", {})
    wrong = [name for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise ConfigurationError(f"{path}: values must be strings: {', '.join(wrong)}")
    return dict(values)
