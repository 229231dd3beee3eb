"""Real clients on the sandbox's clusters: kubectl, and the official Python client with its models.

What it defends: what people type in a drill works, and every answer is what the API descriptions say.
"""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from tests.kubernetes_api import Api, LocalCluster, define, deployment

KUBECTL = shutil.which("kubectl")
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")


class Kubectl:
    """kubectl in the test's namespace."""

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._prefix = [str(KUBECTL), "--kubeconfig", str(kubeconfig), "-n", namespace]

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        """The output of a command that has to succeed."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run(self, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
        """A command that may fail."""
        return subprocess.run(
            [*self._prefix, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def kubectl(api: Api, local_cluster: LocalCluster, tmp_path: Path) -> Kubectl:
    authority = base64.b64encode(local_cluster.ca.read_bytes()).decode()
    described = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "c",
                "cluster": {
                    "server": local_cluster.url,
                    "certificate-authority-data": authority,
                },
            }
        ],
        "users": [{"name": "u", "user": {"token": local_cluster.token}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(described))
    return Kubectl(path, api.namespace)


@pytest.fixture
def python_client(api: Api, local_cluster: LocalCluster) -> Iterator[client.ApiClient]:
    told = client.Configuration()
    told.host = local_cluster.url
    told.ssl_ca_cert = str(local_cluster.ca)
    told.api_key = {"authorization": f"Bearer {local_cluster.token}"}
    with client.ApiClient(told) as connected:
        yield connected


def _manifest(**spec: Any) -> str:
    return json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", **deployment("web", **spec)})


@needs_kubectl
def test_kubectl_applies_restarts_and_scales(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=_manifest()) == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", stdin=_manifest()) == "deployment.apps/web unchanged\n"
    changed = kubectl("apply", "-f", "-", stdin=_manifest(replicas=2))
    assert changed == "deployment.apps/web configured\n"
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    kubectl("rollout", "restart", "deployment/web")
    assert "successfully rolled out" in kubectl(
        "rollout", "status", "deployment/web", "--timeout=30s"
    )
    assert "2" in kubectl("rollout", "history", "deployment/web")
    kubectl("scale", "deployment/web", "--replicas=0")
    kubectl("rollout", "status", "deployment/web", "--timeout=30s")
    assert "0/0" in kubectl("get", "deployments")


@needs_kubectl
def test_kubectl_applies_on_the_server_side_and_sees_conflicts(kubectl: Kubectl) -> None:
    manifest = _manifest(replicas=0)
    kubectl("apply", "--server-side", "-f", "-", stdin=manifest)
    kubectl("scale", "deployment/web", "--replicas=1")

    refused = kubectl.run("apply", "--server-side", "-f", "-", stdin=manifest)

    assert refused.returncode != 0
    assert ".spec.replicas" in refused.stderr
    kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=manifest)


@needs_kubectl
def test_kubectl_refuses_a_misspelt_field(kubectl: Kubectl) -> None:
    refused = kubectl.run("apply", "-f", "-", stdin=_manifest(replcas=2))

    assert refused.returncode != 0
    assert 'unknown field "spec.replcas"' in refused.stderr


@needs_kubectl
def test_kubectl_makes_accounts_tokens_and_bindings(kubectl: Kubectl) -> None:
    kubectl("create", "serviceaccount", "app")
    kubectl("annotate", "serviceaccount", "app", "azure.workload.identity/client-id=x")
    assert "azure.workload.identity/client-id: x" in kubectl("describe", "serviceaccount", "app")
    kubectl("annotate", "serviceaccount", "app", "azure.workload.identity/client-id-")
    assert kubectl("create", "token", "app", "--audience", "a").count(".") == 2
    kubectl("create", "role", "reader", "--verb=get", "--resource=pods")
    kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:app")
    assert "Role/reader" in kubectl("get", "rolebindings")
    assert kubectl("auth", "can-i", "delete", "pods") == "yes\n"
    denied = kubectl.run("auth", "can-i", "list", "secrets", "--as=nobody")
    assert denied.stdout == "no\n"
    assert "system:serviceaccount:kube-system:test-admin" in kubectl("auth", "whoami")


@needs_kubectl
def test_kubectl_shows_pods_and_their_logs(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=_manifest())
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=30s")

    table = kubectl("get", "pods", "-o", "wide").splitlines()
    assert table[0].split()[:5] == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert table[1].split()[1:3] == ["1/1", "Running"]
    assert kubectl("logs", "deployment/web") == "main started\n"
    described = kubectl("describe", "pods")
    assert "Scheduled" in described
    assert "kube-api-access" in described
    kubectl("delete", "deployment", "web", "--wait")


def test_the_python_client_accepts_every_object(api: Api, python_client: client.ApiClient) -> None:
    core: Any = client.CoreV1Api(python_client)
    apps: Any = client.AppsV1Api(python_client)
    api.create("deployments", deployment("web"))
    api.eventually(lambda: api.get("deployments", "web")["status"].get("availableReplicas"))

    (pod,) = core.list_namespaced_pod(api.namespace).items
    assert pod.status.phase == "Running"
    assert apps.read_namespaced_deployment("web", api.namespace).status.ready_replicas == 1
    assert apps.list_replica_set_for_all_namespaces().items
    assert apps.read_namespaced_deployment_scale("web", api.namespace).spec.replicas == 1
    for listed in (
        core.list_namespace(),
        core.list_node(),
        core.list_config_map_for_all_namespaces(),
        core.list_namespaced_event(api.namespace),
        core.list_service_account_for_all_namespaces(),
        client.RbacAuthorizationV1Api(python_client).list_cluster_role(),
        client.RbacAuthorizationV1Api(python_client).list_cluster_role_binding(),
    ):
        assert listed.items


def test_the_python_client_writes_without_content_type_or_kind(
    api: Api, python_client: client.ApiClient
) -> None:
    networking: Any = client.NetworkingV1Api(python_client)
    core: Any = client.CoreV1Api(python_client)
    policy = client.V1NetworkPolicy(
        metadata=client.V1ObjectMeta(name="quarantine"),
        spec=client.V1NetworkPolicySpec(
            pod_selector=client.V1LabelSelector(match_labels={"app": "web"}),
            policy_types=["Ingress", "Egress"],
        ),
    )

    made = networking.create_namespaced_network_policy(api.namespace, policy)
    assert made.spec.policy_types == ["Ingress", "Egress"]
    api.account("app")
    body = {"metadata": {"annotations": {"a": "1"}}}
    patched = core.patch_namespaced_service_account("app", api.namespace, body)
    assert patched.metadata.annotations == {"a": "1"}
    gone = networking.delete_namespaced_network_policy("quarantine", api.namespace)
    assert gone["status"] == "Success"
    with pytest.raises(client.exceptions.NotFoundException) as missing:
        networking.read_namespaced_network_policy("quarantine", api.namespace)
    assert "Audit-Id" in (missing.value.headers or {})


@needs_kubectl
def test_kubectl_execs_and_reads_the_token_that_is_mounted(api: Api, kubectl: Kubectl) -> None:
    container = {"name": "main", "image": "i", "env": [{"name": "COLOUR", "value": "blue"}]}
    api.create("pods", {"metadata": {"name": "p"}, "spec": {"containers": [container]}})
    api.eventually(lambda: api.get("pods", "p")["status"]["phase"] == "Running")

    path = "/var/run/secrets/kubernetes.io/serviceaccount/token"

    assert "COLOUR=blue\n" in kubectl("exec", "p", "--", "env")
    assert kubectl("exec", "p", "--", "cat", path).count(".") == 2
    assert kubectl("exec", "p", "--", "true") == ""
    wrong = kubectl.run("exec", "p", "-c", "other", "--", "env")
    assert wrong.returncode != 0


@needs_kubectl
def test_kubectl_evicts_drains_and_prints_what_it_finds(api: Api, kubectl: Kubectl) -> None:
    api.create("deployments", deployment("web"))
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    api.create("poddisruptionbudgets", {"metadata": {"name": "web"}, "spec": spec})
    api.eventually(
        lambda: api.get("poddisruptionbudgets", "web")["status"].get("currentHealthy") == 1
    )

    shown = kubectl("get", "pdb").splitlines()
    assert shown[0].split() == [
        "NAME",
        "MIN",
        "AVAILABLE",
        "MAX",
        "UNAVAILABLE",
        "ALLOWED",
        "DISRUPTIONS",
        "AGE",
    ]
    assert shown[1].split()[:4] == ["web", "1", "N/A", "0"]
    define(api, "secretproviderclasses")
    manifest = (
        "apiVersion: secrets-store.csi.x-k8s.io/v1\nkind: SecretProviderClass\n"
        "metadata: {name: vault}\nspec: {provider: azure, parameters: {clientID: old}}\n"
    )
    assert "created" in kubectl("apply", "-f", "-", stdin=manifest)
    changed = manifest.replace("old", "new")
    assert "configured" in kubectl("apply", "-f", "-", stdin=changed)
    assert "vault" in kubectl("get", "secretproviderclasses")
    assert kubectl("api-resources", "--api-group=policy").splitlines()[1].startswith("poddis")
