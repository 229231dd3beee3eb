"""A snapshot of an identity that has nothing, to which a test adds what it is about."""

from typing import Any, cast

from responders.snapshots import Snapshot


def snapshot(**parts: Any) -> Snapshot:
    """Empty but for these parts."""
    empty: dict[str, Any] = {
        "taken_at": "2026-01-01T00:00:00.000+00:00",
        "application": None,
        "service_principal": None,
        "identity": None,
        "federated_credentials": [],
        "credentials": [],
        "grants": [],
        "group_grants": [],
        "app_roles": [],
        "oauth_grants": [],
        "memberships": [],
        "owners": [],
        "directory_roles": [],
        "key_vault_policies": [],
        "attachments": [],
        "locks": [],
        "unread": {},
    }
    return cast(Snapshot, {**empty, **parts})
