"""What ARM does to a whole cluster takes its time, and another's right: accepted is not done."""

from typing import Any

import httpx
import jwt
import pytest
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.containerservice.aio import ContainerServiceClient

from responders import cluster_features, clusters, preflight
from responders.cloud import Cloud
from tests.arm_caller import ArmCaller, as_firebreak, as_user
from tests.sandbox_entra_calls import aadsts, ask_with_assertion
from tests.sandbox_fixture import RunningSandbox

CLUSTERS = "2025-10-01"
BINDINGS = "2026-04-01"
IDENTITIES = "2024-11-30"
ROTATE = "rotateServiceAccountSigningKeys"
NO_SUCH_KEY = 7000272


@pytest.fixture
def arm(sandbox: RunningSandbox) -> ArmCaller:
    sandbox.no_delays()
    sandbox.control("POST", "delays", {"cluster_operations": 60})
    return as_firebreak(sandbox)


@pytest.fixture
def owner(arm: ArmCaller) -> ArmCaller:
    """The developer, as the owner of the whole subscription."""
    dana = arm.sandbox.seed["users"]["dana"]["object_id"]
    role = {"scope": arm.subscription, "role": "Owner", "principalId": dana}
    arm.sandbox.control("POST", "seed", {"roleAssignments": [role]})
    return as_user(arm.sandbox, "dana")


def cluster(arm: ArmCaller, name: str = "aks-weu") -> str:
    return str(arm.sandbox.seed["clusters"][name]["resource_id"])


def kids(sandbox: RunningSandbox, name: str = "aks-weu") -> list[str]:
    issuer = sandbox.seed["clusters"][name]["issuer"]
    return [key["kid"] for key in sandbox.http.get(f"{issuer}openid/v1/jwks").json()["keys"]]


def stolen_token(sandbox: RunningSandbox) -> str:
    account = {"namespace": "shop", "service_account": "orders-api"}
    return str(sandbox.control("POST", "nodes/aks-weu/steal-token", account)["token"])


def wait(sandbox: RunningSandbox, seconds: float = 61) -> None:
    sandbox.control("POST", "clock", {"advance_seconds": seconds})


def test_a_rotation_is_accepted_first_and_done_later(arm: ArmCaller) -> None:
    before = kids(arm.sandbox)

    accepted = arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)

    assert (accepted.status_code, accepted.content) == (202, b"")
    status, result = accepted.headers["azure-asyncoperation"], accepted.headers["location"]
    assert _get(arm, status).json()["status"] == "InProgress"
    assert (_get(arm, result).status_code, kids(arm.sandbox)) == (202, before)
    wait(arm.sandbox)
    ended = _get(arm, status).json()
    assert (ended["status"], ended["endTime"] > ended["startTime"]) == ("Succeeded", True)
    assert _get(arm, result).status_code == 204
    assert kids(arm.sandbox)[1:] == before


def test_a_stolen_token_outlives_the_first_rotation_and_not_the_second(arm: ArmCaller) -> None:
    token = stolen_token(arm.sandbox)
    for answer in (0, NO_SUCH_KEY):
        arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)
        wait(arm.sandbox)
        assert aadsts(ask_with_assertion(arm.sandbox, token)) == answer
    mounted = jwt.get_unverified_header(stolen_token(arm.sandbox))["kid"]
    assert mounted not in kids(arm.sandbox)  # which is why the pods have to be restarted


def test_an_old_key_is_gone_a_day_after_the_rotation(arm: ArmCaller) -> None:
    old = kids(arm.sandbox)
    arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)
    wait(arm.sandbox)
    new = kids(arm.sandbox)[0]
    wait(arm.sandbox, 23 * 60 * 60)
    assert kids(arm.sandbox) == [new, *old]
    wait(arm.sandbox, 60 * 60)
    assert kids(arm.sandbox) == [new]


