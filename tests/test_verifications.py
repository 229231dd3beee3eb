"""Containment is called proven only when every lever reads back and the token endpoint refuses."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from responders import (
    applications,
    clusters,
    credentials,
    federated_credentials,
    role_assignments,
    service_principals,
    token_exchange,
    verifications,
)
from responders.errors import RefusedError, TransientError
from tests.test_guards import principal

TRUSTS: Any = [
    {"issuer": "https://evil/", "subject": "system:serviceaccount:shop:orders-api"},
    {"issuer": "https://issuer/weu/", "subject": "system:serviceaccount:shop:orders-api"},
    {"issuer": "https://issuer/neu/", "subject": "system:serviceaccount:shop:orders-api"},
]
CLUSTERS = [{"name": name, "issuer_url": f"https://issuer/{name}/"} for name in ("weu", "neu")]


def gives(value: Any) -> Callable[..., Awaitable[Any]]:
    async def answer(*_arguments: Any, **_options: Any) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return answer


def refusal(code: int) -> Any:
    return {"accepted": False, "error_code": code, "error": "x", "correlation_id": None}


@pytest.fixture(autouse=True)
def contained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything reads back as it should; a test breaks one thing."""
    monkeypatch.setattr(service_principals, "is_enabled", gives(False))
    monkeypatch.setattr(applications, "is_deactivated", gives(True))
    monkeypatch.setattr(federated_credentials, "read_all", gives([]))
    monkeypatch.setattr(credentials, "read_all", gives([]))
    monkeypatch.setattr(role_assignments, "read_all", gives([]))
    monkeypatch.setattr(clusters, "list_all", gives(CLUSTERS))
    monkeypatch.setattr(clusters, "connect", gives(None))
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(7000112)))


async def verify(*, ask: bool = True, trusts: Any = None) -> Any:
    return await verifications.containment(
        None,  # type: ignore[arg-type]
        principal(),
        TRUSTS if trusts is None else trusts,
        ask_token_endpoint=ask,
    )


async def test_all_levers_and_a_refusal_are_a_proof() -> None:
    assert (await verify())["status"] == "done"


GRANT = {"id": "/g"}
SECRET = {"key_id": "k", "usage": None}
BROKEN: list[tuple[Any, str, Any]] = [
    (service_principals, "is_enabled", True),
    (applications, "is_deactivated", False),
    (federated_credentials, "read_all", [{"name": "rogue"}]),
    (credentials, "read_all", [SECRET]),
    (role_assignments, "read_all", [GRANT]),
    (token_exchange, "probe", {"accepted": True, "error_code": None}),
    (token_exchange, "probe", refusal(7000215)),
]


@pytest.mark.parametrize(("module", "name", "value"), BROKEN)
async def test_one_lever_that_does_not_hold_is_no_proof(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any
) -> None:
    monkeypatch.setattr(module, name, gives(value))

    assert (await verify())["status"] == "failed"


@pytest.mark.parametrize(("module", "name", "_value"), BROKEN[:5])
@pytest.mark.parametrize("error", [TransientError("503"), RefusedError("403")])
async def test_what_cannot_be_read_is_not_proven(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, _value: Any, error: Exception
) -> None:
    monkeypatch.setattr(module, name, gives(error))
    result = await verify()

    assert result["status"] == "failed"
    assert "could not be read" in result["detail"]


async def test_a_saml_signing_key_is_no_way_to_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "read_all", gives([{"key_id": "k", "usage": "Sign"}]))

    assert (await verify())["status"] == "done"


@pytest.mark.parametrize("code", sorted(verifications.REFUSALS))
async def test_every_documented_refusal_counts(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(code)))

    assert (await verify())["status"] == "done"


async def test_the_next_cluster_is_asked_when_one_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    async def connect(_cloud: Any, cluster: Any) -> Any:
        asked.append(cluster["name"])
        if cluster["name"] == "weu":
            raise TransientError("timeout")

    monkeypatch.setattr(clusters, "connect", connect)

    assert (await verify())["status"] == "done"
    assert asked == ["weu", "neu"]


async def test_a_question_that_could_not_be_asked_is_said_and_not_passed_over() -> None:
    result = await verify(trusts=[])

    assert result["status"] == "done"
    assert "not asked" in result["detail"]


async def test_a_question_that_is_switched_off_is_said_to_be_so() -> None:
    result = await verify(ask=False)

    assert "token_exchange" in result["detail"]
