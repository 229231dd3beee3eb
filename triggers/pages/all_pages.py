"""Every page there is, for the app to register."""

from triggers.pages import (
    consent_pages,
    incident_pages,
    list_pages,
    opening_pages,
    restore_pages,
    run_pages,
    signal_pages,
    static_files,
    steering_pages,
    switch_pages,
)

MODULES = (
    list_pages,
    opening_pages,
    incident_pages,
    consent_pages,
    steering_pages,
    restore_pages,
    run_pages,
    signal_pages,
    switch_pages,
    static_files,
)
