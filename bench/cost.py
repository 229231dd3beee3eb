"""What it costs: quantities by formula, prices from `prices.json`, each with where it was read and when.

`read_on` null: nobody read it off a page for this file. Look it up before you rely on it, in your region and currency.
"""

import json
from dataclasses import dataclass
from pathlib import Path

_FILE = Path(__file__).parent / "prices.json"
MONTH_S = 2_628_000  # of a year, a twelfth
MONTH_H = 730
INSTANCE_GB = 2.0
# infra/main.bicep: one instance each for HTTP and Durable never sleeps; eight detections, six alerts about itself;
# doors of a private network.
READY_INSTANCES, DETECTIONS, TROUBLES, ENDPOINTS, ZONES = 2, 8, 6, 5, 4
# host.json: four control queues, the queue of the steps, our own; each is asked at least every two seconds.
QUEUES, POLL_S = 6, 2
# Timers in a month: a sweep each minute, sign-ins every five minutes, one each hour, a health check each day.
TIMERS = 43_800 + 8_760 + 730 + 30
TIMER_S = 1.0  # that one of them runs, with room
TELEMETRY_KB = 10  # that an execution writes into Application Insights
# One incident to its end: contained, read, planned, moved, then looked at every quarter of an hour for a day.
INCIDENT_S = 2.04 + 22.9 + 14.55
CHECKS, CHECK_S = 96, 2.0
INCIDENT_STEPS = 200 + CHECKS
WRITES_A_STEP = 3  # intent, outcome, and what it found
EVIDENCE_GB, EVIDENCE_MONTHS = 0.1, 12
# An audit of 20,000 applications and 50 clusters took so long, with the sandbox on the same cores.
AUDIT_S, AUDIT_STEPS, AUDIT_GB = 353.0, 60, 0.05


def prices() -> dict[str, float]:
    """Name -> price of one unit."""
    return {name: float(str(one["price"])) for name, one in read()["prices"].items()}


def read() -> dict[str, dict[str, dict[str, object]]]:
    """The file."""
    found: dict[str, dict[str, dict[str, object]]] = json.loads(_FILE.read_text())
    return found


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a bill."""

    what: str
    formula: str
    quantity: float
    price: str  # a name in prices.json
    per: float = 1.0  # so many are one unit

    @property
    def amount(self) -> float:
        """In the currency of the file."""
        return self.quantity / self.per * prices()[self.price]


def quiet_month(*, private: bool = False) -> list[Item]:
    """Nothing happens, and it is ready."""
    ready = READY_INSTANCES * INSTANCE_GB * MONTH_S
    found = [
        Item(
            "instances that never sleep",
            "2 instances x 2 GB x month",
            ready,
            "flex_baseline_gb_second",
        ),
        Item(
            "timers",
            "executions x 1 s x 2 GB",
            TIMERS * TIMER_S * INSTANCE_GB,
            "flex_ready_gb_second",
        ),
        Item("their executions", "executions", TIMERS, "flex_million_executions", 1e6),
        Item(
            "queues that are asked",
            "6 queues, every 2 s",
            QUEUES * MONTH_S / POLL_S,
            "queue_10k",
            1e4,
        ),
        Item("detections", "8 rules, every 5 minutes", DETECTIONS, "log_alert_rule"),
        Item("alerts about itself", "6 rules, every 15 minutes", TROUBLES, "log_alert_rule_15"),
        Item("telemetry", "executions x 10 KB", TIMERS * TELEMETRY_KB, "log_gb", 1e6),
    ]
    if private:
        doors = ENDPOINTS * MONTH_H
        found.append(
            Item("private endpoints", "5 endpoints x month", doors, "private_endpoint_hour")
        )
        found.append(Item("their zones", "4 zones", ZONES, "dns_zone_month"))
    return found


def incident() -> list[Item]:
    """Of twenty ServiceAccounts in twenty of fifty clusters, contained and rebuilt."""
    seconds = (INCIDENT_S + CHECKS * CHECK_S) * INSTANCE_GB
    kept = EVIDENCE_GB * EVIDENCE_MONTHS
    writes = INCIDENT_STEPS * WRITES_A_STEP
    return [
        Item("instances", "(39.5 s + 96 checks x 2 s) x 2 GB", seconds, "flex_gb_second"),
        Item(
            "executions",
            "steps and their orchestrations",
            INCIDENT_STEPS * 2,
            "flex_million_executions",
            1e6,
        ),
        Item("evidence written", "steps x 3 writes", writes, "blob_write_10k", 1e4),
        Item("evidence kept", "0.1 GB x 12 months", kept, "blob_gb_month"),
        Item("telemetry", "steps x 10 KB", INCIDENT_STEPS * TELEMETRY_KB, "log_gb", 1e6),
    ]


def audit() -> list[Item]:
    """Of the measured tenant, once."""
    return [
        Item("instances", "353 s x 2 GB", AUDIT_S * INSTANCE_GB, "flex_gb_second"),
        Item(
            "executions",
            "steps and their orchestrations",
            AUDIT_STEPS * 2,
            "flex_million_executions",
            1e6,
        ),
        Item(
            "what it found, kept",
            "0.05 GB x 12 months",
            AUDIT_GB * EVIDENCE_MONTHS,
            "blob_gb_month",
        ),
        Item("telemetry", "steps x 10 KB", AUDIT_STEPS * TELEMETRY_KB, "log_gb", 1e6),
    ]


def total(items: list[Item]) -> float:
    """Of a bill."""
    return sum(one.amount for one in items)


def tables() -> list[str]:
    """The bills, then the prices."""
    month = total(quiet_month())
    nightly = month + 30 * total(audit())
    summary = [
        "### What it costs",
        "| | USD |\n|---|---|\n"
        f"| a quiet month | {month:.2f} |\n"
        f"| the same in a private network | {total(quiet_month(private=True)):.2f} |\n"
        f"| an incident, to its end | {total(incident()):.2f} |\n"
        f"| an audit of 20,000 applications and 50 clusters | {total(audit()):.2f} |\n"
        f"| a month with an audit every night | {nightly:.2f} |",
    ]
    bills = [
        f"**{title}**\n\n{_bill(items)}"
        for title, items in (
            ("A quiet month, in a private network", quiet_month(private=True)),
            ("An incident", incident()),
            ("An audit", audit()),
        )
    ]
    return [*summary, *bills, f"**Prices** ({read()['region']})\n\n{_prices()}"]


def _bill(items: list[Item]) -> str:
    lines = ["| | how much | USD |", "|---|---|---|"]
    lines += [
        f"| {one.what} | {one.formula} = {one.quantity:,.6g} | {one.amount:.4f} |" for one in items
    ]
    return "\n".join(lines)


def _prices() -> str:
    lines = ["| price | USD | read |", "|---|---|---|"]
    for one in read()["prices"].values():
        when = (
            f"{one['read_on']}, <{one['source']}>"
            if one["read_on"]
            else f"not read yet: <{one['source']}>"
        )
        lines.append(f"| {one['unit']} | {_plain(one['price'])} | {when} |")
    return "\n".join(lines)


def _plain(price: object) -> str:
    return f"{float(str(price)):.6f}".rstrip("0")
