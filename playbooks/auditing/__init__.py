"""Judging a tenant's workload identities: facts in, findings out. Pure, no I/O."""
