"""Each check of troubleshooting against one break: what is named, by what evidence, with which exact command."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from playbooks.troubleshooting import judging
from playbooks.troubleshooting.model import Check, Facts
from playbooks.troubleshooting.parameters import TroubleshootWorkload
from responders.wired_pods import PodSeen
from tests.a_principal import APP_ID, APPLICATION, MANAGED, OBJECT
from tests.a_wired_workload import AUDIENCE, CLUSTER, ISSUER, STORAGE, SUBJECT, pod, sound, trust

OTHER = "00000000-0000-0000-0000-0000000000ff"
IDENTITY = (
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity"
    "/userAssignedIdentities/orders"
)
Break = Callable[[Any], None]


def broken(change: Break) -> Check:
    """The cause that is named after this change."""
    facts = sound()
    change(facts)
    found = judging.cause(judging.checked(facts))
    assert found is not None, "nothing was found"
    return found


def states(change: Break) -> dict[str, str]:
    """Every check's state after this change."""
    facts = sound()
    change(facts)
    return {one["check"]: one["state"] for one in judging.checked(facts)}


def trusts(*found: Any) -> Break:
    return lambda facts: facts["identity"].update(trusts=list(found))


def account(**said: Any) -> Break:
    return lambda facts: facts["wiring"]["account"].update(said)


def pods(*found: PodSeen) -> Break:
    return lambda facts: facts["wiring"].update(pods=list(found))


def variables(**said: Any) -> PodSeen:
    one = pod()
    one["containers"][0]["variables"].update(said)
    return one


def template(**said: Any) -> Break:
    return lambda facts: facts["wiring"]["templates"][0].update(said)


def refused(code: int) -> Break:
    verdict = {"accepted": False, "error_code": code, "error": "x", "correlation_id": "c"}
    return lambda facts: facts["exchange"].update(verdict=verdict)


def test_a_sound_workload_works_in_every_check() -> None:
    checks = judging.checked(sound())

    assert {one["state"] for one in checks} == {"ok"}
    assert judging.verdict(checks) == "works"


@pytest.mark.parametrize(
    ("change", "check", "fix"),
    [
        (lambda facts: facts["cluster"].update(issuer_url=None), "cluster", "--enable-oidc-issuer"),
        (
            lambda facts: facts.update(injects=False),
            "cluster",
            f"--ids {CLUSTER} --enable-workload",
        ),
        (
            lambda facts: facts.update(webhook="aks-weu: the webhook is not ready: kubectl get x"),
            "webhook",
            "rollout restart deployment/azure-wi-webhook-controller-manager",
        ),
        (lambda facts: facts.update(keys="not published: k1"), "issuer-keys", "az aks update"),
        (
            lambda facts: facts["wiring"].update(account=None),
            "service-account",
            "kubectl --context aks-weu -n shop create serviceaccount orders-api && kubectl",
        ),
        (account(client_id=None), "service-account", "client-id='<client id of the identity>'"),
        (account(client_id=f"{APP_ID} "), "service-account", f"client-id={APP_ID}"),
        (account(client_id="orders"), "service-account", "annotate --overwrite"),
        (account(tenant_id=OTHER), "service-account", "azure.workload.identity/tenant-id-"),
        (
            lambda facts: facts["identity"].update(principal=None, unresolved="x", meant=OTHER),
            "identity",
            f"client-id={OTHER}",
        ),
        (
            lambda facts: facts["identity"]["principal"].update(enabled=False),
            "identity",
            f"az ad sp update --id {OBJECT} --set accountEnabled=true",
        ),
        (
            lambda facts: facts["identity"].update(deactivated=True),
            "identity",
            f"v1.0/applications/{APPLICATION}",
        ),
        (template(use_label=None), "pod-label", "patch deployment orders-api --type merge -p"),
        (pods({**pod(), "use_label": None, "tokens": []}), "pod-label", "rollout restart"),
        (pods({**pod(), "tokens": []}), "token-volume", "rollout restart deployment/orders-api"),
        (template(named={"app": OTHER}), "environment", "-c app AZURE_CLIENT_ID-"),
        (pods(variables(AZURE_TENANT_ID=OTHER)), "environment", "rollout restart"),
        (pods(variables(AZURE_AUTHORITY_HOST="https://login.x.cn/")), "environment", "restart"),
        (pods(variables(AZURE_FEDERATED_TOKEN_FILE="/elsewhere")), "environment", "restart"),
        (pods(pod(client_id=OTHER)), "replica-age", "rollout restart deployment/orders-api"),
        (trusts(), "issuer", "az ad app federated-credential create"),
        (trusts(trust(issuer=ISSUER[:-1])), "issuer", "--federated-credential-id id-of-orders"),
        (trusts(trust(subject=f"{SUBJECT} ")), "subject", "federated-credential update"),
        (trusts(trust(subject=f"{SUBJECT}-v1")), "subject", "federated-credential create"),
        (trusts(trust(audience="api://AzureADTokenExchang")), "audience", AUDIENCE),
        (refused(7000112), "token-exchange", "see the check identity"),
        (
            lambda facts: facts["identity"].update(held=[]),
            "role-assignments",
            f"--assignee-object-id {OBJECT} --assignee-principal-type ServicePrincipal",
        ),
        (
            lambda facts: facts.update(resource="/subscriptions/x"),
            "role-assignments",
            "--scope /sub",
        ),
    ],
)
def test_each_break_is_named_as_the_cause_with_its_fix(change: Break, check: str, fix: str) -> None:
    found = broken(change)

    assert found["check"] == check
    assert fix in found["fix"]


