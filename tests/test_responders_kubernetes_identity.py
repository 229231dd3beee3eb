"""ServiceAccounts, their bindings, the token probe, preflight, and the way into a cluster.

What it defends: the new identity is never handed to a ServiceAccount that somebody else made, no
token leaves the probe, an API server is only spoken to over TLS with its own CA, and preflight asks
for exactly what the responders say that they need.
"""

import base64
import importlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast
from urllib.parse import parse_qs

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from permissions.joined import declared
from responders import bindings, clusters, inventories, preflight, service_accounts, token_exchange
from responders import kube as port
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, ResponderError, TransientError
from responders.model import ServiceAccountRef
from responders.quiet_permissions import ON_QUIET_DAYS
from tests import workload_acts
from tests.kubernetes_fake import FakeApi, Json, running

CORE = "/api/v1/namespaces/shop"
OLD = f"{CORE}/serviceaccounts/orders-api"
NEW = f"{CORE}/serviceaccounts/orders-api-r1"
OLD_ID = "abcdef00-0000-4000-8000-00000000000a"
NEW_ID = "11111111-1111-4111-8111-111111111111"
CLIENT_ID = "azure.workload.identity/client-id"
REF: ServiceAccountRef = {
    "cluster": "aks-test",
    "namespace": "shop",
    "name": "orders-api",
    "client_id": OLD_ID,
    "subject": "system:serviceaccount:shop:orders-api",
}
IN_CLUSTER = (
    "service_accounts",
    "workloads",
    "evictions",
    "argo_rollouts",
    "moves",
    "rollouts",
    "quarantines",
    "consumer_moves",
    "pod_captures",
    "bindings",
    "inventories",
    "token_exchange",
    "preflight",
)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(port, "_WAITS_S", (0.0,))
    with running() as fake:
        yield fake


def _account(api: FakeApi, path: str = OLD, client_id: str = OLD_ID, **annotations: str) -> Json:
    return api.put(path, metadata={"annotations": {CLIENT_ID: client_id, **annotations}})


def _annotations(api: FakeApi, path: str) -> Json:
    return cast(Json, api.objects[path]["metadata"]["annotations"])


# ServiceAccounts


async def test_accounts_are_found_in_every_namespace_by_their_client_id(api: FakeApi) -> None:
    _account(api, client_id=f" {OLD_ID.upper()} ")
    _account(api, "/api/v1/namespaces/back-office/serviceaccounts/reports")
    _account(api, f"{CORE}/serviceaccounts/other", NEW_ID)
    api.put(f"{CORE}/serviceaccounts/default")

    found = service_accounts.find(await inventories.read(api.kube(), OLD_ID))

    assert [one["subject"] for one in found] == [
        "system:serviceaccount:back-office:reports",
        "system:serviceaccount:shop:orders-api",
    ]


async def _ensure(api: FakeApi) -> tuple[str, str]:
    result = await workload_acts.ensure_successor(api.kube(), REF, "orders-api-r1", NEW_ID, "inc-1")
    return result["status"], result["detail"]


async def test_a_successor_has_what_pods_need_and_no_mark_of_another_owner(api: FakeApi) -> None:
    api.put(
        OLD,
        metadata={
            "labels": {"team": "orders", "app.kubernetes.io/instance": "shop"},
            "annotations": {
                CLIENT_ID: OLD_ID,
                "azure.workload.identity/tenant-id": "t",
                "argocd.argoproj.io/tracking-id": "shop:/ServiceAccount:shop/orders-api",
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "firebreak.dev/retired-by": "inc-0",
            },
        },
        imagePullSecrets=[{"name": "registry"}],
        automountServiceAccountToken=False,
        secrets=[{"name": "a-token-that-never-expires"}],
    )

    assert (await _ensure(api))[0] == "done"

    made = api.objects[NEW]
    assert made["metadata"]["labels"] == {"team": "orders"}
    assert made["metadata"]["annotations"] == {
        CLIENT_ID: NEW_ID,
        "azure.workload.identity/tenant-id": "t",
        "firebreak.dev/incident": "inc-1",
        "firebreak.dev/replaces": "orders-api",
    }
    assert made["imagePullSecrets"] == [{"name": "registry"}]
    assert made["automountServiceAccountToken"] is False
    assert "secrets" not in made


