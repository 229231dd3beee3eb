"""Seeds of the logs: what happened long before anybody looked."""

from datetime import datetime, timedelta

from sandbox.control.wishes import WishError, number, text
from sandbox.loganalytics.tables import SCHEMAS
from sandbox.world import Json, World, timestamp


def _row(world: World, since: datetime, one: Json) -> Json:
    """{"table", "row", "daysAgo"?}: it can be queried at once; without `TimeGenerated` it is as old as the seed."""
    table, row = text(one, "table"), one.pop("row", None)
    if table not in SCHEMAS:
        raise WishError(f"logRows: no table {table}")
    if not isinstance(row, dict) or (unknown := sorted(set(row) - set(SCHEMAS[table]))):
        what = "a JSON object is needed" if not isinstance(row, dict) else f"no {unknown[0]}"
        raise WishError(f"logRows: {table}: {what}")
    days = one.pop("daysAgo", None)
    moment = since if days is None else world.clock.now() - timedelta(days=number("daysAgo", days))
    world.logs.add(table, {"TimeGenerated": timestamp(moment), "Type": table, **row}, delay_s=0)
    return {"table": table}


PARTS = {"logRows": _row}
