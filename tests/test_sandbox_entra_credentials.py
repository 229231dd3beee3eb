"""Microsoft's own credential classes get tokens from the sandbox, unchanged.

They check more of an answer than a test would think of, and the product reaches Entra only through them.
"""

from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from azure.identity.aio import CertificateCredential as AioCertificate
from azure.identity.aio import ClientAssertionCredential as AioAssertion
from azure.identity.aio import ClientSecretCredential as AioSecret
from azure.identity.aio import ManagedIdentityCredential as AioManagedIdentity
from azure.identity.aio import WorkloadIdentityCredential as AioWorkload

from tests.sandbox_entra_calls import (
    SEEDED_SECRET,
    STORAGE_SCOPE,
    add_certificate,
    foreign_assertion,
    new_certificate,
    trust_issuer,
)
from tests.sandbox_fixture import RunningSandbox

GRAPH_SCOPE = "https://graph.microsoft.com/.default"


def _options(sandbox: RunningSandbox) -> dict[str, Any]:
    return {
        "authority": sandbox.endpoints["login"],
        "disable_instance_discovery": True,
        "connection_verify": sandbox.ca_bundle,
    }


@pytest.fixture
def trusted_assertion(sandbox: RunningSandbox) -> str:
    sandbox.no_delays()
    issuer, assertion = foreign_assertion(sandbox, "ci")
    trust_issuer(sandbox, issuer, "ci")
    return assertion


async def test_a_secret(sandbox: RunningSandbox) -> None:
    who = (sandbox.tenant_id, sandbox.seed["orders_api"]["app_id"], SEEDED_SECRET)
    with ClientSecretCredential(*who, **_options(sandbox)) as credential:
        assert credential.get_token(STORAGE_SCOPE).token
    async with AioSecret(*who, **_options(sandbox)) as credential:
        assert (await credential.get_token(STORAGE_SCOPE)).token


async def test_a_certificate(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    pem, der = new_certificate()
    orders = sandbox.seed["orders_api"]
    add_certificate(sandbox, f"applications/{orders['application_object_id']}", der)
    who = (sandbox.tenant_id, orders["app_id"])
    with CertificateCredential(*who, certificate_data=pem, **_options(sandbox)) as credential:
        assert credential.get_token(STORAGE_SCOPE).token
    async with AioCertificate(*who, certificate_data=pem, **_options(sandbox)) as credential:
        assert (await credential.get_token(STORAGE_SCOPE)).token


async def test_an_assertion(sandbox: RunningSandbox, trusted_assertion: str) -> None:
    who = (sandbox.tenant_id, sandbox.seed["orders_api"]["app_id"], lambda: trusted_assertion)
    with ClientAssertionCredential(*who, **_options(sandbox)) as credential:
        assert credential.get_token(STORAGE_SCOPE).token
    async with AioAssertion(*who, **_options(sandbox)) as credential:
        assert (await credential.get_token(STORAGE_SCOPE)).token


async def test_a_workloads_token_file(
    sandbox: RunningSandbox, trusted_assertion: str, tmp_path: Path
) -> None:
    token_file = tmp_path / "azure-identity-token"
    token_file.write_text(trusted_assertion)
    who = {
        "tenant_id": sandbox.tenant_id,
        "client_id": sandbox.seed["orders_api"]["app_id"],
        "token_file_path": str(token_file),
        **_options(sandbox),
    }
    with WorkloadIdentityCredential(**who) as credential:
        assert credential.get_token(STORAGE_SCOPE).token
    async with AioWorkload(**who) as credential:
        assert (await credential.get_token(STORAGE_SCOPE)).token


async def test_a_managed_identity(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, sandbox.environment[name])
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(GRAPH_SCOPE)
    async with AioManagedIdentity() as credential:
        # The endpoint keeps one token per resource.
        assert (await credential.get_token(GRAPH_SCOPE)).token == token.token


async def test_a_managed_identity_that_is_not_attached(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, sandbox.environment[name])
    stranger = sandbox.seed["orders_api"]["app_id"]
    async with AioManagedIdentity(client_id=stranger) as credential:
        with pytest.raises(ClientAuthenticationError):
            await credential.get_token(GRAPH_SCOPE)


def test_the_secret_header_is_needed(sandbox: RunningSandbox) -> None:
    """Against request forgery: a URL alone must not yield a token."""
    query = {"api-version": "2019-08-01", "resource": "https://graph.microsoft.com"}
    url = sandbox.environment["IDENTITY_ENDPOINT"]
    for headers in ({}, {"x-identity-header": "guess"}):
        assert sandbox.http.get(url, params=query, headers=headers).status_code == 401
    headers = {"x-identity-header": sandbox.environment["IDENTITY_HEADER"]}
    for wrong in (
        {"api-version": "2017-09-01", "resource": "https://graph.microsoft.com"},
        {"api-version": "2019-08-01"},
        {"api-version": "2019-08-01", "resource": "https://nowhere.example"},
    ):
        assert sandbox.http.get(url, params=wrong, headers=headers).status_code == 400


def test_a_refusal_reaches_the_caller_with_its_code(sandbox: RunningSandbox) -> None:
    who = (sandbox.tenant_id, sandbox.seed["orders_api"]["app_id"], "wrong")
    with (
        ClientSecretCredential(*who, **_options(sandbox)) as credential,
        pytest.raises(ClientAuthenticationError, match="AADSTS7000215"),
    ):
        credential.get_token(STORAGE_SCOPE)
