"""Each wire format is read into signals that say whose identity they are about, by an id and never by a name."""

import json
from typing import Any

import pytest

from responders.model import Signal
from tests import signal_bodies as bodies
from tests.signal_bodies import (
    ALERT_ID,
    APP_ID,
    ASSIGNMENT,
    CALLER,
    CLUSTER,
    IDENTITY,
    OBJECT_ID,
)
from triggers.formats import (
    alert_groups,
    common_alerts,
    defender_alerts,
    grid_events,
    sentinel_incidents,
)
from triggers.formats.reading import UnreadableError

TRUSTS = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
ASSIGN = "Microsoft.Authorization/roleAssignments/write"
LIST_KEYS = "Microsoft.Storage/storageAccounts/listKeys/action"
SHOP = {"cluster": CLUSTER, "namespace": "shop", "name": "orders-api"}
LATE_ALERT = {"table": "SecurityAlert", "key": ALERT_ID}


def azure_monitor(body: Any) -> Signal:
    return common_alerts.parse(json.dumps(body).encode(), "key")


def sentinel(body: Any) -> Signal:
    return sentinel_incidents.parse(json.dumps(body).encode(), "key")


def defender(body: Any) -> Signal:
    return defender_alerts.parse(json.dumps(body).encode(), "key")


def group(body: Any) -> alert_groups.Group:
    return alert_groups.parse(json.dumps(body).encode(), "key")


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        (bodies.log_alert(), {"object_id": OBJECT_ID}),
        (bodies.log_alert({"App_Id": APP_ID.upper()}), {"app_id": APP_ID}),
        (
            bodies.log_alert({"AppId": APP_ID, "ServicePrincipalId": OBJECT_ID}),
            {"object_id": OBJECT_ID},
        ),
        (bodies.log_alert({"ManagedIdentityResourceId": IDENTITY}), {"resource_id": IDENTITY}),
        (
            bodies.log_alert(
                {"ServiceAccount": "system:serviceaccount:shop:orders-api", "ClusterId": CLUSTER}
            ),
            {"service_account": SHOP},
        ),
        (bodies.prometheus_alert(client_id=APP_ID), {"app_id": APP_ID}),
        (
            bodies.activity_alert(f"{TRUSTS}/write", f"{IDENTITY}/federatedIdentityCredentials/x"),
            {"resource_id": IDENTITY},
        ),
        (
            bodies.activity_alert(
                ASSIGN, ASSIGNMENT, properties={"requestbody": bodies.role_request(OBJECT_ID)}
            ),
            {"object_id": OBJECT_ID},
        ),
        (bodies.activity_alert(ASSIGN, ASSIGNMENT), {"role_assignment_id": ASSIGNMENT}),
        (
            bodies.activity_alert(ASSIGN, ASSIGNMENT, properties={"requestbody": "{not json"}),
            {"role_assignment_id": ASSIGNMENT},
        ),
        (bodies.activity_alert(LIST_KEYS, IDENTITY), {"object_id": CALLER}),
    ],
)
def test_an_alert_of_azure_monitor_says_whose_identity_it_is_about(body: Any, hint: Any) -> None:
    signal = azure_monitor(body)

    assert signal["hint"] == hint
    assert "inert" not in signal
    assert (signal["source"], signal["confidence"]) == ("azure-monitor", "high")


def test_an_activity_log_alert_says_who_did_it() -> None:
    assert azure_monitor(bodies.activity_alert(ASSIGN, ASSIGNMENT))["actor"] == CALLER
    by_claims = bodies.activity_alert(ASSIGN, ASSIGNMENT, caller="dana@contoso.example")
    assert azure_monitor(by_claims)["actor"] == CALLER
    nobody = bodies.activity_alert(ASSIGN, ASSIGNMENT, caller="dana@contoso.example", claims="{}")
    assert "actor" not in azure_monitor(nobody)


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (bodies.log_alert({"Computer": "web-1"}), "NoPrincipal", "found none"),
        (
            bodies.log_alert({"ServicePrincipalId": "orders-api"}),
            "NotAnIdentity",
            "never looked up",
        ),
        (
            bodies.log_alert({"ServiceAccount": "orders-api", "Cluster": "c"}),
            "NoPrincipal",
            "namespace",
        ),
        (bodies.log_alert({"ServiceAccount": "shop:orders-api"}), "NoPrincipal", "cluster"),
        (bodies.prometheus_alert(severity="critical"), "NoPrincipal", "found none"),
        (bodies.activity_alert("Microsoft.Compute/x/write", "/s"), "NoPrincipal", "says nothing"),
        (
            bodies.activity_alert(LIST_KEYS, "/s", caller="dana@contoso.example", claims=None),
            "NoPrincipal",
            "by whom",
        ),
        (
            bodies.activity_alert(
                LIST_KEYS, "/s", claims=json.dumps({"upn": "dana@contoso.example"})
            ),
            "NoPrincipal",
            "by a person",
        ),
        (bodies.common("Platform", "Metric", {}), "MetricAlert", "metric"),
        (bodies.common("Platform", "Log", {}), "OldLogAlert", "old API"),
        (bodies.common("ResourceHealth", "Activity Log", {}), "ResourceHealthAlert", "health"),
        (
            bodies.common("Activity Log - Policy", "Activity Log", {}),
            "UnknownMonitoringService",
            "activitylogpolicy",
        ),
    ],
)
def test_what_names_nobody_is_kept_with_what_its_sender_has_to_change(
    body: Any, code: str, said: str
) -> None:
    signal = azure_monitor(body)

    assert (signal["fault"], signal["hint"]) == (code, {})
    assert said in signal["inert"]


