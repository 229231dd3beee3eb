"""Playbooks of quiet days: what one of their runs is, which there are, and what holds for all of them."""
