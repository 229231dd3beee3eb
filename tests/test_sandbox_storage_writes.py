"""The pretend blob storage says no where Azure does: a store that passes here has met the refusals."""

from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from xml.etree import ElementTree

import pytest
import requests

from sandbox.arm.definitions import new_role_assignment
from sandbox.seed import evidence_account
from sandbox.seed.names import FIREBREAK
from sandbox.storage import containers, headers
from tests.evidence_stores import StorageInProcess, storage

__all__ = ["storage"]
Ask = Callable[..., requests.Response]
_EMPTY_MD5 = "1B2M2Y8AsgTpgAmY7PhCfg=="


@pytest.fixture
def ask(storage: StorageInProcess) -> Ask:
    """Requests as Firebreak, to a container without a policy."""
    session = requests.Session()
    session.mount("https://", storage)
    token = storage.get_token().token

    def send(
        method: str,
        path: str = "/blob",
        body: bytes = b"",
        where: str = "evidence-claims",
        **named: str,
    ) -> requests.Response:
        extra = {name.replace("_", "-"): value for name, value in named.items()}
        sent = {"authorization": f"Bearer {token}", "x-ms-version": "2023-11-03", **extra}
        url = f"https://storage.test/{evidence_account.ACCOUNT}/{where}{path}"
        return session.request(method, url, data=body, headers=sent)

    return send


def put(ask: Ask, body: bytes = b"content", **named: str) -> requests.Response:
    return ask("PUT", body=body, **{"x_ms_blob_type": "BlockBlob", **named})


def said(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.headers.get("x-ms-error-code", "")


def listed(answer: requests.Response) -> ElementTree.Element:
    return ElementTree.fromstring(answer.content)  # noqa: S314 - the sandbox's own


def test_a_blob_comes_back_with_its_properties(ask: Ask) -> None:
    made = put(ask, content_type="text/plain", x_ms_meta_a="b")
    assert made.status_code == 201

    got = ask("GET")
    assert (got.status_code, got.content) == (200, b"content")
    assert got.headers["etag"] == made.headers["etag"]
    assert got.headers["content-type"] == "text/plain"
    assert (got.headers["x-ms-blob-type"], got.headers["x-ms-meta-a"]) == ("BlockBlob", "b")
    assert parsedate_to_datetime(got.headers["last-modified"])
    assert ask("HEAD").headers["content-length"] == "7"


def test_conditions_on_writes(ask: Ask) -> None:
    first = put(ask, if_none_match="*").headers["etag"]
    assert said(put(ask, if_none_match="*")) == (409, "BlobAlreadyExists")
    second = put(ask, if_match=first).headers["etag"]
    assert said(put(ask, if_match=first)) == (412, "ConditionNotMet")
    assert said(put(ask, if_none_match=second)) == (412, "ConditionNotMet")
    assert said(ask("DELETE", if_match=first)) == (412, "ConditionNotMet")
    assert ask("DELETE", if_match=second).status_code == 202
    assert said(put(ask, if_match="*")) == (412, "ConditionNotMet")
    assert said(ask("DELETE")) == (404, "BlobNotFound")


def test_conditions_on_reads(ask: Ask) -> None:
    etag = put(ask).headers["etag"]
    assert ask("GET", if_none_match=etag).status_code == 304
    assert said(ask("GET", if_match='"0x1"')) == (412, "ConditionNotMet")


@pytest.mark.parametrize(
    ("asked", "status", "content"),
    [
        ("bytes=0-2", 206, b"con"),
        ("bytes=3-", 206, b"tent"),
        ("bytes=5-999", 206, b"nt"),
        ("nonsense", 200, b"content"),
    ],
)
def test_ranges(ask: Ask, asked: str, status: int, content: bytes) -> None:
    put(ask)
    answer = ask("GET", x_ms_range=asked, range="bytes=0-0")
    assert (answer.status_code, answer.content) == (status, content)


def test_a_range_behind_the_end_is_refused(ask: Ask) -> None:
    put(ask, b"")
    assert said(ask("GET", x_ms_range="bytes=0-10")) == (416, "InvalidRange")
    assert ask("GET").headers["content-md5"] == _EMPTY_MD5


def test_blocks_are_appended_where_the_writer_says(ask: Ask) -> None:
    ask("PUT", x_ms_blob_type="AppendBlob")
    first = ask("PUT", "/blob?comp=appendblock", b"one", x_ms_blob_condition_appendpos="0")
    assert first.headers["x-ms-blob-append-offset"] == "0"
    wrong = ask("PUT", "/blob?comp=appendblock", b"two", x_ms_blob_condition_appendpos="0")
    assert said(wrong) == (412, "AppendPositionConditionNotMet")
    full = ask("PUT", "/blob?comp=appendblock", b"two", x_ms_blob_condition_maxsize="5")
    assert said(full) == (412, "MaxBlobSizeConditionNotMet")
    second = ask("PUT", "/blob?comp=appendblock", b"two")
    assert second.headers["x-ms-blob-committed-block-count"] == "2"
    assert ask("GET").content == b"onetwo"


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ({"x_ms_blob_type": ""}, (400, "InvalidHeaderValue")),
        ({"x_ms_blob_type": "PageBlob"}, (400, "InvalidHeaderValue")),
        ({"x_ms_blob_type": "AppendBlob"}, (400, "InvalidHeaderValue")),
        ({"content_md5": _EMPTY_MD5}, (400, "Md5Mismatch")),
        ({"x_ms_lease_id": "1"}, (400, "UnsupportedHeader")),
        ({"x_ms_version": "2099-01-01"}, (400, "InvalidHeaderValue")),
        ({"x_ms_version": "2015-04-05"}, (400, "InvalidAuthenticationInfo")),
    ],
)
def test_what_a_put_must_not_say(
    ask: Ask, named: dict[str, str], expected: tuple[int, str]
) -> None:
    assert said(put(ask, b"content", **named)) == expected


