"""ServiceAccount tokens: what they say, how long they live, and who accepts them.

Facts of real API servers, as in test_sandbox_kubernetes_semantics.py.
"""

from typing import Any

import httpx
import jwt
import pytest

from tests.kubernetes_api import Api, since

EXCHANGE = "api://AzureADTokenExchange"
TOKEN_REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"


def _request(api: Api, **spec: Any) -> httpx.Response:
    return api.call("POST", api.path("serviceaccounts", "app", "token"), {"spec": spec})


def _review(api: Api, token: str, *audiences: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"token": token}
    if audiences:
        spec["audiences"] = list(audiences)
    answer = api.call("POST", TOKEN_REVIEWS, {"spec": spec})
    assert answer.status_code == 201
    return dict(answer.json()["status"])


def test_a_token_says_who_it_is_for_and_who_it_speaks_for(api: Api) -> None:
    since(api, 32)
    account = api.account("app")["metadata"]

    answer = _request(api, audiences=[EXCHANGE], expirationSeconds=600)
    claims = jwt.decode(answer.json()["status"]["token"], options={"verify_signature": False})

    assert answer.status_code == 201
    assert answer.json()["kind"] == "TokenRequest"
    assert list(claims) == ["aud", "exp", "iat", "iss", "jti", "kubernetes.io", "nbf", "sub"]
    assert claims["aud"] == [EXCHANGE]
    assert claims["exp"] - claims["iat"] == 600
    assert claims["sub"] == f"system:serviceaccount:{api.namespace}:app"
    assert claims["kubernetes.io"] == {
        "namespace": api.namespace,
        "serviceaccount": {"name": "app", "uid": account["uid"]},
    }


def test_a_token_verifies_offline_with_the_published_keys(api: Api) -> None:
    api.account("app")
    token = _request(api, audiences=[EXCHANGE]).json()["status"]["token"]

    discovery = api.call("GET", "/.well-known/openid-configuration")
    keys = api.http.get("/openid/v1/jwks").json()["keys"]
    key_id = jwt.get_unverified_header(token)["kid"]
    (key,) = [each for each in keys if each["kid"] == key_id]
    claims = jwt.decode(token, jwt.PyJWK(key).key, algorithms=["RS256"], audience=EXCHANGE)

    assert discovery.headers["cache-control"] == "public, max-age=3600"
    assert claims["iss"] == discovery.json()["issuer"] == api.target.issuer


def test_the_keys_are_served_as_a_jwk_set_only(api: Api) -> None:
    plain = api.http.get("/openid/v1/jwks", headers={"accept": "application/json"})

    assert plain.status_code == 406
    assert api.http.get("/openid/v1/jwks").headers["content-type"] == "application/jwk-set+json"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/openid/v1/jwks"])
def test_issuer_discovery_is_not_for_strangers(api: Api, path: str) -> None:
    answer = api.http.get(path, headers={"authorization": ""})

    assert answer.status_code == 403
    assert answer.json()["message"] == (
        f'forbidden: User "system:anonymous" cannot get path "{path}"'
    )


def test_a_token_lives_an_hour_unless_told_otherwise_and_ten_minutes_at_least(api: Api) -> None:
    api.account("app")

    assert _request(api).json()["spec"]["expirationSeconds"] == 3600
    assert _request(api, expirationSeconds=86400).json()["spec"]["expirationSeconds"] == 86400
    short = _request(api, expirationSeconds=599)
    assert short.status_code == 422
    assert "may not specify a duration less than 10 minutes" in short.json()["message"]
    assert _request(api, expirationSeconds=(1 << 32) + 1).status_code == 422


def test_nobody_gets_a_token_of_an_account_that_is_not_there(api: Api) -> None:
    assert _request(api).status_code == 404


@pytest.mark.parametrize(
    ("reference", "status"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "name": "ghost"}, 404),
        ({"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt"}, 400),
    ],
)
def test_a_token_is_bound_to_what_exists(api: Api, reference: dict[str, str], status: int) -> None:
    api.account("app")

    assert _request(api, boundObjectRef=reference).status_code == status


def test_the_api_server_takes_its_own_audience_only(api: Api) -> None:
    since(api, 28)
    api.account("app")
    ours = _request(api).json()["status"]["token"]
    theirs = _request(api, audiences=[EXCHANGE]).json()["status"]["token"]

    def whoami(token: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        return api.http.post(path, json={}, headers=headers).status_code

    assert whoami(ours) == 201
    assert whoami(theirs) == 401


def test_a_review_names_the_account_or_the_reason(api: Api) -> None:
    account = api.account("app")["metadata"]
    token = _request(api, audiences=[EXCHANGE]).json()["status"]["token"]

    good = _review(api, token, EXCHANGE)
    assert good["authenticated"] is True
    assert good["audiences"] == [EXCHANGE]
    assert good["user"]["username"] == f"system:serviceaccount:{api.namespace}:app"
    assert good["user"]["uid"] == account["uid"]
    assert good["user"]["groups"] == [
        "system:serviceaccounts",
        f"system:serviceaccounts:{api.namespace}",
        "system:authenticated",
    ]

    wrong = _review(api, token)
    assert "authenticated" not in wrong
    assert wrong["user"] == {}
    assert "is invalid for the target audiences" in wrong["error"]


def test_an_account_made_anew_does_not_inherit_tokens(api: Api) -> None:
    api.account("app")
    token = _request(api, audiences=[EXCHANGE]).json()["status"]["token"]
    api.call("DELETE", api.path("serviceaccounts", "app"))
    api.account("app")

    verdict = _review(api, token, EXCHANGE)

    assert "authenticated" not in verdict
    assert "does not match claim" in verdict["error"]
