"""The token endpoint: whom it gives tokens, what is in them, and with which code it refuses.

Containment is judged by these codes, so each must mean here what it means at Microsoft.
"""

import base64
from typing import Any

import jwt
import pytest

from tests.sandbox_entra_calls import (
    SEEDED_SECRET,
    STORAGE_SCOPE,
    aadsts,
    ask,
    graph,
    identity_token,
    token_url,
)
from tests.sandbox_fixture import RunningSandbox


def _claims(sandbox: RunningSandbox, token: str) -> dict[str, Any]:
    """Claims, after checking the signature against the published keys."""
    base = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}"
    keys = sandbox.http.get(f"{base}/discovery/v2.0/keys").json()
    key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key.key, ["RS256"], options={"verify_aud": False}))


def test_a_token_says_who_and_for_what(sandbox: RunningSandbox) -> None:
    answer = ask(sandbox, client_secret=SEEDED_SECRET).json()

    claims = _claims(sandbox, answer["access_token"])
    orders = sandbox.seed["orders_api"]
    assert (claims["oid"], claims["appid"]) == (orders["object_id"], orders["app_id"])
    assert (claims["aud"], claims["idtyp"]) == ("https://storage.azure.com", "app")
    assert (claims["tid"], claims["ver"]) == (sandbox.tenant_id, "1.0")
    assert answer["token_type"] == "Bearer"
    assert 3600 <= answer["expires_in"] == claims["exp"] - claims["iat"] <= 5400


def test_lifetimes_differ(sandbox: RunningSandbox) -> None:
    seen = {ask(sandbox, client_secret=SEEDED_SECRET).json()["expires_in"] for _ in range(5)}
    assert len(seen) > 1


@pytest.mark.parametrize(
    ("scope", "audience"),
    [
        ("https://management.azure.com//.default", "https://management.azure.com/"),
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        ("https://graph.microsoft.com/.default", "https://graph.microsoft.com"),
        (
            "6dae42f8-4368-4678-94ff-3960e28e3630/.default",
            "6dae42f8-4368-4678-94ff-3960e28e3630",
        ),
        ("https://api.loganalytics.io/.default", "https://api.loganalytics.io"),
    ],
)
def test_the_audience_is_the_resource_as_asked_for(
    sandbox: RunningSandbox, scope: str, audience: str
) -> None:
    answer = ask(sandbox, client_secret=SEEDED_SECRET, scope=scope).json()
    assert _claims(sandbox, answer["access_token"])["aud"] == audience


def test_local_origins_are_resources_too(sandbox: RunningSandbox) -> None:
    for service in ("arm", "graph", "loganalytics"):
        scope = f"{sandbox.endpoints[service]}/.default"
        assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET, scope=scope)) == 0


def test_app_roles_are_in_the_token(sandbox: RunningSandbox) -> None:
    token = identity_token(sandbox, "https://graph.microsoft.com").json()["access_token"]
    assert set(_claims(sandbox, token)["roles"]) == {
        "AppRoleAssignment.ReadWrite.All",
        "Application.ReadWrite.All",
        "AuditLog.Read.All",
        "DelegatedPermissionGrant.ReadWrite.All",
        "Directory.Read.All",
        "GroupMember.ReadWrite.All",
        "IdentityRiskyServicePrincipal.ReadWrite.All",
        "RoleManagement.Read.Directory",
    }


@pytest.mark.parametrize(
    ("form", "code", "error", "status"),
    [
        ({"client_id": "00000000-0000-0000-0000-000000000001"}, 700016, "unauthorized_client", 400),
        ({"client_secret": "wrong"}, 7000215, "invalid_client", 401),
        ({"client_secret": ""}, 7000216, "invalid_client", 401),
        ({"client_id": ""}, 900144, "invalid_request", 400),
        ({"grant_type": ""}, 900144, "invalid_request", 400),
        ({"scope": ""}, 900144, "invalid_request", 400),
        ({"grant_type": "password"}, 70003, "unsupported_grant_type", 400),
        ({"scope": "https://storage.azure.com/user_impersonation"}, 1002012, "invalid_scope", 400),
        ({"scope": f"{STORAGE_SCOPE} openid"}, 70011, "invalid_scope", 400),
        ({"scope": "https://nowhere.example/.default"}, 500011, "invalid_resource", 400),
    ],
)
def test_a_refusal_has_microsofts_code_and_shape(
    sandbox: RunningSandbox, form: dict[str, str], code: int, error: str, status: int
) -> None:
    answer = ask(sandbox, **{"client_secret": SEEDED_SECRET, **form})

    body = answer.json()
    assert (answer.status_code, aadsts(answer), body["error"]) == (status, code, error)
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert set(body) == {
        "error",
        "error_description",
        "error_codes",
        "timestamp",
        "trace_id",
        "correlation_id",
        "error_uri",
    }


def test_an_unknown_tenant_is_refused(sandbox: RunningSandbox) -> None:
    for tenant in ("11111111-0000-0000-0000-000000000000", "common"):
        url = token_url(sandbox).replace(sandbox.tenant_id, tenant)
        assert aadsts(sandbox.http.post(url, data={"grant_type": "client_credentials"})) == 90002


