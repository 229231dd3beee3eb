"""The tables of docs/performance.md, from a run of `make bench`."""

from collections.abc import Sequence

from bench.recovery import Recovery
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


def fleet_table(one: Recovery) -> str:
    """One figure a line."""
    kinds = one["by_kind"]
    lines = [
        ("recovered, from the yes on", f"{one['recovery_s']} s"),
        ("longest chain of calls that waited for each other", f"{one['bound_s']} s"),
        ("ratio", str(one["ratio"])),
        ("calls for each moved ServiceAccount", str(one["calls_per_moved"])),
        ("calls to stop what runs as it, before", str(one["calls_to_stop"])),
        ("other calls", ", ".join(f"{kinds[kind]} {kind}" for kind in kinds if kind != "object")),
        ("most actions of one orchestration", f"{one['most_actions']} ({one['most_actions_of']})"),
        ("memory", f"{one['peak_memory_mb']:.0f} MB"),
        ("processor time meanwhile", f"app {one['app_cpu_s']} s, sandbox {one['sandbox_cpu_s']} s"),
        ("waited for a core meanwhile", f"{one['no_core_s']} s, the app's main thread"),
        ("reading the 50 clusters, before the plan", f"{one['survey_s']} s"),
    ]
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in lines)])
