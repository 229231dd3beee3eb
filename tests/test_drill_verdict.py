"""A verdict is green only for a good drill: each of its facts turns red when what it is about goes wrong."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from drill.scene import EvidenceFile, PodRead, Reply, Scene
from drill.verdict.judgement import TABLE, judge
from tests.drill_scene import NEW, OLD, START, changed, scene

Json = dict[str, Any]
SOMETHING_ELSE_BROKE = Reply(503, "")
NO_ANSWER = Reply(None, "ConnectError")
A_TOKEN = Reply(200, "a token")
PUBLISHED = "every notice is on the Event Grid topic, once and as it is kept"
COMMENTED = "the Sentinel incident that sent the signal carries every notice"
CONSISTENT = "the events say what the incident says"


def in_after(change: Callable[[Json], None]) -> Scene:
    """The sandbox's state ended differently."""
    return changed("after", change)


def left_secret(state: Json) -> None:
    state["applications"][0]["passwordCredentials"] = [{"keyId": "planted-secret"}]


def left_key_on_principal(state: Json) -> None:
    state["servicePrincipals"][0]["keyCredentials"] = [{"keyId": "sp-key"}]


def left_trust(state: Json) -> None:
    rogue = {"id": "rogue", "name": "rogue", "applicationId": "app-orders-api"}
    state["federatedCredentials"].append(rogue | {"issuer": "https://oidc/rogue/", "subject": "x"})


def left_grant(state: Json) -> None:
    _grant(state, OLD, "reader")


def _grant(state: Json, principal: str, role: str) -> None:
    properties = {"scope": "/rg", "principalId": principal, "roleDefinitionId": f"/roles/{role}"}
    state["roleAssignments"].append({"id": "/rg/roles/another", "properties": properties})


def enabled_again(state: Json) -> None:
    state["servicePrincipals"][0]["accountEnabled"] = True


def activated_again(state: Json) -> None:
    state["applications"][0]["isDisabled"] = None


def no_successor(state: Json) -> None:
    state["applications"].pop()


def disabled_successor(state: Json) -> None:
    state["servicePrincipals"][-1]["accountEnabled"] = False


def rogue_issuer_copied(state: Json) -> None:
    state["federatedCredentials"][0]["issuer"] = "https://oidc/rogue/"


def trust_missing(state: Json) -> None:
    state["federatedCredentials"].pop()


def subject_copied(state: Json) -> None:
    state["federatedCredentials"][0]["subject"] = "system:serviceaccount:shop:orders-api"


def secret_on_successor(state: Json) -> None:
    state["applications"][-1]["passwordCredentials"] = [{"keyId": "new"}]


def owner_copied(state: Json) -> None:
    state["owners"]["app-new"] = ["user-dana"]


def role_missing(state: Json) -> None:
    state["roleAssignments"] = state["roleAssignments"][1:]


def planted_role_copied(state: Json) -> None:
    _grant(state, NEW, "contributor")


def account_not_retired(state: Json) -> None:
    account = {"namespace": "shop", "name": "orders-api"}
    annotations = {"azure.workload.identity/client-id": "client-old"}
    state["clusters"]["aks-neu"]["serviceaccounts"].append(
        {"metadata": account | {"annotations": annotations}}
    )


def pod_missing(state: Json) -> None:
    state["clusters"]["aks-neu"]["pods"].pop()


def pod_pending(state: Json) -> None:
    state["clusters"]["aks-neu"]["pods"][0]["status"]["phase"] = "Pending"


def pod_with_old_identity(state: Json) -> None:
    pod = state["clusters"]["aks-neu"]["pods"][0]
    pod["spec"]["containers"][0]["env"][0]["value"] = "client-old"


def pod_not_injected(state: Json) -> None:
    state["clusters"]["aks-neu"]["pods"][0]["spec"]["containers"][0]["env"] = []


def bystander_touched(state: Json) -> None:
    state["applications"][1]["displayName"] = "billing-api (quarantined)"


def nobody_told(state: Json) -> None:
    state["teams"] = []


def event_lost(state: Json) -> None:
    state["topics"]["incidents"].pop()


def event_twice(state: Json) -> None:
    state["topics"]["incidents"].append(state["topics"]["incidents"][0])


def event_rewritten(state: Json) -> None:
    state["topics"]["incidents"][0]["data"]["facts"] = {}


def event_of_another(state: Json) -> None:
    state["topics"]["incidents"][0]["data"]["principal"]["object_id"] = NEW


def event_lies(state: Json) -> None:
    state["topics"]["incidents"][1]["data"]["facts"] = {"contained": "never"}


