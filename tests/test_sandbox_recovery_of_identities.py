"""A managed identity made anew, in the order in which a recovery makes it, with all that Azure lets one wait for."""

import uuid

import pytest

from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_entra_calls import ASSERTION_TYPE as JWT
from tests.sandbox_entra_calls import aadsts
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import firebreak

IDENTITIES = "2024-11-30"
AUDIENCE = "api://AzureADTokenExchange"
BLOB_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
ROLES = "providers/Microsoft.Authorization/roleAssignments"
STORAGE = "https://storage.azure.com/.default"


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    return as_firebreak(sandbox)


def successor(arm: ArmCaller) -> dict[str, str]:
    """A new identity: its resource id, and its ids."""
    path = f"{arm.sandbox.seed['payments_identity']['resource_id']}-r2"
    body = {"location": "westeurope", "tags": {"firebreak-predecessor": "id-payments"}}
    made = arm("PUT", path, version=IDENTITIES, json=body)
    assert made.status_code == 201, made.text
    return {"path": path, **made.json()["properties"]}


def trust(arm: ArmCaller, identity: str, subject: str) -> int:
    issuer = arm.sandbox.seed["clusters"]["aks-weu"]["issuer"]
    properties = {"issuer": issuer, "subject": subject, "audiences": [AUDIENCE]}
    path = f"{identity}/federatedIdentityCredentials/aks-weu"
    return arm("PUT", path, version=IDENTITIES, json={"properties": properties}).status_code


def grant(arm: ArmCaller, principal: str, **more: str) -> tuple[int, str]:
    account = arm.sandbox.seed["storage"]["account_id"]
    definition = f"/providers/Microsoft.Authorization/roleDefinitions/{BLOB_READER}"
    body = {"properties": {"roleDefinitionId": definition, "principalId": principal, **more}}
    answer = arm("PUT", f"{account}/{ROLES}/{uuid.uuid4()}", json=body)
    return answer.status_code, answer.json().get("error", {}).get("code", "")


def token_exchange(arm: ArmCaller, client_id: str) -> int:
    """What the token endpoint says to the payments pod, which asks as this client."""
    account = {"namespace": "payments", "service_account": "payments"}
    token = arm.sandbox.control("POST", "nodes/aks-weu/steal-token", account)["token"]
    answer = arm.sandbox.http.post(
        f"{arm.sandbox.endpoints['login']}/{arm.sandbox.tenant_id}/oauth2/v2.0/token",
        data={
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_assertion": token,
            "client_assertion_type": JWT,
            "scope": STORAGE,
        },
    )
    return aadsts(answer)


def test_a_new_identity_is_another_one_and_graph_hears_of_it_late(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "delays", {"replication": 60})

    made = successor(arm)

    old = arm.sandbox.seed["payments_identity"]
    assert made["clientId"] != old["app_id"]
    graph, path = firebreak(arm.sandbox), f"/servicePrincipals/{made['principalId']}"
    assert graph.refused("GET", path).startswith("404")
    arm.sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert graph.ok("GET", path)["servicePrincipalType"] == "ManagedIdentity"


def test_a_role_is_given_at_once_only_to_a_principal_whose_type_is_said(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "delays", {"directory": 60})
    principal = successor(arm)["principalId"]

    assert grant(arm, principal) == (400, "PrincipalNotFound")
    assert grant(arm, principal, principalType="ServicePrincipal") == (201, "")


def test_the_first_token_exchange_comes_too_early_and_a_later_one_works(arm: ArmCaller) -> None:
    arm.sandbox.control("POST", "delays", {"federation": 60})
    made = successor(arm)
    assert trust(arm, made["path"], "system:serviceaccount:payments:payments") == 201

    assert token_exchange(arm, made["clientId"]) == 70025
    arm.sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert token_exchange(arm, made["clientId"]) == 0


def test_a_trust_in_another_subject_leaves_the_old_token_outside(arm: ArmCaller) -> None:
    made = successor(arm)
    assert trust(arm, made["path"], "system:serviceaccount:payments:payments-r2") == 201

    assert token_exchange(arm, made["clientId"]) == 700213


def test_what_firebreak_may_do_with_identities_ends_before_machines(arm: ArmCaller) -> None:
    """It makes identities and trusts; it attaches none to a machine, which would be a way to act as one."""
    made = successor(arm)
    body = {"identity": {"type": "UserAssigned", "userAssignedIdentities": {made["path"]: {}}}}

    machine = arm.sandbox.seed["batch_vm"]["resource_id"]
    assert arm("PATCH", machine, version="2024-07-01", json=body).status_code == 403
    assert (
        as_user(arm.sandbox, "vera")("DELETE", made["path"], version=IDENTITIES).status_code == 403
    )
    assert arm("DELETE", made["path"], version=IDENTITIES).status_code == 200


def test_when_an_identity_was_made_is_told_where_it_is_asked_for(arm: ArmCaller) -> None:
    made = successor(arm)
    listing = f"{arm.group}/resources"
    query = {"$expand": "createdTime,changedTime"}
    shown = arm("GET", listing, version="2024-07-01", params=query).json()["value"]

    created = {each["id"]: each["createdTime"] for each in shown}
    old = arm.sandbox.seed["payments_identity"]["resource_id"]
    assert created[old] < created[made["path"]]
    bare = arm("GET", listing, version="2024-07-01").json()["value"]
    assert not any("createdTime" in each for each in bare)
    wrong = arm("GET", listing, version="2024-07-01", params={"$expand": "colour"})
    assert wrong.json()["error"]["code"] == "InvalidExpandInQueryString"


def test_every_write_of_a_recovery_is_in_the_activity_log(arm: ArmCaller) -> None:
    made = successor(arm)
    trust(arm, made["path"], "system:serviceaccount:payments:payments-r2")
    grant(arm, made["principalId"], principalType="ServicePrincipal")

    own = arm.sandbox.seed["firebreak"]["object_id"]
    done = [
        each["operationName"]["value"].rpartition("Microsoft.")[2]
        for each in arm.sandbox.control("GET", "state/activity")
        if each["caller"] == own and each["status"]["value"] == "Succeeded"
    ]
    assert done == [
        "ManagedIdentity/userAssignedIdentities/write",
        "ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write",
        "Authorization/roleAssignments/write",
    ]
