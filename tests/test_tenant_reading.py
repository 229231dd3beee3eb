"""How a tenant is read: in what order, what stops it, what is only named, and how it is put together."""

from typing import Any

import pytest

from playbooks import audit_identities as audit
from playbooks import security_review as review
from playbooks.auditing import dividing, judging, narrowing
from playbooks.auditing.gathering import Gathering, tier_of
from responders.audit_model import ApplicationFacts, RoleFacts
from responders.errors import RefusedError
from tests.a_tenant import (
    APP,
    OBJECT,
    PRINCIPAL,
    SUBSCRIPTION,
    account,
    cluster,
    grant,
    holder,
    runner,
    tenant,
    trust,
)
from tests.rehearsal import Answer, Json, Rehearsal, rehearse

IDENTITY = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pay"
AROUND: Json = {
    "status": "done",
    "detail": "",
    "applications": 250,
    "scopes": ["/subscriptions/a", "/subscriptions/b"],
    "clusters": 2,
    "clusters_path": "found",
    "unread": ["a gap"],
}


def _chunk(**more: Any) -> Json:
    return {"status": "done", "detail": "", "path": "p", "count": 100, "after": None, **more}


def _rehearse(playbook: Any, **answers: Answer) -> Rehearsal:
    order: Json = {
        "run": {"run_id": "run-x", "playbook": "audit_identities", "mode": "plan"},
        "policy": {"retries": {"attempts": 2, "first_wait_seconds": 1}},
        "facts": {},
    }
    given: dict[str, Answer] = {
        "look_around": AROUND,
        "read_applications": lambda order: _chunk(
            after="next" if order["facts"]["number"] == 0 else None
        ),
        "read_principals": _chunk(),
        "read_scopes": _chunk(paths=["s"], unread=["some trusts"]),
        "read_workloads": _chunk(),
        "read_use": _chunk(path="use"),
        "review_namespaces": _chunk(path="n"),
        "review_azure": _chunk(path="azure"),
        "end_run": {
            "status": "done",
            "detail": "",
            "outcome": "done",
            "summary": "",
            "counts": {},
            "tell": False,
        },
        **answers,
    }
    return rehearse(playbook, order, given)


def _facts(run: Rehearsal, step: str) -> Json:
    (found,) = (order["facts"] for name, order in run.orders if name == step)
    facts: Json = found
    return facts


def test_everything_is_read_and_then_judged_once() -> None:
    run = _rehearse(audit.audit_identities)

    assert run.timeline[0] == "look_around"
    assert run.timeline[-3:] == ["judge_identities", "end_run", "seal_run"]
    assert run.timeline.count("read_applications") == 2
    facts = _facts(run, "judge_identities")
    assert facts["applications"] == ["p", "p"]
    assert facts["scopes"] == ["s", "s"]
    assert facts["unread"] == ["a gap", "some trusts", "some trusts"]
    assert facts["counts"]["applications"] == 200
    assert "reading applications: 100 of 250" in [one["phase"] for one in run.statuses]


@pytest.mark.parametrize("step", ["read_applications", "read_principals"])
def test_without_the_whole_directory_nothing_is_judged(step: str) -> None:
    run = _rehearse(audit.audit_identities, **{step: {"status": "refused", "detail": "403"}})

    assert "judge_identities" not in run.timeline
    assert _facts(run, "end_run")["answer"] == {"status": "refused", "detail": "403"}


@pytest.mark.parametrize("step", ["read_scopes", "read_use"])
def test_what_else_could_not_be_read_is_named_and_the_rest_judged(step: str) -> None:
    run = _rehearse(audit.audit_identities, **{step: {"status": "refused", "detail": "no right"}})

    facts = _facts(run, "judge_identities")
    assert any("no right" in one for one in facts["unread"])
    assert facts["use"] == ("" if step == "read_use" else "use")


def test_a_review_reads_the_same_and_names_what_it_could_not_review() -> None:
    run = _rehearse(review.security_review, review_azure={"status": "refused", "detail": "403"})

    facts = _facts(run, "judge_review")
    assert facts["azure"] == ""
    assert facts["namespaces"] == ["n", "n"]
    assert facts["unreviewed"] == ["policies, vaults and settings: 403"]


@pytest.mark.parametrize(("applications", "pages"), [(0, 5), (250, 5), (20_000, 10), (100_000, 50)])
def test_however_much_there_is_the_steps_are_few(applications: int, pages: int) -> None:
    assert dividing.pages_at_once(applications) == pages
    assert dividing.principals_at_once(applications) >= 5
    assert dividing.principals_at_once(1_000_000) * 999 * 20 >= 1_000_000
    assert len(dividing.scopes([str(one) for one in range(1000)])) <= 20
    shares = dividing.clusters(301, "p")
    assert len(shares) <= 20
    assert (shares[0]["from"], shares[-1]["until"]) == (0, 301)


