"""What storage reads from headers: versions, conditions, ranges, checksums, metadata. Anything else is refused.

Source      https://learn.microsoft.com/rest/api/storageservices/specifying-conditional-headers-for-blob-service-operations
            https://learn.microsoft.com/rest/api/storageservices/specifying-the-range-header-for-blob-service-operations
            https://learn.microsoft.com/rest/api/storageservices/versioning-for-the-azure-storage-services
"""

import base64
import hashlib
import re
from email.utils import format_datetime

from sandbox.storage.containers import Blob
from sandbox.storage.errors import StorageError
from sandbox.web import Call

# Bearer tokens are understood from the first of these on.
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
_DATES = """
    2017-11-09 2018-03-28 2018-11-09 2019-02-02 2019-07-07 2019-10-10 2019-12-12 2020-02-10 2020-04-08 2020-06-12
    2020-08-04 2020-10-02 2020-12-06 2021-02-12 2021-04-10 2021-06-08 2021-08-06 2021-10-04 2021-12-02 2022-11-02
    2023-01-03 2023-05-03 2023-08-03 2023-11-03 2024-05-04 2024-08-04 2024-11-04 2025-01-05 2025-05-05 2025-07-05
    2025-11-05 2026-02-06
"""
_VERSIONS = frozenset(_DATES.split())
_FIRST_VERSION = min(_VERSIONS)
_NAMES = """
    x-ms-version x-ms-date x-ms-client-request-id x-ms-return-client-request-id x-ms-blob-type x-ms-blob-content-type
    x-ms-range x-ms-range-get-content-md5 x-ms-blob-condition-appendpos x-ms-blob-condition-maxsize
"""
_KNOWN = frozenset(_NAMES.split())
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


def check_version(call: Call) -> None:
    """400 for a version that there is not; bearer tokens need a version that knows them."""
    version = call.headers.get("x-ms-version", "")
    if version < _FIRST_VERSION:
        raise StorageError(
            "InvalidAuthenticationInfo",
            400,
            "Authentication information is not given in the correct format. Check the value of "
            "Authorization header.",
        )
    if version not in _VERSIONS:
        raise StorageError("InvalidHeaderValue")


def check_known(call: Call) -> None:
    """400 for headers of features that are left out: leases, tiers, tags, customers' keys."""
    for name in call.headers:
        if name.startswith("x-ms-") and name not in _KNOWN and not name.startswith("x-ms-meta-"):
            raise StorageError("UnsupportedHeader")


def check_body(call: Call) -> None:
    """The length must be said, and the checksum must be right where there is one."""
    if "content-length" not in call.headers:
        raise StorageError("MissingContentLengthHeader")
    said = call.headers.get("content-md5")
    if said is not None and said != md5(call.body):
        raise StorageError("Md5Mismatch")


def check_write(call: Call, blob: Blob | None) -> None:
    """If-Match and If-None-Match before a write. A blob that must not exist, but does, is 409 and not 412."""
    wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
    if wanted is not None and (blob is None or wanted not in {"*", blob.etag}):
        raise StorageError("ConditionNotMet")
    if unwanted is not None and blob is not None:
        if unwanted == "*":
            raise StorageError("BlobAlreadyExists")
        if unwanted == blob.etag:
            raise StorageError("ConditionNotMet")


def check_read(call: Call, blob: Blob) -> None:
    """The same before a read, where the unchanged is 304."""
    wanted, unwanted = call.headers.get("if-match"), call.headers.get("if-none-match")
    if wanted is not None and wanted not in {"*", blob.etag}:
        raise StorageError("ConditionNotMet")
    if unwanted is not None and unwanted in {"*", blob.etag}:
        raise StorageError("ConditionNotMet", 304)


def check_append(call: Call, blob: Blob) -> None:
    """Where the caller believes that the blob ends, and how long it may become."""
    position = _number(call, "x-ms-blob-condition-appendpos")
    if position is not None and position != len(blob.content):
        raise StorageError("AppendPositionConditionNotMet")
    limit = _number(call, "x-ms-blob-condition-maxsize")
    if limit is not None and len(blob.content) + len(call.body) > limit:
        raise StorageError("MaxBlobSizeConditionNotMet")


def range_of(call: Call, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole. `x-ms-range` wins over `Range`."""
    given = call.headers.get("x-ms-range", call.headers.get("range"))
    if given is None:
        return None
    match = _RANGE.fullmatch(given)
    if match is None:
        return None  # a range that can't be read is ignored, as HTTP has it
    first, last = int(match[1]), match[2]
    if first >= size:
        raise StorageError("InvalidRange")
    return first, min(int(last) + 1, size) if last else size


def metadata_of(call: Call) -> dict[str, str]:
    """The caller's own names and values."""
    prefix = "x-ms-meta-"
    return {
        name.removeprefix(prefix): value
        for name, value in call.headers.items()
        if name.startswith(prefix)
    }


def written(blob: Blob) -> dict[str, str]:
    """What every answer says about the state of a blob."""
    return {"etag": blob.etag, "last-modified": format_datetime(blob.modified, usegmt=True)}


def md5(content: bytes) -> str:
    """As `Content-MD5` carries it."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def _number(call: Call, name: str) -> int | None:
    value = call.headers.get(name)
    if value is None:
        return None
    if not value.isdecimal():
        raise StorageError("InvalidHeaderValue")
    return int(value)
