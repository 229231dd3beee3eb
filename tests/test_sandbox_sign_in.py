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
    for audience in ("api://firebreak", "api://firebreak/"):
        claims = _checked(sandbox, sandbox.sign_in("rosa", audience), "api://firebreak")
        assert set(claims["roles"]) == {"Incident.Respond", "Incident.Approve"}
        assert claims["oid"] == sandbox.seed["users"]["rosa"]["object_id"]
        assert claims["preferred_username"] == "rosa@contoso.com"
        assert (claims["idtyp"], claims["ver"]) == ("user", "2.0")


@pytest.mark.parametrize("user", ["vera", "dana@contoso.com"])
def test_others_have_none(sandbox: RunningSandbox, user: str) -> None:
    claims = _checked(sandbox, sandbox.sign_in(user, "api://firebreak"), "api://firebreak")
    assert "roles" not in claims


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
