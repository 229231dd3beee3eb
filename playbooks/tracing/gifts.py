"""What was given to the principal inside the window, as the directory's audit log tells it.

Owners, groups, consents and the trusts of an application carry no age themselves: only the log can say that one was
there before the window. Where it could not be read, nobody can.

Source   https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities
"""

from datetime import datetime
from typing import TypedDict

from playbooks.orders import Json
from playbooks.tracing.acts import Rows
from playbooks.tracing.rows import items, moment, tree
from responders.model import Principal

_NO_TRUSTS = frozenset({"", "[]", "null", '""'})


class Gifts(TypedDict):
    """Ids and names of what was given between the window's start and the snapshot."""

    known: bool  # False: the audit log was not read, so nothing here says that there was none
    owners: list[str]  # object ids
    groups: list[str]
    consented: list[
        str
    ]  # when somebody consented to delegated permissions: the row names no scope for sure
    trusts: list[str]  # names of federated credentials that were made or changed


def given(rows: Rows, principal: Principal, start: str, end: str, *, known: bool) -> Gifts:
    """Read the rows of the window. What failed gave nothing."""
    found: Gifts = {
        "known": known,
        "owners": [],
        "groups": [],
        "consented": [],
        "trusts": _written_trusts(rows, principal, start, end),
    }
    its = {principal["object_id"].lower(), (principal["application_object_id"] or "").lower()}
    for row in rows.get("AuditLogs", []):
        if not _within(row, start, end) or str(row.get("Result")).lower() != "success":
            continue
        targets = [tree(one) for one in items(row.get("TargetResources"))]
        ids = [str(one.get("id")).lower() for one in targets]
        if its & set(ids):
            _sort_in(found, str(row.get("OperationName")).strip().lower(), targets, its)
    return found


def _sort_in(found: Gifts, operation: str, targets: list[Json], its: set[str]) -> None:
    others = [
        str(one.get("id")).lower() for one in targets if str(one.get("id")).lower() not in its
    ]
    if operation.startswith("add owner to"):
        found["owners"] += others
    elif operation == "add member to group":
        found["groups"] += [*others, *_values(targets, "group.objectid")]
    elif "delegated permission grant" in operation or operation == "consent to application":
        found["consented"].append(operation)
    elif operation.startswith("update application"):
        trusts = _new_trusts(targets)
        found["trusts"] += trusts or []
        # What was written about trusts in words that can't be read may be about any of them.
        found["known"] = found["known"] and trusts is not None


def _values(targets: list[Json], named: str) -> list[str]:
    """New values of a property in any of the targets, without the quotes that the log puts around them."""
    return [str(one.get("newValue")).strip('"').lower() for one in _changes(targets, named)]


def _new_trusts(targets: list[Json]) -> list[str] | None:
    """Names that the list of trusts has after the change with another content, or that it had not before.

    The row has the whole list twice, as JSON inside a string. None: it can't be read, as when it was cut.
    """
    found: list[str] = []
    for change in _changes(targets, "federatedidentitycredentials"):
        before, after = _trusts(change.get("oldValue")), _trusts(change.get("newValue"))
        if after is None:
            return None
        found += [str(one["Name"]) for one in after if one not in (before or [])]
    return found


def _trusts(value: object) -> list[Json] | None:
    """The list in a value, each with its name; None where that is not what it holds."""
    if value is None or str(value).strip() in _NO_TRUSTS:
        return []
    found = [tree(one) for one in items(value)]
    return found if found and all(one.get("Name") for one in found) else None


def _changes(targets: list[Json], named: str) -> list[Json]:
    return [
        change
        for one in targets
        for change in map(tree, items(one.get("modifiedProperties")))
        if str(change.get("displayName")).lower() == named
    ]


def _written_trusts(rows: Rows, principal: Principal, start: str, end: str) -> list[str]:
    """Names of the trusts of a managed identity that were written: the resource id ends with each."""
    base = f"{principal['resource_id'] or ''}/federatedIdentityCredentials/".lower()
    found = []
    for row in [*rows.get("AzureActivity", []), *rows.get("activity_log", [])]:
        target = str(row.get("_ResourceId") or row.get("resourceId") or "").lower()
        operation = str(row.get("OperationNameValue") or row.get("operationName") or "").lower()
        if target.startswith(base) and "/write" in operation and _within(row, start, end):
            found.append(target.removeprefix(base))
    return found


def _within(row: Json, start: str, end: str) -> bool:
    when = moment(row.get("TimeGenerated") or row.get("eventTimestamp"))
    return datetime.fromisoformat(start) <= when < datetime.fromisoformat(end)
