"""What the log says was given inside the window; words that can't be read are not taken for nothing."""

import json
from typing import Any

import pytest

from playbooks.tracing.gifts import Gifts, given
from tests.suspects import IDENTITY, OBJECT, suspect

START, END = "2026-01-01T00:00:00+00:00", "2026-01-02T00:00:00+00:00"


def trust(name: str) -> dict[str, Any]:
    return {"Name": name, "Issuer": "https://issuer/", "Subject": "s", "Audiences": ["a"]}


def update(old: Any, new: Any, when: str = "2026-01-01T12:00:00Z") -> dict[str, Any]:
    change = {"displayName": "FederatedIdentityCredentials", "oldValue": old, "newValue": new}
    target = {"id": suspect()["application_object_id"], "modifiedProperties": [change]}
    return {
        "TimeGenerated": when,
        "OperationName": "Update application",
        "Result": "success",
        "TargetResources": json.dumps([target]),
    }


def found(*rows: Any) -> Gifts:
    return given({"AuditLogs": list(rows)}, suspect(), START, END, known=True)


def test_a_trust_that_was_added_or_changed_is_named_and_one_that_stayed_is_not() -> None:
    changed = {**trust("changed"), "Subject": "another"}
    old = json.dumps([trust("stayed"), trust("changed")])
    new = json.dumps([trust("stayed"), changed, trust("planted")])

    assert found(update(old, new))["trusts"] == ["changed", "planted"]
    assert found(update(old, new))["known"]


@pytest.mark.parametrize("nothing", ["[]", None, "", "null"])
def test_a_trust_that_was_taken_away_is_no_gift(nothing: Any) -> None:
    seen = found(update(json.dumps([trust("gone")]), nothing))

    assert (seen["trusts"], seen["known"]) == ([], True)


@pytest.mark.parametrize(
    "strange",
    [
        json.dumps([trust("planted")])[:-20],
        "a summary of it",
        json.dumps([{"name": "x"}]),
        json.dumps({"Name": "x"}),
    ],
    ids=["cut", "prose", "other keys", "no list"],
)
def test_a_change_of_trusts_that_can_not_be_read_leaves_them_unknown(strange: str) -> None:
    seen = found(update("[]", strange))

    assert not seen["known"]


def test_what_happened_outside_the_window_or_failed_or_to_another_is_none() -> None:
    planted = json.dumps([trust("planted")])
    early = update("[]", planted, when="2025-12-31T23:59:59Z")
    failed = {**update("[]", planted), "Result": "failure"}
    others = {**update("[]", planted), "TargetResources": json.dumps([{"id": OBJECT[::-1]}])}

    assert found(early, failed, others)["trusts"] == []


def test_a_write_to_a_trust_of_a_managed_identity_is_seen_in_either_log() -> None:
    identity = suspect("user_assigned_identity")
    at = f"{IDENTITY}/federatedIdentityCredentials"
    name = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write"
    table = {
        "TimeGenerated": "2026-01-01T12:00:00Z",
        "_ResourceId": f"{at}/one".lower(),
        "OperationNameValue": name.upper(),
    }
    event = {
        "eventTimestamp": "2026-01-01T12:00:00Z",
        "resourceId": f"{at}/two",
        "operationName": {"value": name},
    }
    rows: Any = {"AzureActivity": [table], "activity_log": [event]}

    assert given(rows, identity, START, END, known=True)["trusts"] == ["one", "two"]
