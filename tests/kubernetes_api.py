"""A cluster to test against: the sandbox's own, or the one of `make test-kubernetes KUBECONFIG=...`.

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
from sandbox.kubernetes import definitions, service_account_tokens
from sandbox.kubernetes.cluster import Cluster, service_account
from sandbox.sandbox import Sandbox
from sandbox.server import Protocol, services
from tests.sandbox_fixture import RunningSandbox

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"
_TOKENLESS = "automountServiceAccountToken"
_Result = TypeVar("_Result")
_AKS = "6dae42f8-4368-4678-94ff-3960e28e3630"  # the Entra application of every AKS API server
# Where an API server is too old for a group's v1.
_EARLIER = {"cronjobs": "apis/batch/v1beta1", "poddisruptionbudgets": "apis/policy/v1beta1"}
_GROUPS = {
    "cronjobs": "apis/batch/v1",
    "daemonsets": "apis/apps/v1",
    "deployments": "apis/apps/v1",
    "endpointslices": "apis/discovery.k8s.io/v1",
    "horizontalpodautoscalers": "apis/autoscaling/v2",
    "jobs": "apis/batch/v1",
    "networkpolicies": "apis/networking.k8s.io/v1",
    "poddisruptionbudgets": "apis/policy/v1",
    "replicasets": "apis/apps/v1",
    "rolebindings": "apis/rbac.authorization.k8s.io/v1",
    "roles": "apis/rbac.authorization.k8s.io/v1",
    "secretproviderclasses": "apis/secrets-store.csi.x-k8s.io/v1",
    "statefulsets": "apis/apps/v1",
    "triggerauthentications": "apis/keda.sh/v1alpha1",
}


@dataclass(frozen=True)
class Target:
    """An API server and an administrator's token."""

    url: str
    trust: ssl.SSLContext
    token: str
    issuer: str  # also the API server's own audience
    ca_pem: str


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
        parts = ["", self.base(plural), "namespaces", self.namespace, plural]
        return "/".join([*parts, *filter(None, (name, subresource))])

    def base(self, plural: str) -> str:
        """`apis/policy/v1`, or the version before where the server has no such one."""
        base = _GROUPS.get(plural, "api/v1")
        if plural in _EARLIER and not self.serves(base, plural):
            return _EARLIER[plural]
        return base

    def serves(self, base: str, plural: str) -> bool:
        """Whether discovery names the resource at this version."""
        found = self.call("GET", f"/{base}")
        listed = found.json().get("resources", []) if found.is_success else []
        return plural in {each["name"] for each in listed}

    @property
    def minor(self) -> int:
        """Of the server's version; 0 where a build of one's own does not say."""
        return int(self.call("GET", "/version").json()["minor"].rstrip("+") or 0)

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

    def eventually(self, test: Callable[[], _Result], seconds: float = 30.0) -> _Result:
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
        endpoints = dict.fromkeys(services(), "https://localhost:1") | {"kube-aks-weu": origin}
        self.url = origin
        self.ca = issued.ca
        self.sandbox = Sandbox(endpoints, issued)
        self.token = self._administrator()
        self._loop: asyncio.AbstractEventLoop | None = None
        application = Exchanges(self.sandbox, {port: "kube-aks-weu"})
        self._server = uvicorn.Server(
            uvicorn.Config(
                application,
                http=Protocol,
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


def _verified(kubeconfig: str) -> Target:
    """The cluster of this file. It is written to, so an environment's KUBECONFIG alone leads nobody here."""
    config.load_kube_config(kubeconfig)  # type: ignore[no-untyped-call]
    told = client.Configuration.get_default_copy()
    trust = ssl.create_default_context(cafile=told.ssl_ca_cert)
    if told.cert_file:
        trust.load_cert_chain(told.cert_file, told.key_file)
    given = told.api_key.get("BearerToken") or told.api_key.get("authorization") or ""
    token = given.removeprefix("Bearer ")
    with httpx.Client(base_url=told.host, verify=trust) as http:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = http.get("/.well-known/openid-configuration", headers=headers)
    ca_pem = Path(str(told.ssl_ca_cert)).read_text()
    return Target(told.host, trust, token, answer.json()["issuer"], ca_pem)


@pytest.fixture(scope="session")
def local_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    if "TEST_KUBECONFIG" in os.environ:
        pytest.skip("reaches into a cluster of the sandbox")
    running = LocalCluster(tmp_path_factory.mktemp("cluster"))
    running.run(lambda: None)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def any_cluster(request: pytest.FixtureRequest) -> Target:
    if "TEST_KUBECONFIG" in os.environ:
        return _verified(os.environ["TEST_KUBECONFIG"])
    local: LocalCluster = request.getfixturevalue("local_cluster")
    trust = ssl.create_default_context(cafile=local.ca)
    issuer = local.cluster.issuer.url
    return Target(local.url, trust, local.token, issuer, local.ca.read_text())


@pytest.fixture
def api(request: pytest.FixtureRequest, any_cluster: Target) -> Iterator[Api]:
    local: LocalCluster | None = None
    if "TEST_KUBECONFIG" not in os.environ:
        local = request.getfixturevalue("local_cluster")
    found = Api(any_cluster, f"test-{secrets.token_hex(4)}")
    try:
        body = {"metadata": {"name": found.namespace}}
        made = found.call("POST", "/api/v1/namespaces", body)
        assert made.status_code == 201, made.text
        _wait_for_default_account(found, local)
        yield found
        found.call("DELETE", f"/api/v1/namespaces/{found.namespace}")
    finally:
        found.http.close()
    if local:
        crashes, local.cluster.reactor.crashes = local.cluster.reactor.crashes, []
        assert not crashes, f"the sandbox's controllers broke down over {crashes}"


def _wait_for_default_account(api: Api, local: LocalCluster | None) -> None:
    """A namespace is complete when its controllers have been there; on a busy machine that takes seconds."""
    default = api.path("serviceaccounts", "default")
    try:
        api.eventually(lambda: api.call("GET", default).is_success)
    except AssertionError:
        answer = api.call("GET", default)
        seen = f"{default}: HTTP {answer.status_code} {answer.text}"
        if local:
            seen += f"; {local.cluster.reactor}"
        raise AssertionError(seen) from None


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
    environment = sandbox.as_operator()
    answer = httpx.get(
        environment["IDENTITY_ENDPOINT"],
        params={"resource": _AKS, "api-version": "2019-08-01"},
        headers={"x-identity-header": environment["IDENTITY_HEADER"]},
    )
    return {"authorization": f"Bearer {answer.json()['access_token']}"}


def since(api: Api, minor: int) -> None:
    """Skip where the API server is older than the behaviour, and say so."""
    if api.minor < minor:
        version = f"1.{api.minor}" if api.minor else "of a version that it does not tell"
        pytest.skip(f"{api.target.url} is Kubernetes {version}; this came with 1.{minor}")


def define(api: Api, plural: str) -> None:
    """Let the cluster serve a custom resource, unless it does so already."""
    definition = definitions.published(plural)
    group, version = definition["spec"]["group"], definition["spec"]["versions"][0]["name"]
    if api.call("GET", f"/apis/{group}/{version}/{plural}").is_success:
        return
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    made = api.call("POST", path, {**kind, **definition})
    assert made.status_code == 201, made.text
    one = f"{path}/{definition['metadata']['name']}"
    api.eventually(lambda: "Established" in _true_conditions(api.call("GET", one).json()))
    api.eventually(lambda: api.call("GET", f"/apis/{group}/{version}/{plural}").is_success)


def _true_conditions(value: dict[str, Any]) -> set[str]:
    conditions = value.get("status", {}).get("conditions", [])
    return {each["type"] for each in conditions if each["status"] == "True"}


def needs_kubelet(api: Api) -> None:
    """Skip on a bare API server, where no pod ever becomes ready by itself, and say so."""
    if not api.call("GET", "/api/v1/nodes").json()["items"]:
        pytest.skip(f"{api.target.url} has no node: no pod becomes ready there")


def ready_pod(api: Api, name: str, labels: dict[str, str], **more: Any) -> dict[str, Any]:
    """A pod that is Ready, by the node's word or, where there is no node, by ours."""
    container = {"name": "main", "image": "registry.k8s.io/pause:3.10"}
    # A pod without a token: an old API server would want one to be there already.
    spec = {"containers": [container], "nodeName": _any_node(api), _TOKENLESS: False, **more}
    api.create("pods", {"metadata": {"name": name, "labels": labels}, "spec": spec})
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-26T10:00:00Z"}]
    body = {"status": {"phase": "Running", "conditions": conditions}}
    answer = api.call("PATCH", api.path("pods", name, "status"), body, STRATEGIC)
    assert answer.is_success, answer.text
    return dict(answer.json())


def _any_node(api: Api) -> str:
    nodes = api.call("GET", "/api/v1/nodes").json()["items"]
    return str(nodes[0]["metadata"]["name"]) if nodes else "no-node"
