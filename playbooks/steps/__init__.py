"""Activities: each one effect of one responder, idempotent, carried out by `journaled.perform`; they decide nothing."""
