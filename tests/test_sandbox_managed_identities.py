"""Managed identities: their trusts, their tokens and every place that hands tokens out for them.

A user-assigned identity has two ways in, federation and the machines it is attached to, and none of the switches that
an application has. What the pretend cloud gets wrong here, a containment would believe.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest

from tests.arm_caller import ARM, ArmCaller, as_firebreak, as_user
from tests.sandbox_entra_calls import (
    ASSERTION_TYPE,
    aadsts,
    ask,
    ask_with_assertion,
    foreign_assertion,
    graph,
)
from tests.sandbox_fixture import RunningSandbox

STABLE = "2024-11-30"
PREVIEW = "2025-05-31-preview"
REVOKE = "2023-07-31-preview"
AUDIENCE = "api://AzureADTokenExchange"
GITHUB = "https://token.actions.githubusercontent.com"
ARM_SCOPE = f"{ARM}/.default"


def test_the_payments_pods_sign_in_by_federation_and_get_a_day(sandbox: RunningSandbox) -> None:
    stolen = sandbox.control(
        "POST",
        "nodes/aks-neu/steal-token",
        {"namespace": "payments", "service_account": "payments"},
    )["token"]
    sandbox.no_delays()

    answer = _federated(sandbox, stolen)

    assert answer.is_success, answer.text
    assert answer.json()["expires_in"] == 24 * 60 * 60
    claims = _claims(answer.json()["access_token"])
    assert claims["oid"] == sandbox.seed["payments_identity"]["object_id"]
    row = sandbox.control("GET", "state/logs/AADManagedIdentitySignInLogs")[-1]
    assert row["ClientCredentialType"] == "federatedIdentityCredential"
    assert row["FederatedCredentialId"]
    assert row["UniqueTokenIdentifier"] == claims["uti"]


def test_a_planted_trust_opens_the_identity_late_and_a_removed_one_closes_it_late(
    sandbox: RunningSandbox,
) -> None:
    sandbox.no_delays()
    sandbox.control("POST", "delays", {"federation": 120})
    issuer, assertion = foreign_assertion(sandbox, "ci", lifetime_s=3600)
    firebreak = as_firebreak(sandbox)
    path = f"{_trusts(sandbox)}/planted"

    assert _put(firebreak, path, issuer, "ci").status_code == 201
    assert aadsts(_federated(sandbox, assertion)) == 700211
    sandbox.control("POST", "clock", {"advance_seconds": 121})
    assert aadsts(_federated(sandbox, assertion)) == 0

    assert firebreak("DELETE", path, version=STABLE).status_code == 200
    assert firebreak("DELETE", path, version=STABLE).status_code == 204
    assert aadsts(_federated(sandbox, assertion)) == 0
    sandbox.control("POST", "clock", {"advance_seconds": 121})
    assert aadsts(_federated(sandbox, assertion)) == 700211


def test_without_any_trust_the_client_has_no_federation_at_all(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    _, assertion = foreign_assertion(sandbox, "ci")
    firebreak = as_firebreak(sandbox)
    for each in firebreak("GET", _trusts(sandbox), version=STABLE).json()["value"]:
        assert firebreak("DELETE", each["id"], version=STABLE).status_code == 200

    assert aadsts(_federated(sandbox, assertion)) == 70025


def test_overlapping_writes_to_one_identity_get_409_and_writes_in_turn_do_not(
    sandbox: RunningSandbox,
) -> None:
    sandbox.control("POST", "delays", {"identity_writes": 0.3})
    firebreak = as_firebreak(sandbox)
    found = firebreak("GET", _trusts(sandbox), version=STABLE).json()["value"]
    assert [each["name"] for each in found] == ["aks-weu-payments", "aks-neu-payments"]

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda it: firebreak("DELETE", it["id"], version=STABLE), found))

    assert sorted(each.status_code for each in answers) == [200, 409]
    refused = next(each for each in answers if each.status_code == 409)
    code = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"
    assert refused.json()["error"]["code"] == code
    sandbox.control("POST", "delays", {"identity_writes": 0})
    again = [firebreak("DELETE", each["id"], version=STABLE).status_code for each in found]
    assert sorted(again) == [200, 204]


def test_a_trust_is_read_strictly(sandbox: RunningSandbox) -> None:
    firebreak, path = as_firebreak(sandbox), f"{_trusts(sandbox)}/new"
    good = {"issuer": "https://issuer/", "subject": "s", "audiences": [AUDIENCE]}
    for wrong in (
        {**good, "colour": "red"},
        {**good, "subject": None},
        {**good, "audiences": []},
        {**good, "audiences": [AUDIENCE, "another"]},
        {**good, "issuer": "http://issuer/"},
        {**good, "subject": "s" * 601},
        {**good, "claimsMatchingExpression": {"value": "x", "languageVersion": 1}},
        {"issuer": good["issuer"], "audiences": good["audiences"]},
    ):
        answer = firebreak("PUT", path, version=STABLE, json={"properties": wrong})
        assert answer.status_code == 400, wrong
    named = f"{_trusts(sandbox)}/a.b"
    assert _put(firebreak, named, "https://issuer/", "s").status_code == 400
    assert _put(firebreak, path, "https://issuer/", "s", version="2018-11-30").status_code == 400
    assert len(firebreak("GET", _trusts(sandbox), version=STABLE).json()["value"]) == 2


def test_issuer_and_subject_are_taken_once_and_the_twenty_first_is_one_too_many(
    sandbox: RunningSandbox,
) -> None:
    sandbox.control("POST", "delays", {"identity_writes": 0})
    firebreak, trusts = as_firebreak(sandbox), _trusts(sandbox)
    for number in range(18):
        assert (
            _put(firebreak, f"{trusts}/t-{number}", "https://i/", f"s{number}").status_code == 201
        )

    assert _put(firebreak, f"{trusts}/t-18", "https://i/", "s18").status_code == 400
    assert _put(firebreak, f"{trusts}/t-17", "https://i/", "s17").status_code == 200
    twice = _put(firebreak, f"{trusts}/t-17", "https://i/", "s0")
    assert twice.status_code == 400
    assert "already exists" in twice.json()["error"]["message"]


def test_a_flexible_trust_matches_by_its_expression_and_hides_it_from_stable_versions(
    sandbox: RunningSandbox,
) -> None:
    sandbox.no_delays()
    sandbox.control("POST", "foreign-issuer", {"url": GITHUB})
    workflow = {"issuer": GITHUB, "subject": "repo:contoso/shop:evil", "audience": AUDIENCE}
    assertion = sandbox.control("POST", "foreign-issuer/token", workflow)["token"]
    firebreak, path = as_firebreak(sandbox), f"{_trusts(sandbox)}/flexible"
    body = _flexible(GITHUB, "claims['sub'] matches 'repo:contoso/*'")
    assert firebreak("PUT", path, version=PREVIEW, json=body).status_code == 201

    assert aadsts(_federated(sandbox, assertion)) == 0
    shown = firebreak("GET", path, version=PREVIEW).json()["properties"]
    assert shown == body["properties"]
    hidden = firebreak("GET", path, version=STABLE).json()["properties"]
    assert hidden == {"issuer": GITHUB, "audiences": [AUDIENCE], "subject": None}
    body = _flexible(
        GITHUB, "claims['sub'] eq 'repo:contoso/shop' and claims['job_workflow_ref'] matches '*'"
    )
    assert firebreak("PUT", path, version=PREVIEW, json=body).status_code == 200
    assert aadsts(_federated(sandbox, assertion)) == 700213
    for issuer, expression in (
        (GITHUB, "claims['sub'] like 'repo:contoso/*'"),
        (GITHUB, "claims['ref'] eq 'main'"),
        ("https://issuer.contoso.com/", "claims['sub'] eq 'x'"),
    ):
        wrong = firebreak("PUT", path, version=PREVIEW, json=_flexible(issuer, expression))
        assert wrong.status_code == 400, expression


def test_an_applications_flexible_trust_is_honoured_too(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    sandbox.control("POST", "foreign-issuer", {"url": GITHUB})
    workflow = {"issuer": GITHUB, "subject": "repo:contoso/shop:evil", "audience": AUDIENCE}
    assertion = sandbox.control("POST", "foreign-issuer/token", workflow)["token"]
    application = sandbox.seed["orders_api"]["application_object_id"]
    trust = _flexible(GITHUB, "claims['sub'] matches 'repo:contoso/*'")["properties"]
    answer = sandbox.http.post(
        f"{sandbox.endpoints['graph']}/beta/applications/{application}/federatedIdentityCredentials",
        json={**trust, "name": "flexible"},
        headers={"authorization": f"Bearer {_graph_token(sandbox)}"},
    )
    assert answer.status_code == 201, answer.text
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 0


def test_a_lock_keeps_trusts_and_identity(sandbox: RunningSandbox) -> None:
    firebreak, identity = as_firebreak(sandbox), sandbox.seed["payments_identity"]["resource_id"]
    dana = as_user(sandbox, "dana")
    _grant_owner(sandbox, dana)
    lock = f"{identity}/providers/Microsoft.Authorization/locks/keep"

    _lock(dana, lock, "CanNotDelete")
    trust = f"{_trusts(sandbox)}/aks-weu-payments"
    for path in (trust, identity):
        answer = firebreak("DELETE", path, version=STABLE)
        assert (answer.status_code, answer.json()["error"]["code"]) == (409, "ScopeLocked")
    assert firebreak("POST", f"{identity}/revokeTokens", version=REVOKE).status_code == 200
    _lock(dana, lock, "ReadOnly")
    assert firebreak("POST", f"{identity}/revokeTokens", version=REVOKE).status_code == 409
    assert _put(firebreak, f"{_trusts(sandbox)}/new", "https://i/", "s").status_code == 409


def test_who_has_no_right_gets_403_and_every_write_leaves_an_activity(
    sandbox: RunningSandbox,
) -> None:
    sandbox.no_delays()
    vera, firebreak = as_user(sandbox, "vera"), as_firebreak(sandbox)
    identity = sandbox.seed["payments_identity"]["resource_id"]
    assert _put(vera, f"{_trusts(sandbox)}/evil", "https://i/", "s").status_code == 403
    assert vera("DELETE", identity, version=STABLE).status_code == 403
    assert vera("POST", f"{identity}/revokeTokens", version=REVOKE).status_code == 403
    assert vera("GET", _trusts(sandbox), version=STABLE).status_code == 403
    firebreak("POST", f"{identity}/revokeTokens", version=REVOKE)

    events = sandbox.control("GET", "state/activity")
    ended = [
        (each["operationName"]["value"].rpartition("/userAssignedIdentities/")[2], outcome)
        for each in events
        if (outcome := each["status"]["value"]) != "Started"
    ]
    assert ended == [
        ("federatedIdentityCredentials/write", "Failed"),
        ("delete", "Failed"),
        ("revokeTokens/action", "Failed"),
        ("revokeTokens/action", "Succeeded"),
    ]


def test_revoked_tokens_go_on_working_unless_a_service_honours_it(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    payments = ArmCaller(sandbox, _from_machine(sandbox, client="payments_identity"))
    identity, own = sandbox.seed["payments_identity"]["resource_id"], payments.subscription
    firebreak = as_firebreak(sandbox)
    assert firebreak("POST", f"{identity}/revokeTokens", version=REVOKE).status_code == 200
    assert firebreak("POST", f"{identity}/revokeTokens", version=STABLE).status_code == 404
    assert payments("GET", own, version="2022-12-01").status_code != 401

    sandbox.control("POST", "token-revocation", {"honoured_by": [ARM]})
    assert payments("GET", own, version="2022-12-01").status_code == 401
    sandbox.control("POST", "clock", {"advance_seconds": 1})
    fresh = ArmCaller(sandbox, _from_machine(sandbox, client="payments_identity"))
    assert fresh("GET", own, version="2022-12-01").status_code != 401


def test_an_identity_brings_its_principal_and_takes_it_along(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    firebreak = as_firebreak(sandbox)
    path = sandbox.seed["payments_identity"]["resource_id"] + "-r2"
    body = {"location": "westeurope", "tags": {"incident": "1"}}
    first = firebreak("PUT", path, version=STABLE, json=body)
    assert first.status_code == 201, first.text
    assert firebreak("PUT", path, version=STABLE, json=body).status_code == 200
    moved = firebreak("PUT", path, version=STABLE, json={"location": "northeurope"})
    assert moved.json()["error"]["code"] == "InvalidResourceLocation"
    tagged = firebreak("PATCH", path, version=STABLE, json={"tags": {"incident": "2"}}).json()
    assert tagged["tags"] == {"incident": "2"}

    ids = first.json()["properties"]
    principal = graph(sandbox, "GET", f"servicePrincipals/{ids['principalId']}")
    assert principal["appId"] == ids["clientId"]
    assert principal["alternativeNames"] == ["isExplicit=True", path]
    assert firebreak("DELETE", path, version=STABLE).status_code == 200
    assert firebreak("DELETE", path, version=STABLE).status_code == 204
    known = sandbox.control("GET", "state/servicePrincipals")
    assert ids["principalId"] not in {each["id"] for each in known}
    again = firebreak("PUT", path, version=STABLE, json=body).json()["properties"]
    assert again["principalId"] != ids["principalId"]


def test_deleting_an_identity_leaves_orphaned_grants_and_no_way_in(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    seeded, firebreak = sandbox.seed["payments_identity"], as_firebreak(sandbox)
    _, assertion = foreign_assertion(sandbox, "ci")
    assert firebreak("DELETE", seeded["resource_id"], version=STABLE).status_code == 200

    assert aadsts(_federated(sandbox, assertion)) == 700016
    assert _machine(sandbox, client_id=seeded["app_id"]).json() == {
        "error": "invalid_request",
        "error_description": "Identity not found",
    }
    grants = sandbox.control("GET", "state/roleAssignments")
    assert seeded["object_id"] in {each["properties"]["principalId"] for each in grants}
    assert firebreak("GET", _trusts(sandbox), version=STABLE).status_code == 404


def test_a_machine_has_its_own_identity_unless_another_is_named(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    assert _machine(sandbox, metadata="").status_code == 400
    assert _machine(sandbox, client_id="nobody").status_code == 400
    own = _claims(_machine(sandbox).json()["access_token"])
    assert own["oid"] == sandbox.seed["batch_vm"]["object_id"]
    shared = _claims(_from_machine(sandbox, client="payments_identity"))
    assert shared["oid"] == sandbox.seed["payments_identity"]["object_id"]
    assert shared["exp"] - shared["iat"] == 24 * 60 * 60
    rows = sandbox.control("GET", "state/logs/AADManagedIdentitySignInLogs")
    assert [row["UniqueTokenIdentifier"] for row in rows] == [own["uti"], shared["uti"]]


def test_an_app_without_an_identity_of_its_own_has_to_name_one(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    url = f"{sandbox.endpoints['control']}/sandbox/machines/func-payments/msi/token"
    query = {"api-version": "2019-08-01", "resource": ARM}
    assert sandbox.http.get(url, params=query).status_code == 400
    seeded = sandbox.seed["payments_identity"]
    answer = sandbox.http.get(url, params=query | {"client_id": seeded["app_id"]})
    assert _claims(answer.json()["access_token"])["oid"] == seeded["object_id"]


def test_an_identity_taken_off_a_machine_gets_no_new_tokens_there(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    dana, shared = as_user(sandbox, "dana"), sandbox.seed["payments_identity"]
    _grant_owner(sandbox, dana)
    detached = {shared["resource_id"].upper(): None}

    both = _attach(dana, "SystemAssigned, UserAssigned", detached)
    assert both.json()["error"]["code"] == "InvalidIdentityValues"
    assert _machine(sandbox, client_id=shared["app_id"]).status_code == 200
    assert _attach(dana, "SystemAssigned", detached).status_code == 200
    assert _machine(sandbox, client_id=shared["app_id"]).status_code == 400
    assert _machine(sandbox).status_code == 200
    attached = _attach(dana, "SystemAssigned, UserAssigned", {shared["resource_id"]: {}})
    assert attached.json()["identity"]["principalId"] == sandbox.seed["batch_vm"]["object_id"]
    assert _machine(sandbox, client_id=shared["app_id"]).status_code == 200


def test_a_machines_own_identity_is_deleted_with_its_switch_and_comes_back_as_another(
    sandbox: RunningSandbox,
) -> None:
    sandbox.no_delays()
    dana, machine = as_user(sandbox, "dana"), sandbox.seed["batch_vm"]
    _grant_owner(sandbox, dana)

    assert _attach(dana, "None").json()["identity"] == {"type": "None"}
    assert _machine(sandbox).json()["error_description"] == "Identity not found"
    known = sandbox.control("GET", "state/servicePrincipals")
    assert machine["object_id"] not in {each["id"] for each in known}
    again = _attach(dana, "SystemAssigned").json()["identity"]
    assert again["principalId"] != machine["object_id"]


@pytest.mark.parametrize("change", [{"accountEnabled": False}, {"tags": ["x"]}])
def test_the_principal_of_a_managed_identity_cannot_be_changed(
    sandbox: RunningSandbox, change: dict[str, Any]
) -> None:
    object_id = sandbox.seed["payments_identity"]["object_id"]
    token = _graph_token(sandbox)
    answer = sandbox.http.patch(
        f"{sandbox.endpoints['graph']}/v1.0/servicePrincipals/{object_id}",
        json=change,
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 403


def test_the_clusters_own_identities_are_named_by_the_clusters(sandbox: RunningSandbox) -> None:
    firebreak = as_firebreak(sandbox)
    for name, cluster in sandbox.seed["clusters"].items():
        shown = firebreak("GET", cluster["resource_id"], version="2025-10-01").json()
        kubelet = sandbox.seed["kubelets"][name]
        assert shown["properties"]["identityProfile"]["kubeletidentity"] == {
            "resourceId": kubelet["resource_id"],
            "clientId": kubelet["app_id"],
            "objectId": kubelet["object_id"],
        }
        control_plane = sandbox.seed["control_planes"][name]
        assert list(shown["identity"]["userAssignedIdentities"]) == [control_plane["resource_id"]]
        for seeded in (kubelet, control_plane):
            found = firebreak("GET", seeded["resource_id"], version=STABLE).json()["properties"]
            assert found["principalId"] == seeded["object_id"]


def test_what_runs_on_a_node_is_the_kubelet_to_azure(sandbox: RunningSandbox) -> None:
    """A workload whose own identity is missing falls through to this one, and looks healthy."""
    sandbox.no_delays()
    pool, kubelet = sandbox.seed["node_pools"]["aks-neu"], sandbox.seed["kubelets"]["aks-neu"]
    path = f"machines/{pool['name']}/metadata/identity/oauth2/token"
    answer = sandbox.http.get(
        f"{sandbox.endpoints['control']}/sandbox/{path}",
        params={"api-version": "2018-02-01", "resource": ARM},
        headers={"Metadata": "true"},
    )

    assert _claims(answer.json()["access_token"])["oid"] == kubelet["object_id"]
    shown = as_firebreak(sandbox)("GET", pool["resource_id"], version="2024-07-01").json()
    assert list(shown["identity"]["userAssignedIdentities"]) == [kubelet["resource_id"]]


def _trusts(sandbox: RunningSandbox) -> str:
    return f"{sandbox.seed['payments_identity']['resource_id']}/federatedIdentityCredentials"


def _put(
    caller: ArmCaller, path: str, issuer: str, subject: str, *, version: str = STABLE
) -> httpx.Response:
    properties = {"issuer": issuer, "subject": subject, "audiences": [AUDIENCE]}
    return caller("PUT", path, version=version, json={"properties": properties})


def _flexible(issuer: str, expression: str) -> dict[str, Any]:
    matching = {"value": expression, "languageVersion": 1}
    return {
        "properties": {
            "issuer": issuer,
            "audiences": [AUDIENCE],
            "claimsMatchingExpression": matching,
        }
    }


def _federated(sandbox: RunningSandbox, assertion: str) -> httpx.Response:
    return ask(
        sandbox,
        "payments_identity",
        client_assertion=assertion,
        client_assertion_type=ASSERTION_TYPE,
        scope=ARM_SCOPE,
    )


def _machine(sandbox: RunningSandbox, *, metadata: str = "true", **named: str) -> httpx.Response:
    origin = sandbox.endpoints["control"]
    return sandbox.http.get(
        f"{origin}/sandbox/machines/vm-batch/metadata/identity/oauth2/token",
        params={"api-version": "2018-02-01", "resource": ARM, **named},
        headers={"Metadata": metadata},
    )


def _from_machine(sandbox: RunningSandbox, *, client: str) -> str:
    answer = _machine(sandbox, client_id=sandbox.seed[client]["app_id"])
    assert answer.is_success, answer.text
    return str(answer.json()["access_token"])


def _graph_token(sandbox: RunningSandbox) -> str:
    settings = sandbox.as_operator()
    answer = sandbox.http.get(
        settings["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": "https://graph.microsoft.com"},
        headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
    )
    return str(answer.json()["access_token"])


def _attach(dana: ArmCaller, kind: str, changes: dict[str, Any] | None = None) -> httpx.Response:
    identity = {"type": kind, **({"userAssignedIdentities": changes} if changes else {})}
    machine = str(dana.sandbox.seed["batch_vm"]["resource_id"])
    return dana("PATCH", machine, version="2024-07-01", json={"identity": identity})


def _grant_owner(sandbox: RunningSandbox, dana: ArmCaller) -> None:
    """She may hand out roles on her team's group, so she takes the one that she lacks."""
    owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    name = "5a3b0e5e-0b52-4f7f-9d0c-3f6a52f0b0aa"
    answer = dana(
        "PUT",
        f"{dana.group}/providers/Microsoft.Authorization/roleAssignments/{name}",
        json={
            "properties": {
                "roleDefinitionId": (
                    f"{dana.subscription}/providers/Microsoft.Authorization/roleDefinitions/{owner}"
                ),
                "principalId": sandbox.seed["users"]["dana"]["object_id"],
                "principalType": "User",
            }
        },
    )
    assert answer.status_code == 201, answer.text
    sandbox.control("POST", "delays", {"role_assignments": 0})


def _lock(dana: ArmCaller, path: str, level: str) -> None:
    answer = dana("PUT", path, version="2020-05-01", json={"properties": {"level": level}})
    assert answer.is_success, answer.text


def _claims(token: str) -> dict[str, Any]:
    return dict(jwt.decode(token, options={"verify_signature": False}))
