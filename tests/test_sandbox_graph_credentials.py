"""Secrets and certificates of the pretend Graph: values are shown once, and a key is rolled only by its holder."""

import base64
import time

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.sandbox_entra_calls import new_certificate
from tests.sandbox_fixture import RunningSandbox
from tests.sandbox_graph_calls import NOBODY, ORDERS, ORDERS_PRINCIPAL, LocalCaller, person

DIRECTORY = "00000002-0000-0000-c000-000000000000"


@pytest.fixture
def graph() -> LocalCaller:
    return LocalCaller()


@pytest.fixture(params=[ORDERS, ORDERS_PRINCIPAL])
def holder(request: pytest.FixtureRequest) -> str:
    """The address of orders-api, as an application and as a service principal."""
    return str(request.param)


def _certificate(der: bytes) -> dict[str, str]:
    key = base64.b64encode(der).decode()
    return {"type": "AsymmetricX509Cert", "usage": "Verify", "key": key}


def _put_certificate(graph: LocalCaller, holder: str, der: bytes) -> str:
    """In place of all others; returns its keyId."""
    graph.ok("PATCH", holder, {"keyCredentials": [_certificate(der)]})
    return str(graph.ok("GET", holder)["keyCredentials"][0]["keyId"])


def _proof(pem: bytes, holder: str, **changed: object) -> str:
    now = int(time.time())
    claims = {"aud": DIRECTORY, "iss": holder.rsplit("/", 1)[1], "nbf": now, "exp": now + 600}
    key = load_pem_private_key(pem, None)
    return jwt.encode(claims | changed, key, algorithm="RS256")  # type: ignore[arg-type]  # it is RSA


def test_the_value_of_a_secret_is_shown_once(graph: LocalCaller, holder: str) -> None:
    added = graph.ok("POST", f"{holder}/addPassword", {"passwordCredential": {"displayName": "x"}})

    found = graph.ok("GET", f"{holder}?$select=passwordCredentials")["passwordCredentials"]
    kept = next(each for each in found if each["keyId"] == added["keyId"])
    assert len(added["secretText"]) == 40
    assert kept["secretText"] is None
    assert kept["hint"] == added["secretText"][:3]
    assert graph.world.directory.secrets[added["keyId"]] == added["secretText"]


def test_a_secret_is_removed_by_its_key_id(graph: LocalCaller, holder: str) -> None:
    added = graph.ok("POST", f"{holder}/addPassword", {})
    body = {"keyId": added["keyId"]}

    assert graph.call("POST", f"{holder}/microsoft.graph.removePassword", body).status_code == 204
    found = graph.ok("GET", f"{holder}?$select=passwordCredentials")["passwordCredentials"]
    assert added["keyId"] not in [each["keyId"] for each in found]
    assert graph.refused("POST", f"{holder}/removePassword", body) == "400 Request_BadRequest"


@pytest.mark.parametrize(
    "credential",
    [
        {"secretText": "mine"},
        {"keyId": NOBODY},
        {"endDateTime": "2001-01-01T00:00:00Z"},
        {"endDateTime": "tomorrow"},
        {"colour": "red"},
    ],
)
def test_a_wish_for_a_secret_is_read_strictly(
    graph: LocalCaller, holder: str, credential: object
) -> None:
    body = {"passwordCredential": credential}

    assert graph.call("POST", f"{holder}/addPassword", body).status_code == 400


def test_patch_removes_secrets_but_adds_none(graph: LocalCaller, holder: str) -> None:
    kept = graph.ok("POST", f"{holder}/addPassword", {})["keyId"]
    graph.ok("POST", f"{holder}/addPassword", {})

    refusal = graph.refused("PATCH", holder, {"passwordCredentials": [{"displayName": "new"}]})
    graph.ok("PATCH", holder, {"passwordCredentials": [{"keyId": kept}]})

    assert refusal == "400 Request_BadRequest"
    found = graph.ok("GET", f"{holder}?$select=passwordCredentials")["passwordCredentials"]
    assert [each["keyId"] for each in found] == [kept]


