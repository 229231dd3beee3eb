"""Everything that a signal comes in by, from machines: what `function_app` registers of it."""

from triggers import (
    alertmanager,
    announcements,
    azure_monitor,
    defender,
    event_grid,
    late_signals,
    queued_signals,
    sentinel,
)

MODULES = (
    announcements,
    azure_monitor,
    alertmanager,
    sentinel,
    defender,
    event_grid,
    late_signals,
    queued_signals,
)
