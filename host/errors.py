"""What stops the host from serving an app.

HostError
├── ConfigurationError   host.json, local.settings.json or the command line can't be honoured
└── AppError             the function app doesn't load, or asks for what this host doesn't have
"""


class HostError(Exception):
    """The message says what and where; `__main__` prints it and exits with 1."""


class ConfigurationError(HostError):
    """A setting is unknown, malformed or contradicts another."""


class AppError(HostError):
    """The app's folder can't be served."""