def test_patch_keeps_the_certificates_that_it_names(graph: LocalCaller, holder: str) -> None:
    _, der = new_certificate()
    first = _put_certificate(graph, holder, der)
    second = _certificate(new_certificate()[1])
    # As read: without `key`, which reads leave out.
    listed = graph.ok("GET", holder)["keyCredentials"]
    graph.ok("PATCH", holder, {"keyCredentials": [*listed, second]})

    both = graph.ok("GET", f"{holder}?$select=keyCredentials")["keyCredentials"]
    assert both[0]["keyId"] == first
    assert all(each["key"] for each in both)
    graph.ok("PATCH", holder, {"keyCredentials": [both[1]]})
    left = graph.ok("GET", f"{holder}?$select=keyCredentials")["keyCredentials"]
    assert left == [both[1]]


def test_a_new_certificate_needs_its_key_and_dates_that_it_covers(
    graph: LocalCaller, holder: str
) -> None:
    usual = _certificate(new_certificate()[1])

    def refusal(credential: dict[str, str]) -> str:
        return graph.refused("PATCH", holder, {"keyCredentials": [usual | credential]})

    assert refusal({"keyId": NOBODY, "key": ""}) == "400 KeyCredentialsInvalidValue"
    assert refusal({"key": "bm9uc2Vuc2U="}) == "400 KeyCredentialsInvalidValue"
    late = {"endDateTime": "2999-01-01T00:00:00Z"}
    assert refusal(late) == "400 KeyCredentialsInvalidEndDate"


@pytest.mark.parametrize("pem", [True, False])
def test_a_certificate_comes_in_the_encodings_that_clients_use(
    graph: LocalCaller, holder: str, *, pem: bool
) -> None:
    """The az command line sends base64 with line breaks, others the PEM file as it is."""
    both, der = new_certificate()
    sent = both[both.index(b"-----BEGIN CERT") :] if pem else der

    graph.ok("PATCH", holder, {"keyCredentials": [{"key": base64.encodebytes(sent).decode()}]})

    found = graph.ok("GET", f"{holder}?$select=keyCredentials")["keyCredentials"]
    assert [each["key"] for each in found] == [base64.b64encode(der).decode()]


def test_a_certificate_that_is_there_is_not_exchanged(graph: LocalCaller, holder: str) -> None:
    key_id = _put_certificate(graph, holder, new_certificate()[1])
    other = base64.b64encode(new_certificate()[1]).decode()

    refusal = graph.refused("PATCH", holder, {"keyCredentials": [{"keyId": key_id, "key": other}]})

    assert refusal == "400 Request_BadRequest"


def test_a_responder_cannot_roll_keys(graph: LocalCaller, holder: str) -> None:
    """He has the permission but not the private key: PATCH is the way."""
    key_id = _put_certificate(graph, holder, new_certificate()[1])
    stranger, _ = new_certificate()

    without = graph.call("POST", f"{holder}/removeKey", {"keyId": key_id})
    body = {"keyId": key_id, "proof": _proof(stranger, holder)}

    assert without.status_code == 400
    assert graph.refused("POST", f"{holder}/removeKey", body).startswith("403")


def test_the_holder_of_a_key_rolls_it(graph: LocalCaller, holder: str) -> None:
    pem, der = new_certificate()
    key_id = _put_certificate(graph, holder, der)
    fresh = _certificate(new_certificate()[1])
    body = {"keyCredential": fresh, "passwordCredential": None, "proof": _proof(pem, holder)}

    added = graph.ok("POST", f"{holder}/addKey", body)
    graph.ok("POST", f"{holder}/removeKey", {"keyId": key_id, "proof": _proof(pem, holder)})

    found = graph.ok("GET", holder)["keyCredentials"]
    assert [each["keyId"] for each in found] == [added["keyId"]]


@pytest.mark.parametrize(
    "changed",
    [{"aud": "https://graph.microsoft.com"}, {"iss": "somebody"}, {"exp": 1}, {"exp": 1 << 40}],
)
def test_a_proof_is_read_to_the_letter(
    graph: LocalCaller, holder: str, changed: dict[str, object]
) -> None:
    pem, der = new_certificate()
    key_id = _put_certificate(graph, holder, der)

    body = {"keyId": key_id, "proof": _proof(pem, holder, **changed)}

    assert graph.refused("POST", f"{holder}/removeKey", body).startswith("403")


def test_an_owner_manages_credentials_and_others_do_not(
    sandbox: RunningSandbox, holder: str
) -> None:
    assert person(sandbox, "dana").call("POST", f"{holder}/addPassword", {}).status_code == 200
    refusal = person(sandbox, "vera").refused("POST", f"{holder}/addPassword", {})
    assert refusal == "403 Authorization_RequestDenied"
