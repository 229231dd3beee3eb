"""The rows about the principal that were exported: a query finds them as it did there."""

from sandbox.loganalytics.tables import SCHEMAS
from sandbox.world import Json, World


def plant(world: World, logs: Json, left_out: list[str]) -> None:
    """Each as old as it says. A source that was not read whole, or has no table here, is named."""
    for source, log in logs.items():
        known = SCHEMAS.get(source)
        if not log["complete"]:
            left_out.append(f"log {source}: it was not read whole")
        if known is None:
            if log["rows"]:
                left_out.append(f"log {source}: {len(log['rows'])} rows are not played")
            continue
        for row in log["rows"]:
            kept = {name: value for name, value in row.items() if name in known}
            world.logs.add(source, {"Type": source, **kept}, delay_s=0)
