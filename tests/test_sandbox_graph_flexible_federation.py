"""Flexible federated credentials of the pretend Graph: beta makes and shows them, v1.0 hides what they say."""

import pytest

from sandbox.entra import claims_matching
from sandbox.entra.claims_matching import ExpressionError
from sandbox.world import Json
from tests.sandbox_graph_calls import AUDIENCES, ORDERS, LocalCaller, federated

GITHUB = "https://token.actions.githubusercontent.com"
TRUSTS = f"{ORDERS}/federatedIdentityCredentials"
BRANCHES = "claims['sub'] matches 'repo:contoso/orders:ref:refs/heads/*'"
CLAIMS = {
    "sub": "repo:contoso/orders:ref:refs/heads/main",
    "job_workflow_ref": "contoso/ci/.github/workflows/deploy.yml@refs/heads/main",
}


def _flexible(**changed: object) -> Json:
    return {
        "name": "ci-branches",
        "issuer": GITHUB,
        "audiences": AUDIENCES,
        "claimsMatchingExpression": {"value": BRANCHES, "languageVersion": 1},
    } | changed


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


def test_beta_shows_the_expression_and_v1_only_that_there_is_one(graph: LocalCaller) -> None:
    created = graph.ok("POST", TRUSTS, _flexible(), version="beta")

    assert created["claimsMatchingExpression"] == {"value": BRANCHES, "languageVersion": 1}
    path = f"{TRUSTS}/{created['id']}"
    shown = graph.ok("GET", path)
    assert shown["subject"] is None
    assert "claimsMatchingExpression" not in shown
    assert graph.ok("GET", path, version="beta")["claimsMatchingExpression"]["value"] == BRANCHES
    expanded = graph.ok("GET", f"{ORDERS}?$expand=federatedIdentityCredentials")
    (same,) = [
        each for each in expanded["federatedIdentityCredentials"] if each["id"] == created["id"]
    ]
    assert "claimsMatchingExpression" not in same


def test_it_is_deleted_through_either_version(graph: LocalCaller) -> None:
    for version in ("v1.0", "beta"):
        created = graph.ok("POST", TRUSTS, _flexible(), version="beta")
        path = f"{TRUSTS}/{created['id']}"
        assert graph.call("DELETE", path, version=version).status_code == 204
        assert graph.refused("GET", path, version="beta").startswith("404")


def test_ordinary_ones_are_in_beta_too(graph: LocalCaller) -> None:
    graph.ok("POST", TRUSTS, federated("ci-main"), version="beta")

    found = graph.ok("GET", TRUSTS, version="beta")["value"]

    assert {each["claimsMatchingExpression"] for each in found} == {None}
    assert all(each["subject"] for each in found)


def test_v1_knows_no_such_property(graph: LocalCaller) -> None:
    assert graph.refused("POST", TRUSTS, _flexible()) == "400 Request_BadRequest"


@pytest.mark.parametrize(
    "changed",
    [
        {"subject": "repo:contoso/orders:ref:refs/heads/main"},
        {"claimsMatchingExpression": {"value": BRANCHES, "languageVersion": 2}},
        {"claimsMatchingExpression": {"value": "claims['aud'] eq 'x'", "languageVersion": 1}},
        {"claimsMatchingExpression": {"value": "claims['sub'] like 'x'", "languageVersion": 1}},
        {"claimsMatchingExpression": {"languageVersion": 1}},
        {"claimsMatchingExpression": {"value": BRANCHES, "languageVersion": 1, "colour": "red"}},
        {"claimsMatchingExpression": None},
        {"issuer": "https://token.example.org/"},
    ],
)
def test_what_is_no_flexible_credential_is_refused(
    graph: LocalCaller, changed: dict[str, object]
) -> None:
    answer = graph.call("POST", TRUSTS, _flexible(**changed), version="beta")

    assert answer.status_code == 400


def test_a_flexible_one_gets_no_subject_through_v1(graph: LocalCaller) -> None:
    created = graph.ok("POST", TRUSTS, _flexible(), version="beta")

    refusal = graph.refused("PATCH", f"{TRUSTS}/{created['id']}", {"subject": "x"})

    assert refusal == "400 InvalidFederatedIdentityCredentialValue"


def test_the_rest_of_beta_is_not_there(graph: LocalCaller) -> None:
    assert graph.refused("GET", ORDERS, version="beta") == "400 BadRequest"


@pytest.mark.parametrize(
    ("expression", "fits"),
    [
        (BRANCHES, True),
        ("claims['sub'] eq 'repo:contoso/orders:ref:refs/heads/main'", True),
        ("claims['sub'] eq 'repo:contoso/orders:ref:refs/heads/*'", False),
        ("claims['sub'] matches 'repo:contoso/orders:ref:refs/heads/????'", True),
        ("claims['sub'] matches 'repo:contoso/orders:ref:refs/heads/???'", False),
        ("claims['sub'] matches 'REPO:*'", False),
        ("claims['sub'] matches 'repo.contoso*'", False),
        (f"{BRANCHES} and claims['job_workflow_ref'] matches 'contoso/ci/*'", True),
        (f"{BRANCHES} and claims['job_workflow_ref'] matches 'evil/*'", False),
        ("claims['environment'] eq 'production'", False),
    ],
)
def test_which_tokens_fit(expression: str, *, fits: bool) -> None:
    assert claims_matching.parse(expression)(CLAIMS) is fits


def test_a_quote_inside_a_value_is_doubled() -> None:
    (comparison,) = claims_matching.parse("claims['sub'] eq 'o''brien'").comparisons

    assert comparison.value == "o'brien"


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "claims['sub']",
        "claims['sub']  eq 'x'",
        "claims['sub'] eq x",
        f"{BRANCHES} or {BRANCHES}",
    ],
)
def test_anything_else_is_no_expression(expression: str) -> None:
    with pytest.raises(ExpressionError):
        claims_matching.parse(expression)


@pytest.mark.parametrize(
    ("issuer", "known"),
    [
        ("https://gitlab.com", True),
        ("https://gitlab.contoso.ca", True),
        ("https://app.eu.terraform.io", True),
        ("https://gitlab.com.evil.example", False),
        ("https://token.actions.githubusercontent.com/", False),
    ],
)
def test_which_issuers_are_supported(issuer: str, *, known: bool) -> None:
    assert bool(claims_matching.claims_of(issuer)) is known
