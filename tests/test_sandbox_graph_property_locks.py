"""The app instance property lock of the pretend Graph: what a rebuilt application is given, has to hold."""

import pytest

from sandbox.seed import names
from tests.sandbox_graph_calls import ORDERS, ORDERS_PRINCIPAL, LocalCaller

LOCKED = "400 CannotUpdateLockedServicePrincipalProperty"
PASSWORD = {"passwordCredential": {"displayName": "x"}}
EVERYTHING = {"isEnabled": True, "allProperties": True}


@pytest.fixture
def graph() -> LocalCaller:
    """An app that may write every application."""
    return LocalCaller()


def lock(graph: LocalCaller, **switches: bool) -> None:
    graph.ok("PATCH", ORDERS, {"servicePrincipalLockConfiguration": switches})


@pytest.mark.parametrize("switch", ["allProperties", "credentialsWithUsageVerify"])
def test_a_locked_service_principal_takes_no_secret(graph: LocalCaller, switch: str) -> None:
    lock(graph, isEnabled=True, **{switch: True})

    assert graph.refused("POST", f"{ORDERS_PRINCIPAL}/addPassword", PASSWORD) == LOCKED

    principal = graph.ok("GET", ORDERS_PRINCIPAL)
    assert principal["passwordCredentials"] == []
    assert graph.ok("POST", f"{ORDERS}/addPassword", PASSWORD)["secretText"]


@pytest.mark.parametrize(
    "switches",
    [
        {"isEnabled": False, "allProperties": True},
        {"isEnabled": True, "credentialsWithUsageSign": True},
        {"isEnabled": True},
    ],
)
def test_a_lock_that_is_off_or_about_something_else_holds_nothing(
    graph: LocalCaller, switches: dict[str, bool]
) -> None:
    lock(graph, **switches)

    assert graph.ok("POST", f"{ORDERS_PRINCIPAL}/addPassword", PASSWORD)["secretText"]


def test_a_refused_secret_is_known_to_nobody(graph: LocalCaller) -> None:
    before = dict(graph.world.directory.secrets)
    lock(graph, **EVERYTHING)

    graph.refused("POST", f"{ORDERS_PRINCIPAL}/addPassword", PASSWORD)

    assert graph.world.directory.secrets == before


def test_what_was_there_before_the_lock_can_be_taken_away(graph: LocalCaller) -> None:
    planted = graph.ok("POST", f"{ORDERS_PRINCIPAL}/addPassword", PASSWORD)
    lock(graph, **EVERYTHING)

    graph.ok("POST", f"{ORDERS_PRINCIPAL}/removePassword", {"keyId": planted["keyId"]})

    assert graph.ok("GET", ORDERS_PRINCIPAL)["passwordCredentials"] == []


def test_a_lock_covers_the_key_that_encrypts_tokens_and_leaves_the_switch(
    graph: LocalCaller,
) -> None:
    lock(graph, isEnabled=True, tokenEncryptionKeyId=True)
    body = {"tokenEncryptionKeyId": names.user_id("dana")}

    assert graph.refused("PATCH", ORDERS_PRINCIPAL, body) == LOCKED
    graph.ok("PATCH", ORDERS_PRINCIPAL, {"accountEnabled": False})
    assert graph.ok("GET", ORDERS_PRINCIPAL)["accountEnabled"] is False


def test_a_new_service_principal_of_a_locked_application_brings_no_key(graph: LocalCaller) -> None:
    locked = {"servicePrincipalLockConfiguration": EVERYTHING}
    created = graph.new_application(**locked)
    key = {"key": certificate_of_orders_api(graph), "usage": "Verify"}
    body = {"appId": created["appId"], "keyCredentials": [key]}

    assert graph.refused("POST", "/servicePrincipals", body) == LOCKED
    assert graph.ok("POST", "/servicePrincipals", {"appId": created["appId"]})["id"]


def certificate_of_orders_api(graph: LocalCaller) -> object:
    application = graph.world.directory.applications.get(names.ORDERS_API.application_object_id)
    assert application is not None
    return application["keyCredentials"][0]["key"]
