"""People's tokens, and the public documents by which anybody can check a token.

The function app's own front door trusts these: who may consent is decided by the roles in them.
"""

from typing import Any

import jwt
import pytest

from tests.sandbox_fixture import RunningSandbox

GRAPH = "https://graph.microsoft.com"


def _document(sandbox: RunningSandbox, path: str) -> dict[str, Any]:
    answer = sandbox.http.get(f"{sandbox.endpoints['login']}/{path}")
    assert answer.status_code == 200
    return dict(answer.json())


def _checked(sandbox: RunningSandbox, token: str, audience: str) -> dict[str, Any]:
    """Claims, after checking all that a validator configured from the discovery document checks."""
    discovery = _document(sandbox, f"{sandbox.tenant_id}/v2.0/.well-known/openid-configuration")
    keys = jwt.PyJWKSet.from_dict(sandbox.http.get(discovery["jwks_uri"]).json())
    key = keys[jwt.get_unverified_header(token)["kid"]].key
    claims = jwt.decode(token, key, ["RS256"], audience=audience, issuer=discovery["issuer"])
    return dict(claims)


def test_a_responder_carries_her_roles(sandbox: RunningSandbox) -> None:
    ours = sandbox.seed["firebreak_api"]["app_id"]
    for audience in ("api://firebreak", "api://firebreak/", ours):
        claims = _checked(sandbox, sandbox.sign_in("rosa", audience), ours)
        assert set(claims["roles"]) == {"Incident.Respond", "Incident.Approve"}
        assert claims["oid"] == sandbox.seed["users"]["rosa"]["object_id"]
        assert claims["preferred_username"] == "rosa@contoso.com"
        assert (claims["idtyp"], claims["ver"]) == ("user", "2.0")


@pytest.mark.parametrize("user", ["vera", "dana@contoso.com"])
def test_others_have_none(sandbox: RunningSandbox, user: str) -> None:
    ours = sandbox.seed["firebreak_api"]["app_id"]
    claims = _checked(sandbox, sandbox.sign_in(user, "api://firebreak"), ours)
    assert "roles" not in claims


@pytest.mark.parametrize(
    ("user", "role"),
    [
        ("ravi", "Incident.Read"),
        ("nora", "Incident.Respond"),
        ("ines", "Incident.Approve"),
        ("yuri", "Incident.Approve"),
        ("zoe", "Incident.Admin"),
    ],
)
def test_each_app_role_has_somebody(sandbox: RunningSandbox, user: str, role: str) -> None:
    ours = sandbox.seed["firebreak_api"]["app_id"]
    assert _checked(sandbox, sandbox.sign_in(user, ours), ours)["roles"] == [role]


def _app_only(sandbox: RunningSandbox, app_id: str) -> dict[str, Any]:
    url = f"{sandbox.endpoints['control']}/sandbox/sign-in"
    answer = sandbox.http.post(url, json={"app_id": app_id, "audience": "api://firebreak"})
    assert answer.status_code == 200
    ours = sandbox.seed["firebreak_api"]["app_id"]
    return _checked(sandbox, answer.json()["access_token"], ours)


def test_an_application_calls_for_itself(sandbox: RunningSandbox) -> None:
    bot = sandbox.seed["incident_bot"]
    claims = _app_only(sandbox, bot["app_id"])
    assert (claims["idtyp"], claims["azp"], claims["oid"]) == (
        "app",
        bot["app_id"],
        bot["object_id"],
    )
    assert set(claims["roles"]) == {"Incident.Read", "Incident.Respond"}
    assert "scp" not in claims


def test_the_sender_of_secure_webhooks_has_its_one_role(sandbox: RunningSandbox) -> None:
    claims = _app_only(sandbox, "461e8683-5575-4561-ac7f-899cc907d62a")
    assert claims["roles"] == ["ActionGroupsSecureWebhook"]


def test_no_application_signs_in_that_the_tenant_does_not_know(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.endpoints['control']}/sandbox/sign-in"
    nobody = {"app_id": "00000000-0000-4000-8000-00000000dead", "audience": GRAPH}
    assert sandbox.http.post(url, json=nobody).status_code == 404


def test_a_delegated_token_has_scopes_and_no_app_roles(sandbox: RunningSandbox) -> None:
    token = sandbox.sign_in("dana", GRAPH)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert "Application.ReadWrite.All" in claims["scp"].split()
    assert "roles" not in claims
    assert claims["aud"] == GRAPH


def test_nobody_signs_in_under_an_unknown_name(sandbox: RunningSandbox) -> None:
    url = f"{sandbox.endpoints['control']}/sandbox/sign-in"
    answer = sandbox.http.post(url, json={"user": "mallory", "audience": GRAPH})
    assert answer.status_code == 404


