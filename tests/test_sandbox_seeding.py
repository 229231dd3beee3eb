"""What is planted through the control API acts like what was there: it yields tokens that open what they should."""

import time
import uuid
from typing import Any

import jwt
import pytest

from tests.sandbox_fixture import RunningSandbox

Json = dict[str, Any]
STORAGE = "https://storage.azure.com/.default"


def ask(sandbox: RunningSandbox, client_id: str, scope: str = STORAGE, **proof: str) -> Json:
    url = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/token"
    form = {"grant_type": "client_credentials", "client_id": client_id, "scope": scope, **proof}
    answer: Json = sandbox.http.post(url, data=form).json()
    return answer


def opens(sandbox: RunningSandbox, url: str, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}", "x-ms-version": "2021-08-06"}
    return sandbox.http.get(url, headers=headers).status_code


def signed(sandbox: RunningSandbox, client_id: str, made: Json) -> str:
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/token",
        "jti": str(uuid.uuid4()),
        "nbf": int(time.time()) - 5,
        "exp": int(time.time()) + 300,
    }
    headers = {"x5t": made["thumbprint"]}
    return jwt.encode(claims, made["private_key"], algorithm="RS256", headers=headers)


@pytest.mark.parametrize("holder", ["application_object_id", "object_id"])
def test_planted_secrets_and_certificates_yield_tokens_that_planted_roles_let_open_something(
    sandbox: RunningSandbox, holder: str
) -> None:
    sandbox.no_delays()
    ids = sandbox.control("POST", "seed", {"applications": [{"displayName": "reports"}]})
    ids = ids["applications"][0]
    made = sandbox.control(
        "POST",
        "seed",
        {
            "storageAccounts": [{"name": "streports"}],
            "groups": [{"displayName": "sg-reports", "members": [ids["object_id"]]}],
            "passwordCredentials": [{"holderId": ids[holder], "displayName": "ci"}],
            "keyCredentials": [{"holderId": ids[holder], "displayName": "reports"}],
        },
    )
    store, group = made["storageAccounts"][0], made["groups"][0]
    secret, key = made["passwordCredentials"][0], made["keyCredentials"][0]

    by_secret = ask(sandbox, ids["app_id"], client_secret=secret["secret"])
    by_key = ask(
        sandbox,
        ids["app_id"],
        client_assertion=signed(sandbox, ids["app_id"], key),
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )

    assert opens(sandbox, store["blob_url"], by_secret["access_token"]) == 403
    role = {
        "scope": store["id"],
        "role": "Storage Blob Data Reader",
        "principalId": group["object_id"],
    }
    sandbox.control("POST", "seed", {"roleAssignments": [role]})
    assert opens(sandbox, store["blob_url"], by_secret["access_token"]) == 200
    assert opens(sandbox, store["blob_url"], by_key["access_token"]) == 200


