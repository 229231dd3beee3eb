"""Wire formats: each module reads one and says what it is about. No function, no I/O, no clock."""