def test_a_missing_last_slash_is_marked_where_it_is_missing() -> None:
    found = broken(trusts(trust(issuer=ISSUER[:-1])))

    assert found["evidence"][1].endswith("«»")
    assert f'at character {len(ISSUER)} (the end): "/" is missing' in found["evidence"][2]


def test_a_trust_of_another_workload_is_never_rewritten() -> None:
    other = trust("worker", subject="system:serviceaccount:shop:orders-app")

    found = broken(trusts(other))

    assert "federated-credential create" in found["fix"]
    assert "id-of-worker" not in found["fix"]


def test_the_trust_of_another_cluster_is_never_rewritten() -> None:
    found = broken(trusts(trust(issuer=ISSUER.replace("0b1c", "0b2c"))))

    assert (found["check"], "create" in found["fix"]) == ("issuer", True)


def test_a_name_that_is_taken_is_not_taken_again() -> None:
    taken = trust("aks-weu-shop-orders-api", subject="system:serviceaccount:bank:payments")

    found = broken(trusts(taken))

    assert '"name": "aks-weu-shop-orders-api-x"' in found["fix"]


def test_a_full_identity_is_told_to_let_one_go_first() -> None:
    full = [trust(f"t{n}", subject=f"system:serviceaccount:a:b{n}") for n in range(20)]

    assert broken(trusts(*full))["fix"].startswith("first delete one of its 20")


def test_a_managed_identity_is_mended_in_resource_manager() -> None:
    def change(facts: Any) -> None:
        facts["identity"]["principal"] = {**MANAGED, "resource_id": IDENTITY}
        trusts(trust(issuer=ISSUER[:-1]))(facts)

    assert broken(change)["fix"] == (
        "az identity federated-credential update --subscription s --resource-group rg --identity-name orders "
        f"--name orders --issuer {ISSUER} --subject {SUBJECT} --audiences {AUDIENCE}"
    )


def test_an_identity_that_an_incident_holds_is_not_enabled_by_hand() -> None:
    def change(facts: Any) -> None:
        facts["identity"]["principal"]["enabled"] = False
        facts["incident"] = "inc-1"

    found = broken(change)

    assert "accountEnabled" not in found["fix"]
    assert "inc-1" in found["fix"]


def test_a_label_on_the_service_account_is_told_to_do_nothing() -> None:
    def change(facts: Any) -> None:
        template(use_label=None)(facts)
        account(use_label="true")(facts)

    assert any("does nothing" in one for one in broken(change)["evidence"])


def test_pods_that_wire_themselves_need_neither_label_nor_annotation() -> None:
    def change(facts: Any) -> None:
        account(client_id=None)(facts)
        template(use_label=None, named={"app": APP_ID})(facts)
        pods({**pod(), "use_label": None})(facts)

    found = states(change)

    assert (found["pod-label"], found["service-account"], found["environment"]) == ("ok",) * 3


def test_a_secret_beside_the_token_hurts_less_than_what_keeps_tokens_away() -> None:
    def change(facts: Any) -> None:
        one = pod()
        one["containers"][0]["has_secret"] = True
        pods(one)(facts)
        trusts()(facts)

    found = broken(change)

    assert found["check"] == "issuer"
    assert (
        broken(lambda facts: facts["wiring"]["pods"][0]["containers"][0].update(has_secret=True))[
            "severity"
        ]
        == "medium"
    )


def test_pods_of_an_identity_binding_are_not_measured_by_the_clusters_issuer() -> None:
    def change(facts: Any) -> None:
        one = {**pod(), "binds": True}
        one["tokens"] = [{**pod()["tokens"][0], "audience": "api://AKSIdentityBinding"}]
        pods(one)(facts)  # type: ignore[arg-type]
        trusts(
            trust(
                issuer="https://ib.oic.prod-aks.azure.com/t/c", audience="api://AKSIdentityBinding"
            )
        )(facts)

    found = states(change)

    assert (found["issuer"], found["subject"], found["audience"], found["token-volume"]) == (
        "ok",
    ) * 4