def test_a_put_without_a_type_is_refused(ask: Ask) -> None:
    assert said(ask("PUT", body=b"x")) == (400, "MissingRequiredHeader")


def test_block_blobs_do_not_grow(ask: Ask) -> None:
    put(ask)
    assert said(ask("PUT", "/blob?comp=appendblock", b"x")) == (409, "InvalidBlobType")
    assert said(ask("PUT", "/other?comp=appendblock", b"x")) == (404, "BlobNotFound")
    assert said(ask("PUT", "/blob?comp=appendblock", b"")) == (400, "InvalidHeaderValue")
    assert said(ask("PUT", "/blob?comp=block", b"x")) == (400, "UnsupportedQueryParameter")


def test_a_list_comes_in_pages(ask: Ask) -> None:
    for name in ("/a/1", "/a/2 <&>", "/b/1"):
        ask("PUT", name, b"x", x_ms_blob_type="BlockBlob")
    query = "?restype=container&comp=list&prefix=a/"
    first = listed(ask("GET", f"{query}&maxresults=1"))
    marker = first.findtext("NextMarker")
    rest = listed(ask("GET", f"{query}&marker={marker}"))

    names = [one.text for page in (first, rest) for one in page.iter("Name")]
    assert names == ["a/1", "a/2 <&>"]
    assert not rest.findtext("NextMarker")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("maxresults=x", (400, "InvalidQueryParameterValue")),
        ("maxresults=0", (400, "OutOfRangeQueryParameterValue")),
        ("delimiter=/", (400, "UnsupportedQueryParameter")),
        ("marker=%20", (400, "InvalidQueryParameterValue")),
    ],
)
def test_what_a_list_must_not_ask(ask: Ask, query: str, expected: tuple[int, str]) -> None:
    assert said(ask("GET", f"?restype=container&comp=list&{query}")) == expected


def test_containers_are_made_once_and_named_well(ask: Ask) -> None:
    assert ask("PUT", "?restype=container", where="more").status_code == 201
    assert said(ask("PUT", "?restype=container", where="more")) == (409, "ContainerAlreadyExists")
    assert said(ask("PUT", "?restype=container", where="No")) == (400, "InvalidResourceName")
    assert said(ask("GET", "?restype=container", where="none")) == (404, "ContainerNotFound")
    held = ask("GET", "?restype=container", where="evidence")
    assert held.headers["x-ms-has-immutability-policy"] == "true"


