"""After a recovery: who signs in as the new identity and by what, and whether the old one still gets in."""

from typing import Any

from playbooks.tracing.successions import judge

SINCE = "2026-01-01T12:00:00+00:00"


def row(hour: int, result: str = "0", **more: Any) -> dict[str, Any]:
    return {"TimeGenerated": f"2026-01-01T{hour}:30:00Z", "ResultType": result, **more}


def trusted(hour: int, address: str = "10.0.0.1") -> dict[str, Any]:
    return row(hour, FederatedCredentialId="f", IPAddress=address)


def test_sign_ins_by_trusts_are_counted_and_where_they_came_from() -> None:
    seen = judge([trusted(13), trusted(14), trusted(14, "10.0.0.2"), trusted(11)], [], SINCE)

    assert seen["said"].startswith("new identity: 3 sign-ins by its trusts from 2 addresses, 0 oth")
    assert seen["strange"] == []


def test_what_the_old_one_got_before_is_not_counted_against_it() -> None:
    seen = judge([], [row(11), row(13, "7000112"), row(14, "7000112")], SINCE)

    assert "old one since then: 2 refused, 0 accepted" in seen["said"]


def test_an_old_one_that_still_gets_in_is_counted() -> None:
    assert "0 refused, 1 accepted" in judge([], [row(13)], SINCE)["said"]


def test_a_secret_of_the_new_one_is_strange_because_it_has_none() -> None:
    armed = row(13, ServicePrincipalCredentialKeyId="key", IPAddress="203.0.113.9")
    failed = row(13, "7000215", ServicePrincipalCredentialKeyId="key")
    seen = judge([armed, failed, trusted(13)], [], SINCE)

    (said,) = seen["strange"]
    assert "203.0.113.9" in said
    assert "1 sign-ins by its trusts from 1 addresses, 2 others" in seen["said"]
