"""Judging how well a tenant and its clusters are hardened, against a checklist of published controls. Pure, no I/O."""