def test_several_principals_are_named_and_none_is_chosen() -> None:
    body = bodies.log_alert({"ServicePrincipalId": OBJECT_ID, "PrincipalId": CALLER})

    assert azure_monitor(body)["candidates"] == [OBJECT_ID, CALLER]


@pytest.mark.parametrize(
    ("status", "said"),
    [("Started", "only started"), ("Accepted", "only accepted"), ("Failed", "refused or failed")],
)
def test_an_operation_that_has_not_succeeded_starts_nothing(status: str, said: str) -> None:
    signal = azure_monitor(bodies.activity_alert(ASSIGN, ASSIGNMENT, status=status))

    assert said in signal["inert"]
    assert "fault" not in signal


def test_a_resolved_alert_is_another_signal_than_the_fired_one_and_starts_nothing() -> None:
    fired = azure_monitor(bodies.log_alert())
    resolved = azure_monitor(bodies.log_alert(monitorCondition="Resolved"))

    assert fired["signal_id"] != resolved["signal_id"]
    assert "inert" in resolved
    assert "fault" not in resolved


def test_two_events_under_the_id_of_one_rule_are_two_signals() -> None:
    first = bodies.activity_alert(ASSIGN, ASSIGNMENT)
    second = bodies.activity_alert(ASSIGN, ASSIGNMENT, eventDataId="e2")

    assert azure_monitor(first)["signal_id"] != azure_monitor(second)["signal_id"]


def test_defenders_event_in_the_activity_log_is_a_security_alert_whose_entities_come_later() -> (
    None
):
    signal = azure_monitor(bodies.security_event())

    assert (signal["source"], signal["kind"], signal["severity"]) == (
        "defender",
        "security-alert",
        "High",
    )
    assert (signal["late"], signal["signal_id"]) == (LATE_ALERT, ALERT_ID)
    exported = defender(bodies.defender())
    assert exported["signal_id"] == signal["signal_id"]


APP = {"kind": "CloudApplication", "properties": {"appId": APP_ID, "appName": "orders-api"}}
MCAS = {"kind": "CloudApplication", "properties": {"appId": 11161, "appName": "Office 365"}}
ACCOUNT = {"kind": "Account", "properties": {"aadUserId": OBJECT_ID, "accountName": "orders-api"}}
HOST = {"kind": "Host", "properties": {"hostName": "web-1"}}
RESOURCE = {"kind": "AzureResource", "properties": {"resourceId": IDENTITY}}
AKS = {"kind": "AzureResource", "properties": {"resourceId": CLUSTER}}
PRINCIPAL = {"Type": "service-principal", "AppId": APP_ID, "ServicePrincipalObjectId": OBJECT_ID}


@pytest.mark.parametrize(
    ("entities", "hint"),
    [
        ([APP, HOST, MCAS], {"app_id": APP_ID}),
        ([ACCOUNT], {"object_id": OBJECT_ID}),
        ([RESOURCE, AKS], {"resource_id": IDENTITY}),
        ([PRINCIPAL], {"object_id": OBJECT_ID}),
        (bodies.account_in_cluster(), {"service_account": SHOP}),
        ([APP, ACCOUNT], {"any_of": [{"app_id": APP_ID}, {"object_id": OBJECT_ID}]}),
        ([APP, APP], {"app_id": APP_ID}),
    ],
)
def test_entities_name_identities_and_their_names_count_for_nothing(
    entities: Any, hint: Any
) -> None:
    assert sentinel(bodies.sentinel(*entities))["hint"] == hint
    assert defender(bodies.defender(*entities))["hint"] == hint
    assert defender(bodies.defender_flat(*entities))["hint"] == hint


def test_an_incident_without_entities_is_asked_about_later() -> None:
    for empty in (bodies.sentinel(), bodies.sentinel(HOST), bodies.sentinel(relatedEntities=None)):
        signal = sentinel(empty)
        assert signal["late"] == {"table": "SecurityIncident", "key": empty["object"]["name"]}
        assert signal["hint"] == {}


def test_an_updated_incident_is_news_only_where_it_names_another_identity() -> None:
    first, again = sentinel(bodies.sentinel(APP)), sentinel(bodies.sentinel(APP, title="renamed"))

    assert first["signal_id"] == again["signal_id"]
    assert sentinel(bodies.sentinel(ACCOUNT))["signal_id"] != first["signal_id"]


