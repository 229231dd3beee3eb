"""A tenant's principal in a file, to rehearse an incident about it elsewhere: read, never written to."""
