"""`python -m bench.scale`: what was measured, carried on to ten thousand clusters and a million applications, on paper.

Writes the computed tables of docs/design/cost-and-scale.md. What is measured stands in docs/performance.md, and a test
holds the two against each other; limits are Azure's, each with its source on the page, or ours, each with its place.
Nothing here was run at that size: a table says where a straight line meets a limit, and which one it meets first.
"""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import cost

PAGE = Path(__file__).parent.parent / "docs" / "design" / "cost-and-scale.md"
BEGIN, END = "<!-- computed: from here -->", "<!-- computed: to here -->"

# --- measured: docs/performance.md ---
GRAPH_S, ARM_S = 0.12, 0.18  # a call, as the bench plays it
AUDITED_APPLICATIONS, AUDITED_CLUSTERS, AUDITED_ASSIGNMENTS = 20_000, 50, 50_000
AUDIT_CALLS = {"Graph": 524, "Resource Manager": 1_030, "clusters": 445}
AUDIT_MB, IDLE_MB = 308, 136
FEDERATED = 6_000 / AUDITED_APPLICATIONS  # of the applications trust somebody
SURVEY_S, SURVEYED = 22.9, 50  # reading clusters before a plan
CALLS_AT = {1: 102, 10: 120, 100: 300}  # to contain an identity with so many role assignments
MOVED_CALLS, STOP_CALLS = 3.0, 1.0  # for each ServiceAccount
SIGNALS_A_SECOND = 113

# --- our own: playbooks/auditing/dividing.py, playbooks/journaled.py, responders/ ---
STEPS = 20  # of one kind, however much there is to read
STEP_S = 240.0  # a step gives up
APPLICATIONS_A_PAGE, OWNERS_A_BATCH, BATCHES_AT_ONCE = 100, 20, 2
ASSIGNMENTS_A_PAGE, SCOPES_AT_ONCE = 100, 3
CLUSTERS_AT_ONCE = 6
MOST_PAGES = 500  # of one collection in one step: responders/json_answers.py

# --- Azure's: the page names each source ---
INSTANCE_MB = 2_048
ASSIGNMENTS_A_SUBSCRIPTION = 4_000
DELETES, DELETES_A_SECOND = 200, 10.0
GRAPH_UNITS_A_SECOND = 350.0  # of the smallest tenants: 3,500 in ten seconds
MESSAGES_AN_HOUR = 100  # of a Teams connector
TRUSTS = 20  # federated credentials of one identity


@dataclass(frozen=True, slots=True)
class Estate:
    """A tenant of this size, in the proportions of the measured one."""

    clusters: int
    applications: int

    @property
    def assignments(self) -> int:
        """As many for each application as were measured."""
        return self.applications * AUDITED_ASSIGNMENTS // AUDITED_APPLICATIONS

    @property
    def calls(self) -> dict[str, int]:
        """Of an audit: Graph's with the applications, Resource Manager's with the grants, the clusters' with them."""
        grown = {
            "Graph": self.applications / AUDITED_APPLICATIONS,
            "Resource Manager": self.assignments / AUDITED_ASSIGNMENTS,
            "clusters": self.clusters / AUDITED_CLUSTERS,
        }
        return {name: math.ceil(AUDIT_CALLS[name] * by) for name, by in grown.items()}

    @property
    def megabytes(self) -> float:
        """At the most: as if all that the audit held above an idle app were the applications'."""
        each = (AUDIT_MB - IDLE_MB) / AUDITED_APPLICATIONS
        return IDLE_MB + each * self.applications

    @property
    def pages_a_step(self) -> int:
        """Of applications."""
        return math.ceil(self.applications / APPLICATIONS_A_PAGE / STEPS)

    def step_seconds(self) -> dict[str, float]:
        """How long the longest step of each kind takes, by the latencies of the bench."""
        owners = self.applications * FEDERATED / STEPS / OWNERS_A_BATCH / BATCHES_AT_ONCE
        grants = self.assignments / ASSIGNMENTS_A_PAGE / STEPS / SCOPES_AT_ONCE
        return {
            "applications": (self.pages_a_step + owners) * GRAPH_S,
            "role assignments": grants * ARM_S,
            "clusters": survey_seconds(self.clusters) / STEPS,
        }

    def minutes(self) -> float:
        """Of the whole: pages of the directory come one after the other, the rest beside them on other instances."""
        seconds = self.step_seconds()
        return seconds["applications"] * STEPS / 60

    def shares(self) -> dict[str, float]:
        """Of each limit, how much of it is used."""
        steps = {f"a step of {name}": took / STEP_S for name, took in self.step_seconds().items()}
        return {
            **steps,
            "memory of an instance": self.megabytes / INSTANCE_MB,
            "pages of one step": self.pages_a_step / MOST_PAGES,
        }

    def binds(self) -> list[str]:
        """The limits that are reached or nearly so, the worst one first; else the nearest."""
        used = self.shares()
        worst = sorted(used, key=lambda one: -used[one])
        near = [one for one in worst if used[one] >= _NEARLY] or worst[:1]
        return [f"{one} ({used[one]:.2f})" for one in near]


