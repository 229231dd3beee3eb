"""What the control API promises to tests and drills: fresh worlds, time, trouble, and a clean record.

If a reset leaked, a fault struck twice or a record kept a secret, every other test would rest on sand.
"""

import json
import time

import httpx
import pytest

from sandbox.settings import CARD_WORKFLOW_ID, WORKFLOW_ID
from tests.sandbox_entra_calls import aadsts, ask_with_assertion
from tests.sandbox_fixture import RunningSandbox

AUDIENCE = "api://AzureADTokenExchange"


def _clock(sandbox: RunningSandbox) -> httpx.Response:
    return sandbox.http.get(f"{sandbox.endpoints['control']}/sandbox/clock")


def _discovery(sandbox: RunningSandbox) -> str:
    return f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/v2.0/.well-known/openid-configuration"


def test_a_reset_forgets_everything_but_keeps_ids_and_ports(sandbox: RunningSandbox) -> None:
    before = sandbox.control("GET", "state/applications")
    sandbox.control("POST", "clock", {"advance_seconds": 3600})
    sandbox.control("POST", "latency", {"*": 1})
    sandbox.control("POST", "faults", {"service": "login"})
    sandbox.http.post(sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"], json={"type": "message"})

    seeded = sandbox.control("POST", "reset")["seed"]

    assert seeded == sandbox.seed
    assert [each["id"] for each in sandbox.control("GET", "state/applications")] == [
        each["id"] for each in before
    ]
    assert sandbox.record() == []
    assert sandbox.control("GET", "faults") == {"faults": []}
    assert sandbox.control("GET", "state/failedTeamsRuns") == []


def test_a_reset_gives_every_cluster_back_what_it_was_seeded_with(sandbox: RunningSandbox) -> None:
    before = sandbox.control("GET", "state/clusters")
    extra = {"metadata": {"name": "extra", "namespace": "shop"}, "data": {"a": "b"}}
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": {"configmaps": [extra]}}})
    changed = sandbox.control("GET", "state/clusters")
    assert changed["aks-weu"]["configmaps"] != before["aks-weu"]["configmaps"]

    sandbox.control("POST", "reset")
    assert sandbox.control("GET", "state/clusters") == before


def test_the_clock_goes_forward_only(sandbox: RunningSandbox) -> None:
    before = _clock(sandbox).json()["now"]
    after = sandbox.control("POST", "clock", {"advance_seconds": 86_400})["now"]
    assert after[:10] > before[:10]

    url = f"{sandbox.endpoints['control']}/sandbox/clock"
    assert sandbox.http.post(url, json={"advance_seconds": -1}).status_code == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("clock", "soon"),
        ("clock", {"advance_second": 1}),
        ("delays", {"federations": 1}),
        ("delays", {"federation": "long"}),
        ("latency", {"nowhere": 1}),
        ("faults", {"kind": "explosion"}),
        ("faults", {"paths": "x"}),
        ("faults", {"path": "("}),
        ("sign-in", {"user": "dana"}),
        ("sign-in", {"user": "dana", "audience": "https://nowhere.example"}),
        ("foreign-issuer", {"url_path": "/"}),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_a_sentence(
    sandbox: RunningSandbox, path: str, body: object
) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/{path}", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_unknown_paths_and_methods_say_so(sandbox: RunningSandbox) -> None:
    control = sandbox.endpoints["control"]
    assert sandbox.http.get(f"{control}/sandbox/nothing").status_code == 404
    assert sandbox.http.delete(f"{control}/sandbox/clock").status_code == 405
    assert sandbox.http.get(f"{control}/sandbox/state/nothing").status_code == 404


def test_a_fault_strikes_as_often_as_it_says(sandbox: RunningSandbox) -> None:
    fault = {"service": "login", "path": "openid", "times": 2, "status": 429, "retry_after": 7}
    sandbox.control("POST", "faults", fault)

    answers = [sandbox.http.get(_discovery(sandbox)) for _ in range(3)]

    assert [each.status_code for each in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"


def test_a_reset_connection_is_no_answer(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "faults", {"service": "login", "kind": "reset"})

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.http.get(_discovery(sandbox))
    assert sandbox.http.get(_discovery(sandbox)).status_code == 200
    assert [line["status"] for line in sandbox.record()] == [None, 200]


def test_a_timeout_keeps_the_client_waiting(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "faults", {"service": "login", "kind": "timeout", "seconds": 2})

    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.get(_discovery(sandbox), timeout=0.2)


def test_a_fault_afterwards_lets_the_service_act_first(sandbox: RunningSandbox) -> None:
    message = {"type": "message", "attachments": [_card()]}
    sandbox.control("POST", "faults", {"service": "teams", "status": 502, "after": True})

    answer = sandbox.http.post(sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"], json=message)

    assert answer.status_code == 502
    assert sandbox.control("GET", "state/teams") == [message]


def test_latency_applies_to_the_named_service(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "latency", {"login": 150})

    began = time.perf_counter()
    sandbox.http.get(_discovery(sandbox))
    assert time.perf_counter() - began >= 0.15


def test_the_record_holds_the_exchange_without_its_secrets(sandbox: RunningSandbox) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_id": sandbox.seed["orders_api"]["app_id"],
        "client_secret": "hunter2-hunter2",
        "scope": "https://storage.azure.com/.default",
    }
    login = f"{sandbox.endpoints['login']}/{sandbox.tenant_id}/oauth2/v2.0/token"
    sandbox.http.post(login, data=form)
    identity = f"{sandbox.environment['IDENTITY_ENDPOINT']}?api-version=2019-08-01"
    headers = {"x-identity-header": sandbox.environment["IDENTITY_HEADER"]}
    token = sandbox.http.get(
        identity,
        params={"api-version": "2019-08-01", "resource": "https://storage.azure.com"},
        headers=headers,
    ).json()["access_token"]
    sandbox.http.get(
        sandbox.seed["storage"]["blob_url"],
        headers={"authorization": f"Bearer {token}", "x-ms-version": "2021-08-06"},
    )
    sandbox.http.post(sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"], json={})

    lines = sandbox.record()
    text = json.dumps(lines)
    assert [line["service"] for line in lines] == ["aad", "skip", "skip", "skip"]
    assert lines[0]["url"] == login
    assert lines[2]["caller"] == sandbox.seed["firebreak"]["object_id"]
    signature = sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"].partition("sig=")[2]
    for secret in ("hunter2", token, headers["x-identity-header"], signature):
        assert secret not in text


def test_what_was_under_way_at_a_reset_is_not_in_the_new_record(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "latency", {"login": 300})
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.get(_discovery(sandbox), timeout=0.1)
    sandbox.control("POST", "reset")
    time.sleep(0.5)
    assert sandbox.record() == []


def test_control_calls_are_no_traffic(sandbox: RunningSandbox) -> None:
    sandbox.control("GET", "state")
    sandbox.sign_in("dana", "https://graph.microsoft.com")
    assert sandbox.record() == []


def test_the_record_can_be_read_from_where_one_left_off(sandbox: RunningSandbox) -> None:
    for _ in range(3):
        sandbox.http.get(_discovery(sandbox))
    url = f"{sandbox.endpoints['control']}/sandbox/record"
    assert len(sandbox.http.get(url, params={"since": 2}).text.splitlines()) == 1


def test_the_state_shows_what_is_seeded(sandbox: RunningSandbox) -> None:
    state = sandbox.control("GET", "state")

    assert {each["displayName"] for each in state["applications"]} == {
        "orders-api",
        "billing-api",
        "firebreak-api",
        "incident-bot",
        "legacy-job",
    }
    assert len(state["federatedCredentials"]) == 5
    assert set(state["clusters"]) == {
        "aks-weu",
        "aks-neu",
        "aks-frc",
        "aks-sdc",
        "aks-uks",
    }
    accounts = sandbox.control("GET", "state/clusters/aks-weu/serviceaccounts")
    in_shop = {
        each["metadata"]["name"] for each in accounts if each["metadata"]["namespace"] == "shop"
    }
    assert in_shop >= {"orders-api", "orders-worker", "billing-api"}


def test_seeds_are_older_than_any_investigation(sandbox: RunningSandbox) -> None:
    for part in ("applications", "servicePrincipals"):
        for each in sandbox.control("GET", f"state/{part}"):
            assert each["createdDateTime"] < _clock(sandbox).json()["now"][:4] + "-07"


def test_a_foreign_issuer_is_no_clusters_issuer(sandbox: RunningSandbox) -> None:
    """An attacker gets his own keys, never a cluster's."""
    wish = {
        "issuer": sandbox.seed["clusters"]["aks-weu"]["issuer"],
        "subject": "system:serviceaccount:shop:orders-api",
        "audience": AUDIENCE,
    }
    url = f"{sandbox.endpoints['control']}/sandbox/foreign-issuer/token"
    assert sandbox.http.post(url, json=wish).status_code == 404


def test_cards_are_kept_and_bad_messages_fail_unseen(sandbox: RunningSandbox) -> None:
    """Power Automate accepts with 202 whatever it is sent."""
    webhook = sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"]
    good = {"type": "message", "attachments": [_card()]}
    bad = [{"type": "message"}, _card()["content"], good | {"padding": "x" * 28_000}]

    for message in [good, *bad]:
        answer = sandbox.http.post(webhook, json=message)
        assert (answer.status_code, answer.content) == (202, b"")

    assert sandbox.control("GET", "state/teams") == [good]
    assert len(sandbox.control("GET", "state/failedTeamsRuns")) == len(bad)


def test_the_other_flow_takes_the_card_itself_and_nothing_else(sandbox: RunningSandbox) -> None:
    webhook = sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"]
    other = webhook.replace(WORKFLOW_ID, CARD_WORKFLOW_ID)
    card = _card()["content"]

    for message in (card, {"type": "message", "attachments": [_card()]}):
        assert sandbox.http.post(other, json=message).status_code == 202

    assert sandbox.control("GET", "state/teams") == [card]
    (failed,) = sandbox.control("GET", "state/failedTeamsRuns")
    assert "must be 'AdaptiveCard'" in failed["reason"]


def test_more_cards_in_a_second_than_the_channel_takes_are_throttled(
    sandbox: RunningSandbox,
) -> None:
    webhook = sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"]
    sandbox.control("POST", "limits", {"teams_messages": 1})
    message = {"type": "message", "attachments": [_card()]}

    answers = [sandbox.http.post(webhook, json=message) for _ in range(2)]

    assert [one.status_code for one in answers] == [202, 429]
    assert answers[1].headers["Retry-After"] == "1"
    assert sandbox.control("GET", "state/teams") == [message]


def test_a_webhook_url_without_its_signature_opens_nothing(sandbox: RunningSandbox) -> None:
    webhook = sandbox.environment["FIREBREAK_TEAMS_WEBHOOK_URL"]
    message = {"type": "message", "attachments": [_card()]}

    wrong = sandbox.http.post(webhook[:-1] + "x", json=message)
    elsewhere = sandbox.http.post(webhook.replace("/workflows/", "/workflows/0"), json=message)

    assert (wrong.status_code, elsewhere.status_code) == (401, 404)
    assert sandbox.control("GET", "state/teams") == []


def _card() -> dict[str, object]:
    return {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {"type": "AdaptiveCard", "version": "1.4", "body": []},
    }


def test_faults_can_be_cleared_without_touching_latency(sandbox: RunningSandbox) -> None:
    sandbox.control("POST", "latency", {"login": 100})
    sandbox.control("POST", "faults", {"service": "login", "times": 100})
    sandbox.control("DELETE", "faults")

    began = time.perf_counter()
    assert sandbox.http.get(_discovery(sandbox)).status_code == 200
    assert time.perf_counter() - began >= 0.1


def test_a_workload_reads_its_blob_with_the_identity_of_its_pod(sandbox: RunningSandbox) -> None:
    """Kubernetes token, federation, access token, RBAC: the whole chain over real HTTPS."""
    pods = sandbox.control("GET", "state/clusters/aks-weu/pods")
    pod = next(
        each["metadata"]["name"]
        for each in pods
        if each["metadata"]["name"].startswith("orders-api-")
    )
    wish = {"url": sandbox.seed["storage"]["blob_url"], "resource": "https://storage.azure.com"}

    answer = sandbox.control("POST", f"nodes/aks-weu/pods/shop/{pod}/run", wish)

    assert (answer["token_status"], answer["aadsts"], answer["status"]) == (200, None, 200)
    assert answer["body"].startswith("customer,name,card")


def test_a_token_stolen_from_a_pod_opens_the_identity_anywhere(sandbox: RunningSandbox) -> None:
    """Entra sees the signature and the claims, not where the token is used."""
    wish = {"namespace": "shop", "service_account": "orders-api"}
    token = sandbox.control("POST", "nodes/aks-neu/steal-token", wish)["token"]
    assert aadsts(ask_with_assertion(sandbox, token)) == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nodes/nowhere/steal-token", {"namespace": "shop", "service_account": "x"}, 404),
        ("nodes/aks-weu/steal-token", {"namespace": "shop", "service_account": "x"}, 409),
        ("nodes/aks-weu/pods/shop/x/run", {"url": "https://localhost", "resource": "r"}, 409),
        ("nodes/aks-weu/pods/shop/x/run", {"resource": "r"}, 400),
    ],
)
def test_a_pod_that_does_not_run_gives_nothing(
    sandbox: RunningSandbox, path: str, body: object, status: int
) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/{path}", json=body)
    assert answer.status_code == status


def test_more_world_can_be_seeded_and_acts_like_the_rest(sandbox: RunningSandbox) -> None:
    sandbox.no_delays()
    made = sandbox.control("POST", "seed", {"applications": [{"displayName": "reports"}]})
    ids = made["applications"][0]
    issuer = sandbox.seed["clusters"]["aks-neu"]["issuer"]
    subject = "system:serviceaccount:shop:reports"
    account = {"metadata": {"name": "reports", "namespace": "shop"}}
    scope = sandbox.seed["storage"]["account_id"]
    sandbox.control(
        "POST",
        "seed",
        {
            "days_ago": 400,
            "federatedCredentials": [
                {
                    "applicationId": ids["application_object_id"],
                    "name": "reports",
                    "issuer": issuer,
                    "subject": subject,
                }
            ],
            "roleAssignments": [
                {
                    "scope": scope,
                    "role": "Storage Blob Data Reader",
                    "principalId": ids["object_id"],
                }
            ],
            "clusters": {"aks-neu": {"serviceaccounts": [account]}},
        },
    )

    state = sandbox.control("GET", "state")
    assert any(one["appId"] == ids["app_id"] for one in state["servicePrincipals"])
    assert any(one["subject"] == subject for one in state["federatedCredentials"])
    (grant,) = [
        one
        for one in state["roleAssignments"]
        if one["properties"]["principalId"] == ids["object_id"]
    ]
    assert grant["properties"]["createdOn"] < "2026-01-01"
    names = [one["metadata"]["name"] for one in state["clusters"]["aks-neu"]["serviceaccounts"]]
    assert "reports" in names


def test_a_cluster_can_stand_as_another_and_then_goes_its_own_way(sandbox: RunningSandbox) -> None:
    account = {"metadata": {"namespace": "shop", "name": "reports"}}
    sandbox.control("POST", "seed", {"clusters": {"aks-weu": {"serviceaccounts": [account]}}})
    sandbox.control("POST", "seed", {"clusters": {"aks-neu": "aks-weu"}})
    account["metadata"]["name"] = "later"
    sandbox.control("POST", "seed", {"clusters": {"aks-neu": {"serviceaccounts": [account]}}})

    held = {
        name: {one["metadata"]["name"] for one in cluster["serviceaccounts"]}
        for name, cluster in sandbox.control("GET", "state")["clusters"].items()
    }
    assert "reports" in held["aks-weu"] & held["aks-neu"]
    assert held["aks-neu"] - held["aks-weu"] == {"later"}


def test_every_cluster_has_the_pace_that_is_asked_for(sandbox: RunningSandbox) -> None:
    paces = sandbox.control("POST", "pace", {"pod_ready": 0, "pod_stop": 0})

    assert {one["pod_ready"] for one in paces.values()} == {0}
    assert len(paces) == len(sandbox.seed["clusters"])
    url = f"{sandbox.endpoints['control']}/sandbox/pace"
    assert sandbox.http.post(url, json={"pod_redy": 0}).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {"aplications": []},
        {"applications": {}},
        {"applications": [{}]},
        {"applications": [{"displayName": "x", "sercet": 1}]},
        {"federatedCredentials": [{"applicationId": "x", "name": "n"}]},
        {"roleAssignments": [{"scope": "/", "role": "Reader", "principalId": "x"}]},
        {"clusters": {"aks-xyz": {}}},
        {"clusters": {"aks-weu": "aks-xyz"}},
        {"clusters": {"aks-weu": {"unicorns": [{}]}}},
        {"clusters": {"aks-weu": {"serviceaccounts": [{"metadata": {}}]}}},
        {"days_ago": -1},
    ],
)
def test_a_seed_that_makes_no_sense_is_refused_by_name(
    sandbox: RunningSandbox, body: object
) -> None:
    answer = sandbox.http.post(f"{sandbox.endpoints['control']}/sandbox/seed", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_time_that_passes_at_once_passes_in_the_clusters_too(sandbox: RunningSandbox) -> None:
    sandbox.operator()
    described = sandbox.described
    token = sandbox.http.get(
        described["environment"]["IDENTITY_ENDPOINT"],
        params={"resource": "6dae42f8-4368-4678-94ff-3960e28e3630", "api-version": "2019-08-01"},
        headers={"X-IDENTITY-HEADER": described["identity_header"]},
    ).json()["access_token"]
    scale = "/apis/apps/v1/namespaces/shop/deployments/orders-api/scale"

    def scale_to(replicas: int) -> list[str]:
        answer = sandbox.http.patch(
            sandbox.endpoints["kube-aks-weu"] + scale,
            json={"spec": {"replicas": replicas}},
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/merge-patch+json",
            },
        )
        assert answer.status_code == 200, answer.text
        sandbox.control("POST", "clock", {"advance_seconds": 60})
        return [
            pod["status"]["phase"]
            for pod in sandbox.control("GET", "state/clusters/aks-weu/pods")
            if pod["metadata"]["labels"].get("app") == "orders-api"
        ]

    assert scale_to(0) == []
    assert scale_to(3) == ["Running"] * 3
