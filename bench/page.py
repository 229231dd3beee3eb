"""The table of docs/performance.md, from a run of `make bench`."""

from collections.abc import Sequence

from bench.response import Figure

_HEAD = (
    "| role assignments | disabled | of its bound | contained | of its bound | one after another "
    "| times as fast | calls | memory |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def table(figures: Sequence[Figure]) -> str:
    """One line a size."""
    lines = [
        f"| {one['role_assignments']} | {one['disabled_s']} s | {one['disabled_ratio']} | {one['contained_s']} s "
        f"| {one['contained_ratio']} | {one['one_after_another_s']} s | {one['speed_up']} | {one['calls']} "
        f"| {one['peak_memory_mb']:.0f} MB |"
        for one in figures
    ]
    return "\n".join([_HEAD, *lines])
