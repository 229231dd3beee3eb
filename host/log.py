"""Where log lines go: the app's as they are, the host's as JSON, all to stderr.

No caller passes keys, bodies or headers; instance ids and function names are all that identifies an act.
"""

import json
import logging
import sys
from datetime import UTC, datetime

_LOGGER = logging.getLogger("host")

# What each `logLevel` of host.json means to Python's logging.
# https://learn.microsoft.com/azure/azure-functions/configure-monitoring#configure-log-levels
LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "information": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
    "none": logging.CRITICAL + 1,
}


class _Lines(logging.Formatter):
    """The host's records become JSON; everybody else's message is printed as it was rendered."""

    def format(self, record: logging.LogRecord) -> str:
        if record.name != _LOGGER.name:
            return super().format(record)
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        return json.dumps(line, default=str)


def configure(level: str = "Information") -> None:
    """Send every line to stderr, at the level of host.json's `logging.logLevel.default`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines("%(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(LEVELS[level.lower()])
    _LOGGER.setLevel(min(logging.INFO, root.level))
    # The worker library says "Function name: …" at each invocation: in Azure these are system logs.
    logging.getLogger("azure.functions").setLevel(logging.WARNING)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)  # its start and stop are said by ours
    logging.captureWarnings(capture=True)


def info(event: str, **fields: object) -> None:
    """Something the operator may want to follow."""
    _LOGGER.info(event, extra={"fields": fields})


def warning(event: str, **fields: object) -> None:
    """Something that works, but not as somebody may think."""
    _LOGGER.warning(event, extra={"fields": fields})


def error(event: str, **fields: object) -> None:
    """Something that didn't work."""
    _LOGGER.error(event, extra={"fields": fields})
