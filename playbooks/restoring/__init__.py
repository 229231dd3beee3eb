"""What a restore gives back and what it never does: pure, from the snapshot and from how everything stands now."""

RESTORE = (
    "restore-called"  # the external event by which a running incident is told to restore and to end
)


def restoring_id(incident_id: str, restore_id: str) -> str:
    """The instance that carries out a restore; after an incident was closed it holds the principal by this name."""
    return f"{incident_id}-{restore_id}"