@pytest.mark.parametrize(
    ("change", "check"),
    [
        (lambda facts: facts.update(webhook=None), "webhook"),
        (lambda facts: facts.update(keys=None), "issuer-keys"),
        (lambda facts: facts.update(injects=None), "cluster"),
        (lambda facts: facts["identity"].update(trusts=None), "issuer"),
        (lambda facts: facts["identity"].update(held=None), "role-assignments"),
        (lambda facts: facts["exchange"].update(verdict=None, why="off"), "token-exchange"),
        (lambda facts: facts.update(sign_ins=None), "errors"),
        (lambda facts: facts["wiring"].update(pods=[], templates=[]), "token-volume"),
        (trusts(trust(subject=None)), "subject"),
    ],
)
def test_what_could_not_be_read_is_neither_well_nor_broken(change: Break, check: str) -> None:
    found = states(change)

    assert found[check] == "unknown"
    assert "broken" not in found.values()


def test_what_could_not_be_read_keeps_a_workload_from_being_called_well() -> None:
    facts = sound()
    facts["unread"] = {"the webhook": "forbidden"}
    facts["webhook"] = None

    found = judging.judged([facts], [])

    assert found["data"]["workloads"][0]["verdict"] == "unknown"
    assert (found["status"], found["unread"]) == (
        "partly",
        ["aks-weu shop/orders-api: the webhook: forbidden"],
    )


@pytest.mark.parametrize(
    "code", [70021, 70025, 700211, 700212, 700213, 700016, 7000112, 90061, 7000272]
)
def test_a_code_of_the_log_is_over_once_a_token_is_issued(code: int) -> None:
    word = {"pod": "p", "container": "c", "code": code, "count": 3, "last": "2026-11-27T01:00:00Z"}

    assert states(lambda facts: facts["wiring"].update(words=[word]))["errors"] == "ok"


@pytest.mark.parametrize("code", [700024, 7000215, 7000222, 50027, 500011, 53003])
def test_a_code_that_another_token_does_not_refute_stays_broken(code: int) -> None:
    found = broken(lambda facts: facts.update(said=[code]))

    assert found["check"] == "errors"
    assert f"AADSTS{code}: " in found["found"]
    assert found["fix"]


def test_a_code_that_nobody_knows_is_still_named() -> None:
    def change(facts: Any) -> None:
        facts["said"] = [12345678]
        facts["exchange"] = {"verdict": None, "why": "off"}

    assert (
        "AADSTS12345678: see https://login.microsoftonline.com/error?code=12345678"
        in broken(change)["found"]
    )


def test_sign_ins_that_failed_before_the_last_that_worked_are_over() -> None:
    failed = {
        "code": 7000215,
        "count": 4,
        "last": "2026-11-27T01:00:00Z",
        "addresses": ["10.0.0.1"],
    }
    worked = {"code": 0, "count": 9, "last": "2026-11-27T02:00:00Z", "addresses": ["10.0.0.1"]}

    assert states(lambda facts: facts.update(sign_ins=[failed, worked]))["errors"] == "ok"
    assert states(lambda facts: facts.update(sign_ins=[failed]))["errors"] == "broken"


def test_a_role_above_the_resource_leads_there_and_one_beside_it_does_not() -> None:
    assert (
        states(lambda facts: facts.update(resource=f"{STORAGE}/blobServices/default"))[
            "role-assignments"
        ]
        == "ok"
    )
    assert (
        states(lambda facts: facts.update(resource=f"{STORAGE}2"))["role-assignments"] == "broken"
    )


def test_what_git_puts_back_is_said_beside_the_fix() -> None:
    owner = {"controller": "Flux Kustomization", "namespace": "f", "name": "shop", "mark": "a=b"}

    found = broken(template(use_label=None, owner=owner))

    assert any("Flux Kustomization" in one for one in found["evidence"])


def test_findings_of_several_workloads_are_told_apart_by_their_subject() -> None:
    one, other = sound(), sound()
    other["wiring"]["name"] = "worker"
    for facts in (one, other):
        facts["injects"] = False

    found = judging.judged([one, other], [])

    assert len({(each["rule"], each["subject"]) for each in found["findings"]}) == 3
    assert found["summary"].startswith("2 workloads: 2 broken")


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"cluster": "a", "namespace": "b"},
        {"cluster": "a", "pod": "p"},
        {"namespace": "n", "pod": "p"},
        {"cluster": "a", "namespace": "n", "pod": "p", "service_account": "s"},
        {"client_id": "c", "namespace": "n"},
        {"cluster": "a", "namespace": "../x", "pod": "p"},
        {"cluster": "a", "namespace": "n", "pod": "p", "resource": "https://x"},
        {"client_id": "c", "what": 1},
    ],
)
def test_a_question_about_nothing_or_about_two_things_is_none(asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        TroubleshootWorkload.model_validate(asked)


def test_facts_cross_the_evidence_store_as_they_are() -> None:
    facts: Facts = json.loads(json.dumps(sound()))

    assert judging.judged([facts], []) == judging.judged([sound()], [])
