"""Each table's rows as acts of the principal.

Source   https://learn.microsoft.com/azure/azure-monitor/reference/tables-index
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from typing import NamedTuple

from playbooks.orders import Json
from playbooks.tracing.rows import Act, act, host_of, items, moment, same, succeeded, tree
from responders.model import Principal

Rows = Mapping[str, list[Json]]
_BEGUN = {
    "start",
    "started",
    "accept",
    "accepted",
}  # of an operation whose end has a row of its own
_KUBE_READS = {"get", "list", "watch"}
# https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
_ENTRIES = {"exec", "attach", "portforward", "ephemeralcontainers"}
_STORAGE = ("StorageBlobLogs", "StorageFileLogs", "StorageQueueLogs", "StorageTableLogs")


def all_of(rows: Rows, principal: Principal, usernames: Collection[str] = ()) -> list[Act]:
    """What the principal did, by time, like ones told once. Rows that are merely about it are not its acts.

    `usernames` are those of the ServiceAccounts that may use it.
    """
    found = [
        *_through_arm(rows, principal),
        *_through_graph(rows),
        *_audited(rows, principal),
        *_in_clusters(rows, principal, usernames),
        *_of(rows, ("AZKVAuditLogs",), _in_vault),
        *_of(rows, ("AzureDiagnosticsKeyVault",), _in_vault),
        *_of(rows, _STORAGE, _in_storage),
    ]
    return _told_once(sorted(found, key=lambda one: moment(one["when"])))


def _through_arm(rows: Rows, principal: Principal) -> Iterable[Act]:
    """Both sources of the activity log tell the same; begin and end are one act, known by its end."""
    ended: dict[tuple[str, str, str], tuple[bool, Act]] = {}
    for table in ("activity_log", "AzureActivity"):
        for row in rows.get(table, []):
            claims = tree(row.get("claims") or row.get("Claims_d"))
            caller = row.get("caller") or row.get("Caller")
            if not (
                same(caller, principal["object_id"])
                or same(claims.get("appid"), principal["app_id"])
            ):
                continue
            operation = _value(row.get("operationName")) or str(row.get("OperationNameValue"))
            target = str(row.get("resourceId") or row.get("_ResourceId") or "")
            status = (_value(row.get("status")) or str(row.get("ActivityStatusValue"))).lower()
            request = tree(row.get("httpRequest") or row.get("HTTPRequest"))
            one = act(
                row,
                "AzureActivity",
                operation,
                target,
                ok=status.startswith("succe"),
                address=row.get("CallerIpAddress") or request.get("clientIpAddress"),
                token_id=claims.get("uti"),
            )
            correlation = str(row.get("correlationId") or row.get("CorrelationId"))
            key = (correlation, operation.lower(), target.lower())
            begun = status in _BEGUN
            if key not in ended or (ended[key][0] and not begun):
                ended[key] = (begun, one)
    return [one for _, one in ended.values()]


def _through_graph(rows: Rows) -> Iterable[Act]:
    for row in rows.get("MicrosoftGraphActivityLogs", []):
        yield act(
            row,
            "MicrosoftGraphActivityLogs",
            str(row.get("RequestMethod")),
            str(row.get("RequestUri")),
            ok=succeeded(row.get("ResponseStatusCode")),
            address=row.get("IPAddress"),
            token_id=row.get("UniqueTokenId") or row.get("SignInActivityId"),
        )


def _audited(rows: Rows, principal: Principal) -> Iterable[Act]:
    """Changes of the directory have no token id: the Graph call with the same correlation has it."""
    calls = {
        str(row[column]).lower(): row
        for row in rows.get("MicrosoftGraphActivityLogs", [])
        for column in ("OperationId", "ClientRequestId", "RequestId")
        if row.get(column)
    }
    for row in rows.get("AuditLogs", []):
        if not initiated_by(row, principal):
            continue
        call = calls.get(str(row.get("CorrelationId")).lower(), {})
        targets = [tree(one) for one in items(row.get("TargetResources"))]
        yield act(
            row,
            "AuditLogs",
            str(row.get("OperationName")).strip(),
            ", ".join(f"{one.get('displayName')} ({one.get('id')})" for one in targets),
            ok=str(row.get("Result")).lower() == "success",
            address=call.get("IPAddress"),
            token_id=call.get("UniqueTokenId") or call.get("SignInActivityId"),
        )


def initiated_by(row: Json, principal: Principal) -> bool:
    """Whether an audit row names the principal as the one who did it."""
    app = tree(tree(row.get("InitiatedBy")).get("app"))
    return same(app.get("servicePrincipalId"), principal["object_id"]) or same(
        app.get("appId"), principal["app_id"]
    )


def mints(
    rows: Rows, principal: Principal, usernames: Collection[str], ours: Set[str]
) -> list[Act]:
    """Tokens that others requested for its ServiceAccounts: each is a way to sign in as the principal.

    A node asks for those of the pods that run on it, all day long. Our own proofs are left out by who
    asked, which is authenticated; a user agent is not.
    """
    found = [_request(row, by=_user(row)) for row in _mint_rows(rows, principal, usernames, ours)]
    return _told_once(sorted(found, key=lambda one: moment(one["when"])))


class Mint(NamedTuple):
    """One request for a token."""

    by: str  # username
    when: str
    ok: bool


def mints_by(
    rows: Rows, principal: Principal, usernames: Collection[str], ours: Set[str]
) -> list[Mint]:
    """The same requests, one by one, each with who made it."""
    return [
        Mint(_user(row), one["when"], one["ok"])
        for row in _mint_rows(rows, principal, usernames, ours)
        for one in (_request(row),)
    ]


def _mint_rows(
    rows: Rows, principal: Principal, usernames: Collection[str], ours: Set[str]
) -> Iterable[Json]:
    return (
        row
        for row in _kube_rows(rows)
        if _is_mint(row)
        and not _is_its_own(row, principal, usernames)
        and not _user(row).startswith("system:node:")
        and not any(one in str(row.get("User")).lower() for one in ours)
    )


def entries(rows: Rows, ours: Set[str]) -> list[Act]:
    """Shells, attachments, tunnels and debug containers in pods of its namespaces, whoever opened them."""
    found = [
        _request(row, by=_user(row))
        for row in _kube_rows(rows)
        if tree(row.get("ObjectRef")).get("subresource") in _ENTRIES
        and not any(one in str(row.get("User")).lower() for one in ours)
    ]
    return _told_once(sorted(found, key=lambda one: moment(one["when"])))


def _in_clusters(rows: Rows, principal: Principal, usernames: Collection[str]) -> Iterable[Act]:
    """Changes, secrets and logins to pods. A workload's own reads are many and say nothing."""
    for row in _kube_rows(rows):
        is_read = str(row.get("Verb")) in _KUBE_READS
        is_secret = tree(row.get("ObjectRef")).get("resource") == "secrets"
        if _is_its_own(row, principal, usernames) and (is_secret or not is_read):
            yield _request(row)


