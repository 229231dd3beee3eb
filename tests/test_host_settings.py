"""What the host refuses to serve, and why it says so before anything runs."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from host import crash, host_json
from host.environment import prepare
from host.errors import AppError, ConfigurationError
from host.functions import Function, is_disabled, parse
from host.http_routes import Routes
from tests.host_apps.running import ROOT, RunningHost


def written(tmp_path: Path, document: object) -> Path:
    path = tmp_path / "host.json"
    path.write_text(json.dumps(document))
    return path


def durable(**settings: object) -> dict[str, Any]:
    return {"version": "2.0", "extensions": {"durableTask": settings}}


def queues(**settings: object) -> dict[str, Any]:
    return {"version": "2.0", "extensions": {"queues": settings}}


# host.json


def test_settings_of_queues_are_honoured(tmp_path: Path) -> None:
    document = queues(
        maxPollingInterval="00:00:00.5",
        visibilityTimeout="00:01:00",
        batchSize=8,
        maxDequeueCount=7,
    )
    read = host_json.read(written(tmp_path, document)).queues
    assert read.longest_poll == timedelta(seconds=0.5)
    assert read.visibility == timedelta(minutes=1)
    assert (read.batch, read.most_dequeues, read.encoded) == (8, 7, True)


def test_known_settings_are_honoured(tmp_path: Path) -> None:
    document = durable(
        hubName="H",
        maxConcurrentActivityFunctions=3,
        overridableExistingInstanceStates="AnyState",
        tracing={"traceInputsAndOutputs": True},
        storageProvider={"partitionCount": 4},
    )
    document |= {"functionTimeout": "00:01:30", "logging": {"logLevel": {"default": "Warning"}}}
    read = host_json.read(written(tmp_path, document))
    assert read.function_timeout == timedelta(seconds=90)
    assert read.log_level == "Warning"
    assert read.durable.hub_name == "H"
    assert read.durable.max_activities == 3
    assert read.durable.overridable == "AnyState"
    assert read.durable.trace_inputs_and_outputs


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, '"version" must be "2.0"'),
        (durable(maxConcurrentActivitiyFunctions=3), "maxConcurrentActivitiyFunctions"),
        (durable(tracing={"traceInputs": True}), "traceInputs"),
        (durable(overridableExistingInstanceStates="None"), "use AnyState or NonRunningStates"),
        (durable(maxConcurrentActivityFunctions=0), "a number from 1"),
        ({"version": "2.0", "functionTimeout": "5m"}, "hh:mm:ss"),
        (queues(maxPollInterval="00:00:01"), "maxPollInterval"),
        (queues(maxPollingInterval="1s"), "hh:mm:ss"),
        (queues(batchSize=33), "at most 32"),
        (queues(newBatchThreshold=-1), "newBatchThreshold"),
        (queues(messageEncoding="utf8"), "base64"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    tmp_path: Path, document: object, words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        host_json.read(written(tmp_path, document))


def test_the_projects_own_host_json_is_served() -> None:
    assert host_json.read(ROOT / "host.json").durable.hub_name == "Firebreak"


def test_a_folder_without_host_json_is_no_app(tmp_path: Path) -> None:
    with RunningHost(tmp_path, app=tmp_path) as host:
        assert host.ended() == 1
        assert "is missing: is this a function app" in host.log()


# the app


def test_an_app_that_does_not_load_says_why(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    written(app, {"version": "2.0"})
    (app / "function_app.py").write_text("import nowhere_to_be_found\n")
    with RunningHost(tmp_path, app=app) as host:
        assert host.ended() == 1
        assert "nowhere_to_be_found" in host.log()


def binding(kind: str, name: str = "x", **more: object) -> str:
    return json.dumps({"type": kind, "name": name, "direction": "IN", **more})


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        ([binding("blobTrigger")], "blobTrigger"),
        ([], "no trigger"),
        ([binding("timerTrigger", schedule="%NOT_SET%")], "app setting NOT_SET"),
        ([binding("httpTrigger"), binding("blob", "out")], "binding blob"),
    ],
)
def test_what_the_host_lacks_is_refused_at_load(bindings: list[str], words: str) -> None:
    with pytest.raises(AppError, match=words):
        parse("f", "id", bindings, retried=False)


def test_a_retry_policy_is_refused_at_load() -> None:
    with pytest.raises(AppError, match="retry policy"):
        parse("f", "id", [binding("timerTrigger", schedule="0 * * * * *")], retried=True)


def test_a_setting_disables_a_function(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_disabled("watch")
    monkeypatch.setenv("AzureWebJobs.watch.Disabled", "true")
    assert is_disabled("watch")


# routes


def http_function(route: str, *methods: str) -> Function:
    trigger = {"route": route, "methods": list(methods)}
    return Function(route, "id", "httpTrigger", trigger, "req", ())


@pytest.mark.parametrize(
    ("path", "template", "values"),
    [
        ("incidents", "incidents", {}),
        ("incidents/open", "incidents/open", {}),
        ("incidents/7", "incidents/{number:int}", {"number": "7"}),
        ("incidents/a%20b", "incidents/{id}", {"id": "a b"}),
        ("incidents/a/b/c", "incidents/{*rest}", {"rest": "a/b/c"}),
        ("files", "files/{name?}", {}),
        ("files/x", "files/{name?}", {"name": "x"}),
    ],
)
def test_the_first_registered_route_that_fits_wins(
    path: str, template: str, values: dict[str, str]
) -> None:
    templates = ("incidents", "incidents/open", "incidents/{number:int}", "incidents/{id}")
    routes = Routes([http_function(t) for t in (*templates, "incidents/{*rest}", "files/{name?}")])
    found = routes.find("GET", path)
    assert found is not None
    assert (found[0].function.name, found[1]) == (template, values)


def test_a_literal_has_no_precedence_over_what_was_registered_before_it() -> None:
    routes = Routes([http_function("incidents/{id}"), http_function("incidents/open")])
    found = routes.find("GET", "incidents/open")
    assert found is not None
    assert found[0].function.name == "incidents/{id}"


@pytest.mark.parametrize("template", ["a/{x:range(1,2)}", "a/{x}.json", "a/pre{x}"])
def test_a_route_that_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(AppError):
        Routes([http_function(template)])


# environment and command line


def test_malformed_local_settings_are_refused(tmp_path: Path) -> None:
    settings = tmp_path / "local.settings.json"
    for text in ("{", '{"IsEncrypted": true}', '{"Values": {"A": 1}}'):
        settings.write_text(text)
        with pytest.raises(ConfigurationError):
            prepare(tmp_path, 7071, signs_in=False)


@pytest.mark.parametrize("text", ["", "before", "before:0", "between:1", "after:x"])
def test_a_crash_point_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        crash.parse(text)


def test_a_history_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with RunningHost(tmp_path):
        pass
    database = sqlite3.connect(tmp_path / "state" / "history.sqlite")
    database.execute("PRAGMA user_version = 99")
    database.close()
    with RunningHost(tmp_path) as host:
        assert host.ended() == 1
        assert "of another version" in host.log()


def test_half_a_sign_in_is_refused(tmp_path: Path) -> None:
    with RunningHost(tmp_path, "--auth-issuer", "https://sts.example/") as host:
        assert host.ended() == 1
        assert "--auth-issuer needs" in host.log()
