"""What a security review says: each control fires, holds where all is well, and is not known where nobody looked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playbooks.auditing import judging
from playbooks.reviewing import documents, in_namespaces, networks, of_tenant
from playbooks.reviewing.controls import CONTROLS
from playbooks.reviewing.model import Note, note
from responders.hardening_lists import Hardening
from responders.model import ClusterRef, Json
from tests.a_tenant import (
    APP,
    CLUSTER,
    CONTRIBUTOR,
    PRINCIPAL,
    READER,
    SUBSCRIPTION,
    ago,
    grant,
    holder,
    log,
    secret,
    tenant,
    trust,
)

OURS = "00000000-0000-4000-8000-00000000f1re"
BASELINE = "a8640138-9b0a-4a28-b8cb-1666c838647d"
VAULT = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"
LABELS = {"app": "app"}
DNS_AND_HTTPS = [{"protocol": "UDP", "port": 53}, {"port": 53}, {"protocol": "TCP", "port": 443}]


def _object(name: str, space: str = "shop", **rest: Any) -> Json:
    return {"metadata": {"name": name, "namespace": space}, **rest}


def _policy(**spec: Any) -> Json:
    plain = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": []}
    return _object("isolate", spec={**plain, **spec})


def _edit(subject: Json) -> Json:
    role = {"kind": "ClusterRole", "name": "edit"}
    return _object("builders", roleRef=role, subjects=[subject])


def _sound(**changed: Any) -> Hardening:
    """A namespace in which every control holds; `changed` replaces kinds."""
    ref: ClusterRef = {
        "name": "aks-weu",
        "resource_id": CLUSTER,
        "location": "westeurope",
        "issuer_url": None,
        "network_policy": "cilium",
    }
    enforce = {"pod-security.kubernetes.io/enforce": "baseline"}
    creating = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}]
    objects: dict[str, list[Json]] = {
        "namespaces": [{"metadata": {"name": "shop", "labels": enforce}}],
        "resourcequotas": [_object("team")],
        "networkpolicies": [_policy(egress=[{"ports": DNS_AND_HTTPS}])],
        "poddisruptionbudgets": [_object("app", spec={"selector": {"matchLabels": LABELS}})],
        "roles": [],
        "clusterroles": [{"metadata": {"name": "edit"}, "rules": creating}],
        "rolebindings": [_edit({"kind": "User", "name": "dana"})],
        "clusterrolebindings": [],
        "secretproviderclasses": [],
    }
    runner = {
        "namespace": "shop",
        "kind": "Deployment",
        "name": "app",
        "account": "app",
        "labels": LABELS,
        "labelled": True,
        "replicas": 2,
        "classes": [],
    }
    account = {"namespace": "shop", "name": "app", "client_id": APP}
    return Hardening(ref, [account], [runner], {**objects, **changed})


def _notes(found: Hardening) -> dict[str, bool | None]:
    said = in_namespaces.judge(found, ours={OURS}, trusted=["flux-system"])
    return {one["control"]: one["holds"] for one in said}


def test_a_sound_namespace_holds_every_control() -> None:
    notes = _notes(_sound())

    assert set(notes.values()) == {True}
    assert len(notes) == 8


STRANGER = {"kind": "ServiceAccount", "name": "builder", "namespace": "ci"}
EVERYBODY = {"kind": "Group", "name": "system:authenticated"}


@pytest.mark.parametrize(
    ("control", "found"),
    [
        ("pss-enforce", _sound(namespaces=[{"metadata": {"name": "shop", "labels": {}}}])),
        ("resource-quota", _sound(resourcequotas=[_object("team", "other")])),
        ("cis-4.1.4", _sound(rolebindings=[_edit(STRANGER)])),
        ("cis-4.1.4", _sound(rolebindings=[_edit(EVERYBODY)])),
        ("cis-4.6.1", _sound(rolebindings=[_edit(STRANGER)])),
        ("cis-4.4.2", _sound(networkpolicies=[])),
        ("cis-4.4.2", _sound(networkpolicies=[_policy(policyTypes=["Ingress"])])),
        ("cis-4.4.2", replace(_sound(), cluster={**_sound().cluster, "network_policy": "none"})),
        ("network-egress", _sound(networkpolicies=[_policy(egress=[{}])])),
        ("network-egress", _sound(networkpolicies=[])),
        ("disruption-budget", _sound(poddisruptionbudgets=[])),
    ],
)
def test_each_control_of_a_namespace_fires(control: str, found: Hardening) -> None:
    said = in_namespaces.judge(found, ours={OURS}, trusted=["flux-system"])

    against = [one for one in said if one["control"] == control and one["holds"] is False]
    assert len(against) == 1
    assert against[0]["fix"]


def test_gitops_of_a_trusted_namespace_and_firebreak_itself_are_no_strangers() -> None:
    flux = {"kind": "ServiceAccount", "name": "kustomize", "namespace": "flux-system"}
    ours = {"kind": "User", "name": OURS}

    for subject in (flux, ours):
        notes = _notes(_sound(rolebindings=[_edit(subject)]))
        assert notes["cis-4.1.4"] is True
        assert notes["cis-4.6.1"] is True


def test_who_comes_through_azure_is_named_and_not_knowing_is_said() -> None:
    dana = {"who": "User dana", "how": "runs pods", "binding": "Azure role assignment at /c"}

    (named,) = in_namespaces.of_azure(_sound(), [dana])
    (nobody,) = in_namespaces.of_azure(_sound(), [])
    (unknown,) = in_namespaces.of_azure(_sound(), "403")

    assert named["holds"] is True
    assert "User dana runs pods" in named["said"]
    assert "nobody" in nobody["said"]
    assert unknown["holds"] is None
    assert in_namespaces.of_azure(replace(_sound(), accounts=[]), []) == []


def test_a_kind_that_could_not_be_read_is_neither_held_nor_not() -> None:
    sound = _sound()
    blind = replace(
        sound,
        objects={key: one for key, one in sound.objects.items() if key != "networkpolicies"},
        unread={"networkpolicies": "403"},
    )

    notes = _notes(blind)

    assert notes["cis-4.4.2"] is None
    assert notes["network-egress"] is None
    assert notes["pss-enforce"] is True


@pytest.mark.parametrize(
    ("ports", "is_wide"),
    [
        (DNS_AND_HTTPS, False),
        ([{"port": 443, "endPort": 443}], False),
        ([{"port": 443, "endPort": 8443}], True),
        ([{"port": 443, "protocol": "UDP"}], True),
        ([{"port": "https"}], True),
        ([{"protocol": "TCP"}], True),
    ],
)
def test_only_dns_and_443_are_narrow(ports: list[Json], is_wide: bool) -> None:
    policy = _policy(egress=[{"ports": ports}])

    assert bool(networks.reach([policy], "shop", LABELS).wide) is is_wide


def test_a_policy_without_types_isolates_egress_only_where_it_has_such_rules() -> None:
    plain = _object("p", spec={"podSelector": {"matchLabels": LABELS}})
    rules = _object("p", spec={"podSelector": {}, "egress": [{"ports": DNS_AND_HTTPS}]})

    assert networks.reach([plain], "shop", LABELS).isolated == {"Ingress": True, "Egress": False}
    assert networks.reach([rules], "shop", LABELS).isolated == {"Ingress": True, "Egress": True}
    assert networks.reach([plain], "other", LABELS).isolated == {"Ingress": False, "Egress": False}


def _around(**changed: Any) -> of_tenant.Around:
    plain: Any = {
        "settings": [
            {
                "resource_id": CLUSTER,
                "policy_addon": True,
                "local_accounts": False,
                "workload_identity": True,
            }
        ],
        "assignments": [_assigned(SUBSCRIPTION)],
        "violations": [],
        "vaults": [{"id": VAULT, "name": "kv", "rbac": "true", "purge": "true"}],
        "changed": {},
    }
    found: of_tenant.Around = plain | changed
    return found


def _assigned(scope: str, **changed: Any) -> Any:
    plain = {
        "id": f"{scope}/providers/Microsoft.Authorization/policyAssignments/b",
        "scope": scope,
        "definition": BASELINE,
        "name": "baseline",
        "enforced": True,
    }
    return plain | changed


READING: of_tenant.Reading = {
    "cluster": "aks-weu",
    "resource_id": CLUSTER,
    "namespace": "shop",
    "name": "vault",
    "vault": "kv",
    "client_id": APP,
}


def _of_tenant(
    *, found: Any = None, around: Any = None, reading: of_tenant.Reading = READING
) -> dict[str, set[bool | None]]:
    found = found or _used()
    notes = of_tenant.judge(found, judging.judge(found), around or _around(), [reading])
    said: dict[str, set[bool | None]] = {}
    for one in notes:
        said.setdefault(one["control"], set()).add(one["holds"])
    return said


def _used(**changed: Any) -> Any:
    seen = log(credentials={trust()["id"]: ago(1)})
    given = {PRINCIPAL: [grant(READER, VAULT)]}
    return tenant(
        **{"use": {**tenant().use, "application_sign_ins": seen}, "grants": given} | changed
    )


def test_a_sound_tenant_holds_every_control() -> None:
    notes = _of_tenant()

    assert {control for control, holds in notes.items() if holds != {True}} == set()
    assert notes.keys() | _notes(_sound()).keys() == CONTROLS.keys()


@pytest.mark.parametrize(
    ("control", "given"),
    [
        ("policy-pod-security", {"around": _around(assignments=[])}),
        (
            "policy-pod-security",
            {"around": _around(assignments=[_assigned(SUBSCRIPTION, enforced=False)])},
        ),
        (
            "policy-pod-security",
            {"around": _around(assignments=[_assigned("/subscriptions/other")])},
        ),
        (
            "policy-compliance",
            {
                "around": _around(
                    violations=[
                        {
                            "resource_id": CLUSTER,
                            "assignment_id": "a",
                            "definition": "d",
                            "name": "p",
                        }
                    ]
                )
            },
        ),
        (
            "policy-vault-rbac",
            {"around": _around(vaults=[{"id": VAULT, "name": "kv", "rbac": "", "purge": ""}])},
        ),
        ("cis-4.5.2", {"reading": {**READING, "client_id": ""}}),
        (
            "vault-least-privilege",
            {"found": _used(grants={PRINCIPAL: [grant(CONTRIBUTOR, VAULT)]})},
        ),
        ("mcsb-im-3", {"found": tenant(holder(credentials=[secret()]))}),
        ("mcsb-im-8", {"found": tenant(holder(credentials=[secret(ends=ago(1))]))}),
        (
            "federation-trusts",
            {"found": tenant(holder(trusts=[trust(issuer="https://evil.example/")]))},
        ),
        ("mcsb-pa-7", {"found": _used(grants={PRINCIPAL: [grant(CONTRIBUTOR, SUBSCRIPTION)]})}),
    ],
)
def test_each_control_of_the_tenant_fires(control: str, given: dict[str, Any]) -> None:
    assert False in _of_tenant(**given)[control]


@pytest.mark.parametrize(
    ("control", "given"),
    [
        ("policy-pod-security", {"around": _around(assignments=None)}),
        ("policy-add-on", {"around": _around(settings=None)}),
        ("policy-compliance", {"around": _around(violations=None)}),
        ("policy-vault-rbac", {"around": _around(vaults=None)}),
        ("federation-use", {"found": tenant()}),
        ("mcsb-pa-4", {"found": tenant(use={**tenant().use, "activity": None})}),
    ],
)
def test_what_was_not_read_is_not_known(control: str, given: dict[str, Any]) -> None:
    assert _of_tenant(**given)[control] == {None}


def test_a_management_group_reaches_every_cluster() -> None:
    group = "/providers/Microsoft.Management/managementGroups/root"

    assert _of_tenant(around=_around(assignments=[_assigned(group)]))["policy-pod-security"] == {
        True
    }


def _row(notes: list[Note], control: str) -> documents.Row:
    (found,) = (one for one in documents.checklist(notes) if one.control == control)
    return found


def test_a_row_is_as_bad_as_its_worst_object_and_says_which() -> None:
    good = note("cis-4.4.2", "a", "good", holds=True, said="isolated")
    blind = note("cis-4.4.2", "b", "blind", holds=None, said="403")
    bad = note("cis-4.4.2", "c", "bad", holds=False, said="open", fix="close it")

    assert _row([good], "cis-4.4.2").status == "holds"
    assert _row([good, blind], "cis-4.4.2").status == "not known"
    worst = _row([good, blind, bad], "cis-4.4.2")
    assert worst.status == "does not hold"
    assert worst.evidence == "1 of 3 hold. bad: open"
    assert _row([], "cis-4.4.2").status == "nothing to look at"


def test_the_document_has_a_row_for_each_control_and_is_partly_where_something_is_not_known() -> (
    None
):
    blind = note("cis-4.4.2", "b", "blind", holds=None, said="403")
    found = documents.of(tenant(), [blind], None, unread=["a cluster: down"])

    assert found["status"] == "partly"
    assert len(found["data"]["checklist"]) == len(CONTROLS)
    assert found["unread"] == ["a cluster: down", "cis-4.4.2: blind: 403"]
    assert found["tables"][2]["rows"][0][3] == "not known"


def test_everybody_who_may_run_pods_is_in_a_table_of_their_own() -> None:
    held = note("cis-4.1.4", "c", "aks-weu", holds=True, said="through Azure: User dana")
    found = documents.of(tenant(), [held], {}, unread=[])

    assert found["tables"][1]["rows"] == [["aks-weu", "through Azure: User dana"]]


def test_the_runbook_has_every_control_as_it_is() -> None:
    page = (Path(__file__).parent.parent / "docs" / "runbooks" / "security-review.md").read_text()

    for name, control in CONTROLS.items():
        assert f"| `{name}` | {control.source} | {control.title} | {control.asks} |" in page
