"""Without Microsoft's worker library the same app runs through azure-functions' own converters."""

from pathlib import Path

from tests.host_apps.running import RunningHost

_WITHOUT_LIBRARY = """
import importlib.util, runpy
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: (
    None if name == "azure_functions_runtime" else real(name, *rest)
)
"""


def test_the_same_app_runs_without_the_worker_library(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(_WITHOUT_LIBRARY)
    with RunningHost(tmp_path, environment={"PYTHONPATH": str(hidden)}) as host:
        key = {"x-functions-key": host.keys["functionKeys"]["default"]}
        started = host.http.post(
            "/api/start/fan_out/f", headers=key, json={"children": 2, "each": 2}
        )
        assert started.status_code == 202
        assert host.finished("f")["output"] == [2, 2]
        assert host.http.get("/api/breaks").status_code == 500
        assert host.http.get("/api/echo/word").json()["method"] == "GET"
        assert host.http.post("/api/enqueue", json=['{"name": "q"}']).status_code == 200
        host.wait(lambda: host.effects()[-2:] == ["q run 1", "q done"])
        host.start_orchestration("counts", "c", None)
        assert host.finished("c")["output"][0] == 5
        assert "azure-functions-runtime isn't installed" in host.log()
