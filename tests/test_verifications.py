"""Containment is called proven only when every lever reads back and the token endpoint refuses."""

from types import SimpleNamespace
from typing import Any

import pytest

from responders import (
    app_roles,
    applications,
    clusters,
    credentials,
    directory_roles,
    federated_credentials,
    identity_trusts,
    key_vault_policies,
    managed_identities,
    memberships,
    oauth_grants,
    owners,
    role_assignments,
    service_principals,
    token_exchange,
    token_proofs,
    verifications,
)
from responders.errors import NotFoundError, RefusedError, TransientError
from tests.answers import gives
from tests.snapshot import snapshot
from tests.test_guards import principal

TRUSTS: Any = [
    {"issuer": "https://evil/", "subject": "system:serviceaccount:shop:orders-api"},
    {"issuer": "https://issuer/weu/", "subject": "system:serviceaccount:shop:orders-api"},
    {"issuer": "https://issuer/neu/", "subject": "system:serviceaccount:shop:orders-api"},
]
CLUSTERS = [{"name": name, "issuer_url": f"https://issuer/{name}/"} for name in ("weu", "neu")]
OPEN = (app_roles, oauth_grants, memberships, directory_roles)


def refusal(code: int | None) -> Any:
    return {"accepted": False, "error_code": code, "error": "x", "correlation_id": None}


@pytest.fixture(autouse=True)
def contained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything reads back as it should; a test breaks one thing."""
    monkeypatch.setattr(service_principals, "is_enabled", gives(False))
    monkeypatch.setattr(applications, "is_deactivated", gives(True))
    monkeypatch.setattr(credentials, "read_dangerous", gives([]))
    monkeypatch.setattr(role_assignments, "group_grants", gives([]))
    monkeypatch.setattr(managed_identities, "attachments", gives({"status": "nothing_to_do"}))
    monkeypatch.setattr(identity_trusts, "read_left", gives(([], None)))
    empty = (federated_credentials, role_assignments, key_vault_policies, owners)
    for module in (*empty, *OPEN):
        monkeypatch.setattr(module, "read_all", gives([]))
    monkeypatch.setattr(clusters, "list_all", gives(CLUSTERS))
    monkeypatch.setattr(clusters, "connect", gives(SimpleNamespace(cluster="weu")))
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(7000112)))
    monkeypatch.setattr(token_exchange, "probe_secret", gives(refusal(7000112)))


OURSELVES = "99999999-9999-9999-9999-999999999999"
MADE: Any = {"id": "88888888-8888-4888-8888-888888888888"}  # where there was no service principal
CLOUD: Any = SimpleNamespace(
    own_object_ids=gives({OURSELVES}), graph=SimpleNamespace(get=gives(MADE))
)


async def verify(
    kind: str = "application", *, ask: bool = True, cloud: Any = None, **parts: Any
) -> Any:
    before = snapshot(**{"federated_credentials": TRUSTS, **parts})
    return await verifications.containment(
        cloud or CLOUD, principal(kind), before, ask_token_endpoint=ask
    )


KINDS = [
    "application",
    "application_without_principal",
    "foreign_application",
    "user_assigned_identity",
    "system_assigned_identity",
]


@pytest.mark.parametrize("kind", KINDS)
async def test_all_levers_and_a_refusal_are_a_proof(kind: str) -> None:
    proof = await verify(kind)

    assert proof["status"] == "done"
    assert proof["remaining"] == []


Broken = tuple[Any, str, Any, str]
BROKEN: list[Broken] = [
    (service_principals, "is_enabled", True, "application"),
    (service_principals, "is_enabled", True, "foreign_application"),
    (applications, "is_deactivated", False, "application"),
    (applications, "is_deactivated", False, "application_without_principal"),
    (federated_credentials, "read_all", [{"name": "rogue"}], "application"),
    (identity_trusts, "read_left", ([{"name": "rogue"}], None), "user_assigned_identity"),
    (credentials, "read_dangerous", [{"key_id": "k"}], "application"),
    (credentials, "read_dangerous", [{"key_id": "k"}], "foreign_application"),
    (role_assignments, "read_all", [{"id": "/g"}], "application"),
    (role_assignments, "read_all", [{"id": "/g"}], "system_assigned_identity"),
    (role_assignments, "read_all", [{"id": "/g"}], "application_without_principal"),
    (role_assignments, "group_grants", [{"id": "/g"}], "user_assigned_identity"),
    (key_vault_policies, "read_all", [{"vault_id": "/v"}], "application"),
]


@pytest.mark.parametrize(("module", "name", "value", "kind"), BROKEN)
async def test_one_lever_that_does_not_hold_is_no_proof(
    monkeypatch: pytest.MonkeyPatch, module: Any, name: str, value: Any, kind: str
) -> None:
    monkeypatch.setattr(module, name, gives(value))

    assert (await verify(kind))["status"] == "failed"


@pytest.mark.parametrize(("module", "name", "_value", "kind"), BROKEN)
@pytest.mark.parametrize("error", [TransientError("503"), RefusedError("403")])
async def test_what_cannot_be_read_is_not_proven(
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    _value: Any,
    kind: str,
    error: Exception,
) -> None:
    monkeypatch.setattr(module, name, gives(error))
    result = await verify(kind)

    assert result["status"] == "failed"
    assert "could not be read" in result["detail"]


@pytest.mark.parametrize("module", [*OPEN, owners])
@pytest.mark.parametrize("value", [[{"id": "x"}], RefusedError("403")])
async def test_what_containment_does_not_depend_on_is_named_as_what_remains(
    monkeypatch: pytest.MonkeyPatch, module: Any, value: Any
) -> None:
    monkeypatch.setattr(module, "read_all", gives(value))
    proof = await verify()

    assert proof["status"] == "done"
    assert len(proof["remaining"]) == 1


async def test_firebreak_may_stay_an_owner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "read_all", gives([{"id": OURSELVES.upper()}]))

    assert (await verify())["remaining"] == []


@pytest.mark.parametrize("kind", KINDS[3:])
async def test_a_resource_that_can_still_ask_for_tokens_is_named(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    found = {"status": "done", "items": [{"resource_id": "/vm-batch"}]}
    monkeypatch.setattr(managed_identities, "attachments", gives(found))
    proof = await verify(kind)

    assert proof["status"] == "done"
    assert "/vm-batch" in proof["remaining"][0]


async def test_a_service_principal_that_is_gone_is_looked_for_by_client_id(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever made a new one after somebody deleted the old one has an enabled one."""
    monkeypatch.setattr(service_principals, "is_enabled", gives(NotFoundError("404")))
    made = SimpleNamespace(
        own_object_ids=gives({OURSELVES}),
        graph=SimpleNamespace(get=gives({"id": "n", "accountEnabled": True})),
    )
    none = SimpleNamespace(
        own_object_ids=gives({OURSELVES}), graph=SimpleNamespace(get=gives(NotFoundError("404")))
    )
    off = SimpleNamespace(
        own_object_ids=gives({OURSELVES}),
        graph=SimpleNamespace(get=gives({"id": "n", "accountEnabled": False})),
    )

    assert (await verify(cloud=made))["status"] == "failed"
    assert (await verify("foreign_application", cloud=none))["status"] == "failed"
    assert (await verify(cloud=off))["status"] == "done"
    monkeypatch.setattr(role_assignments, "read_all", only("n", [{"id": "/g"}]))
    assert "open an incident about it" in (await verify(cloud=off))["detail"]


