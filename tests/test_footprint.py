"""Findings say what the rows say, and what the playbook does not cover is never left unsaid."""

from typing import Any

from playbooks import footprint

LISTED = "Microsoft.Storage/storageAccounts/listKeys/action"


def event(operation: str) -> dict[str, Any]:
    return {"operationName": {"value": operation}, "resourceId": "/r"}


def test_changes_reads_and_harvested_keys_are_told_apart() -> None:
    rows = [event("Microsoft.Compute/virtualMachines/read"), event(LISTED)]
    rows += [event("Microsoft.Authorization/roleAssignments/write")] * 2
    found = footprint.trace(rows, [], None)

    assert found["keys_listed"] == [f"{LISTED} on /r"]
    assert found["changed"] == [
        f"{LISTED} on /r",
        "Microsoft.Authorization/roleAssignments/write on /r",
    ]


def test_addresses_come_most_often_first() -> None:
    rows = [{"IPAddress": "10.0.0.1"}, {"IPAddress": "203.0.113.9"}, {"IPAddress": "203.0.113.9"}]

    assert footprint.trace([], rows, None)["addresses"] == ["203.0.113.9", "10.0.0.1"]


def test_which_credential_was_used_is_found_for_every_kind() -> None:
    rows = [{"ServicePrincipalCredentialKeyId": "k"}, {"FederatedCredentialId": "f"}, {}]

    assert set(footprint.trace([], rows, None)["credentials_used"]) == {"k", "f"}


def test_application_permissions_are_said_to_outlive_containment() -> None:
    snapshot: Any = {
        "app_role_assignments": [{"appRoleId": "r1", "resourceDisplayName": "Microsoft Graph"}]
    }
    lines = footprint.uncovered(snapshot)

    assert "r1 on Microsoft Graph" in lines[0]
    assert len(lines) > len(footprint.uncovered({"app_role_assignments": []}))  # type: ignore[typeddict-item]
