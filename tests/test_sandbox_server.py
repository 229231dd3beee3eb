"""The sandbox as a process: how it starts, whom it lets verify it, and that it ends when told to."""

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.sandbox_fixture import RunningSandbox, wait_until_ready

Start = Callable[..., tuple["subprocess.Popen[bytes]", dict[str, Any]]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> tuple["subprocess.Popen[bytes]", dict[str, Any]]:
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "sandbox", "--state", str(tmp_path), *arguments],
                cwd=Path(__file__).parent.parent,
                stderr=log,
            )
        started.append(process)
        return process, wait_until_ready(process, tmp_path)

    yield begin
    for process in started:
        process.kill()
        process.wait()


def test_it_ends_cleanly_on_sigterm(start: Start, tmp_path: Path) -> None:
    process, described = start()
    assert described["pid"] == process.pid
    trust = ssl.create_default_context(cafile=described["ca_bundle"])
    with httpx.Client(verify=trust, trust_env=False) as idle:  # an idle connection holds nobody up
        idle.get(f"{described['endpoints']['control']}/sandbox/clock")
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert time.monotonic() - began < 5
    lines = (tmp_path / "log").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["sandbox ready"]


def test_ports_can_be_chosen(start: Start) -> None:
    first = _free_run_of_ports(20)
    _, described = start("--first-port", str(first))
    ports = [urlsplit(origin).port for origin in described["endpoints"].values()]
    assert ports == list(range(first, first + len(ports)))


def test_only_this_machine_reaches_it_and_only_its_ca_is_needed(sandbox: RunningSandbox) -> None:
    """Python 3.13 checks certificates strictly; the same check is made here on older ones."""
    port = urlsplit(sandbox.endpoints["arm"]).port
    strict = ssl.create_default_context(cafile=sandbox.ca_bundle)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    for name in ("localhost", "127.0.0.1"):
        with (
            socket.create_connection(("127.0.0.1", port or 0)) as raw,
            strict.wrap_socket(raw, server_hostname=name) as secured,
        ):
            assert secured.version() in ("TLSv1.2", "TLSv1.3")
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(sandbox.endpoints["arm"], trust_env=False)


def test_the_key_is_readable_by_its_owner_only(sandbox: RunningSandbox) -> None:
    key = Path(sandbox.ca_bundle).with_name("server.pem")
    assert key.stat().st_mode & 0o077 == 0


def test_every_service_answers(sandbox: RunningSandbox) -> None:
    for service, origin in sandbox.endpoints.items():
        answer = sandbox.http.get(f"{origin}/no/such/path")
        assert answer.status_code in (400, 401, 403, 404), f"{service}: {answer.status_code}"


def test_an_answer_does_not_wait_for_an_acknowledgement(sandbox: RunningSandbox) -> None:
    """Without TCP_NODELAY on the server's sockets, each of these takes 40 ms."""
    url = f"{sandbox.endpoints['control']}/sandbox/clock"
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        sandbox.http.get(url)
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.03  # the quickest one, as the machine may be busy


def _free_run_of_ports(count: int) -> int:
    """A first port that has this many free ones behind it, as far as one can know."""
    for first in range(21_000, 60_000, 500):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    pytest.skip("no free ports in a row")


def test_there_are_as_many_clusters_as_asked_for(start: Start) -> None:
    _, described = start("--clusters", "7")

    names = [each for each in described["endpoints"] if each.startswith("kube-")]
    assert names[:3] == ["kube-aks-weu", "kube-aks-neu", "kube-aks-frc"]
    assert names[3:] == ["kube-aks-sdc", "kube-aks-uks", "kube-aks-06", "kube-aks-07"]
    assert list(described["seed"]["clusters"]) == [each.removeprefix("kube-") for each in names]


def test_a_sandbox_of_one_cluster_trusts_no_other(start: Start) -> None:
    _, described = start("--clusters", "1")

    trust = ssl.create_default_context(cafile=described["ca_bundle"])
    with httpx.Client(verify=trust, trust_env=False) as http:
        state = http.get(f"{described['endpoints']['control']}/sandbox/state").json()
    issuers = {each["issuer"] for each in state["federatedCredentials"]}
    assert issuers == {described["seed"]["clusters"]["aks-weu"]["issuer"]}
