"""The undo book: for every step that changed something, what was changed, what takes it back, and by which commands."""
