"""A cluster to test against: the sandbox's own, or with KUBE_VERIFIED=1 the one KUBECONFIG names.

The local one is a cluster of a whole sandbox, served over TLS from a thread of the test process, so
that a test can also reach into it; it has what the sandbox's people lack, an administrator.
"""

import asyncio
import os
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from kubernetes import client, config

from sandbox.certificates import issue
from sandbox.exchange import Exchanges
from sandbox.kubernetes import service_account_tokens
from sandbox.kubernetes.cluster import Cluster, service_account
from sandbox.sandbox import Sandbox
from sandbox.server import SERVICES
from tests.sandbox_fixture import RunningSandbox

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
_Result = TypeVar("_Result")
_AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the Entra application of every AKS API server
_GROUPS = {
    "deployments": "apis/apps/v1",
    "networkpolicies": "apis/networking.k8s.io/v1",
    "replicasets": "apis/apps/v1",
    "rolebindings": "apis/rbac.authorization.k8s.io/v1",
    "roles": "apis/rbac.authorization.k8s.io/v1",
    "statefulsets": "apis/apps/v1",
}


@dataclass(frozen=True)
class Target:
    """An API server and an administrator's token."""

    url: str
    trust: ssl.SSLContext
    token: str
    issuer: str  # also the API server's own audience


@dataclass
class Api:
    """An administrator in a namespace that belongs to the test."""

    target: Target
    namespace: str
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        """Connect."""
        token = self.target.token
        self.http = httpx.Client(
            base_url=self.target.url,
            verify=self.target.trust,
            trust_env=False,
            timeout=30,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    def path(self, plural: str, name: str = "", subresource: str = "") -> str:
        """The path of a resource in the test's namespace."""
        parts = ["", _GROUPS.get(plural, "api/v1"), "namespaces", self.namespace, plural]
        return "/".join([*parts, *filter(None, (name, subresource))])

    def call(
        self, method: str, path: str, body: object = None, type_: str = "", **query: str
    ) -> httpx.Response:
        """One request. `type_` is the content type of a patch."""
        headers = {"content-type": type_} if type_ else {}
        return self.http.request(method, path, json=body, headers=headers, params=query)

    def create(self, plural: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST into the namespace, and insist on 201."""
        answer = self.call("POST", self.path(plural), body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def account(self, name: str, **metadata: Any) -> dict[str, Any]:
        """A new ServiceAccount."""
        return self.create("serviceaccounts", {"metadata": {"name": name, **metadata}})

    def get(self, plural: str, name: str) -> dict[str, Any]:
        """GET, and insist on 200."""
        answer = self.call("GET", self.path(plural, name))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def merge(self, plural: str, name: str, body: object, **query: str) -> httpx.Response:
        """A merge patch."""
        return self.call("PATCH", self.path(plural, name), body, MERGE, **query)

    def eventually(self, test: Callable[[], _Result], seconds: float = 10.0) -> _Result:
        """Wait for controllers: the first true value of `test`."""
        end = time.monotonic() + seconds
        while not (found := test()):
            assert time.monotonic() < end, "it never came true"
            time.sleep(0.02)
        return found


class LocalCluster:
    """A sandbox in this process whose cluster aks-weu answers on a port of its own."""

    def __init__(self, folder: Path) -> None:
        issued = issue(folder)
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        origin = f"https://localhost:{port}"
        endpoints = dict.fromkeys(SERVICES, "https://localhost:1") | {"kube-aks-weu": origin}
        self.url = origin
        self.ca = issued.ca
        self.sandbox = Sandbox(endpoints, issued)
        self.token = self._administrator()
        self._loop: asyncio.AbstractEventLoop | None = None
        application = Exchanges(self.sandbox, {port: "kube-aks-weu"})
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                ws="none",
                lifespan="off",
                log_level="warning",
                ssl_certfile=issued.server,
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)))
        self._thread.start()

    @property
    def cluster(self) -> Cluster:
        """The cluster itself; touch it only inside `run`."""
        return self.sandbox.world.clusters["aks-weu"]

    def run(self, act: Callable[[], _Result]) -> _Result:
        """Call this on the thread that serves."""
        while self._loop is None or not self._server.started:
            time.sleep(0.01)

        async def acting() -> _Result:
            return act()

        return asyncio.run_coroutine_threadsafe(acting(), self._loop).result(10)

    def stop(self) -> None:
        """End the server and wait for its thread."""
        self.run(lambda: None)
        self._server.should_exit = True
        self._thread.join(10)

    def _administrator(self) -> str:
        """The token of a ServiceAccount that may do everything."""
        cluster = self.cluster
        account = cluster.seed_service_account("kube-system", "test-admin")
        subjects = [service_account("kube-system", "test-admin")]
        cluster.seed_cluster_role_binding("test-admin", role="cluster-admin", subjects=subjects)
        audiences = [cluster.issuer.url]
        token, _ = service_account_tokens.mint(cluster, account, audiences=audiences, seconds=86400)
        return token

    async def _serve(self, listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve([listening])


def _verified() -> Target:
    """The cluster of KUBECONFIG. It is written to, so nobody gets here without saying so."""
    config.load_kube_config()  # type: ignore[no-untyped-call]
    told = client.Configuration.get_default_copy()
    trust = ssl.create_default_context(cafile=told.ssl_ca_cert)
    if told.cert_file:
        trust.load_cert_chain(told.cert_file, told.key_file)
    token = (told.api_key.get("authorization") or "").removeprefix("Bearer ")
    with httpx.Client(base_url=told.host, verify=trust) as http:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = http.get("/.well-known/openid-configuration", headers=headers)
    return Target(told.host, trust, token, answer.json()["issuer"])


@pytest.fixture(scope="session")
def local_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    running = LocalCluster(tmp_path_factory.mktemp("cluster"))
    running.run(lambda: None)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def any_cluster(request: pytest.FixtureRequest) -> Target:
    if os.environ.get("KUBE_VERIFIED") == "1":
        return _verified()
    local: LocalCluster = request.getfixturevalue("local_cluster")
    trust = ssl.create_default_context(cafile=local.ca)
    return Target(local.url, trust, local.token, local.cluster.issuer.url)


@pytest.fixture
def api(any_cluster: Target) -> Iterator[Api]:
    found = Api(any_cluster, f"test-{secrets.token_hex(4)}")
    try:
        body = {"metadata": {"name": found.namespace}}
        made = found.call("POST", "/api/v1/namespaces", body)
        assert made.status_code == 201, made.text
        default = found.path("serviceaccounts", "default")
        found.eventually(lambda: found.call("GET", default).is_success)
        yield found
        found.call("DELETE", f"/api/v1/namespaces/{found.namespace}")
    finally:
        found.http.close()


def deployment(name: str, **spec: Any) -> dict[str, Any]:
    """A Deployment of one pause container."""
    labels = {"app": name}
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            **spec,
        },
    }


def responder_headers(sandbox: RunningSandbox) -> dict[str, str]:
    """Firebreak's managed identity, as the cluster of a sandbox sees it."""
    environment = sandbox.environment
    answer = httpx.get(
        environment["IDENTITY_ENDPOINT"],
        params={"resource": _AKS, "api-version": "2019-08-01"},
        headers={"x-identity-header": environment["IDENTITY_HEADER"]},
    )
    return {"authorization": f"Bearer {answer.json()['access_token']}"}