def test_a_sign_in_leaves_a_row(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    token = sandbox.sign_in("dana", GRAPH)
    (row,) = sandbox.control("GET", "state/logs/SigninLogs")
    claims = jwt.decode(token, options={"verify_signature": False})
    assert row["UserPrincipalName"] == "dana@contoso.com"
    assert row["UniqueTokenIdentifier"] == claims["uti"]


@pytest.mark.parametrize("tenant", ["{tenant}", "contoso.onmicrosoft.com", "organizations"])
@pytest.mark.parametrize("version", ["/v2.0", ""])
def test_the_discovery_documents_lead_to_the_keys(
    sandbox: RunningSandbox, tenant: str, version: str
) -> None:
    path = tenant.format(tenant=sandbox.tenant_id) + version
    discovery = _document(sandbox, f"{path}/.well-known/openid-configuration")

    assert discovery["token_endpoint"].endswith(f"/oauth2{version}/token")
    assert len(sandbox.http.get(discovery["jwks_uri"]).json()["keys"]) == 1


def test_instance_discovery_knows_this_host_only(sandbox: RunningSandbox) -> None:
    """What azure-identity and az ask first, so that they trust the login host."""
    document = _document(sandbox, "common/discovery/instance?api-version=1.1")
    host = sandbox.endpoints["login"].removeprefix("https://")
    assert document["metadata"][0]["aliases"] == [host]


def test_a_clusters_issuer_is_published_to_the_letter(sandbox: RunningSandbox) -> None:
    issuer = sandbox.seed["clusters"]["aks-neu"]["issuer"]
    discovery = sandbox.http.get(f"{issuer}.well-known/openid-configuration").json()

    assert discovery["issuer"] == issuer
    assert issuer.endswith("/")
    assert sandbox.http.get(discovery["jwks_uri"]).json()["keys"][0]["alg"] == "RS256"
    elsewhere = f"{sandbox.endpoints['oidc']}/nobody/.well-known/openid-configuration"
    assert sandbox.http.get(elsewhere).status_code == 404


def _asked(sandbox: RunningSandbox, **other: str) -> dict[str, str]:
    """What App Service asks of the authorize endpoint where it has no client secret."""
    return {
        "client_id": sandbox.seed["firebreak_api"]["app_id"],
        "response_type": "id_token",
        "response_mode": "form_post",
        "redirect_uri": "http://127.0.0.1:7071/.auth/login/aad/callback",
        "scope": "openid profile email",
        "nonce": "n-1",
        "state": "redir=%2Fincidents",
        **other,
    }


def _authorize(sandbox: RunningSandbox, asked: dict[str, str]) -> Any:
    url = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/authorize"
    return sandbox.http.get(url, params=asked)


def test_a_browser_gets_an_id_token_for_the_app_and_with_its_nonce(
    sandbox: RunningSandbox,
) -> None:
    asked = _asked(sandbox)
    page = _authorize(sandbox, asked)
    rosa = sandbox.seed["users"]["rosa"]
    url = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/login"
    answer = sandbox.http.post(url, data={**asked, "account": rosa["object_id"]})
    token = answer.text.split('name="id_token" value="')[1].split('"')[0]
    claims = _checked(sandbox, token, asked["client_id"])

    assert rosa["upn"] in page.text
    assert (claims["nonce"], claims["oid"]) == ("n-1", rosa["object_id"])
    assert set(claims["roles"]) == {"Incident.Respond", "Incident.Approve"}
    assert "azp" not in claims
    assert f'action="{asked["redirect_uri"]}"' in answer.text


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"redirect_uri": "https://evil.example/.auth/login/aad/callback"}, 50011),
        ({"redirect_uri": "http://127.0.0.1:7071/elsewhere"}, 50011),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, 700016),
        ({"response_type": "code"}, 700054),
        ({"response_mode": "fragment"}, 70007),
        ({"nonce": ""}, 900144),
    ],
)
def test_an_answer_goes_nowhere_that_is_not_registered(
    sandbox: RunningSandbox, wrong: dict[str, str], code: int
) -> None:
    asked = _asked(sandbox, **wrong)
    answer = _authorize(sandbox, asked)
    url = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/login"
    rosa = sandbox.seed["users"]["rosa"]["object_id"]
    posted = sandbox.http.post(url, data={**asked, "account": rosa})

    assert answer.status_code == posted.status_code == 400
    assert answer.json()["error_codes"] == posted.json()["error_codes"] == [code]
