"""Least privilege by construction: what each responder needs, joined with the steps that lead to it, by identity."""
