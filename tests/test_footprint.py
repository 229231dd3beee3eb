"""Findings say what the rows say: which credential did what from where, who is suspect, what to rotate."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from playbooks import footprint
from playbooks.footprint import Footprint, Known
from responders.model import Principal

OBJECT, APP, APPLICATION, OURS, OTHER = (str(uuid.UUID(int=number)) for number in range(1, 6))
PRINCIPAL: Principal = {
    "kind": "application",
    "object_id": OBJECT,
    "app_id": APP,
    "application_object_id": APPLICATION,
    "display_name": "orders-api",
    "tenant_id": OTHER,
    "owner_tenant_id": OTHER,
    "service_principal_type": "Application",
    "resource_id": None,
    "unsupported_because": None,
}
USERNAME = "system:serviceaccount:shop:orders-api"
LISTED = "Microsoft.Storage/storageAccounts/listKeys/action"
VAULT = f"/subscriptions/{OTHER}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-orders"
Row = dict[str, Any]


def trace(
    snapshot: Any = None, contained_at: datetime | None = None, **rows: list[Row]
) -> Footprint:
    known = Known(
        PRINCIPAL,
        snapshot=snapshot,
        contained_at=contained_at,
        usernames=(USERNAME,),
        ours=frozenset({OURS}),
        mark="firebreak/inc-1",
    )
    return footprint.trace(rows, known)


def at(minute: int) -> str:
    return f"2026-08-01T10:{minute:02}:00.1234567Z"


def sign_in(minute: int, token: str, **more: Any) -> Row:
    return {
        "TimeGenerated": at(minute),
        "ResultType": "0",
        "IPAddress": "203.0.113.9",
        "UniqueTokenIdentifier": token,
        "ResourceDisplayName": "Azure Resource Manager",
        **more,
    }


def arm(minute: int, operation: str, uti: str = "t1", **more: Any) -> Row:
    """A row of AzureActivity as Log Analytics sends it: dynamic columns are text."""
    return {
        "TimeGenerated": at(minute),
        "Caller": OBJECT,
        "Claims_d": json.dumps({"appid": APP, "uti": uti}),
        "OperationNameValue": operation.upper(),
        "ActivityStatusValue": "Success",
        "CallerIpAddress": "203.0.113.9",
        "CorrelationId": f"{operation} {minute}",
        "_ResourceId": "/r",
        **more,
    }


def graph(minute: int, method: str, token: str, **more: Any) -> Row:
    return {
        "TimeGenerated": at(minute),
        "RequestMethod": method,
        "RequestUri": "https://graph.microsoft.com/v1.0/applications",
        "ResponseStatusCode": 201,
        "IPAddress": "203.0.113.9",
        "UniqueTokenId": token,
        **more,
    }


def audit(minute: int, operation: str, target: Row, by: Row | None = None, **more: Any) -> Row:
    app = {"app": {"servicePrincipalId": OBJECT, "appId": None}}
    return {
        "TimeGenerated": at(minute),
        "OperationName": operation,
        "Result": "success",
        "InitiatedBy": json.dumps(by or app),
        "TargetResources": json.dumps([target]),
        **more,
    }


def kube(verb: str, reference: Row, user: Row, **more: Any) -> Row:
    return {
        "TimeGenerated": at(1),
        "AuditId": f"{verb} {reference} {user}",
        "Verb": verb,
        "ObjectRef": json.dumps(reference),
        "User": json.dumps(user),
        "SourceIps": '["203.0.113.9"]',
        "ResponseStatus": '{"code":200}',
        "_ResourceId": "/x/managedclusters/aks-weu",
        **more,
    }


def test_an_act_is_joined_to_the_credential_and_the_address_by_its_token() -> None:
    snapshot = {
        "federated_credentials": [
            {"id": "fic-1", "name": "rogue", "issuer": "https://evil", "subject": "x"}
        ],
        "credentials": [],
    }
    found = trace(
        snapshot,
        AADServicePrincipalSignInLogs=[
            sign_in(1, "t1", FederatedCredentialId="fic-1"),
            sign_in(2, "t2", ServicePrincipalCredentialKeyId="key-2", IPAddress="10.0.0.4"),
        ],
        AzureActivity=[arm(3, LISTED, "t1")],
        MicrosoftGraphActivityLogs=[graph(4, "GET", "t2", IPAddress="198.51.100.7")],
    )
    first, second = found["chains"]
    assert (first["token_id"], first["credential"]["id"]) == ("t1", "fic-1")
    assert "https://evil" in first["credential"]["name"]
    assert [one["operation"] for one in first["acts"]] == [LISTED.upper()]
    assert (second["credential"]["kind"], second["credential"]["id"]) == ("key", "key-2")
    assert (second["address"], second["addresses"]) == ("10.0.0.4", ["198.51.100.7"])  # it moved
    assert found["credentials_used"] == ["fic-1", "key-2"]


def test_a_token_whose_sign_in_was_not_logged_is_told_with_that() -> None:
    found = trace(AzureActivity=[arm(1, LISTED, "t9")])
    assert found["chains"][0]["credential"]["kind"] == "unknown"
    assert "that no sign-in names" in footprint.findings(found)[0]["lines"][0]


def test_both_sources_and_both_ends_of_an_act_are_one() -> None:
    same = {"CorrelationId": "c"}
    rest = {
        "eventTimestamp": at(1),
        "caller": OBJECT,
        "claims": {"appid": APP, "uti": "t1"},
        "operationName": {"value": LISTED},
        "status": {"value": "Succeeded"},
        "correlationId": "c",
        "resourceId": "/R",
        "httpRequest": {"clientIpAddress": "203.0.113.9"},
    }
    begun = arm(1, LISTED, ActivityStatusValue="Start", **same)
    found = trace(AzureActivity=[begun, arm(1, LISTED, **same)], activity_log=[rest])
    assert found["keys_listed"] == [f"{LISTED} on /R"]


def test_rows_about_the_principal_are_not_its_acts() -> None:
    found = trace(AzureActivity=[arm(1, LISTED, Caller=OTHER, Claims_d="{}", Properties=OBJECT)])
    assert found["chains"] == []
    assert found["changed"] == []


def test_what_was_refused_is_told_but_is_no_change() -> None:
    found = trace(AzureActivity=[arm(1, "Microsoft.X/y/write", ActivityStatusValue="Failure")])
    assert found["changed"] == []
    assert "1 calls, 1 refused" in footprint.findings(found)[0]["lines"][0]


def test_an_application_that_it_made_is_a_suspect_and_has_the_token_that_made_it() -> None:
    made = {"id": OTHER, "type": "Application", "displayName": "backdoor"}
    found = trace(
        AuditLogs=[audit(2, "Add application", made, CorrelationId="REQ-1")],
        MicrosoftGraphActivityLogs=[graph(2, "POST", "t1", ClientRequestId="req-1")],
    )
    assert [(one["kind"], one["id"]) for one in found["suspects"]] == [("application", OTHER)]
    assert {one["operation"] for one in found["chains"][0]["acts"]} == {"POST", "Add application"}
    assert found["changed"] == [f"Add application on backdoor ({OTHER})"]


def test_who_changed_it_is_a_suspect_and_we_are_not() -> None:
    target = {"id": APPLICATION, "type": "Application", "displayName": "orders-api"}
    dana = {"user": {"id": OTHER, "userPrincipalName": "dana@contoso.example"}}
    ours = {"app": {"servicePrincipalId": OURS, "appId": OURS}}
    rows = [
        audit(1, "Update application", target, dana),
        audit(2, "Update application", target, ours),
    ]
    (suspect,) = trace(AuditLogs=rows)["suspects"]
    assert (suspect["kind"], suspect["name"]) == ("user", "dana@contoso.example")


def test_whom_it_gave_a_role_and_which_identity_it_opened_are_suspects() -> None:
    body = json.dumps({"Id": "x", "Properties": {"PrincipalId": OTHER}})
    identity = "/subscriptions/s/resourcegroups/rg/providers/microsoft.managedidentity/userassignedidentities/id-x"
    found = trace(
        AzureActivity=[
            arm(1, "Microsoft.Authorization/roleAssignments/write", _ResourceId="/g"),
            arm(
                1,
                "Microsoft.Authorization/roleAssignments/write",
                _ResourceId="/g",
                ActivityStatusValue="Start",
                Properties=json.dumps({"requestbody": body}),
            ),
            arm(
                2,
                "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
                _ResourceId=f"{identity}/federatedidentitycredentials/f",
            ),
        ]
    )
    assert {(one["kind"], one["id"]) for one in found["suspects"]} == {
        ("principal", OTHER),
        ("user_assigned_identity", identity),
    }


def test_rotation_is_in_microsofts_order_and_each_secret_once() -> None:
    secret = "https://kv-orders.vault.azure.net/secrets/db-password"
    read = {
        "TimeGenerated": at(1),
        "OperationName": "SecretGet",
        "HttpStatusCode": 200,
        "CallerIpAddress": "203.0.113.9",
        "_ResourceId": VAULT,
    }
    denied = {**read, "Id": f"{secret}-2", "HttpStatusCode": 403}
    found = trace(
        AZKVAuditLogs=[{**read, "Id": f"{secret}/1"}, {**read, "Id": f"{secret}/2"}, denied],
        AzureActivity=[arm(2, LISTED, _ResourceId=f"/subscriptions/{OTHER}/x")],
    )
    assert [(one["order"], one["what"], one["where"]) for one in found["rotation"]] == [
        (1, secret, "kv-orders.vault.azure.net"),
        (1, f"/subscriptions/{OTHER}/x", "AzureActivity"),
        (2, "every other secret, key and certificate", "kv-orders.vault.azure.net"),
        (3, "secrets of every other vault", f"subscription {OTHER}"),
    ]


def test_what_still_worked_after_containment_comes_first() -> None:
    contained = datetime(2026, 8, 1, 10, 30, tzinfo=UTC)
    found = trace(
        contained_at=contained,
        AADServicePrincipalSignInLogs=[
            sign_in(29, "t1"),
            sign_in(31, "t2"),
            sign_in(32, "", ResultType="700016"),
        ],
        AzureActivity=[arm(20, LISTED), arm(40, LISTED, ActivityStatusValue="Failure")],
        StorageBlobLogs=[
            {
                "TimeGenerated": at(minute),
                "OperationName": "GetBlob",
                "Uri": "https://st/c/b",
                "StatusCode": "200",
                "CallerIpAddress": "203.0.113.9:443",
            }
            for minute in (29, 45)
        ],
    )
    token, blob = found["after_containment"]
    assert "a token for Azure Resource Manager" in token
    assert blob.startswith(f"{at(45)} GetBlob on https://st/c/b (2 times) from 203.0.113.9")
    assert footprint.findings(found)[0]["title"] == "What still worked after containment"
    assert trace(AzureActivity=[arm(20, LISTED)])["after_containment"] == []


def test_tokens_minted_by_others_are_told_apart_from_acts_and_from_our_own_proofs() -> None:
    token = {
        "resource": "serviceaccounts",
        "subresource": "token",
        "namespace": "shop",
        "name": "a",
    }
    secret = {"resource": "secrets", "namespace": "shop", "name": "s"}
    found = trace(
        AKSAudit=[
            kube("create", token, {"username": "mallory"}),
            kube("create", token, {"username": "x", "extra": {"oid": [OURS]}}),
            kube("create", token, {"username": "system:node:n1"}),
            kube("get", secret, {"username": USERNAME}),
            kube("get", {"resource": "pods"}, {"username": USERNAME}),
            kube("create", token, {"username": USERNAME}),
        ],
    )
    assert [one["target"] for one in found["minted"]] == ["shop/a in aks-weu by mallory"]
    assert found["changed"] == ["create serviceaccounts/token on shop/a in aks-weu"]
    assert [one["operation"] for one in found["secrets_read"]] == ["get secrets"]


def test_the_old_audit_log_of_a_cluster_says_the_same() -> None:
    said = {
        "auditID": "1",
        "verb": "create",
        "objectRef": {"resource": "rolebindings", "namespace": "shop", "name": "b"},
        "user": {"username": USERNAME},
        "sourceIPs": ["203.0.113.9"],
        "responseStatus": {"code": 201},
    }
    row = {"TimeGenerated": at(1), "_ResourceId": "/x/aks-weu", "log_s": json.dumps(said)}
    found = trace(AzureDiagnosticsKubeAudit=[row])
    assert found["changed"] == ["create rolebindings on shop/b in aks-weu"]
    assert found["unattributed"][0]["address"] == "203.0.113.9"


def test_our_proofs_that_nothing_signs_in_are_no_attempts_but_a_success_always_counts() -> None:
    agent = {"UserAgent": "python firebreak/inc-1", "ServicePrincipalCredentialKeyId": "k"}
    failed = sign_in(1, "", ResultType="7000222", **agent)
    found = trace(AADServicePrincipalSignInLogs=[failed])
    assert found["credentials"] == []
    found = trace(AADServicePrincipalSignInLogs=[failed, sign_in(2, "t1", **agent)])
    assert [one["succeeded"] for one in found["credentials"]] == [1]


def test_addresses_come_most_often_first() -> None:
    rows = [sign_in(1, "a", IPAddress="10.0.0.1"), sign_in(2, "b"), sign_in(3, "c")]
    assert trace(AADManagedIdentitySignInLogs=rows)["addresses"] == ["203.0.113.9", "10.0.0.1"]


@pytest.mark.parametrize("value", ["", "not json", "{broken", None, 5, [], "[]"])
def test_a_column_that_is_no_object_has_nothing_in_it(value: Any) -> None:
    found = trace(AzureActivity=[arm(1, LISTED, Claims_d=value)])
    assert found["unattributed"][0]["token_id"] == ""


def test_what_containment_does_not_reach_is_said() -> None:
    nothing: Any = {"app_roles": [], "directory_roles": [], "attachments": [], "unread": {}}
    role = {"role_name": "User.Read.All", "app_role_id": "r1", "resource_name": "Microsoft Graph"}
    snapshot: Any = {**nothing, "app_roles": [role], "unread": {"locks": "403"}}
    lines = footprint.uncovered(snapshot)
    assert "User.Read.All on Microsoft Graph" in lines[0]
    assert "locks, which could not be read: 403" in lines[1]
    assert len(footprint.uncovered(nothing)) == 1
