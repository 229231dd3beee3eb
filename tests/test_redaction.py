"""Secrets are cut out of what is kept and logged, and what an investigator needs stays."""

import pytest

from responders import redaction
from responders.redaction import REDACTED, scrub, scrub_document

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"token {JWT} seen", JWT),
        (f"Authorization: Bearer {'x' * 20}", "x" * 20),
        ("https://h/workflows/1?sp=a&sig=abcDEF123", "abcDEF123"),
        ("GET /api/x?code=s3cr3tkey&x=1", "s3cr3tkey"),
        ("client_secret=p~Q8x&scope=a", "p~Q8x"),
        ("--password=hunter22 --user=a", "hunter22"),
        ("DefaultEndpointsProtocol=https;AccountKey=abc123==;", "abc123"),
    ],
)
def test_what_looks_like_a_secret_is_cut(text: str, secret: str) -> None:
    assert secret not in scrub(text)
    assert "redacted" in scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        "AADSTS700213: No matching federated identity record found",
        "/subscriptions/1729957c-c8d5-5ab0-8895-676a76de1868/resourceGroups/rg-orders",
        "system:serviceaccount:shop:orders-api",
    ],
)
def test_what_an_investigator_reads_stays(text: str) -> None:
    assert scrub(text) == text


def test_values_of_telling_variables_are_cut_and_others_stay() -> None:
    env = [
        {"name": "DB_PASSWORD", "value": "hunter22"},
        {"name": "AZURE_CLIENT_ID", "value": "94941ed0-04fe-5f1c-a467-5406a4fd6c70"},
        {"name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/token"},
        {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ]
    kept = scrub_document({"spec": {"containers": [{"env": env}]}})["spec"]["containers"][0]["env"]

    assert kept == [{"name": "DB_PASSWORD", "value": REDACTED}, *env[1:]]


def test_a_log_line_is_scrubbed_to_its_depth() -> None:
    assert JWT not in str(scrub_document({"event": "x", "more": [{"body": f"t={JWT}"}]}))
    assert redaction.scrub_document(7) == 7