async def test_a_second_run_adopts_what_the_first_made(api: FakeApi) -> None:
    _account(api)
    await _ensure(api)

    assert (await _ensure(api))[0] == "nothing_to_do"


async def test_an_account_of_this_incident_with_an_old_id_is_corrected(api: FakeApi) -> None:
    _account(api)
    _account(api, NEW, "an-earlier-try", **{"firebreak.dev/incident": "inc-1"})

    assert (await _ensure(api))[0] == "done"
    assert _annotations(api, NEW)[CLIENT_ID] == NEW_ID


async def test_an_account_that_somebody_else_made_does_not_get_the_new_identity(
    api: FakeApi,
) -> None:
    _account(api)
    _account(api, NEW, "anything")

    status, detail = await _ensure(api)

    assert status == "refused"
    assert "shop/orders-api-r1 exists and is not of incident inc-1" in detail
    assert _annotations(api, NEW)[CLIENT_ID] == "anything"


async def test_recovery_goes_on_where_the_old_account_was_deleted(api: FakeApi) -> None:
    assert (await _ensure(api))[0] == "done"
    assert _annotations(api, NEW)[CLIENT_ID] == NEW_ID


async def _retire(api: FakeApi) -> tuple[str, str]:
    result = await workload_acts.retire(api.kube(), REF, "orders-api-r1", "inc-1")
    return result["status"], result["detail"]


async def test_a_retired_account_names_no_client_id_and_its_successor(api: FakeApi) -> None:
    _account(api, theirs="kept")

    assert (await _retire(api))[0] == "done"
    assert (await _retire(api))[0] == "nothing_to_do"

    assert _annotations(api, OLD) == {
        "theirs": "kept",
        "firebreak.dev/incident": "inc-1",
        "firebreak.dev/previous-client-id": OLD_ID,
        "firebreak.dev/retired-by": "inc-1",
        "firebreak.dev/replaced-by": "orders-api-r1",
    }
    assert len(api.writes()) == 1


async def test_an_account_that_was_given_another_id_since_is_left_to_a_person(
    api: FakeApi,
) -> None:
    _account(api, client_id="somebody-s-own-fix")

    status, detail = await _retire(api)

    assert status == "refused"
    assert "somebody-s-own-fix" in detail
    assert api.writes() == []


async def test_an_account_that_is_gone_needs_no_retirement(api: FakeApi) -> None:
    assert (await _retire(api))[0] == "nothing_to_do"


# Bindings


async def test_every_way_to_name_an_account_is_reported(api: FakeApi) -> None:
    group = "/apis/rbac.authorization.k8s.io/v1"
    account = {"kind": "ServiceAccount", "name": "orders-api", "namespace": "shop"}
    subjects: dict[str, Json] = {
        "a": account,
        "b": {"kind": "Group", "name": "system:serviceaccounts:shop"},
        "c": {"kind": "User", "name": "system:serviceaccount:shop:orders-api"},
        "d": {**account, "namespace": "elsewhere"},
        "e": {"kind": "Group", "name": "system:serviceaccounts:elsewhere"},
        "f": {"kind": "User", "name": "orders-api"},
    }
    for name, subject in subjects.items():
        role = {"kind": "Role", "name": "r"}
        path = f"{group}/namespaces/other/rolebindings/{name}"
        api.put(path, subjects=[{"kind": "User", "name": "x"}, subject], roleRef=role)
    api.objects[f"{group}/clusterrolebindings"] = {
        "metadata": {},
        "items": [
            {"metadata": {"name": "all"}, "subjects": None, "roleRef": {}},
            {
                "metadata": {"name": "wide"},
                "subjects": [{"kind": "Group", "name": "system:serviceaccounts"}],
                "roleRef": {"kind": "ClusterRole", "name": "admin"},
            },
        ],
    }

    found = bindings.find(await inventories.read(api.kube(), OLD_ID), REF)

    assert [(one["name"], one["via"]) for one in found] == [
        ("wide", "group system:serviceaccounts"),
        ("a", "itself"),
        ("b", "group system:serviceaccounts:shop"),
        ("c", "its user name"),
    ]
    assert found[0]["role"] == "ClusterRole/admin"
    assert found[1]["namespace"] == "other"


# Token probe


