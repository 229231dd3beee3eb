"""What the documentation has people type, typed: collected, filled in, executed against sandbox and host."""
