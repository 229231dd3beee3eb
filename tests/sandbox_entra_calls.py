"""Calls of the token endpoint and of Graph that several tests of the sandbox make."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from sandbox.settings import pretend_secret
from tests.sandbox_fixture import RunningSandbox

STORAGE_SCOPE = "https://storage.azure.com/.default"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SEEDED_SECRET = pretend_secret("orders-api ci-2024")[:40]


def token_url(sandbox: RunningSandbox) -> str:
    """The version 2 token endpoint."""
    return f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/token"


def ask(sandbox: RunningSandbox, app: str = "orders_api", **form: str) -> httpx.Response:
    """Ask for a token; what the form leaves out has a usual value, "" leaves it out for good."""
    usual = {
        "grant_type": "client_credentials",
        "client_id": sandbox.seed[app]["app_id"],
        "scope": STORAGE_SCOPE,
    }
    sent = {name: value for name, value in (usual | form).items() if value}
    return sandbox.http.post(token_url(sandbox), data=sent)


def ask_with_assertion(sandbox: RunningSandbox, assertion: str) -> httpx.Response:
    """Ask with somebody's signed token in place of a secret."""
    return ask(sandbox, client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)


def aadsts(answer: httpx.Response) -> int:
    """The code of a refusal; 0 for a token."""
    return 0 if answer.is_success else int(answer.json()["error_codes"][0])


def identity_token(sandbox: RunningSandbox, resource: str) -> httpx.Response:
    """Ask the managed-identity endpoint as the function app does, for the operator's token."""
    sandbox.operator()
    return sandbox.http.get(
        sandbox.environment["IDENTITY_ENDPOINT"],
        params={"api-version": "2019-08-01", "resource": resource},
        headers={"x-identity-header": sandbox.environment["IDENTITY_HEADER"]},
    )


def graph(sandbox: RunningSandbox, method: str, path: str, body: object = None) -> Any:
    """Call Graph as the operator, which may change applications."""
    token = identity_token(sandbox, "https://graph.microsoft.com").json()["access_token"]
    answer = sandbox.http.request(
        method,
        f"{sandbox.endpoints['graph']}/v1.0/{path}",
        json=body,
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def foreign_assertion(sandbox: RunningSandbox, subject: str, **more: object) -> tuple[str, str]:
    """An issuer of the attacker's, and a token that he signed."""
    issuer = str(sandbox.control("POST", "foreign-issuer", {"url_path": "rogue"})["issuer"])
    wish = {"issuer": issuer, "subject": subject, "audience": "api://AzureADTokenExchange"}
    return issuer, str(sandbox.control("POST", "foreign-issuer/token", wish | more)["token"])


def trust_issuer(sandbox: RunningSandbox, issuer: str, subject: str) -> str:
    """Plant a federated credential on orders-api; returns its id."""
    application = sandbox.seed["orders_api"]["application_object_id"]
    credential = {
        "name": "planted",
        "issuer": issuer,
        "subject": subject,
        "audiences": ["api://AzureADTokenExchange"],
    }
    path = f"applications/{application}/federatedIdentityCredentials"
    return str(graph(sandbox, "POST", path, credential)["id"])


def new_certificate() -> tuple[bytes, bytes]:
    """PEM of key and certificate in one, as SDKs want it, and the certificate's DER."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + certificate.public_bytes(Encoding.PEM), certificate.public_bytes(Encoding.DER)


def add_certificate(sandbox: RunningSandbox, holder: str, der: bytes) -> str:
    """Put a certificate on `applications/{id}` or `servicePrincipals/{id}`, in place of others."""
    credential = {
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "displayName": "CN=test",
        "key": base64.b64encode(der).decode(),
    }
    graph(sandbox, "PATCH", holder, {"keyCredentials": [credential]})
    found = graph(sandbox, "GET", f"{holder}?$select=keyCredentials")["keyCredentials"]
    return str(found[0]["keyId"])