def only(object_id: str, value: Any) -> Any:
    """The value for this object id, nothing for any other."""

    async def read(_cloud: Any, asked: str) -> Any:
        return value if asked == object_id else []

    return read


async def test_what_was_deleted_with_its_application_is_contained_but_may_come_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An administrator's own `az ad app delete`: nothing gets a token, until somebody restores it."""
    gone = gives(NotFoundError("404"))
    monkeypatch.setattr(service_principals, "is_enabled", gone)
    monkeypatch.setattr(applications, "is_deactivated", gone)
    for module in (federated_credentials, app_roles, oauth_grants, memberships):
        monkeypatch.setattr(module, "read_all", gone)
    proof = await verify(
        cloud=SimpleNamespace(own_object_ids=gives({OURSELVES}), graph=SimpleNamespace(get=gone))
    )

    assert proof["status"] == "done", proof["detail"]
    (left,) = proof["remaining"]
    assert "can be restored for 30 days" in left


async def test_flexible_trusts_that_nobody_lists_are_not_called_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unlisted = gives(([], "flexible ones could not be asked for: 400"))
    monkeypatch.setattr(identity_trusts, "read_left", unlisted)
    proof = await verify("user_assigned_identity")

    assert proof["status"] == "done"
    assert any("flexible ones could not be asked for" in one for one in proof["unasked"])


async def test_an_identity_whose_resource_was_deleted_has_no_trust_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(identity_trusts, "read_left", gives(NotFoundError("404")))

    assert (await verify("user_assigned_identity"))["status"] == "done"


@pytest.mark.parametrize("code", sorted(token_proofs.REFUSALS))
async def test_every_documented_refusal_counts(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(code)))

    assert (await verify())["status"] == "done"


@pytest.mark.parametrize(
    "verdict", [{**refusal(None), "accepted": True}, refusal(7000215), refusal(50034)]
)
async def test_a_token_or_an_answer_about_something_else_is_no_refusal(
    monkeypatch: pytest.MonkeyPatch, verdict: Any
) -> None:
    monkeypatch.setattr(token_exchange, "probe", gives(verdict))

    assert (await verify())["status"] == "failed"


async def test_every_trusted_workload_is_asked_and_one_token_is_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def probe(_cloud: Any, kube: Any, *_who: Any) -> Any:
        return {**refusal(7000112), "accepted": kube.cluster == "neu"}

    async def connect(_cloud: Any, cluster: Any) -> Any:
        return SimpleNamespace(cluster=cluster["name"])

    monkeypatch.setattr(clusters, "connect", connect)
    monkeypatch.setattr(token_exchange, "probe", probe)
    proof = await verify()

    assert proof["status"] == "failed"
    assert "orders-api of neu" in proof["detail"]


