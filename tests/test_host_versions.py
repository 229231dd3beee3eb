"""A deployment goes on with incidents of older code, and leaves those of newer code to newer code."""

import asyncio
from pathlib import Path

import pytest

from host.durable.versions import Failure, Match, Versions
from host.host_json import DurableOptions
from tests.host_apps.embedded import App, EmbeddedHost, load
from tests.host_apps.running import EVERYTHING


@pytest.fixture(scope="module")
def app() -> App:
    return load(EVERYTHING)


@pytest.mark.parametrize(
    ("version", "older_than_or_as", "expected"),
    [
        (None, None, True),
        ("", "1.0", True),
        ("1.0", None, False),
        ("1.0", "1.0", True),
        ("1.9", "1.10", True),
        ("1.10", "1.9", False),
        ("1.0", "1.0.0", True),
        ("1.0.0", "1.0", False),
        ("10", "9", True),  # "10" is no System.Version, so the two are compared as text
        ("v2-Beta", "V2-beta", True),
        ("v3", "v2", False),
    ],
)
def test_versions_are_compared_as_azure_does(
    version: str | None, older_than_or_as: str | None, expected: bool
) -> None:
    assert Versions(default=older_than_or_as).may_run(version) is expected


def test_strict_is_the_very_same_and_none_is_anything() -> None:
    assert not Versions(default="2.0", match="Strict").may_run("1.0")
    assert Versions(default="2.0", match="Strict").may_run("2.0")
    assert Versions(default="1.0", match="None").may_run("9.0")


def hosted(app: App, folder: Path, match: Match, failure: Failure, version: str) -> EmbeddedHost:
    return EmbeddedHost(
        app, folder, options=DurableOptions(versions=Versions(version, match, failure))
    )


async def running(host: EmbeddedHost, instance_id: str) -> None:
    async with asyncio.timeout(60):
        while host.client.instance(instance_id).status != "Running":
            await asyncio.sleep(0.02)


async def test_an_instance_of_newer_code_waits_for_newer_code(app: App, tmp_path: Path) -> None:
    newer = hosted(app, tmp_path, "CurrentOrOlder", "Reject", "2.0")
    begun = newer.start("waits_for_go", None, {})
    await running(newer, begun)
    await newer.kill()

    older = hosted(app, tmp_path, "CurrentOrOlder", "Reject", "1.0")
    older.client.raise_event(begun, "go", '"now"')
    await asyncio.sleep(0.3)
    assert older.client.instance(begun).status == "Running"
    await older.kill()

    again = hosted(app, tmp_path, "CurrentOrOlder", "Reject", "2.1")
    again.recover()
    assert await again.finished(begun) == "Completed"
    await again.kill()


async def test_where_host_json_wants_it_an_instance_of_newer_code_fails(
    app: App, tmp_path: Path
) -> None:
    newer = hosted(app, tmp_path, "CurrentOrOlder", "Reject", "2.0")
    begun = newer.start("waits_for_go", None, {})
    await running(newer, begun)
    await newer.kill()

    older = hosted(app, tmp_path, "CurrentOrOlder", "Fail", "1.0")
    older.client.raise_event(begun, "go", '"now"')
    assert await older.finished(begun) == "Failed"
    await older.kill()


async def test_a_sub_orchestration_is_of_the_version_that_starts_it(
    app: App, tmp_path: Path
) -> None:
    host = hosted(app, tmp_path, "CurrentOrOlder", "Reject", "3.0")
    begun = host.start("says_versions", None, {})
    await host.finished(begun)

    assert host.output(begun) == ["3.0", "3.0"]
    await host.kill()