def test_entra_believes_a_withdrawn_key_for_as_long_as_it_remembers_it(arm: ArmCaller) -> None:
    """How long that is in Azure is documented nowhere: who needs to know has to try."""
    arm.sandbox.control("POST", "delays", {"issuer_keys": 600})
    token = stolen_token(arm.sandbox)
    assert aadsts(ask_with_assertion(arm.sandbox, token)) == 0
    for _ in range(2):
        arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)
        wait(arm.sandbox)

    assert aadsts(ask_with_assertion(arm.sandbox, token)) == 0
    wait(arm.sandbox, 600)
    assert aadsts(ask_with_assertion(arm.sandbox, token)) == NO_SUCH_KEY


async def test_the_pinned_client_waits_until_a_rotation_is_over(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in sandbox.as_operator().items():
        monkeypatch.setenv(name, value)
    sandbox.no_delays()
    sandbox.control("POST", "delays", {"cluster_operations": 0.5})
    before = kids(sandbox)
    async with (
        ManagedIdentityCredential(connection_verify=sandbox.ca_bundle) as credential,
        ContainerServiceClient(
            credential,
            sandbox.described["subscription_id"],
            base_url=sandbox.endpoints["arm"],
            credential_scopes=["https://management.azure.com/.default"],
            connection_verify=sandbox.ca_bundle,
        ) as client,
    ):
        clusters = client.managed_clusters
        poller = await clusters.begin_rotate_service_account_signing_keys(
            "rg-platform", "aks-weu", polling_interval=0.2
        )
        assert kids(sandbox) == before
        await poller.result()

    assert kids(sandbox)[1:] == before


def test_a_cluster_takes_one_operation_at_a_time(arm: ArmCaller) -> None:
    assert arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS).status_code == 202

    again = arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)

    assert (again.status_code, again.json()["error"]["code"]) == (409, "OperationNotAllowed")
    busy = arm("GET", cluster(arm), version=CLUSTERS).json()["properties"]["provisioningState"]
    assert busy == "RotatingServiceAccountSigningKeys"
    assert arm("POST", f"{cluster(arm, 'aks-neu')}/{ROTATE}", version=CLUSTERS).status_code == 202
    wait(arm.sandbox)
    idle = arm("GET", cluster(arm), version=CLUSTERS).json()["properties"]["provisioningState"]
    assert idle == "Succeeded"
    assert arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS).status_code == 202


def test_an_operation_that_was_accepted_may_fail_and_be_tried_again(arm: ArmCaller) -> None:
    before = kids(arm.sandbox)
    arm.sandbox.control("POST", "cluster-operations", {"fail": ["aks-weu"]})
    accepted = arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)
    assert accepted.status_code == 202
    wait(arm.sandbox)

    ended = _get(arm, accepted.headers["azure-asyncoperation"]).json()

    assert (ended["status"], ended["error"]["code"]) == ("Failed", "InternalOperationError")
    assert _get(arm, accepted.headers["location"]).status_code == 500
    assert kids(arm.sandbox) == before
    shown = arm("GET", cluster(arm), version=CLUSTERS).json()["properties"]["provisioningState"]
    assert shown == "Failed"
    assert arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS).status_code == 202
    wait(arm.sandbox)
    assert kids(arm.sandbox)[1:] == before


