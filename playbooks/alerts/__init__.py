"""Alerts about workload identity: whom they are about, what is so, and what the policy lets be done."""
