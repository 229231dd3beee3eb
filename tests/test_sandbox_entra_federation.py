"""Certificates and federated assertions: the two ways of proving oneself without sharing a secret.

A stolen or forged ServiceAccount token is the attack that Firebreak is about; what the token endpoint
checks of one, and what it doesn't, decides whether an identity is really rebuilt safely.
"""

import base64
import hashlib
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.sandbox_entra_calls import (
    aadsts,
    add_certificate,
    ask_with_assertion,
    foreign_assertion,
    graph,
    new_certificate,
    token_url,
    trust_issuer,
)
from tests.sandbox_fixture import RunningSandbox

SUBJECT = "system:serviceaccount:shop:orders-api"


def test_a_planted_trust_opens_the_identity_to_the_issuers_owner(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    issuer, assertion = foreign_assertion(sandbox, "ci")
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 700211

    credential = trust_issuer(sandbox, issuer, "ci")
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 0

    rows = sandbox.control("GET", "state/logs/AADServicePrincipalSignInLogs")
    assert [row["ResultType"] for row in rows] == ["700211", "0"]
    assert rows[1]["FederatedCredentialId"] == credential
    assert rows[1]["ClientCredentialType"] == "federatedIdentityCredential"


def test_a_removed_trust_closes_it_again_but_late(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "delays", {"federation": 0})
    issuer, assertion = foreign_assertion(sandbox, "ci")
    credential = trust_issuer(sandbox, issuer, "ci")
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 0
    sandbox.control("POST", "delays", {"federation": 120})
    sandbox.control("POST", "clock", {"advance_seconds": 121})
    application = sandbox.seed["orders_api"]["application_object_id"]
    graph(
        sandbox,
        "DELETE",
        f"applications/{application}/federatedIdentityCredentials/{credential}",
    )

    assert aadsts(ask_with_assertion(sandbox, assertion)) == 0
    sandbox.control("POST", "clock", {"advance_seconds": 121})
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 700211


def test_without_any_trust_the_refusal_says_so(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    application = sandbox.seed["orders_api"]["application_object_id"]
    path = f"applications/{application}/federatedIdentityCredentials"
    for credential in graph(sandbox, "GET", path)["value"]:
        graph(sandbox, "DELETE", f"{path}/{credential['id']}")
    _, assertion = foreign_assertion(sandbox, "ci")
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 70025


@pytest.mark.parametrize(
    ("planted_issuer", "planted_subject", "code"),
    [("{issuer}", "CI", 700213), ("{bare}", "ci", 700211), ("{issuer}", "ci ", 700213)],
)
def test_issuer_and_subject_are_compared_to_the_letter(
    sandbox: RunningSandbox, planted_issuer: str, planted_subject: str, code: int
) -> None:
    sandbox.no_delays()
    issuer, assertion = foreign_assertion(sandbox, "ci")
    names = {"issuer": issuer, "bare": issuer.rstrip("/")}
    trust_issuer(sandbox, planted_issuer.format(**names), planted_subject)
    assert aadsts(ask_with_assertion(sandbox, assertion)) == code


def test_the_audience_counts(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    issuer, assertion = foreign_assertion(sandbox, "ci", audience="https://contoso.com")
    trust_issuer(sandbox, issuer, "ci")
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 700212


def test_an_expired_assertion_is_refused(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    issuer, assertion = foreign_assertion(sandbox, "ci", lifetime_s=60)
    trust_issuer(sandbox, issuer, "ci")
    sandbox.control("POST", "clock", {"advance_seconds": 61})
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 700024


def test_nobody_but_the_issuer_can_sign_for_a_cluster(sandbox: RunningSandbox) -> None:
    """A token that names the cluster's issuer and subject, signed with a key of one's own."""
    pem, _ = new_certificate()
    claims = {
        "iss": sandbox.seed["clusters"]["aks-weu"]["issuer"],
        "sub": SUBJECT,
        "aud": "api://AzureADTokenExchange",
        "exp": int(time.time()) + 600,
    }
    keys = sandbox.http.get(claims["iss"] + "openid/v1/jwks").json()["keys"]
    for key_id, code in (("mine", 7000272), (keys[0]["kid"], 700027)):
        key = load_pem_private_key(pem, None)
        forged = jwt.encode(claims, key, "RS256", headers={"kid": key_id})  # type: ignore[arg-type]
        assert aadsts(ask_with_assertion(sandbox, forged)) == code


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_names_a_weak_algorithm_is_refused(
    sandbox: RunningSandbox, algorithm: str
) -> None:
    claims = {
        "iss": sandbox.seed["clusters"]["aks-weu"]["issuer"],
        "sub": SUBJECT,
        "aud": "api://AzureADTokenExchange",
        "exp": int(time.time()) + 600,
    }
    key = "" if algorithm == "none" else "x" * 32
    forged = jwt.encode(claims, key, algorithm)
    assert aadsts(ask_with_assertion(sandbox, forged)) == 50027


def test_an_issuer_that_nobody_serves_is_unreachable(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    issuer = f"{sandbox.endpoints['oidc']}/nowhere/"
    trust_issuer(sandbox, issuer, "ci")
    pem, _ = new_certificate()
    claims = {
        "iss": issuer,
        "sub": "ci",
        "aud": "api://AzureADTokenExchange",
        "exp": int(time.time()) + 600,
    }
    key = load_pem_private_key(pem, None)
    assertion = jwt.encode(claims, key, "RS256", headers={"kid": "k"})  # type: ignore[arg-type]
    assert aadsts(ask_with_assertion(sandbox, assertion)) == 90061


def test_garbage_is_malformed(sandbox: RunningSandbox) -> None:
    assert aadsts(ask_with_assertion(sandbox, "not.a.token")) == 50027


def _certificate_assertion(
    sandbox: RunningSandbox, pem: bytes, der: bytes, header: str = "x5t#S256", **claims: object
) -> str:
    app_id = sandbox.seed["orders_api"]["app_id"]
    digest = hashlib.sha256(der) if header == "x5t#S256" else hashlib.sha1(der)  # noqa: S324
    thumbprint = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    now = int(time.time())
    usual = {
        "iss": app_id,
        "sub": app_id,
        "aud": token_url(sandbox),
        "nbf": now,
        "exp": now + 600,
        "jti": str(uuid.uuid4()),
    }
    algorithm = "PS256" if header == "x5t#S256" else "RS256"
    key = load_pem_private_key(pem, None)
    return jwt.encode(usual | claims, key, algorithm, headers={header: thumbprint})  # type: ignore[arg-type]


@pytest.mark.parametrize("holder", ["applications", "servicePrincipals"])
@pytest.mark.parametrize("header", ["x5t", "x5t#S256"])
def test_a_certificate_counts_on_application_and_principal(
    sandbox: RunningSandbox, holder: str, header: str
) -> None:
    sandbox.no_delays()
    pem, der = new_certificate()
    orders = sandbox.seed["orders_api"]
    object_id = orders["application_object_id" if holder == "applications" else "object_id"]
    key_id = add_certificate(sandbox, f"{holder}/{object_id}", der)

    assert (
        aadsts(ask_with_assertion(sandbox, _certificate_assertion(sandbox, pem, der, header))) == 0
    )

    row = sandbox.control("GET", "state/logs/AADServicePrincipalSignInLogs")[-1]
    assert row["ServicePrincipalCredentialKeyId"] == key_id
    assert row["ServicePrincipalCredentialThumbprint"] == hashlib.sha1(der).hexdigest().upper()  # noqa: S324


def test_a_certificate_assertion_must_fit(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    pem, der = new_certificate()
    other_pem, other_der = new_certificate()
    application = sandbox.seed["orders_api"]["application_object_id"]
    add_certificate(sandbox, f"applications/{application}", der)

    def code(pem: bytes, der: bytes, **claims: object) -> int:
        assertion = _certificate_assertion(sandbox, pem, der, **claims)  # type: ignore[arg-type]
        return aadsts(ask_with_assertion(sandbox, assertion))

    assert code(other_pem, other_der) == 700027  # unknown certificate
    assert code(other_pem, der) == 700027  # the right name, the wrong key
    assert code(pem, der, aud="https://login.example/token") == 700023
    assert code(pem, der, exp=int(time.time()) - 1) == 700024
    assert code(pem, der) == 0
