"""Facts as metric families of Prometheus. Names are a contract: alert rules, the dashboard and its users hang on them.

No label holds what an attacker can choose: identities by id, codes by digits, words of our own.
https://prometheus.io/docs/practices/naming/
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from responders import milestones
from responders.milestones import Reached
from triggers.metrics.facts import Facts

if TYPE_CHECKING:
    from prometheus_client.core import Metric

# AADSTS -> what is wrong with the federated credential, or with the token that was presented to it.
FEDERATION = {
    "70021": "no_match",
    "70025": "no_credential",
    "700211": "issuer",
    "700212": "audience",
    "700213": "subject",
    "700024": "expired_token",
    "700027": "signature",
    "7000272": "unknown_key",
    "90061": "issuer_unreachable",
    "50166": "issuer_unreachable",
}
LIGHTS = {"green": 0, "yellow": 1, "red": 2}
# Seconds. A lever takes some, containment a minute, a rebuild with its waiting up to a day.
_DISABLE = (5, 10, 20, 30, 60, 120, 300, 600)
_CONTAIN = (10, 30, 60, 120, 300, 600, 1800, 3600)
_RECOVER = (300, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400)
_TIMES = {
    milestones.DISABLED: ("firebreak_time_to_disable_seconds", _DISABLE),
    milestones.CONTAINED: ("firebreak_time_to_contain_seconds", _CONTAIN),
    milestones.RECOVERED: ("firebreak_time_to_recover_seconds", _RECOVER),
}


class _Failures(NamedTuple):
    """A total of the sign-in logs."""

    object_id: str
    client_id: str
    code: str
    number: int


def families(facts: Facts) -> Iterator["Metric"]:
    """All of them, in the order in which they are told."""
    yield from _sign_ins(facts)
    yield from _incidents(facts)
    yield from _work(facts)


def _sign_ins(facts: Facts) -> Iterator["Metric"]:
    found = list(_failures(facts))
    yield _counter(
        "azure_identity_authentication_failures",
        "Sign-ins of workload identities that Entra refused, by AADSTS code.",
        ("object_id", "client_id", "code"),
        {(one.object_id, one.client_id, one.code): one.number for one in found},
    )
    errors: Counter[tuple[str, ...]] = Counter()
    for one in found:
        if reason := FEDERATION.get(one.code):
            errors[one.object_id, one.client_id, reason] += one.number
    yield _counter(
        "azure_federated_credential_errors",
        "Sign-ins that were refused because of a federated credential, or of the token presented to it.",
        ("object_id", "client_id", "reason"),
        errors,
    )
    yield _gauge(
        "azure_identity_token_expiration_seconds",
        "Until the first secret or certificate of an identity ends, as the last audit saw it; below 0: it has.",
        ("object_id", "client_id", "kind"),
        _soonest(facts),
    )
    counted = facts.totals["until"] if facts.totals else {}
    yield _gauge(
        "firebreak_sign_in_log_age_seconds",
        "Since the moment up to which a sign-in table has been counted. It grows while the table can't be read.",
        ("table",),
        {
            (table,): (facts.now - datetime.fromisoformat(until)).total_seconds()
            for table, until in counted.items()
        },
    )


def _failures(facts: Facts) -> Iterator[_Failures]:
    for key, number in (facts.totals["failures"] if facts.totals else {}).items():
        object_id, client_id, code = key.split("/")
        yield _Failures(object_id, client_id, code, number)


def _soonest(facts: Facts) -> dict[tuple[str, ...], float]:
    found: dict[tuple[str, ...], float] = {}
    for one in facts.expiring:
        key = (one["object_id"], one["client_id"], one["kind"])
        left = (datetime.fromisoformat(one["ends"]) - facts.now).total_seconds()
        found[key] = min(left, found.get(key, left))
    return found


def _incidents(facts: Facts) -> Iterator["Metric"]:
    yield _counter(
        "firebreak_incidents",
        "Incidents that were opened, by what opened them and how deep they were to go.",
        ("source", "mode"),
        facts.incidents,
    )
    yield _counter(
        "firebreak_incidents_ended",
        "Incidents that are over, by how deep they went in the end.",
        ("mode", "outcome"),
        facts.outcomes,
    )
    yield _gauge(
        "firebreak_incidents_open", "Incidents that are not over.", (), {(): facts.open_now}
    )
    for milestone, (name, bounds) in _TIMES.items():
        yield _histogram(name, milestone, bounds, facts.reached)
    failed: Counter[tuple[str, ...]] = Counter()
    for one in facts.failed:
        failed[(one.step,)] += one.times
    yield _counter(
        "firebreak_step_failures",
        "Steps of incidents and runs that are over, and that ended failed or refused.",
        ("step",),
        failed,
    )


def _work(facts: Facts) -> Iterator["Metric"]:
    yield _gauge("firebreak_signals_waiting", "Signals without an end.", (), {(): facts.waiting})
    yield _gauge(
        "firebreak_signal_oldest_age_seconds",
        "Since the oldest signal without an end arrived; 0: none waits.",
        (),
        {(): facts.oldest_s},
    )
    yield _gauge(
        "firebreak_signals_poisoned",
        "Signals of thirty days that nobody could handle.",
        (),
        {(): facts.poisoned},
    )
    yield _gauge("firebreak_acting", "0: the kill switch is pulled.", (), {(): int(facts.acting)})
    yield _counter(
        "firebreak_runs",
        "Runs of quiet-day playbooks that ended.",
        ("playbook", "status"),
        facts.runs,
    )
    yield _gauge(
        "firebreak_run_last_success_timestamp_seconds",
        "When the last run began that counts.",
        ("playbook",),
        {(name,): at for name, at in facts.last_well.items()},
    )
    yield _gauge(
        "firebreak_run_findings",
        "Findings of the last run that counts.",
        ("playbook", "severity"),
        facts.findings,
    )
    yield _gauge(
        "firebreak_health_light",
        "0 green, 1 yellow, 2 red, of the last health check.",
        ("part",),
        {(part,): LIGHTS.get(light, 1) for part, light in facts.lights.items()},
    )


# Of each set of label values; a mapping is invariant in its keys, so no more can be said of them.
Values = Mapping[Any, float]


def _counter(name: str, what: str, labels: tuple[str, ...], values: Values) -> "Metric":
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415 - a cold start does without

    family = CounterMetricFamily(name, what, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _gauge(name: str, what: str, labels: tuple[str, ...], values: Values) -> "Metric":
    from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415 - a cold start does without

    family = GaugeMetricFamily(name, what, labels=labels)
    for of, value in values.items():
        family.add_metric(of, value)
    return family


def _histogram(
    name: str, milestone: str, bounds: Iterable[int], reached: list[Reached]
) -> "Metric":
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415 - a cold start does without

    seconds = [one.seconds for one in reached if one.milestone == milestone]
    buckets = [(str(float(bound)), sum(1 for one in seconds if one <= bound)) for bound in bounds]
    what = f"From the opening of an incident until it was {milestone}."
    family = HistogramMetricFamily(name, what, labels=())
    family.add_metric([], [*buckets, ("+Inf", len(seconds))], sum_value=sum(seconds))
    return family
