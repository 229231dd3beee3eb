"""Quiet days: each quiet-day playbook played in the sandbox, and judged by the sandbox's own state."""