def _request(row: Json, by: str = "") -> Act:
    reference = tree(row.get("ObjectRef"))
    sub = f"/{reference['subresource']}" if reference.get("subresource") else ""
    where = f"{reference.get('namespace', '')}/{reference.get('name', '')}"
    cluster = str(row.get("_ResourceId")).rpartition("/")[2]
    addresses = items(row.get("SourceIps"))
    return act(
        row,
        "AKSAudit",
        f"{row.get('Verb')} {reference.get('resource')}{sub}",
        f"{where} in {cluster}" + (f" by {by}" if by else ""),
        ok=succeeded(tree(row.get("ResponseStatus")).get("code")),
        address=addresses[0] if addresses else "",
    )


def _user(row: Json) -> str:
    return str(tree(row.get("User")).get("username"))


def _is_mint(row: Json) -> bool:
    reference = tree(row.get("ObjectRef"))
    return row.get("Verb") == "create" and reference.get("subresource") == "token"


def _is_its_own(row: Json, principal: Principal, usernames: Collection[str]) -> bool:
    """The caller is the principal itself, or a ServiceAccount that may use it."""
    named = principal["object_id"].lower() in str(row.get("User")).lower()
    return named or _user(row) in usernames


def _kube_rows(rows: Rows) -> Iterable[Json]:
    """Each request once: two tables may both have it."""
    seen: set[str] = set()
    for row in _audit_rows(rows):
        if (audit_id := str(row.get("AuditId"))) not in seen:
            seen.add(audit_id)
            yield row


def _audit_rows(rows: Rows) -> Iterable[Json]:
    yield from rows.get("AKSAudit", [])
    yield from rows.get("AKSAuditAdmin", [])
    for row in rows.get("AzureDiagnosticsKubeAudit", []):
        said = tree(row.get("log_s"))
        # https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1
        columns = {name[:1].upper() + name[1:]: value for name, value in said.items()}
        columns |= {"AuditId": said.get("auditID"), "SourceIps": said.get("sourceIPs")}
        yield {**row, **columns}


def _in_vault(row: Json, table: str) -> Act:
    claims = tree(tree(row.get("Identity")).get("claim"))
    return act(
        row,
        table,
        str(row.get("OperationName")),
        str(row.get("Id") or row.get("id_s") or row.get("RequestUri") or row.get("requestUri_s")),
        ok=succeeded(row.get("HttpStatusCode") or row.get("httpStatusCode_d")),
        address=row.get("CallerIpAddress") or row.get("CallerIPAddress"),
        token_id=claims.get("uti"),
    )


def _in_storage(row: Json, table: str) -> Act:
    return act(
        row,
        table,
        str(row.get("OperationName")),
        str(row.get("Uri")),
        ok=succeeded(row.get("StatusCode")),
        address=host_of(row.get("CallerIpAddress")),
    )


def _of(rows: Rows, tables: Iterable[str], read: Callable[[Json, str], Act]) -> Iterable[Act]:
    for table in tables:
        for row in rows.get(table, []):
            yield read(row, table)


def _told_once(acts: Iterable[Act]) -> list[Act]:
    found: dict[tuple[object, ...], Act] = {}
    for one in acts:
        key = (
            one["table"],
            one["operation"],
            one["target"],
            one["ok"],
            one["address"],
            one["token_id"],
        )
        if known := found.get(key):
            known["until"], known["count"] = one["until"], known["count"] + 1
        else:
            found[key] = one
    return list(found.values())


def _value(said: object) -> str:
    """What the REST API wraps: {"value": …, "localizedValue": …}."""
    return str(said.get("value") or "") if isinstance(said, dict) else ""
