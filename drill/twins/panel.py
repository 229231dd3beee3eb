"""What a rehearsal found out, on a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from drill.panels import heading
from drill.twins.findings import Findings, StoodStill

_SHOWN = 12  # lines of what is left to people; all of them are in rehearsal.json


def findings(found: Findings) -> RenderableType:
    """What stood still, what a person would have done, what nobody could look at."""
    hand, gaps = found["by_hand"], found["gaps"]
    lines: list[RenderableType] = [
        heading("What broke", f"{len(found['workloads'])} workloads"),
        _table(found["workloads"]),
        *(_why(one) for one in found["workloads"] if one["why"]),
        Text(f"  {found['modelled']}", "dim"),
        heading("By hand", f"{len(hand)} things that a person would have done or decided"),
        *(Text(f"  {one}") for one in hand[:_SHOWN]),
    ]
    if len(hand) > _SHOWN:
        lines.append(Text(f"  and {len(hand) - _SHOWN} more, in rehearsal.json", "dim"))
    if gaps:
        lines.append(heading("Not seen", f"{len(gaps)} gaps"))
        lines += [Text(f"  {one}", "yellow") for one in gaps]
    return Group(*lines)


def _table(rows: list[StoodStill]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2))
    for title in ("  workload", "pods", "no new token", "no pod", "back", "without"):
        table.add_column(title, justify="left" if "workload" in title else "right")
    for one in rows:
        back = _seconds(one["back_s"]) if one["back_s"] is not None else Text("not back", "red")
        table.add_row(
            f"  {one['workload']}",
            str(one["pods"]),
            _seconds(one["no_tokens_from_s"]),
            _seconds(one["stopped_s"]),
            back,
            _seconds(one["without_s"]),
        )
    return table


def _why(one: StoodStill) -> Text:
    return Text.assemble(("  not back  ", "red"), one["workload"], (f": {one['why']}", "yellow"))


def _seconds(value: float | None) -> Text:
    return Text("-", "dim") if value is None else Text(f"{value:.1f} s")
