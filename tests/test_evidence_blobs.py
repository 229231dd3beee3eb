"""Evidence in blobs: nothing forks, nothing is overwritten, a lost answer is no lost evidence."""

from pathlib import Path

import pytest
import structlog
from azure.storage.blob import ContainerClient

from responders import bundles, evidence_blobs, reports
from responders.errors import ConflictError, RefusedError, TransientError
from responders.evidence import open_evidence
from responders.evidence_blobs import EvidenceBlobs
from responders.evidence_transport import EvidenceTransport
from responders.journal import Journal, verify_chain
from responders.read_only import read_only
from responders.settings import Settings
from sandbox.storage.containers import Retention, plant_blob
from tests.evidence_stores import StorageInProcess, blobs, storage
from tests.sandbox_fixture import RunningSandbox

__all__ = ["blobs", "storage"]
_EVIDENCE = "stfirebreakevd/evidence"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence_blobs, "RETRY_DELAY_S", 0)


def test_every_first_write_is_conditional_and_checked(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    blobs.put("a", b"x")
    Journal(blobs, "inc-1").intent("step", "oid")

    puts = [call.headers for call in storage.calls if call.method == "PUT" and not call.query]
    assert [put["if-none-match"] for put in puts] == ["*", "*"]
    (append,) = [call.headers for call in storage.calls if call.query.get("comp") == "appendblock"]
    assert append["x-ms-blob-condition-appendpos"] == "0"
    assert "content-md5" in append


def test_claims_lie_where_no_policy_holds_them(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    blobs.claim("claims/oid.json", b"inc-1")

    assert "claims/oid.json" in storage.world.containers[f"{_EVIDENCE}-claims"].blobs
    assert blobs.list("claims") == []


def test_a_write_whose_answer_was_lost_is_done_once(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    storage.lost = ["PUT"]
    assert blobs.put("a", b"x")["size"] == 1

    storage.lost = ["PUT"]
    assert blobs.claim("c", b"mine") == b"mine"  # whoever asks "who holds it" is told: you

    storage.lost = ["PUT"]
    assert blobs.replace_claim("c", b"mine", b"next")


def test_a_line_whose_answer_was_lost_is_written_once(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    journal = Journal(blobs, "inc-1")
    journal.intent("one", "oid")
    storage.lost = ["PUT"]
    journal.intent("two", "oid")

    entries = journal.entries()
    assert ([one["step"] for one in entries], verify_chain(entries)) == (["one", "two"], None)


def test_the_journal_grows_in_an_immutable_container_and_nothing_else_changes_there(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    journal = Journal(blobs, "inc-1")
    journal.intent("one", "oid")
    journal.intent("two", "oid")
    container = storage.world.containers[_EVIDENCE]
    assert container.retention is not None

    raw = ContainerClient.from_container_url(
        storage.seeded["container_url"],
        credential=storage,
        transport=EvidenceTransport((), None),
        api_version="2023-11-03",
    )
    for act in (
        lambda: raw.delete_blob(journal.path),
        lambda: raw.upload_blob(journal.path, b"forged", overwrite=True),
    ):
        with pytest.raises(Exception, match="immutable due to a policy"):
            act()
    assert len(journal.entries()) == 2


def test_a_policy_that_stops_the_journal_is_named(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    storage.world.containers[_EVIDENCE].retention = Retention(1, protected_append_writes=False)

    with pytest.raises(RefusedError, match="allowProtectedAppendWrites"):
        Journal(blobs, "inc-1").intent("one", "oid")


def test_a_container_that_is_not_there_is_not_an_empty_store(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    storage.world.containers.clear()

    for act in (
        lambda: blobs.list("incidents"),
        lambda: blobs.exists("a"),
        lambda: blobs.put("a", b"x"),
        lambda: blobs.get("a"),
        lambda: blobs.claim("a", b"x"),
        lambda: Journal(blobs, "inc-1").intent("one", "oid"),
        lambda: Journal(blobs, "inc-1").entries(),
    ):
        with pytest.raises(RefusedError, match="ContainerNotFound"):
            act()


def test_without_the_role_the_refusal_says_so(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    for assignment in storage.world.azure.role_assignments.values():
        storage.world.azure.role_assignments.remove(assignment["id"].lower())
    storage.world.delays.role_assignments = 0

    with pytest.raises(RefusedError, match="AuthorizationPermissionMismatch"):
        blobs.put("a", b"x")


def test_a_network_that_is_gone_is_a_matter_of_time(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    storage.lost = ["GET"] * 3

    with pytest.raises(TransientError):
        blobs.get("a")


def test_long_lists_come_whole(blobs: EvidenceBlobs, storage: StorageInProcess) -> None:
    held = storage.world.containers[_EVIDENCE]
    for number in range(250):
        plant_blob(held, f"n/{number:03}", b"", "text/plain")

    assert blobs.list("n") == [f"n/{number:03}" for number in range(250)]
    assert sum(call.query.get("comp") == "list" for call in storage.calls) == 3


def test_evidence_is_written_in_plan_mode_and_nothing_else_is(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    other = ContainerClient.from_container_url(
        "https://storage.test/stordersprod/orders",
        credential=storage,
        transport=EvidenceTransport((storage.seeded["container_url"],), None),
    )
    with read_only():
        blobs.put("a", b"x")
        Journal(blobs, "inc-1").intent("one", "oid")
        with pytest.raises(RefusedError, match="plan mode"):
            other.upload_blob("customers.csv", b"x")
    assert blobs.get("a") == b"x"


def test_another_container_with_the_same_beginning_is_not_ours(storage: StorageInProcess) -> None:
    neighbour = ContainerClient.from_container_url(
        f"{storage.seeded['container_url']}-other",
        credential=storage,
        transport=EvidenceTransport((storage.seeded["container_url"],), None),
    )
    with read_only(), pytest.raises(RefusedError, match="plan mode"):
        neighbour.upload_blob("a", b"x")


def test_what_is_logged_holds_no_token_and_no_content(
    blobs: EvidenceBlobs, storage: StorageInProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    with structlog.testing.capture_logs() as logged:
        blobs.put("a", b"the content")

    assert [one["event"] for one in logged] == ["request.intent", "request.outcome"]
    token = storage.calls[0].headers["authorization"].removeprefix("Bearer ")
    text = repr(logged) + "".join(capfd.readouterr())
    assert token not in text
    assert "the content" not in text


def test_other_bytes_are_a_conflict_whoever_wrote_them(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    blobs.append("log", b"x", expected=0)

    with pytest.raises(ConflictError):
        blobs.put("log", b"y")


def test_the_settings_name_the_store(tmp_path: Path, storage: StorageInProcess) -> None:
    base = {
        "FIREBREAK_TENANT_ID": "00000000-0000-0000-0000-000000000001",
        "FIREBREAK_LOG_WORKSPACE_ID": "00000000-0000-0000-0000-000000000002",
    }
    url = "https://stfirebreakevd.blob.core.windows.net/evidence"
    named = Settings.from_environ({**base, "FIREBREAK_EVIDENCE": f"{url}/"})
    assert isinstance(open_evidence(named), EvidenceBlobs)
    assert named.evidence_url == url

    folder = Settings.from_environ({**base, "FIREBREAK_EVIDENCE": str(tmp_path)})
    assert folder.evidence_url is None
    open_evidence(folder).put("a", b"x")
    assert (tmp_path / "a").read_bytes() == b"x"


@pytest.mark.parametrize(
    "wrong",
    [
        "http://stfirebreakevd.blob.core.windows.net/evidence",
        "https://stfirebreakevd.blob.core.windows.net",
        "https://stfirebreakevd.blob.core.windows.net/evidence?sig=s3cr3t",
        "ftp://x/evidence",
    ],
)
def test_a_store_that_makes_no_sense_is_refused_by_name(wrong: str) -> None:
    base = {
        "FIREBREAK_TENANT_ID": "00000000-0000-0000-0000-000000000001",
        "FIREBREAK_LOG_WORKSPACE_ID": "00000000-0000-0000-0000-000000000002",
    }
    with pytest.raises(RefusedError, match="FIREBREAK_EVIDENCE") as refused:
        Settings.from_environ({**base, "FIREBREAK_EVIDENCE": wrong})
    assert "s3cr3t" not in str(refused.value)


def test_over_a_real_socket_with_the_app_s_own_identity(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sandbox.seed["evidence"]["container_url"]
    for name, value in {**sandbox.environment, "FIREBREAK_EVIDENCE": url}.items():
        monkeypatch.setenv(name, value)
    store = open_evidence(Settings.from_environ())
    store.put_json("incidents/inc-1/a b#ü.json", {"a": 1})
    Journal(store, "inc-1").intent("step", "oid")

    assert store.get_json("incidents/inc-1/a b#ü.json") == {"a": 1}
    listed = store.list("incidents/inc-1")
    assert listed == ["incidents/inc-1/a b#ü.json", "incidents/inc-1/journal.jsonl"]


def test_a_bundle_in_blobs_is_verified_where_it_lies(
    blobs: EvidenceBlobs, storage: StorageInProcess
) -> None:
    rows = blobs.put_rows("incidents/i/logs/t.jsonl", [{"n": 1}, {"n": 2}])
    blobs.put_json("incidents/i/logs/t.json", {"query": "T", "row_count": 2, "rows": rows})
    Journal(blobs, "i").intent("step", "oid")
    reports.write_manifest(blobs, "incidents/i")
    assert bundles.verify(blobs, "incidents/i") == []

    held = storage.world.containers[_EVIDENCE].blobs
    held["incidents/i/logs/t.jsonl"].content[:] = b'{"n": 1}\n'
    (problem,) = bundles.verify(blobs, "incidents/i")
    assert str(problem) == "logs/t.jsonl: row removed: 1 rows, 2 were collected"
