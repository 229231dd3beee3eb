"""Whatever is sent: a parser answers with signals that can be kept and decided about, or with its own refusal.

No garbage names an identity, and so none starts an incident. `FUZZ_EXAMPLES` makes the run longer.
"""

import copy
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playbooks import policy
from responders.evidence import canonical, digest
from responders.model import Signal
from responders.settings import is_guid
from tests import signal_bodies as bodies
from triggers.deciding import decide
from triggers.formats import (
    alert_groups,
    common_alerts,
    defender_alerts,
    grid_events,
    sentinel_incidents,
)
from triggers.formats.grid_events import PassedBy
from triggers.formats.reading import LONGEST_TITLE, UnreadableError
from triggers.hint_bodies import HintBody

SHIPPED = policy.load(Path(__file__).parent.parent / "policy.toml")
_KINDS = {"object_id", "app_id", "resource_id", "role_assignment_id", "service_account", "any_of"}
_LONGEST_ID = 5_000
bounded = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "120")),
    deadline=None,  # a busy machine is no failure
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

Parse = Callable[[bytes], list[Signal]]


def of_event(body: bytes) -> list[Signal]:
    found = json.loads(body)
    signal = grid_events.parse(found)
    return [] if isinstance(signal, PassedBy) else [signal]


PARSERS: dict[str, Parse] = {
    "azure-monitor": lambda body: [common_alerts.parse(body, "key")],
    "sentinel": lambda body: [sentinel_incidents.parse(body, "key")],
    "defender": lambda body: [defender_alerts.parse(body, "key")],
    "alertmanager": lambda body: alert_groups.parse(body, "key").signals,
}
APP = {"kind": "CloudApplication", "properties": {"appId": bodies.APP_ID}}
PEOPLE = {"kind": "Account", "properties": {"aadUserId": bodies.OBJECT_ID}}
GOOD: dict[str, list[Any]] = {
    "azure-monitor": [
        bodies.log_alert(),
        bodies.log_alert({"ServiceAccount": "shop:orders-api", "ClusterId": bodies.CLUSTER}),
        bodies.prometheus_alert(client_id=bodies.APP_ID),
        bodies.activity_alert(
            "Microsoft.Authorization/roleAssignments/write",
            bodies.ASSIGNMENT,
            properties={"requestbody": bodies.role_request(bodies.OBJECT_ID)},
        ),
        bodies.activity_alert("Microsoft.Storage/storageAccounts/listKeys/action", "/s"),
        bodies.security_event(),
        bodies.common("Platform", "Metric", {}),
    ],
    "sentinel": [
        bodies.sentinel(),
        bodies.sentinel(APP, PEOPLE),
        bodies.sentinel(*bodies.account_in_cluster()),
    ],
    "defender": [
        bodies.defender(APP),
        bodies.defender_flat(*bodies.account_in_cluster()),
        bodies.defender(),
    ],
    "alertmanager": [
        bodies.alertmanager(
            bodies.prometheus(client_id=bodies.APP_ID), bodies.prometheus("f2", status="resolved")
        )
    ],
    "event-grid": [
        bodies.custom_event(),
        bodies.custom_event(
            hint={"service_account": {"cluster": "c", "namespace": "n", "name": "a"}}
        ),
        bodies.subscription_event("Microsoft.Authorization/roleAssignments/write", "/s"),
        bodies.subscription_event("Microsoft.Storage/storageAccounts/listKeys/action", "/s"),
    ],
}

# Lone surrogates too: they are JSON, and no UTF-8.
hostile: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        [],
        {},
        0,
        -1,
        10**400,
        "",
        bodies.OBJECT_ID,
        bodies.IDENTITY,
        "orders-api",
        "' or 1 eq 1",
        "../../x",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        '{"a": ' * 400,
        "[" * 2_000,
        "x" * 10_000,
        "\ud800",
        "\x00",
        "Fired",
        "Resolved",
    ]
)
texts = st.one_of(
    st.text(max_size=30),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Lu"]), max_size=6),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), texts
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a document that can be changed."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = [(*path, key) for key, _ in inner]
    for key, one in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    ):
        found += places(one, (*path, key))
    return found


