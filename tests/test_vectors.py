"""How they got in is never guessed towards the weaker side: "credential" needs proof and no doubt at all."""

from typing import Any

import pytest

from playbooks import footprint, vectors
from playbooks.footprint import Known
from playbooks.vectors import AUDITS, SIGN_INS, Judgement, Seen
from responders.model import Stated, Vector
from tests.snapshot import snapshot
from tests.test_footprint import OURS, PRINCIPAL, USERNAME, Row, kube, sign_in

OURS_ISSUER, EVIL = "https://issuer/weu/", "https://evil/"
TRUSTS = [
    {"id": "ours", "name": "aks-weu", "issuer": OURS_ISSUER, "subject": USERNAME},
    {"id": "rogue", "name": "rogue", "issuer": EVIL, "subject": "x"},
]
KEY = sign_in(1, "t1", ServicePrincipalCredentialKeyId="key-1", IPAddress="203.0.113.9")
ROGUE = sign_in(2, "t2", FederatedCredentialId="rogue", IPAddress="203.0.113.9")
POD = sign_in(3, "t3", FederatedCredentialId="ours", IPAddress="20.1.2.3")
SOMEBODY = {"username": "rosa@contoso.com"}


def judge(
    sign_ins: list[Row] | None = None,
    audit: list[Row] | None = None,
    *,
    unread: list[str] | None = None,
    stated: list[Stated] | None = None,
) -> Judgement:
    taken = snapshot(federated_credentials=TRUSTS)
    rows = {SIGN_INS[0]: sign_ins or [], AUDITS[0]: audit or []}
    known = Known(PRINCIPAL, snapshot=taken, usernames=(USERNAME,), ours=frozenset({OURS}))
    seen = Seen(
        footprint=footprint.trace(rows, known),
        snapshot=taken,
        issuers={OURS_ISSUER},
        unread=unread or [],
        stated=stated or [],
    )
    return vectors.judge(seen)


def rosa(vector: Vector) -> Stated:
    return {"vector": vector, "by": "rosa", "object_id": "oid", "at": "2026-08-01T10:00:00Z"}


def request(subresource: str, code: int = 201, user: Any = None) -> Row:
    reference = {"resource": "pods", "subresource": subresource, "namespace": "shop", "name": "a"}
    if subresource == "token":
        reference |= {"resource": "serviceaccounts", "name": "orders-api"}
    return kube("create", reference, user or SOMEBODY, ResponseStatus=f'{{"code":{code}}}')


@pytest.mark.parametrize("used", [[KEY], [ROGUE], [KEY, ROGUE]])
def test_a_secret_or_a_foreign_trust_alone_is_a_leaked_credential(used: list[Row]) -> None:
    judged = judge(used)

    assert judged["vector"] == "credential"
    assert "203.0.113.9" in judged["because"]
    assert judged["requested"] == ""


def test_nothing_at_all_is_unknown() -> None:
    assert judge()["vector"] == "unknown"


def test_a_federated_sign_in_beside_a_leaked_secret_is_unknown() -> None:
    """It may be a pod's, and it may be a stolen token's: the row is the same."""
    assert judge([KEY, POD])["vector"] == "unknown"


def test_a_cluster_trust_used_from_where_a_secret_was_used_is_the_cluster() -> None:
    assert judge([KEY, {**POD, "IPAddress": "203.0.113.9"}])["vector"] == "cluster"


def test_a_trust_that_the_snapshot_does_not_know_is_no_leaked_credential() -> None:
    unknown = sign_in(2, "t2", FederatedCredentialId="gone-by-then")

    assert judge([KEY, unknown])["vector"] == "unknown"


def test_a_sign_in_of_the_platform_is_no_leaked_credential() -> None:
    platform = sign_in(2, "t2", Type=SIGN_INS[1])

    assert judge([KEY, platform])["vector"] == "unknown"


@pytest.mark.parametrize("entry", ["token", "exec", "attach", "portforward", "ephemeralcontainers"])
def test_requesting_a_token_or_entering_a_pod_is_the_cluster(entry: str) -> None:
    judged = judge([KEY], [request(entry)])

    assert judged["vector"] == "cluster"
    assert "rosa@contoso.com" in judged["because"]


def test_what_was_refused_did_not_happen() -> None:
    assert judge([KEY], [request("token", 403), request("exec", 403)])["vector"] == "credential"


def test_its_own_service_account_reading_secrets_is_the_cluster() -> None:
    read = kube("list", {"resource": "secrets", "namespace": "shop"}, {"username": USERNAME})

    assert judge([KEY], [read])["vector"] == "cluster"


def test_what_firebreak_requests_as_its_proof_is_no_sign() -> None:
    ours = {"username": OURS}

    assert judge([KEY], [request("token", user=ours)])["vector"] == "credential"


@pytest.mark.parametrize("gap", [SIGN_INS[0], " or ".join(AUDITS)])
def test_a_log_that_could_not_be_read_is_a_doubt(gap: str) -> None:
    judged = judge([KEY], unread=[gap])

    assert judged["vector"] == "unknown"
    assert gap in judged["because"]


def test_requested_tokens_live_as_long_as_can_be_asked_for() -> None:
    assert "1 tokens were requested" in judge([], [request("token")])["requested"]
    assert "could not be read" in judge(unread=[" or ".join(AUDITS)])["requested"]


def test_one_audit_table_is_enough_and_both_sign_in_tables_are_needed() -> None:
    assert vectors.unread_of({*SIGN_INS, "AKSAuditAdmin"}) == []
    assert vectors.unread_of({SIGN_INS[0], "AKSAudit"}) == [SIGN_INS[1]]
    assert vectors.unread_of(SIGN_INS) == [" or ".join(AUDITS)]


def test_a_responder_knows_better_than_rows_that_tell_nothing() -> None:
    judged = judge([KEY, POD], stated=[rosa("credential")])

    assert judged["vector"] == "credential"
    assert judged["because"].startswith("rosa (oid) stated credential; the rows: ")


def test_a_responder_cannot_talk_evidence_of_a_cluster_away() -> None:
    judged = judge([], [request("exec")], stated=[rosa("credential")])

    assert judged["vector"] == "cluster"
    assert judged["because"].endswith("rosa (oid) stated credential, which the rows contradict")


def test_a_responder_may_be_stricter_than_the_rows() -> None:
    assert judge([KEY], stated=[rosa("cluster")])["vector"] == "cluster"


def test_of_two_responders_the_one_who_trusts_less_counts() -> None:
    assert judge([POD], stated=[rosa("credential"), rosa("cluster")])["vector"] == "cluster"
    assert judge([POD], stated=[rosa("credential"), rosa("unknown")])["vector"] == "unknown"


def test_without_a_footprint_nothing_is_known() -> None:
    judged = vectors.judge(Seen(None, snapshot(), set()))

    assert judged["vector"] == "unknown"
    assert judged["requested"]