def _cloud(answer: httpx.Response | Exception, asked: list[httpx.Request]) -> Cloud:
    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    endpoints = SimpleNamespace(
        login="https://login",
        arm_scope="https://arm/.default",
        token_audience="api://AzureADTokenExchange",
    )
    return cast(Cloud, SimpleNamespace(http=http, endpoints=endpoints, tenant_id="tenant-1"))


async def _probe(api: FakeApi, answer: httpx.Response | Exception) -> tuple[Json, httpx.Request]:
    asked: list[httpx.Request] = []
    api.say(201, {"status": {"token": "the-service-account-jwt"}})
    cloud = _cloud(answer, asked)
    verdict = await token_exchange.probe(cloud, api.kube(), "shop", "orders-api", NEW_ID)
    return dict(verdict), asked[0]


async def test_a_yes_of_the_token_endpoint_is_a_verdict_without_the_token(api: FakeApi) -> None:
    verdict, asked = await _probe(api, httpx.Response(200, json={"access_token": "SECRET"}))

    assert verdict == {
        "accepted": True,
        "error_code": None,
        "error": None,
        "correlation_id": None,
    }
    assert str(asked.url) == "https://login/tenant-1/oauth2/v2.0/token"
    form = parse_qs(asked.content.decode())
    assert form["client_assertion"] == ["the-service-account-jwt"]
    assert form["client_id"] == [NEW_ID]
    assert form["scope"] == ["https://arm/.default"]
    (request,) = api.writes()
    assert request.path == f"{OLD}/token"
    assert request.body["spec"] == {
        "audiences": ["api://AzureADTokenExchange"],
        "expirationSeconds": 600,
    }


async def test_a_no_of_the_token_endpoint_is_a_verdict_with_its_number(api: FakeApi) -> None:
    body = {"error": "invalid_client", "error_codes": [7000112], "correlation_id": "c-1"}

    verdict, _ = await _probe(api, httpx.Response(401, json=body))

    assert verdict == {
        "accepted": False,
        "error_code": 7000112,
        "error": "invalid_client",
        "correlation_id": "c-1",
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(429), TransientError),
        (httpx.Response(503), TransientError),
        (
            httpx.Response(400, json={"error": "temporarily_unavailable", "error_codes": [90033]}),
            TransientError,
        ),
        (httpx.ConnectError("refused"), TransientError),
        (httpx.Response(200, text="<html>"), ContractChangedError),
        (httpx.Response(400, json={"error": "invalid_request"}), ContractChangedError),
        (httpx.Response(302, json={"access_token": "SECRET"}), ContractChangedError),
    ],
)
async def test_what_is_neither_yes_nor_no_is_never_taken_for_a_refusal(
    api: FakeApi, answer: httpx.Response | Exception, error: type[ResponderError]
) -> None:
    with pytest.raises(error) as raised:
        await _probe(api, answer)

    assert "SECRET" not in str(raised.value)
    assert "the-service-account-jwt" not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


async def test_a_token_request_without_a_token_does_not_show_what_it_had(api: FakeApi) -> None:
    api.say(201, {"status": {"jwt": "SECRET"}})

    with pytest.raises(ContractChangedError) as raised:
        await token_exchange.probe(
            _cloud(httpx.Response(200), []), api.kube(), "shop", "orders-api", NEW_ID
        )

    assert "SECRET" not in str(raised.value)


# Preflight


_REGISTERED = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/azure-wi"
_BUNDLE = "Y2E="


def _webhook(
    api: FakeApi, *, ready: int, namespace: str = "kube-system", bundle: str = _BUNDLE
) -> None:
    service = {"namespace": namespace, "name": "azure-wi-webhook"}
    way = {"service": service, "caBundle": bundle}
    ours = {"name": "mutation.azure-workload-identity.io", "clientConfig": way}
    other = {"name": "of.somebody.else", "clientConfig": {"url": "https://x"}}
    api.put(_REGISTERED, webhooks=[other, ours])
    path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices/azure-wi-webhook-x"
    api.put(path, endpoints=[{"conditions": {"ready": number < ready}} for number in range(2)])


@pytest.mark.parametrize("namespace", ["kube-system", "azure-workload-identity-system"])
async def test_preflight_passes_with_every_verb_and_a_webhook_that_serves(
    api: FakeApi, namespace: str
) -> None:
    _webhook(api, ready=1, namespace=namespace)

    assert (await preflight.check(api.kube()))["status"] == "done"
    asked = {one.path: one.query.get("labelSelector") for one in api.seen if one.method == "GET"}
    slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
    assert asked[slices] == "kubernetes.io/service-name=azure-wi-webhook"