def test_an_immutable_blob_stays_until_its_time_and_is_never_overwritten(
    ask: Ask, storage: StorageInProcess
) -> None:
    assert put(ask, where="evidence").status_code == 201
    refusal = (409, "BlobImmutableDueToPolicy")
    assert said(put(ask, b"other", where="evidence")) == refusal
    assert said(ask("DELETE", where="evidence")) == refusal

    storage.world.clock.advance(timedelta(hours=1))
    assert said(ask("DELETE", where="evidence")) == refusal
    storage.world.containers["stfirebreakevd/evidence"].blobs["blob"].modified -= timedelta(365)
    assert said(put(ask, b"other", where="evidence")) == refusal
    assert ask("DELETE", where="evidence").status_code == 202


def test_without_protected_append_writes_a_log_is_immutable_too(
    ask: Ask, storage: StorageInProcess
) -> None:
    ask("PUT", where="evidence", x_ms_blob_type="AppendBlob")
    assert ask("PUT", "/blob?comp=appendblock", b"x", where="evidence").status_code == 201
    held = storage.world.containers["stfirebreakevd/evidence"]
    held.retention = containers.Retention(1, protected_append_writes=False)
    answer = ask("PUT", "/blob?comp=appendblock", b"x", where="evidence")
    assert said(answer) == (409, "BlobImmutableDueToPolicy")


@pytest.mark.parametrize(
    ("role", "opened"),
    [
        ("Storage Blob Data Contributor", {"put", "read", "list", "delete", "container"}),
        ("Storage Blob Data Reader", {"read", "list"}),
        ("Reader", set()),
        ("Owner", {"container"}),
    ],
)
def test_each_operation_needs_its_own_permission(
    ask: Ask, storage: StorageInProcess, role: str, opened: set[str]
) -> None:
    put(ask)
    grants = storage.world.azure.role_assignments
    for grant in grants.values():
        grants.remove(grant["id"].lower())
    since = storage.world.clock.now() - timedelta(days=1)
    grant = new_role_assignment(
        storage.world,
        scope=storage.seeded["account_id"],
        role=role,
        principal_id=FIREBREAK.object_id,
        principal_type="ServicePrincipal",
        name="11111111-1111-1111-1111-111111111111",
        created=since,
    )
    grants.put(grant["id"].lower(), grant, since=since)
    storage.world.delays.role_assignments = 0

    answers = {
        "put": put(ask, x_ms_meta_n="1"),
        "read": ask("GET"),
        "list": ask("GET", "?restype=container&comp=list"),
        "container": ask("PUT", "?restype=container", where="more"),
        "delete": ask("DELETE"),
    }
    assert {name for name, one in answers.items() if one.ok} == opened
    assert {said(one) for one in answers.values() if not one.ok} <= {
        (403, "AuthorizationPermissionMismatch")
    }


def test_every_write_leaves_a_row(ask: Ask, storage: StorageInProcess) -> None:
    storage.world.delays.ingestion = 0
    put(ask, if_none_match="*")
    put(ask, if_none_match="*")
    ask("DELETE")

    rows = storage.world.logs.rows("StorageBlobLogs")
    assert [(one["OperationName"], one["Category"], one["StatusCode"]) for one in rows] == [
        ("PutBlob", "StorageWrite", "201"),
        ("PutBlob", "StorageWrite", "409"),
        ("DeleteBlob", "StorageDelete", "202"),
    ]
    assert rows[0]["ConditionsUsed"] == "if-none-match=*"
    assert rows[0]["RequestBodySize"] == 7
    assert rows[0]["AuthorizationDetails"][0]["action"].endswith("/blobs/write")
    assert rows[0]["_ResourceId"] == storage.seeded["account_id"].lower()


def test_checksums_are_those_of_the_wire() -> None:
    assert headers.md5(b"") == _EMPTY_MD5