def test_a_planted_condition_decides(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    ids = sandbox.control("POST", "seed", {"applications": [{"displayName": "reports"}]})
    ids = ids["applications"][0]
    made = sandbox.control(
        "POST",
        "seed",
        {
            "storageAccounts": [{"name": "streports"}, {"name": "stother"}],
            "passwordCredentials": [{"holderId": ids["object_id"], "displayName": "ci"}],
        },
    )
    condition = (
        "((!(ActionMatches{'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'}))"
        " OR (@Resource[Microsoft.Storage/storageAccounts:name] StringEquals 'streports'))"
    )
    roles = [
        {
            "scope": each["id"],
            "role": "Storage Blob Data Reader",
            "principalId": ids["object_id"],
            "condition": condition,
        }
        for each in made["storageAccounts"]
    ]
    sandbox.control("POST", "seed", {"roleAssignments": roles})

    secret = made["passwordCredentials"][0]["secret"]
    token = ask(sandbox, ids["app_id"], client_secret=secret)["access_token"]

    named, other = (each["blob_url"] for each in made["storageAccounts"])
    assert (opens(sandbox, named, token), opens(sandbox, other, token)) == (200, 403)


def test_a_planted_identity_is_federated_and_attached(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    made = sandbox.control("POST", "seed", {"userAssignedIdentities": [{"name": "id-reports"}]})
    identity = made["userAssignedIdentities"][0]
    sandbox.control("POST", "foreign-issuer", {"url_path": "elsewhere"})
    issuer = f"{sandbox.endpoints['oidc']}/elsewhere/"
    made = sandbox.control(
        "POST",
        "seed",
        {
            "identityCredentials": [
                {
                    "identityId": identity["resource_id"],
                    "name": "elsewhere",
                    "issuer": issuer,
                    "subject": "me",
                }
            ],
            "machines": [
                {
                    "name": "vm-reports",
                    "kind": "virtualMachine",
                    "userAssigned": [identity["resource_id"]],
                    "systemAssigned": {},
                }
            ],
            "vaults": [{"name": "kv-reports", "readers": [identity["object_id"]]}],
        },
    )
    wish = {"issuer": issuer, "subject": "me", "audience": "api://AzureADTokenExchange"}
    forged = sandbox.control("POST", "foreign-issuer/token", wish)["token"]
    by_trust = ask(
        sandbox,
        identity["app_id"],
        "https://vault.azure.net/.default",
        client_assertion=forged,
        client_assertion_type="urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    )
    by_machine = sandbox.http.get(
        f"{sandbox.endpoints['control']}/sandbox/machines/vm-reports/metadata/identity/oauth2/token",
        params={
            "api-version": "2018-02-01",
            "resource": "https://vault.azure.net",
            "client_id": identity["app_id"],
        },
        headers={"Metadata": "true"},
    ).json()

    url = f"{made['vaults'][0]['secret_url']}?api-version=7.4"
    assert opens(sandbox, url, by_trust["access_token"]) == 200
    assert opens(sandbox, url, by_machine["access_token"]) == 200
    assert made["machines"][0]["object_id"]


def test_planted_people_own_and_hold_what_they_are_said_to(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    made = sandbox.control(
        "POST",
        "seed",
        {
            "users": [{"name": "olaf"}, {"name": "ada"}],
            "applications": [{"displayName": "reports"}, {"displayName": "half"}],
            "servicePrincipals": [
                {"displayName": "partner", "appOwnerOrganizationId": str(uuid.UUID(int=7))}
            ],
        },
    )
    olaf, ada = made["users"]
    owned, other = made["applications"]
    sandbox.control(
        "POST",
        "seed",
        {
            "owners": [{"objectId": owned["application_object_id"], "ownerId": olaf["object_id"]}],
            "directoryRoleAssignments": [
                {"principalId": ada["object_id"], "role": "Cloud Application Administrator"}
            ],
            "oauth2PermissionGrants": [
                {"clientId": made["servicePrincipals"][0]["object_id"], "scope": "User.Read"}
            ],
        },
    )

    def may_plant(who: str, on: Json) -> int:
        token = sandbox.sign_in(who, "https://graph.microsoft.com")
        base = f"{sandbox.endpoints['graph']}/v1.0/applications/{on['application_object_id']}"
        headers = {"Authorization": f"Bearer {token}"}
        body = {"passwordCredential": {"displayName": "mine"}}
        return sandbox.http.post(f"{base}/addPassword", json=body, headers=headers).status_code

    assert (may_plant("olaf", owned), may_plant("olaf", other)) == (200, 403)
    assert may_plant("ada", other) == 200


@pytest.mark.parametrize(
    "body",
    [
        {"users": [{}]},
        {"passwordCredentials": [{"holderId": "x", "displayName": "n"}]},
        {"keyCredentials": [{"holderId": "x", "displayName": "n"}]},
        {"owners": [{"objectId": "x", "ownerId": "y"}]},
        {"groups": [{"displayName": "g", "members": ["x"]}]},
        {"groups": [{"displayName": "g", "colour": "blue"}]},
        {"oauth2PermissionGrants": [{"clientId": "x", "scope": "User.Read"}]},
        {"directoryRoleAssignments": [{"principalId": "x", "role": "Global Reader"}]},
        {"identityCredentials": [{"identityId": "/x", "name": "n", "issuer": "i", "subject": "s"}]},
        {"machines": [{"name": "m", "kind": "toaster"}]},
        {"machines": [{"name": "m", "kind": "site", "userAssigned": ["/x"]}]},
        {"storageAccounts": [{"name": "s", "resourceGroup": "nowhere"}]},
        {"vaults": [{"name": "v", "readers": "all"}]},
        {"roleAssignments": [{"scope": "/", "role": "Emperor", "principalId": "x"}]},
    ],
)
def test_a_seed_that_names_nobody_is_refused_by_name(sandbox: RunningSandbox, body: object) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/seed", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]