def _application(**changed: Any) -> ApplicationFacts:
    plain = dict(holder().application or {})
    found: Any = {**plain, "trusts": [trust()], **changed}
    facts: ApplicationFacts = found
    return facts


def _gathering() -> Gathering:
    return Gathering(tenant(), {})


def _principal(**changed: Any) -> Any:
    plain = {
        "object_id": PRINCIPAL,
        "app_id": APP,
        "name": "orders-api",
        "enabled": False,
        "kind": "Application",
        "created": None,
        "resource_id": None,
        "credentials": [],
    }
    return plain | changed


def _gathered(*grants: Any) -> Gathering:
    whole = _gathering()
    whole.tenant.holders.clear()
    whole.tenant.clusters.clear()
    pay = _principal(
        app_id="pay", object_id="pay-object", resource_id=IDENTITY, kind="ManagedIdentity"
    )
    whole.add_principals(
        {"principals": [_principal(), pay], "microsofts": ["ms"], "next_url": None}
    )
    whole.add_applications(
        {"federated": [_application()], "others": ["o"], "unread": ["x"], "next_url": None}
    )
    definitions = {one["role_id"]: f"/definitions/{one['role_id']}" for one in grants}
    chunk: Any = {"grants": list(grants), "definitions": definitions}
    whole.add_assignments(chunk)
    whole.add_assignments(chunk)  # another subscription's list shows inherited ones again
    return whole


def test_a_holder_is_put_together_from_its_application_and_its_principal() -> None:
    whole = _gathered(grant("reader", SUBSCRIPTION))

    (found,) = whole.tenant.holders
    assert (found.object_id, found.principal_id, found.enabled) == (OBJECT, PRINCIPAL, False)
    assert len(whole.tenant.grants[PRINCIPAL]) == 1
    assert whole.definitions == {"reader": "/definitions/reader"}
    assert {"o", "pay", APP} <= whole.tenant.app_ids


def test_a_role_of_nobody_is_an_orphan_and_one_of_microsofts_is_not() -> None:
    of_nobody = grant("reader", SUBSCRIPTION, principal_id="gone")
    of_microsoft = grant("owner", SUBSCRIPTION, principal_id="ms")
    of_a_person = grant("contributor", SUBSCRIPTION, principal_id="p", principal_type="User")

    whole = _gathered(of_nobody, of_microsoft, of_a_person)

    assert [one["principal_id"] for one in whole.tenant.orphans] == ["gone"]


def test_what_a_group_carries_is_its_members() -> None:
    whole = _gathered(grant("owner", SUBSCRIPTION, principal_id="g", principal_type="Group"))
    assert whole.definitions == {}

    whole.add_members({"g": [PRINCIPAL, "somebody-else"]})

    (carried,) = whole.tenant.grants[PRINCIPAL]
    assert carried["via"] == "g"
    assert whole.definitions == {"owner": "/definitions/owner"}


def test_an_identity_that_no_subscription_showed_and_a_lost_cluster_are_unknown() -> None:
    whole = _gathered()
    whole.complete(
        [{"name": "aks-weu", "resource_id": "/c", "location": "", "issuer_url": trust()["issuer"]}]
    )

    assert whole.tenant.opaque == {"pay"}
    (lost,) = whole.tenant.clusters
    assert lost["unread"] == "its step was lost"
    rules = {one["rule"] for one in judging.judge(whole.tenant)}
    assert not rules & {"trust-gone-cluster", "trust-no-account"}


@pytest.mark.parametrize(
    ("owner", "writes", "data", "tier"),
    [
        ("why", True, True, "owner"),
        ("", True, True, "write"),
        ("", False, True, "data"),
        ("", False, False, "read"),
    ],
)
def test_a_role_is_as_high_as_the_highest_thing_that_it_allows(
    owner: str, writes: bool, data: bool, tier: str
) -> None:
    role: RoleFacts = {"name": "r", "owner_level": owner, "writes": writes, "data": data}

    assert tier_of(role) == tier


def test_a_narrowed_audit_tells_of_these_alone_and_refuses_a_stranger() -> None:
    other = account(name="other", client_id="other")
    whole = tenant(
        holder(),
        holder(app_id="other", object_id="o", principal_id="p"),
        clusters=[
            cluster(
                accounts=[account(), other], runners=[runner(), runner(service_account="other")]
            )
        ],
    )

    narrowed = narrowing.to(whole, [APP.upper()])

    assert [one.app_id for one in narrowed.holders] == [APP]
    assert [one["name"] for one in narrowed.clusters[0]["accounts"]] == ["orders-api"]
    assert len(narrowed.clusters[0]["runners"]) == 1
    assert narrowing.to(whole, []) is whole
    with pytest.raises(RefusedError, match="nobody"):
        narrowing.to(whole, ["nobody"])
