"""What a restore gives back and what it never does: pure, from the snapshot and from how everything stands now."""

RESTORE = (
    "restore-called"  # the external event by which a running incident is told to restore and to end
)
