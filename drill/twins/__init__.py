"""A rehearsal of a real principal's incident, in a world that was made of its export."""