async def test_a_silent_cluster_leaves_the_proof_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def connect(_cloud: Any, cluster: Any) -> Any:
        if cluster["name"] == "weu":
            raise TransientError("timeout")
        return SimpleNamespace(cluster=cluster["name"])

    monkeypatch.setattr(clusters, "connect", connect)
    proof = await verify()

    assert proof["status"] == "done"
    assert "weu" in next(one["found"] for one in proof["items"] if "refuses" in one["check"])


async def test_a_secret_that_nobody_has_shows_that_the_switch_is_asked_first() -> None:
    secret = [{"kind": "password"}]

    assert (await verify(federated_credentials=[], credentials=secret))["unasked"] == []


async def test_an_answer_about_the_throwaway_secret_itself_proves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_exchange, "probe_secret", gives(refusal(7000215)))
    proof = await verify(federated_credentials=[], credentials=[{"kind": "password"}])

    assert proof["status"] == "done"
    assert "proves nothing" in proof["unasked"][0]


@pytest.mark.parametrize(
    ("credentials_before", "codes", "is_asked"),
    [
        ([{"kind": "key"}], (70025, 70025), False),
        ([{"kind": "password"}], (70025, 7000215), False),
        ([{"kind": "password"}], (70025, 7000112), True),
        ([{"kind": "key"}], (7000112, 7000112), True),
        ([], (70025, 70025), True),
    ],
)
async def test_that_a_trust_is_gone_says_nothing_of_secrets_and_keys(
    monkeypatch: pytest.MonkeyPatch,
    credentials_before: Any,
    codes: tuple[int, int],
    is_asked: bool,
) -> None:
    """A replica that has not heard of the switch yet may take a stolen key while the trust is gone already."""
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(codes[0])))
    monkeypatch.setattr(token_exchange, "probe_secret", gives(refusal(codes[1])))
    proof = await verify(credentials=credentials_before)

    assert proof["status"] == "done"
    assert (proof["unasked"] == []) == is_asked
    assert proof["token_refused"] == is_asked


@pytest.mark.parametrize("code", [70021, 700211, 700213])
@pytest.mark.parametrize("kind", ["application", "user_assigned_identity"])
async def test_that_one_trust_is_gone_says_nothing_of_another_that_is_still_known(
    monkeypatch: pytest.MonkeyPatch, code: int, kind: str
) -> None:
    """A stranger's trust was removed after ours, and a replica hears of it later: only a stranger could ask."""
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(code)))
    proof = await verify(kind)

    assert proof["status"] == "done"
    assert (proof["lags"], proof["token_refused"]) == (True, False)
    (said,) = proof["unasked"]
    assert "the token endpoint refuses: not asked: whether other trusts" in said
    assert "https://evil/ system:serviceaccount:shop:orders-api" in said


async def test_one_replica_that_lags_is_enough_to_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(_cloud: Any, cluster: Any) -> Any:
        return SimpleNamespace(cluster=cluster["name"])

    async def probe(_cloud: Any, kube: Any, *_who: Any) -> Any:
        return refusal(700211 if kube.cluster == "neu" else 70025)

    monkeypatch.setattr(clusters, "connect", connect)
    monkeypatch.setattr(token_exchange, "probe", probe)

    assert (await verify())["lags"]


@pytest.mark.parametrize("code", [70025, 7000112])
async def test_what_is_said_of_every_trust_or_of_the_identity_is_said_of_a_strangers_too(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(token_exchange, "probe", gives(refusal(code)))
    proof = await verify("user_assigned_identity")

    assert (proof["lags"], proof["token_refused"], proof["unasked"]) == (False, True, [])


@pytest.mark.parametrize(
    ("trust", "shown"),
    [
        ({"issuer": "https://evil/", "subject": "a\u202eb"}, "https://evil/ a\ufffdb"),
        (
            {
                "issuer": "https://git/",
                "subject": None,
                "claims_matching_expression": "claims['x']",
            },
            "https://git/ claims['x']",
        ),
        ({"issuer": "https://git/", "subject": None}, "an expression that is not shown"),
    ],
)
async def test_trusts_that_nobody_here_can_ask_as_are_named(trust: Any, shown: str) -> None:
    proof = await verify("user_assigned_identity", federated_credentials=[trust])

    (said,) = proof["unasked"]
    assert shown in said
    assert not proof["token_refused"]
    assert not proof["lags"]  # nothing is asked, so asking again says no more


async def test_a_question_that_could_not_be_asked_is_said_and_not_passed_over() -> None:
    proof = await verify(federated_credentials=[])

    assert proof["status"] == "done"
    assert "the token endpoint refuses" in proof["unasked"][0]


async def test_a_question_that_is_switched_off_is_said_to_be_so() -> None:
    assert "token_exchange" in (await verify(ask=False))["detail"]
