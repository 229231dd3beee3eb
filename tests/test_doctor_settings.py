"""Settings, policy and sign-in of a deployment: what is wrong with them is a row, and never an exception."""

from pathlib import Path
from typing import Any

import pytest

from responders import own_checks
from responders.own_checks import Row
from tests.sandbox_fixture import RunningSandbox
from triggers import health_checks, health_sign_in


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch, sandbox: RunningSandbox, tmp_path: Path) -> None:
    for name, value in sandbox.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FIREBREAK_EVIDENCE", str(tmp_path / "evidence"))
    monkeypatch.setenv("WEBSITE_HOSTNAME", "func-firebreak.azurewebsites.net")


async def asked(*names: str) -> dict[str, list[Row]]:
    client: Any = None
    checks = [one for one in health_checks.every(client) if one.name in names]
    return {one.name: one.rows for one in await own_checks.all_answered(checks)}


async def test_a_policy_that_can_not_be_used_is_grave_and_what_hangs_on_it_is_not_known(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bad = tmp_path / "policy.toml"
    bad.write_text((Path("policy.toml")).read_text().replace("acting = true", 'acting = "yes"', 1))
    monkeypatch.setenv("FIREBREAK_POLICY", str(bad))
    found = await asked("policy", "tables", "graph permissions")

    (row,) = found["policy"]
    assert (row.state, row.grave, "guards.acting" in row.said) == ("failed", True, True)
    assert "policy-check" in row.fix
    assert [one.state for one in found["tables"] + found["graph permissions"]] == ["unknown"] * 2


async def test_a_switch_in_the_policy_and_observing_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = Path("policy.toml").read_text()
    text = text.replace("acting = true", "acting = false", 1)
    other = tmp_path / "policy.toml"
    other.write_text(text.replace("observe_only = false", "observe_only = true", 1))
    monkeypatch.setenv("FIREBREAK_POLICY", str(other))
    rows = (await asked("policy"))["policy"]

    assert [one.said for one in rows if one.state == "failed"] == [
        "guards.acting is false: nothing acts"
    ]
    assert any("observe only" in one.said for one in rows if one.state == "note")


async def test_a_setting_that_makes_no_sense_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBREAK_PROFILE", "most")
    (row,) = (await asked("settings"))["settings"]

    assert (row.state, "FIREBREAK_PROFILE" in row.said, "settings.md" in row.fix) == (
        "failed",
        True,
        True,
    )


async def test_evidence_in_a_folder_of_the_platform_is_wrong_and_on_a_laptop_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = (await asked("settings"))["settings"]
    assert [one.said for one in rows if one.state == "failed"] == [
        "evidence lies in a folder of the instance, and goes with it"
    ]
    monkeypatch.setenv("WEBSITE_HOSTNAME", "127.0.0.1:7071")
    assert not [one for one in (await asked("settings"))["settings"] if one.state == "failed"]
    monkeypatch.delenv("FIREBREAK_REBUILD_CLIENT_ID")
    rows = (await asked("settings"))["settings"]
    assert [one.about for one in rows if one.state == "note"] == ["second identity"]


async def test_without_sign_in_and_audience_nobody_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keys() -> Row:
        return Row("ok", "", about="keys")

    monkeypatch.setattr(health_sign_in, "_keys", keys)
    monkeypatch.setenv("FIREBREAK_API_AUDIENCE", "")
    monkeypatch.delenv("WEBSITE_AUTH_ENABLED", raising=False)

    async def states() -> dict[str, tuple[str, bool]]:
        rows = (await asked("sign-in"))["sign-in"]
        return {one.about: (one.state, one.grave) for one in rows if one.about != "keys"}

    assert set((await states()).values()) == {("failed", True)}
    monkeypatch.setenv("FIREBREAK_API_AUDIENCE", "api://firebreak")
    said = await states()
    assert said["App Service authentication"] == ("failed", False)
    assert said["tokens"] == ("ok", False)
    monkeypatch.setenv("WEBSITE_AUTH_ENABLED", "True")
    assert (await states())["App Service authentication"] == ("ok", False)
    monkeypatch.setenv("FIREBREAK_API_AUDIENCE", "")
    assert (await states())["tokens"] == ("note", False)


async def test_an_app_that_does_not_know_its_own_address_does_not_know_its_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("WEBSITE_HOSTNAME")
    (row,) = (await asked("pages"))["pages"]
    assert row.state == "unknown"