@pytest.mark.parametrize(
    ("levels", "confidence"),
    [([], "medium"), (["Low"], "low"), (["Low", "High"], "high"), (["Unknown"], "medium")],
)
def test_an_incident_is_as_sure_as_its_surest_alert(levels: list[str], confidence: str) -> None:
    alerts = [{"properties": {"confidenceLevel": one}} for one in levels]

    assert sentinel(bodies.sentinel(APP, alerts=alerts))["confidence"] == confidence


def test_what_is_closed_or_dismissed_starts_nothing() -> None:
    assert "closed" in sentinel(bodies.sentinel(APP, status="Closed"))["inert"]
    assert "dismissed" in defender(bodies.defender(APP, status="Dismissed"))["inert"]


def test_each_alert_of_a_group_is_a_signal_of_its_own() -> None:
    body = bodies.alertmanager(
        bodies.prometheus("f1", client_id=APP_ID),
        bodies.prometheus("f2", object_id=OBJECT_ID),
        bodies.prometheus("f3", serviceaccount="orders-api", namespace="shop", cluster=CLUSTER),
        bodies.prometheus("f4", status="resolved", client_id=APP_ID),
        bodies.prometheus("f5", alertname="DiskIsFull", namespace="shop", cluster=CLUSTER),
        truncatedAlerts=3,
    )
    found = group(body)

    assert [one["hint"] for one in found.signals] == [
        {"app_id": APP_ID},
        {"object_id": OBJECT_ID},
        {"service_account": SHOP},
        {},
        {},
    ]
    assert [one["kind"] for one in found.signals][0::4] == [
        "HighIdentityAuthenticationFailures",
        "DiskIsFull",
    ]
    assert "resolved" in found.signals[3]["inert"]
    assert found.signals[4]["fault"] == "NoPrincipal"
    assert found.truncated == 3
    assert len({one["signal_id"] for one in found.signals}) == 5


def test_an_alert_that_goes_on_firing_is_one_signal() -> None:
    alert = bodies.prometheus(client_id=APP_ID)
    first, again = (
        group(bodies.alertmanager(alert)),
        group(bodies.alertmanager(alert, groupKey="x")),
    )

    assert first.signals[0]["signal_id"] == again.signals[0]["signal_id"]


@pytest.mark.parametrize(
    ("parse", "code"),
    [
        (azure_monitor, "NotACommonAlert"),
        (sentinel, "NotASentinelIncident"),
        (defender, "NotADefenderAlert"),
        (group, "NotAnAlertmanagerWebhook"),
    ],
)
@pytest.mark.parametrize("body", [None, [], {}, "text", 7, {"properties": {}}, {"object": {}}])
def test_what_is_no_such_format_is_refused_by_name(parse: Any, code: str, body: Any) -> None:
    with pytest.raises(UnreadableError) as refused:
        parse(body)

    assert refused.value.code == code
    assert "docs/how-to/" in refused.value.todo


def test_a_moment_that_no_clock_has_is_refused_and_breaks_nothing() -> None:
    with pytest.raises(UnreadableError, match="firedDateTime"):
        azure_monitor(bodies.log_alert(firedDateTime="0001-01-01T00:00:00+14:00"))


def test_an_event_may_name_an_identity_by_any_kind_of_id_but_only_one() -> None:
    named = grid_events.parse(bodies.custom_event(hint={"service_account": SHOP}))

    assert isinstance(named, dict)
    assert named["hint"] == {"service_account": SHOP}
    for hint in (
        {},
        {"object_id": OBJECT_ID, "app_id": APP_ID},
        {"display_name": "x"},
        {"app_id": "x"},
    ):
        with pytest.raises(UnreadableError):
            grid_events.parse(bodies.custom_event(hint=hint))


SENTINEL = (
    "/subscriptions/193a288c-e5e2-55f0-a5cb-edb78de43328/resourceGroups/rg-security/providers"
    "/Microsoft.OperationalInsights/workspaces/log-security/providers/Microsoft.SecurityInsights"
    "/Incidents/73e01a99-5cd7-4139-a149-9f2736ff2ab5"
)


def of_sentinel(incident_id: str) -> Signal:
    body = bodies.sentinel(APP)
    body["object"]["id"] = incident_id
    return sentinel(body)


def test_an_incident_of_sentinel_says_where_it_is() -> None:
    assert of_sentinel(SENTINEL)["sentinel_incident"] == SENTINEL


@pytest.mark.parametrize(
    "odd",
    [
        "incident-1",
        f"{SENTINEL}/comments/x",
        f"{SENTINEL}?api-version=1",
        f"https://evil.example{SENTINEL}",
        SENTINEL.replace("log-security", "../log"),
        SENTINEL.replace(
            "Microsoft.SecurityInsights/Incidents", "Microsoft.Authorization/roleAssignments"
        ),
        SENTINEL.replace("rg-security", "rg/providers/x"),
        f"{SENTINEL}\n",
    ],
)
def test_what_is_no_incident_of_sentinel_is_written_to_by_nobody(odd: str) -> None:
    assert "sentinel_incident" not in of_sentinel(odd)