async def test_preflight_refuses_where_nobody_told_the_api_server_of_the_webhook(
    api: FakeApi,
) -> None:
    _webhook(api, ready=1)
    del api.objects[_REGISTERED]

    result = await preflight.check(api.kube())

    assert result["status"] == "refused"
    assert "pods would start without an identity" in result["detail"]


async def test_preflight_refuses_a_webhook_that_the_api_server_would_not_believe(
    api: FakeApi,
) -> None:
    _webhook(api, ready=2, bundle="")

    result = await preflight.check(api.kube())

    assert result["status"] == "refused"
    assert "without a CA bundle" in result["detail"]


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("plural", ["mutatingwebhookconfigurations", "endpointslices"])
async def test_a_webhook_that_can_not_be_asked_about_is_not_taken_for_one_that_serves(
    api: FakeApi, plural: str, status: int
) -> None:
    _webhook(api, ready=1)
    api.refused = {plural: status}

    result = await preflight.check(api.kube())

    assert result["status"] == "refused"
    assert "is not known" in result["detail"]


async def test_an_endpoint_that_says_nothing_of_itself_counts_as_ready(api: FakeApi) -> None:
    _webhook(api, ready=0)
    path = "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/azure-wi-webhook-y"
    api.put(path, endpoints=[{"addresses": ["10.0.0.1"]}])

    assert (await preflight.check(api.kube()))["status"] == "done"


async def test_preflight_names_every_missing_verb_and_how_to_grant_it(api: FakeApi) -> None:
    _webhook(api, ready=1)
    api.denied = {"create serviceaccounts/token", "patch deployments.apps"}

    result = await preflight.check(api.kube())

    assert result["status"] == "refused"
    assert [one["missing"] for one in result["items"]] == sorted(api.denied)
    assert "--verb=patch --resource=deployments.apps" in result["detail"]


async def test_preflight_refuses_while_the_webhook_is_down(api: FakeApi) -> None:
    _webhook(api, ready=0)

    result = await preflight.check(api.kube())

    assert result["status"] == "refused"
    assert "webhook is not ready" in result["detail"]


_EVERYTHING = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


async def test_rights_that_are_listed_for_the_namespaces_are_not_asked_for_one_by_one(
    api: FakeApi,
) -> None:
    _webhook(api, ready=1)
    api.rules = [_EVERYTHING]
    result = await preflight.check(api.kube(), ["shop", "back-office"])

    assert result["status"] == "done"
    asked = Counter(one.path.rpartition("/")[2] for one in api.writes())
    assert asked["selfsubjectrulesreviews"] == 2
    everywhere = [one for one in preflight.NEEDED if one.startswith("cluster")]
    assert asked["selfsubjectaccessreviews"] == len(everywhere)


@pytest.mark.parametrize(
    "rule",
    [
        {**_EVERYTHING, "resourceNames": ["orders-api"]},
        {**_EVERYTHING, "verbs": ["get"]},
        {**_EVERYTHING, "apiGroups": ["batch"]},
        {**_EVERYTHING, "resources": ["deployments", "deployments/scale"]},
    ],
)
async def test_a_rule_that_gives_less_is_no_right(api: FakeApi, rule: Json) -> None:
    _webhook(api, ready=1)
    api.rules = [rule]
    api.denied = {"create serviceaccounts/token"}

    result = await preflight.check(api.kube(), ["shop"])

    assert [one["missing"] for one in result["items"]] == ["create serviceaccounts/token"]


async def test_a_right_on_every_subresource_is_one_on_tokens(api: FakeApi) -> None:
    _webhook(api, ready=1)
    api.rules = [{"apiGroups": [""], "resources": ["*/token"], "verbs": ["create"]}]
    api.denied = {"create serviceaccounts/token"}

    assert (await preflight.check(api.kube(), ["shop"]))["status"] == "done"