_NEARLY = 0.9
SIZES = (
    Estate(50, 20_000),
    Estate(500, 100_000),
    Estate(2_000, 250_000),
    Estate(10_000, 1_000_000),
)


def survey_seconds(clusters: int) -> float:
    """Reading every cluster before a plan, from one instance."""
    return SURVEY_S / SURVEYED * clusters


def most_applications() -> int:
    """That an audit holds in the memory of one instance."""
    return int((INSTANCE_MB - IDLE_MB) / ((AUDIT_MB - IDLE_MB) / AUDITED_APPLICATIONS))


def contained_calls(assignments: int) -> int:
    """Two calls for each role assignment beyond what any containment takes: taken away, and read back."""
    each = (CALLS_AT[100] - CALLS_AT[10]) / 90
    return round(CALLS_AT[1] + each * (assignments - 1))


def deleting_seconds(assignments: int) -> float:
    """No sooner are so many role assignments of one subscription gone: the bucket, and then its refill."""
    return max(0.0, (assignments - DELETES) / DELETES_A_SECOND)


def most_deleted_in_a_step() -> int:
    """Role assignments of one subscription, before the step that takes them away is tried again."""
    return int(DELETES + STEP_S * DELETES_A_SECOND)


def audit_table() -> str:
    """An audit of each size."""
    head = (
        "| clusters | applications | role assignments | subscriptions at least | calls to Graph, Resource Manager, "
        "clusters | directory read in | memory at most | limit (share of it) |"
    )
    lines = [head, "|---" * 8 + "|"]
    for one in SIZES:
        calls = ", ".join(f"{count:,}" for count in one.calls.values())
        subscriptions = math.ceil(one.assignments / ASSIGNMENTS_A_SUBSCRIPTION)
        lines.append(
            f"| {one.clusters:,} | {one.applications:,} | {one.assignments:,} | {subscriptions:,} | {calls} "
            f"| {one.minutes():.0f} min | {one.megabytes:,.0f} MB | {'; '.join(one.binds())} |"
        )
    return "\n".join(lines)


def survey_table() -> str:
    """Before a plan every cluster is read."""
    lines = ["| clusters | read from one instance in | by 10 instances |", "|---|---|---|"]
    for clusters in (50, 500, 2_000, 10_000):
        seconds = survey_seconds(clusters)
        lines.append(f"| {clusters:,} | {seconds / 60:.1f} min | {seconds / 600:.1f} min |")
    return "\n".join(lines)


def containment_table() -> str:
    """By what it has."""
    head = "| role assignments | calls | Resource Manager lets them go in, in one subscription |"
    lines = [head, "|---|---|---|"]
    for count in (1, 100, 1_000, ASSIGNMENTS_A_SUBSCRIPTION):
        seconds = deleting_seconds(count)
        said = "the bucket's first second" if not seconds else f"{seconds:.0f} s"
        lines.append(f"| {count:,} | {contained_calls(count):,} | {said} |")
    return "\n".join(lines)


def computed() -> str:
    """Everything between the two marks."""
    parts = (
        "### An audit",
        audit_table(),
        f"In {INSTANCE_MB:,} MB an audit holds {most_applications():,} applications at the least.",
        "### Containment",
        containment_table(),
        f"Beyond {most_deleted_in_a_step():,} in one subscription the step is tried again, and goes on where it was.",
        "### Before a plan",
        survey_table(),
        *cost.tables(),
    )
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Write the page anew."""
    before, _, rest = PAGE.read_text().partition(f"{BEGIN}\n")
    PAGE.write_text(f"{before}{BEGIN}\n{computed()}{END}{rest.partition(END)[2]}")
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