@st.composite
def mutated(draw: st.DrawFn, good: list[Any]) -> Any:
    """A document that works, with some of it replaced, taken away, or doubled."""
    document = copy.deepcopy(draw(st.sampled_from(good)))
    for _ in range(draw(st.integers(1, 4))):
        there = places(document)
        if not there:
            break
        *above, key = draw(st.sampled_from(there))
        holder = document
        for step in above:
            holder = holder[step]
        match draw(st.sampled_from(["replace", "remove", "double"])):
            case "replace":
                holder[key] = draw(st.one_of(hostile, values))
            case "remove":
                del holder[key]
            case _ if isinstance(holder, list):
                holder.append(copy.deepcopy(holder[key]))
            case _:
                holder[f"{key}x"] = copy.deepcopy(holder[key])
    return document


def sound(signal: Signal) -> None:
    """It can be kept, told apart, shown and decided about; and whoever it names, it names by an id."""
    canonical(signal)
    digest(f"{signal['source']}\n{signal['signal_id']}".encode())
    assert len(signal["signal_id"]) < _LONGEST_ID
    assert len(signal["title"]) <= LONGEST_TITLE
    assert len(signal["severity"]) <= 40
    assert datetime.fromisoformat(signal["fired_at"]).utcoffset() == datetime.now(UTC).utcoffset()
    assert decide(signal, SHIPPED).why
    if not signal["hint"]:
        return
    for hint in signal["hint"].get("any_of", [signal["hint"]]):
        ((kind, value),) = hint.items()
        assert kind in _KINDS - {"any_of"}
        if kind in {"object_id", "app_id"}:
            assert is_guid(str(value))
        elif kind == "service_account":
            assert isinstance(value, dict)
            assert all(isinstance(one, str) and one for one in value.values())
        else:
            assert isinstance(value, str)


def heard(parse: Parse, body: bytes) -> list[Signal]:
    """What a parser makes of it; anything but its own refusal goes up and fails the test."""
    try:
        signals = parse(body)
    except UnreadableError as refused:
        assert str(refused)
        assert refused.todo
        return []
    for one in signals:
        sound(one)
    return signals


@pytest.mark.parametrize("sender", PARSERS)
def test_garbage_is_refused_and_names_nobody(sender: str) -> None:
    @bounded
    @given(st.one_of(st.binary(max_size=80), values.map(lambda one: json.dumps(one).encode())))
    def play(body: bytes) -> None:
        assert heard(PARSERS[sender], body) == []

    play()


@pytest.mark.parametrize("sender", PARSERS)
def test_what_was_changed_on_its_way_is_read_soundly_or_refused(sender: str) -> None:
    @bounded
    @given(mutated(GOOD[sender]))
    def play(document: Any) -> None:
        heard(PARSERS[sender], json.dumps(document).encode())

    play()


def test_an_event_that_was_changed_on_its_way_is_read_soundly_or_refused() -> None:
    @bounded
    @given(st.one_of(mutated(GOOD["event-grid"]), st.dictionaries(texts, values, max_size=4)))
    def play(document: Any) -> None:
        heard(of_event, json.dumps(document).encode())

    play()


def test_a_wire_format_is_nobody_elses() -> None:
    """What is sent to the wrong door is refused there, not half understood."""
    for sender, parse in PARSERS.items():
        for other, documents in GOOD.items():
            for document in documents if other != sender else ():
                assert heard(parse, json.dumps(document).encode()) == []


@bounded
@given(values)
def test_how_people_name_an_identity_is_strict(document: Any) -> None:
    try:
        hint = HintBody.model_validate(document).hint()
    except ValueError:
        return
    assert len(hint) == 1