def test_preflight_knows_what_the_responders_need_and_want() -> None:
    needed: dict[str, set[str]] = {}
    for needs in declared().values():
        for one in needs.cluster:
            needed.setdefault(one.resource, set()).update(one.verbs)
    asked: dict[str, set[str]] = {}
    for listed in (preflight.NEEDED, preflight.WANTED, preflight.IF_SUSPENDED, ON_QUIET_DAYS):
        for resource, verbs in listed.items():
            asked.setdefault(resource, set()).update(verbs)

    assert asked == needed


@pytest.mark.parametrize("name", [*IN_CLUSTER, "clusters"])
def test_every_responder_says_what_it_stops_leaves_undoes_and_needs(name: str) -> None:
    doc = importlib.import_module(f"responders.{name}").__doc__ or ""

    for heading in ("Stops", "Leaves", "Undo", "Needs", "Source"):
        assert re.search(rf"^{heading} +\S", doc, re.MULTILINE), f"{name} has no {heading}"


# The way into a cluster


def _kubeconfig(server: object = "https://aks.example:443", **cluster: object) -> bytes:
    authority = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()
    entry = {"server": server, "certificate-authority-data": authority, **cluster}
    user = {"exec": {"command": "kubelogin", "args": ["get-token"]}}
    config = {
        "clusters": [{"name": "x", "cluster": entry}],
        "users": [{"name": "u", "user": user}],
    }
    content: bytes = yaml.safe_dump(config).encode()
    return content


def _arm(kubeconfigs: list[bytes], asked: list[tuple[str, ...]]) -> Cloud:
    class ManagedClusters:
        async def list_cluster_user_credentials(
            self,
            group: str,
            name: str,
            *,
            format: str,  # noqa: A002 (the SDK's name)
        ) -> object:
            asked.append((group, name, format))
            return SimpleNamespace(
                kubeconfigs=[SimpleNamespace(value=bytearray(one)) for one in kubeconfigs]
            )

    async def get_token(scope: str) -> str:
        return f"token for {scope}"

    def containers(subscription_id: str) -> object:
        asked.append((subscription_id,))
        return SimpleNamespace(managed_clusters=ManagedClusters())

    async def remembered(_what: str, ask: Callable[[], Awaitable[object]]) -> object:
        return await ask()

    return cast(
        Cloud,
        SimpleNamespace(containers=containers, get_token=get_token, remembered=remembered),
    )


async def _connect(*kubeconfigs: bytes, asked: list[tuple[str, ...]] | None = None) -> port.Kube:
    resource_id = (
        "/subscriptions/sub-1/resourcegroups/rg-platform/providers/"
        "Microsoft.ContainerService/managedClusters/aks-weu"
    )
    cloud = _arm(list(kubeconfigs), [] if asked is None else asked)
    return await clusters.connect(
        cloud,
        {"name": "aks-weu", "resource_id": resource_id, "location": "weu", "issuer_url": None},
    )


async def test_a_cluster_is_reached_with_our_entra_token_and_the_user_credential_s_ca() -> None:
    asked: list[tuple[str, ...]] = []

    kube = await _connect(_kubeconfig(), asked=asked)

    assert asked == [("sub-1",), ("rg-platform", "aks-weu", "exec")]
    assert kube.server == "https://aks.example:443"
    assert kube._ca_pem == "-----BEGIN CERTIFICATE-----"
    assert await kube._bearer() == "token for 6dae42f8-4368-4678-94ff-3960e28e3630/.default"


@pytest.mark.parametrize(
    "server", ["http://aks.example", "https://user:pw@aks.example", "https://", "aks.example"]
)
async def test_our_token_is_not_sent_where_the_connection_is_not_private(server: str) -> None:
    with pytest.raises(RefusedError, match="not https"):
        await _connect(_kubeconfig(server))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"clusters: []",
        _kubeconfig(**{"certificate-authority-data": "%%%"}),
        _kubeconfig(**{"certificate-authority-data": None}),
    ],
)
async def test_a_kubeconfig_that_is_not_one_is_a_changed_contract(content: bytes) -> None:
    with pytest.raises(ContractChangedError):
        await _connect(content)


async def test_nothing_in_a_kubeconfig_is_executed(tmp_path: Path) -> None:
    proof = tmp_path / "proof"

    with pytest.raises(ContractChangedError):
        await _connect(f"!!python/object/apply:os.mkdir ['{proof}']".encode())

    assert not proof.exists()


async def test_no_kubeconfig_is_a_changed_contract() -> None:
    with pytest.raises(ContractChangedError):
        await _connect()
