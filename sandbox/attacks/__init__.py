"""Attacks on workload identities, after Stratus Red Team: one technique a file, `compromise` the whole scenario."""
