"""Evidence is written once, logs only grow, claims hold: in every store, or nothing here is evidence."""

import threading

import pytest

from responders import claims
from responders.errors import ConflictError, NotFoundError, RefusedError
from responders.evidence import EvidenceStore
from responders.model import Incident, Signal
from tests.evidence_stores import blobs, storage, store

__all__ = ["blobs", "storage", "store"]


def signal(signal_id: str = "1") -> Signal:
    return {
        "source": "azure-monitor",
        "kind": "log-alert",
        "signal_id": signal_id,
        "fired_at": "2026-01-01T00:00:00+00:00",
        "title": "t",
        "severity": "Sev0",
        "confidence": "high",
        "authenticated": "token",
        "hint": {},
    }


def test_evidence_is_never_overwritten(store: EvidenceStore) -> None:
    store.put("a/b.json", b"one")

    with pytest.raises(ConflictError):
        store.put("a/b.json", b"two")
    assert store.get("a/b.json") == b"one"


def test_the_same_bytes_may_be_put_twice(store: EvidenceStore) -> None:
    assert store.put("a", b"x") == store.put("a", b"x")


def test_missing_evidence_is_an_error_and_not_empty(store: EvidenceStore) -> None:
    with pytest.raises(NotFoundError):
        store.get("absent")


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../outside"])
def test_no_path_leaves_the_store(store: EvidenceStore, path: str) -> None:
    with pytest.raises(RefusedError):
        store.put(path, b"x")


def claimed(incident_id: str) -> claims.Claim:
    return {"incident_id": incident_id}


def take(store: EvidenceStore, incident_id: str) -> str:
    return claims.take(store, "oid", claimed(incident_id))["incident_id"]


def test_only_one_of_many_gets_a_claim(store: EvidenceStore) -> None:
    holders: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: holders.append(take(store, f"inc-{n}")))
        for n in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(holders)) == 1


def test_claims_that_are_held_are_listed_and_no_others(store: EvidenceStore) -> None:
    store.claim("keys/one.json", b"1")
    store.claim("keys/two.json", b"2")
    store.claim("other/three.json", b"3")
    store.release_claim("keys/two.json", b"2")

    assert store.claims("keys") == ["keys/one.json"]
    assert (store.claimed("keys/one.json"), store.claimed("keys/two.json")) == (b"1", None)


def test_a_claim_is_taken_over_once(store: EvidenceStore) -> None:
    take(store, "dead")

    assert claims.take_over(store, "oid", claimed("dead"), claimed("first"))
    assert not claims.take_over(store, "oid", claimed("dead"), claimed("second"))
    assert take(store, "third") == "first"


def test_a_claim_of_an_earlier_version_is_taken_over(store: EvidenceStore) -> None:
    store.claim("claims/oid.json", b'{"incident_id": "inc-old"}')

    assert take(store, "inc-new") == "inc-old"
    assert claims.take_over(store, "oid", claimed("inc-old"), claimed("inc-new"))


def test_only_the_holder_releases(store: EvidenceStore) -> None:
    take(store, "inc-1")
    other: Incident = {"incident_id": "inc-2", "principal": {"object_id": "oid"}}  # type: ignore[typeddict-item]
    claims.release(store, other)
    assert take(store, "inc-3") == "inc-1"

    holder: Incident = {"incident_id": "inc-1", "principal": {"object_id": "OID"}}  # type: ignore[typeddict-item]
    claims.release(store, holder)
    assert take(store, "inc-3") == "inc-3"


def test_the_same_signal_makes_the_same_incident() -> None:
    assert claims.incident_id(signal()) == claims.incident_id(signal())
    assert claims.incident_id(signal("2")) != claims.incident_id(signal())


def test_a_redelivered_signal_is_kept_once(store: EvidenceStore) -> None:
    claims.keep_signal(store, "inc-1", signal())
    claims.keep_signal(store, "inc-1", {**signal(), "title": "in other words"})

    (kept,) = store.list("incidents/inc-1/signals")
    assert store.get_json(kept) == signal()


def test_a_log_grows_only_at_the_end_that_the_writer_saw(store: EvidenceStore) -> None:
    store.append("log", b"one\n", expected=0)
    store.append("log", b"two\n", expected=4)

    for seen in (0, 4, 12):
        with pytest.raises(ConflictError):
            store.append("log", b"three\n", expected=seen)
    assert store.get("log") == b"one\ntwo\n"


def test_a_log_is_not_begun_behind_bytes_that_are_not_there(store: EvidenceStore) -> None:
    with pytest.raises(ConflictError):
        store.append("log", b"x", expected=7)
    assert not store.exists("log") or store.get("log") == b""


def test_a_folder_is_listed_and_nothing_beside_it(store: EvidenceStore) -> None:
    for path in ("a/2.json", "a/1/b c.json", "ab/3.json", "a#x/4", "a/ü.json"):
        store.put(path, b"")
    take(store, "inc")
    store.append("a/log", b"x", expected=0)

    assert store.list("a") == ["a/1/b c.json", "a/2.json", "a/log", "a/ü.json"]
    assert store.list("nothing") == []


def test_bytes_come_back_as_they_were(store: EvidenceStore) -> None:
    for content in (b"", b"\0\xff", b"x" * 70_000):
        path = f"n/{len(content)}"
        ref = store.put(path, content)
        assert (store.get(path), ref["size"]) == (content, len(content))


def test_rows_are_json_lines(store: EvidenceStore) -> None:
    store.put_rows("rows.jsonl", [{"b": 1, "a": "ü"}, {}])

    assert store.get("rows.jsonl").decode() == '{"a": "ü", "b": 1}\n{}\n'


def test_a_folder_is_no_evidence(store: EvidenceStore) -> None:
    store.put("a/b", b"x")

    assert not store.exists("a")
    with pytest.raises(NotFoundError):
        store.get("a")