def comment_lost(state: Json) -> None:
    state["sentinelComments"].pop()


def comment_elsewhere(state: Json) -> None:
    state["sentinelComments"][0]["id"] = "/workspaces/other/comments/1"


def late(file: EvidenceFile) -> EvidenceFile:
    return replace(file, written=START + timedelta(minutes=1))


def stopped_early(traffic: list[Json]) -> list[Json]:
    """One cluster's pods are stopped before they are written down; the other's are not."""
    early = {**traffic[-1], "at": (START + timedelta(seconds=10.2)).isoformat()}
    return [*traffic[:-1], early]


def replies(part: str, name: str, reply: Reply) -> Scene:
    return changed(part, lambda value: {**value, name: reply})


def with_outputs(**texts: str) -> Scene:
    return changed("outputs", lambda value: value | texts)


TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJzcC1vcmRlcnMtYXBpIn0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
SPOILED: list[tuple[str, Scene]] = [
    ("the planted secret opens nothing", replies("credential_replays", "planted secret", A_TOKEN)),
    (
        "the planted secret opens nothing",
        replies("credential_replays", "planted secret", SOMETHING_ELSE_BROKE),
    ),
    (
        "the planted secret opens nothing",
        replies("credential_replays", "planted secret", Reply(400, "AADSTS90002")),
    ),
    ("the planted secret opens nothing", scene(credential_replays={})),
    (
        "the rogue federated credential opens nothing",
        replies("credential_replays", "rogue trust", A_TOKEN),
    ),
    (
        "access tokens issued before the alert read nothing",
        replies("token_replays", "rogue trust", Reply(200)),
    ),
    (
        "access tokens issued before the alert read nothing",
        replies("token_replays", "rogue trust", Reply(401)),
    ),
    ("access tokens issued before the alert read nothing", scene(token_replays={})),
    (
        "ServiceAccount tokens, stolen and fresh, do not open the old identity",
        replies("old_identity_replays", "aks-weu", A_TOKEN),
    ),
    (
        "ServiceAccount tokens, stolen and fresh, do not open the new identity",
        replies("new_identity_replays", "aks-weu", A_TOKEN),
    ),
    (
        "ServiceAccount tokens, stolen and fresh, do not open the new identity",
        replies("new_identity_replays", "aks-weu", NO_ANSWER),
    ),
    (
        "the phished owner can't plant anything on the new identity",
        scene(owner_on_successor=Reply(200)),
    ),
    (
        "the phished owner can't plant anything on the new identity",
        scene(owner_on_successor=NO_ANSWER),
    ),
    ("the old service principal is disabled", in_after(enabled_again)),
    ("the old application is deactivated", in_after(activated_again)),
    ("the old application trusts no issuer", in_after(left_trust)),
    ("the old application has no secret and no key", in_after(left_secret)),
    ("the old service principal has no secret and no key", in_after(left_key_on_principal)),
    ("the old service principal has no role anywhere", in_after(left_grant)),
    ("no ServiceAccount names the old client id", in_after(account_not_retired)),
    ("there is one new identity, and it is enabled", in_after(no_successor)),
    ("there is one new identity, and it is enabled", in_after(disabled_successor)),
    ("it trusts the clusters' own issuers only", in_after(rogue_issuer_copied)),
    ("it trusts every ServiceAccount that needs it", in_after(trust_missing)),
    ("it trusts no subject that the old one trusted", in_after(subject_copied)),
    ("it has no secret and no key", in_after(secret_on_successor)),
    ("nobody owns it who lost control of the old one", in_after(owner_copied)),
    ("it has the roles from before the attack, no more, no less", in_after(role_missing)),
    ("it has the roles from before the attack, no more, no less", in_after(planted_role_copied)),
    ("the planted role is gone and was not copied", in_after(planted_role_copied)),
    ("every workload is back with all its replicas", in_after(pod_missing)),
    ("every workload is back with all its replicas", in_after(pod_pending)),
    ("every workload pod carries the new client id", in_after(pod_with_old_identity)),
    ("every workload pod carries the new client id", in_after(pod_not_injected)),
    (
        "every workload pod reads its blob",
        scene(workload_reads=[PodRead("aks-weu", "orders-api-new-0", Reply(200))]),
    ),
    (
        "every workload pod reads its blob",
        changed("workload_reads", lambda reads: [replace(reads[0], reply=Reply(403)), *reads[1:]]),
    ),
    ("no pod carries the old client id", in_after(pod_with_old_identity)),
    ("billing-api is byte for byte what it was", in_after(bystander_touched)),
    ("billing-api still reads its blob", scene(bystander_reads=[])),
    (
        "billing-api still reads its blob",
        scene(bystander_reads=[PodRead("aks-weu", "billing-api-1", Reply(403))]),
    ),
    (
        "every credential, trust and role was written down before the first was removed",
        changed("evidence", lambda files: [late(files[0]), *files[1:]]),
    ),
    (
        "every credential, trust and role was written down before the first was removed",
        scene(evidence=[]),
    ),
    (
        "every credential, trust and role was written down before the first was removed",
        scene(traffic=[]),
    ),
    (
        "every pod was captured before any was stopped",
        changed("evidence", lambda files: [files[0], late(files[1]), files[2]]),
    ),
    (
        "every pod was captured before any was stopped",
        changed("traffic", stopped_early),
    ),
    (
        "no cluster was changed before a person consented",
        scene(consented_at=START + timedelta(minutes=1)),
    ),
    ("no cluster was changed before a person consented", scene(consented_at=None)),
    (
        "the attacker's sign-ins are in the evidence",
        changed("evidence", lambda files: files[:2]),
    ),
    ("people were told in Teams", in_after(nobody_told)),
    (PUBLISHED, in_after(event_lost)),
    (PUBLISHED, in_after(event_twice)),
    (PUBLISHED, in_after(event_rewritten)),
    (PUBLISHED, changed("evidence", lambda files: files[:-1])),
    (PUBLISHED, changed("status", lambda now: {**now, "channels": {}})),
    (CONSISTENT, in_after(event_of_another)),
    (CONSISTENT, in_after(event_lies)),
    (COMMENTED, in_after(comment_lost)),
    (COMMENTED, in_after(comment_elsewhere)),
    (COMMENTED, changed("status", lambda now: {**now, "signal": {"source": "responder"}})),
    (CONSISTENT, changed("status", lambda now: {**now, "outcome": "contained"})),
    (CONSISTENT, changed("status", lambda now: {**now, "incident_id": "inc-other"})),
    (
        "log, evidence, report, messages and history are there to be searched",
        with_outputs(report=""),
    ),
    ("no secret of anybody's is in any of them", with_outputs(report="it was s3cr3t-value")),
    ("no secret of anybody's is in any of them", scene(secrets={})),
    ("nothing that looks like a token is in any of them", with_outputs(report=f"got {TOKEN}")),
]