def test_a_body_that_is_no_form_is_refused(sandbox: RunningSandbox) -> None:
    assert aadsts(sandbox.http.post(token_url(sandbox), json={"grant_type": "x"})) == 900144
    assert sandbox.http.get(token_url(sandbox)).status_code == 405


def test_http_basic_and_version_1_work(sandbox: RunningSandbox) -> None:
    app_id = sandbox.seed["orders_api"]["app_id"]
    basic = base64.b64encode(f"{app_id}:{SEEDED_SECRET}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": STORAGE_SCOPE}
    headers = {"authorization": f"Basic {basic}"}
    assert aadsts(sandbox.http.post(token_url(sandbox), data=form, headers=headers)) == 0

    v1 = sandbox.http.post(
        token_url(sandbox).replace("/v2.0", ""),
        data={
            "grant_type": "client_credentials",
            "client_id": app_id,
            "client_secret": SEEDED_SECRET,
            "resource": "https://storage.azure.com",
        },
    ).json()
    assert v1["resource"] == "https://storage.azure.com"
    assert isinstance(v1["expires_on"], str)


def test_a_disabled_principal_gets_no_new_token(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    principal = sandbox.seed["orders_api"]["object_id"]
    graph(sandbox, "PATCH", f"servicePrincipals/{principal}", {"accountEnabled": False})
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 7000112

    graph(sandbox, "PATCH", f"servicePrincipals/{principal}", {"accountEnabled": True})
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 0


def test_a_deactivated_application_gets_no_new_token(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    application = sandbox.seed["orders_api"]["application_object_id"]
    graph(sandbox, "PATCH", f"applications/{application}", {"isDisabled": True})
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 7000112


def test_a_deleted_application_is_unknown(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    application = sandbox.seed["orders_api"]["application_object_id"]
    graph(sandbox, "DELETE", f"applications/{application}")
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 700016


@pytest.mark.parametrize("holder", ["application", "principal"])
def test_secrets_count_on_application_and_principal_until_removed(
    sandbox: RunningSandbox, holder: str
) -> None:
    sandbox.no_delays()
    orders = sandbox.seed["orders_api"]
    path = (
        f"applications/{orders['application_object_id']}"
        if holder == "application"
        else f"servicePrincipals/{orders['object_id']}"
    )
    planted = graph(
        sandbox, "POST", f"{path}/addPassword", {"passwordCredential": {"displayName": "x"}}
    )
    assert aadsts(ask(sandbox, client_secret=planted["secretText"])) == 0

    graph(sandbox, "POST", f"{path}/removePassword", {"keyId": planted["keyId"]})
    assert aadsts(ask(sandbox, client_secret=planted["secretText"])) == 7000215


def test_an_expired_secret_has_its_own_code(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "clock", {"advance_seconds": 600 * 86_400})
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 7000222


def test_the_endpoint_hears_of_a_change_late(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "delays", {"directory": 600})
    principal = sandbox.seed["orders_api"]["object_id"]
    graph(sandbox, "PATCH", f"servicePrincipals/{principal}", {"accountEnabled": False})
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 0

    sandbox.control("POST", "clock", {"advance_seconds": 601})
    assert aadsts(ask(sandbox, client_secret=SEEDED_SECRET)) == 7000112


def test_every_attempt_leaves_a_row(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    token = ask(sandbox, client_secret=SEEDED_SECRET).json()["access_token"]
    ask(sandbox, client_secret="wrong")

    rows = sandbox.control("GET", "state/logs/AADServicePrincipalSignInLogs")

    assert [row["ResultType"] for row in rows] == ["0", "7000215"]
    orders = sandbox.seed["orders_api"]
    (application,) = [
        one
        for one in sandbox.control("GET", "state/applications")
        if one["appId"] == orders["app_id"]
    ]
    secret_id = application["passwordCredentials"][0]["keyId"]
    assert rows[0]["ServicePrincipalId"] == rows[1]["ServicePrincipalId"] == orders["object_id"]
    assert rows[0]["AppId"] == orders["app_id"]
    assert rows[0]["ServicePrincipalCredentialKeyId"] == secret_id
    assert rows[0]["UniqueTokenIdentifier"] == _claims(sandbox, token)["uti"]
    assert rows[0]["ResourceDisplayName"] == "Azure Storage"


def test_a_client_behind_a_proxy_is_logged_with_its_own_address(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.seed["orders_api"]["app_id"],
        "client_secret": SEEDED_SECRET,
        "scope": STORAGE_SCOPE,
    }
    sandbox.http.post(token_url(sandbox), data=form, headers={"x-forwarded-for": "203.0.113.66"})
    rows = sandbox.control("GET", "state/logs/AADServicePrincipalSignInLogs")
    assert rows[0]["IPAddress"] == "203.0.113.66"


def test_rows_arrive_late(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "delays", {"ingestion": 600})
    ask(sandbox, client_secret=SEEDED_SECRET)
    assert sandbox.control("GET", "state/logs/AADServicePrincipalSignInLogs") == []

    sandbox.control("POST", "clock", {"advance_seconds": 601})
    assert len(sandbox.control("GET", "state/logs/AADServicePrincipalSignInLogs")) == 1
