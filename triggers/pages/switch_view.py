"""What a page says about the kill switch: nothing while everything may act. Blocks; changes nothing."""

import os

import structlog

from responders import kill_switch
from responders.errors import ResponderError
from responders.evidence import EvidenceStore
from responders.settings import Settings

_log = structlog.get_logger("firebreak.pages")


def told(store: EvidenceStore) -> str:
    """Why nothing acts, or nothing. A switch that can't be read is off, as it is for every step."""
    try:
        if not Settings.from_environ(os.environ).acting:
            return "The kill switch is pulled by the setting FIREBREAK_ACTING: no step acts."
        switch = kill_switch.read(store)
    except ResponderError as unreadable:
        _log.error("the kill switch can't be read", reason=str(unreadable))
        return f"The kill switch can't be read, so that no step acts: {unreadable}"
    if switch["acting"]:
        return ""
    by = switch["by"]["name"] if "by" in switch else "somebody"
    why = switch.get("reason", "no reason was given")
    return f"The kill switch is pulled: no step acts. {by}, {switch.get('at', '')}: {why}"
