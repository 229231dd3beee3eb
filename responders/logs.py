"""How the app logs: one JSON line per event, through the standard library, as the Functions worker expects it.

Source   https://learn.microsoft.com/azure/azure-functions/functions-reference-python#logging
"""

import logging
from collections.abc import MutableMapping
from typing import Any

import structlog

from responders import tracing
from responders.redaction import scrub_document


def configure() -> None:
    """Set structlog up once. Rendered here, handed to the standard library: the worker forwards it."""
    structlog.configure(
        cache_logger_on_first_use=True,
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            tracing.in_log,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
    )
    # These log URLs and bodies at levels that a worker set to Information or Debug would show.
    for noisy in ("azure.core", "azure.identity", "httpx", "httpcore", "msal"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def redact(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Cut tokens and signatures out of every text of a log line."""
    for key, value in event.items():
        event[key] = scrub_document(value)
    return event