def test_a_good_drill_is_green() -> None:
    verdict = judge(scene())

    assert [fact for fact in verdict["facts"] if not fact["holds"]] == []
    assert verdict["passed"]


@pytest.mark.parametrize(("fact", "spoiled"), SPOILED)
def test_what_went_wrong_turns_its_fact_red(fact: str, spoiled: Scene) -> None:
    verdict = judge(spoiled)

    assert fact in {each["fact"] for each in verdict["facts"] if not each["holds"]}
    assert not verdict["passed"]


def test_every_fact_was_seen_red() -> None:
    every = {check.fact for _, checks in TABLE for check in checks}

    assert {fact for fact, _ in SPOILED} == every


def test_an_empty_scene_proves_nothing() -> None:
    nothing: Json = {}
    blind = scene(after=nothing, staged=nothing, before=nothing, evidence=[], outputs={})

    facts = judge(blind)["facts"]

    blind_to = {"old identity", "new identity", "workloads", "bystander", "people"}
    seen = {(fact["noun"], fact["fact"]) for fact in facts if fact["holds"]}
    assert {noun for noun, _ in seen} & blind_to == {"bystander"}
    assert ("bystander", "billing-api is byte for byte what it was") not in seen


def test_times_are_read_off_the_record() -> None:
    times = judge(scene())["times"]

    assert times == {"disabled_s": 1.0, "contained_s": 4.0, "recovered_s": 11.0}


def without_answer(traffic: list[Json]) -> list[Json]:
    early = dict(traffic[1], at=(START + timedelta(seconds=1)).isoformat(), status=None)
    return [early, *traffic]


def test_a_removal_without_an_answer_may_have_been_one() -> None:
    spoiled = changed("traffic", without_answer)

    snapshot = next(fact for fact in judge(spoiled)["facts"] if "written down" in fact["fact"])
    assert not snapshot["holds"]
    assert judge(spoiled)["times"] == judge(scene())["times"]


def test_what_never_happened_took_no_time() -> None:
    times = judge(scene(traffic=[]))["times"]

    assert times == {"disabled_s": None, "contained_s": None, "recovered_s": None}