def test_rotating_takes_a_right_of_its_own(arm: ArmCaller) -> None:
    stranger = as_user(arm.sandbox, "dana")
    assert stranger("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS).status_code == 403
    assert arm("POST", f"{cluster(arm)}/{ROTATE}", version="2001-01-01").status_code == 400
    absent = arm("POST", f"{cluster(arm)}-x/{ROTATE}", version=CLUSTERS)
    assert absent.status_code == 404
    events = arm.sandbox.control("GET", "state/activity")
    assert {
        each["operationName"]["value"].rpartition("/managedClusters/")[2] for each in events
    } == {f"{ROTATE}/action"}


def test_no_command_is_run_in_a_cluster_by_azure(arm: ArmCaller, owner: ArmCaller) -> None:
    body = {"command": "kubectl get secrets -A"}
    assert arm("POST", f"{cluster(arm)}/runCommand", version=CLUSTERS, json=body).status_code == 403
    refused = owner("POST", f"{cluster(arm)}/runCommand", version=CLUSTERS, json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "RunCommandDisabled")
    typo = owner("POST", f"{cluster(arm)}/runCommand", version=CLUSTERS, json={"comand": "x"})
    assert typo.json()["error"]["code"] == "InvalidRequestContent"


def test_an_identity_binding_brings_one_trust_for_all_clusters(
    arm: ArmCaller, owner: ArmCaller
) -> None:
    identity = arm.sandbox.seed["payments_identity"]
    body = {"properties": {"managedIdentity": {"resourceId": identity["resource_id"]}}}
    paths = [f"{cluster(arm, name)}/identityBindings/ib" for name in ("aks-weu", "aks-neu")]

    made = [owner("PUT", path, version=BINDINGS, json=body) for path in paths]

    assert [each.status_code for each in made] == [201, 201]
    assert owner("PUT", paths[0], version=BINDINGS, json=body).status_code == 200
    issuer = f"https://ib.oic.prod-aks.azure.com/{arm.sandbox.tenant_id}/{identity['app_id']}"
    properties = arm("GET", paths[0], version="2025-10-02-preview").json()["properties"]
    assert properties["oidcIssuer"] == {"oidcIssuerUrl": issuer}
    assert properties["managedIdentity"]["objectId"] == identity["object_id"]
    trusts = arm(
        "GET", f"{identity['resource_id']}/federatedIdentityCredentials", version=IDENTITIES
    )
    (own,) = [each for each in trusts.json()["value"] if each["name"] == "aks-identity-binding"]
    assert own["properties"]["issuer"] == issuer
    assert own["properties"]["audiences"] == ["api://AKSIdentityBinding"]


def test_the_trust_of_a_binding_stays_when_the_last_binding_goes(
    arm: ArmCaller, owner: ArmCaller
) -> None:
    identity = arm.sandbox.seed["payments_identity"]["resource_id"]
    path = f"{cluster(arm)}/identityBindings/ib"
    body = {"properties": {"managedIdentity": {"resourceId": identity}}}
    owner("PUT", path, version=BINDINGS, json=body)

    gone = owner("DELETE", path, version=BINDINGS)

    assert gone.status_code == 202
    assert arm("GET", path, version=BINDINGS).status_code == 200
    wait(arm.sandbox)
    assert arm("GET", path, version=BINDINGS).status_code == 404
    assert owner("DELETE", path, version=BINDINGS).status_code == 204
    listed = arm("GET", f"{cluster(arm)}/identityBindings", version=BINDINGS)
    assert listed.json() == {"value": []}
    trust = f"{identity}/federatedIdentityCredentials/aks-identity-binding"
    assert arm("GET", trust, version=IDENTITIES).status_code == 200


def test_a_binding_is_refused_to_who_may_not_write_trusts(arm: ArmCaller) -> None:
    dana = arm.sandbox.seed["users"]["dana"]["object_id"]
    role = "Azure Kubernetes Service Contributor Role"
    grant = {"scope": cluster(arm), "role": role, "principalId": dana}
    arm.sandbox.control("POST", "seed", {"roleAssignments": [grant]})
    identity = arm.sandbox.seed["payments_identity"]["resource_id"]
    body = {"properties": {"managedIdentity": {"resourceId": identity}}}

    refused = as_user(arm.sandbox, "dana")(
        "PUT", f"{cluster(arm)}/identityBindings/ib", version=BINDINGS, json=body
    )

    assert refused.status_code == 403
    assert "federatedIdentityCredentials/write" in refused.json()["error"]["message"]
    assert arm("GET", f"{cluster(arm)}/identityBindings", version="2024-05-01").status_code == 400


def test_a_binding_keeps_its_identity(arm: ArmCaller, owner: ArmCaller) -> None:
    path = f"{cluster(arm)}/identityBindings/ib"
    seeded = arm.sandbox.seed
    for identity, status in (
        (seeded["payments_identity"], 201),
        (seeded["kubelets"]["aks-weu"], 400),
    ):
        body = {"properties": {"managedIdentity": {"resourceId": identity["resource_id"]}}}
        assert owner("PUT", path, version=BINDINGS, json=body).status_code == status
    for wrong in ({}, {"managedIdentity": {"resourceId": cluster(arm)}}, {"colour": "red"}):
        answer = owner("PUT", path, version=BINDINGS, json={"properties": wrong})
        assert answer.status_code == 400, wrong


def test_a_cluster_says_how_it_is_reached_and_what_polices_its_network(arm: ArmCaller) -> None:
    shown = arm("GET", cluster(arm), version=CLUSTERS).json()["properties"]
    assert shown["apiServerAccessProfile"]["enablePrivateCluster"] is False
    assert shown["networkProfile"]["networkPolicy"] == "cilium"


def _get(arm: ArmCaller, url: str) -> httpx.Response:
    assert url.startswith(arm.sandbox.endpoints["arm"])
    path, _, query = url.removeprefix(arm.sandbox.endpoints["arm"]).partition("?")
    return arm("GET", path, version=query.removeprefix("api-version="))


def test_what_checkers_have_no_description_of_is_marked_in_the_record(arm: ArmCaller) -> None:
    accepted = arm("POST", f"{cluster(arm)}/{ROTATE}", version=CLUSTERS)
    _get(arm, accepted.headers["location"])
    arm("GET", f"{cluster(arm)}/identityBindings", version=BINDINGS)

    kinds = [line["service"] for line in arm.sandbox.record()[-3:]]
    assert kinds == ["arm", "skip", "skip"]


def _without_identity(arm: ArmCaller) -> dict[str, Any]:
    arm.sandbox.control("POST", "clusters/aks-weu", {"workload_identity": False})
    arm.sandbox.control("POST", "delays", {"cluster_operations": 0.2})
    found: dict[str, Any] = arm("GET", cluster(arm), version=CLUSTERS).json()
    assert found["properties"]["oidcIssuerProfile"] == {"enabled": False}
    return found


def _put(arm: ArmCaller, body: Any, **headers: str) -> httpx.Response:
    return arm("PUT", cluster(arm), version=CLUSTERS, json=body, headers=headers)


async def test_a_cluster_is_switched_on_by_the_product_and_the_webhook_comes_with_it(
    arm: ArmCaller, sandbox_cloud: Cloud
) -> None:
    _without_identity(arm)
    [ref] = [one for one in await clusters.list_all(sandbox_cloud) if one["name"] == "aks-weu"]
    kube = await clusters.connect(sandbox_cloud, ref)
    assert "--enable-oidc-issuer" in (await cluster_features.read(sandbox_cloud, ref))["command"]
    assert "no workload identity webhook" in await preflight.webhook_problem(kube)

    found = await cluster_features.enable(sandbox_cloud, ref)
    again = await cluster_features.enable(sandbox_cloud, ref)

    assert found == again
    assert found["issuer_url"] == arm.sandbox.seed["clusters"]["aks-weu"]["issuer"]
    assert await preflight.webhook_problem(kube) == ""


def test_a_cluster_that_changed_since_it_was_read_is_not_overwritten(arm: ArmCaller) -> None:
    found = _without_identity(arm)

    assert _put(arm, found, **{"If-Match": '"another"'}).status_code == 412
    assert _put(arm, found, **{"If-Match": found["eTag"]}).status_code == 200


def test_nothing_else_of_a_cluster_is_changed_and_the_issuer_stays(arm: ArmCaller) -> None:
    found = arm("GET", cluster(arm), version=CLUSTERS).json()
    other = {**found, "properties": {**found["properties"], "kubernetesVersion": "1.99.0"}}
    off = {**found, "properties": {**found["properties"], "oidcIssuerProfile": {"enabled": False}}}

    assert _put(arm, other).json()["error"]["code"] == "NotSimulated"
    assert _put(arm, off).json()["error"]["code"] == "OIDCIssuerFeatureCannotBeDisabled"
    assert _put(arm, {"location": "x"}).status_code == 400


def test_putting_a_cluster_takes_a_right_of_its_own(arm: ArmCaller) -> None:
    found = arm("GET", cluster(arm), version=CLUSTERS).json()

    assert (
        as_user(arm.sandbox, "vera")("PUT", cluster(arm), version=CLUSTERS, json=found).status_code
        == 403
    )
