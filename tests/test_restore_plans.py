"""What comes back and what never does; a world that has drifted is refused object by object, and said."""

from typing import Any

import pytest

from playbooks.restoring import plans
from playbooks.restoring.comparing import Compared
from playbooks.restoring.model import Piece, RestorePlan
from tests.a_principal import OBJECT, PRINCIPAL
from tests.restore_world import ISSUER, OLD, RECENT, SUBJECT, grant, trust, world

GROUP = "00000000-0000-0000-0000-00000000000a"
PERSON = "00000000-0000-0000-0000-00000000000b"
API = "00000000-0000-0000-0000-00000000000c"
VAULT = "/subscriptions/s/resourceGroups/r/providers/Microsoft.KeyVault/vaults/kv"


def plan(found: Compared) -> RestorePlan:
    return plans.draw(found, [], None)


def only(found: Compared, kind: str) -> Piece:
    (piece,) = [one for one in plan(found)["pieces"] if one["kind"] == kind]
    return piece


def verdicts(found: Compared) -> dict[str, str]:
    return {one["kind"]: one["verdict"] for one in plan(found)["pieces"]}


def member(**more: Any) -> dict[str, Any]:
    kept = {"id": GROUP, "display_name": "g", "direct": True, "stays_because": None}
    return {**kept, **more}


def owner() -> dict[str, Any]:
    return {
        "id": PERSON,
        "of": "application",
        "type": "user",
        "display_name": "Dana",
        "user_principal_name": "dana@contoso.com",
    }


def role(created: str | None = OLD) -> dict[str, Any]:
    return {
        "id": "a",
        "app_role_id": GROUP,
        "resource_id": API,
        "resource_name": "Graph",
        "principal_id": OBJECT,
        "role_name": "User.Read.All",
        "created": created,
    }


def consent(scope: str = "User.Read openid") -> dict[str, Any]:
    return {
        "id": "c",
        "resource_id": API,
        "consent_type": "AllPrincipals",
        "principal_id": None,
        "scope": scope,
    }


def policy(*secrets: str) -> dict[str, Any]:
    return {
        "vault_id": VAULT,
        "tenant_id": "t",
        "object_id": OBJECT,
        "application_id": None,
        "permissions": {"secrets": list(secrets)},
    }


def secret(key_id: str = "k") -> dict[str, Any]:
    return {
        "key_id": key_id,
        "kind": "password",
        "display_name": "ci",
        "started": OLD,
        "ends": None,
        "usage": None,
        "holder": "application",
    }


EVERYTHING = {
    "grants": [grant()],
    "memberships": [member()],
    "app_roles": [role()],
    "oauth_grants": [consent()],
    "key_vault_policies": [policy("get")],
    "owners": [owner()],
    "credentials": [secret()],
    "federated_credentials": [trust()],
}


def test_all_that_is_sound_comes_back_rights_before_ways_in_and_the_door_last() -> None:
    found = plan(
        world(EVERYTHING, found={"confirmed": True}, standing={"risk": "confirmedCompromised"})
    )

    assert [(one["kind"], one["verdict"]) for one in found["pieces"]] == [
        ("application", "there"),
        ("service_principal", "there"),
        ("role_assignment", "restore"),
        ("membership", "restore"),
        ("app_role", "restore"),
        ("consent", "restore"),
        ("vault_policy", "choice"),
        ("owner", "restore"),
        ("credential", "never"),
        ("trust", "restore"),
        ("risk", "restore"),
        ("active", "restore"),
        ("enabled", "restore"),
    ]


def test_what_is_there_as_before_is_not_given_again() -> None:
    now = {name: value for name, value in EVERYTHING.items() if name != "credentials"}
    found = world(EVERYTHING, now=now, standing={"enabled": True, "deactivated": False})

    assert set(verdicts(found).values()) == {"there", "never"}
    assert plans.wanted(plan(found), plans.choices(plan(found))) == []


@pytest.mark.parametrize("created", [RECENT, None])
def test_what_was_given_inside_the_window_never_comes_back(created: str | None) -> None:
    found = world({"grants": [grant(created=created)], "app_roles": [role(created)]})

    assert (only(found, "role_assignment")["verdict"], only(found, "app_role")["verdict"]) == (
        "never",
        "never",
    )


def test_the_audit_log_dates_what_has_no_age() -> None:
    gifts = {"owners": [PERSON], "groups": [GROUP], "trusts": ["weu"]}
    found = verdicts(world(EVERYTHING, gifts=gifts))

    assert [found[kind] for kind in ("owner", "membership", "trust")] == ["never"] * 3


def test_without_the_audit_log_a_person_decides() -> None:
    found = verdicts(world(EVERYTHING, gifts={"known": False}))

    assert [found[kind] for kind in ("owner", "membership", "consent", "trust")] == ["choice"] * 4


def test_a_secret_never_comes_back_whoever_asks_and_how_to_issue_a_new_one_is_said() -> None:
    found = plan(world({"credentials": [secret()]}))
    (piece,) = [one for one in found["pieces"] if one["kind"] == "credential"]

    assert piece not in plans.wanted(found, [piece["key"]])
    assert piece["by_hand"] == [
        f"az ad app credential reset --append --id {PRINCIPAL['application_object_id']}"
    ]
    assert piece["verdict"] == "never"


def test_a_signing_key_that_was_kept_is_there() -> None:
    assert (
        only(world({"credentials": [secret()]}, now={"credentials": [secret()]}), "credential")[
            "verdict"
        ]
        == "there"
    )


def test_while_a_credential_is_on_it_that_nobody_vouches_for_it_is_named() -> None:
    found = plan(world(standing={"dangerous": [secret("new")]}))

    assert found["added"] == ["password ci (new) on the application"]


def test_a_credential_that_nobody_removed_is_a_persons_to_vouch_for_unless_it_is_new() -> None:
    held = {"now": {"credentials": [secret()]}, "standing": {"dangerous": [secret()]}}
    new = {**secret(), "started": RECENT}
    planted = {"now": {"credentials": [new]}, "standing": {"dangerous": [new]}}

    assert only(world({"credentials": [secret()]}, **held), "credential")["verdict"] == "choice"
    assert plan(world({"credentials": [secret()]}, **held))["added"] == []
    assert only(world({"credentials": [new]}, **planted), "credential")["verdict"] == "never"
    assert plan(world({"credentials": [new]}, **planted))["added"] != []


def test_a_trust_that_nobody_removed_is_offered_or_named() -> None:
    foreign, flexible = trust("hub", issuer="https://x/"), trust("flex", subject=None)
    both = [foreign, flexible]
    found = plan(world({"federated_credentials": both}, now={"federated_credentials": both}))

    assert plans.choices(found) == {"trust:hub"}
    assert found["added"] == [f"trust flex ({ISSUER} by an expression)"]


@pytest.mark.parametrize(
    ("one", "more", "verdict", "why"),
    [
        (trust(subject=None), {}, "never", "flexible"),
        (trust(issuer="https://token.actions.githubusercontent.com"), {}, "choice", "none of our"),
        (trust(subject="system:serviceaccount:shop:gone"), {}, "drifted", "whoever makes one"),
        (
            trust(),
            {
                "standing": {
                    "accounts": {ISSUER: {"cluster": "aks-weu", "subjects": None, "reason": "503"}}
                }
            },
            "unread",
            "can't be asked: 503",
        ),
        (trust(), {"now": {"unread": {"federated_credentials": "503"}}}, "unread", "503"),
        (
            trust(),
            {"now": {"federated_credentials": [trust(subject="system:serviceaccount:x:y")]}},
            "drifted",
            "name is taken",
        ),
        (
            trust(),
            {"now": {"federated_credentials": [trust("other")]}},
            "drifted",
            "under another name",
        ),
        (trust(), {"found": {"footprint": None}}, "choice", "never came so far"),
    ],
)
def test_a_trust_comes_back_only_where_nobody_else_can_use_it(
    one: Any, more: Any, verdict: str, why: str
) -> None:
    piece = only(world({"federated_credentials": [one]}, **more), "trust")

    assert piece["verdict"] == verdict
    assert why in piece["reason"]


def _traced(**more: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"minted": [], "credentials": [], "chains": [], "suspects": []}
    return {"found": {"footprint": {**empty, **more}}}


def test_a_trust_whose_token_somebody_else_asked_for_never_comes_back() -> None:
    minted = {"ok": True, "target": "shop/orders-api in aks-weu by mallory", "when": RECENT}
    found = world({"federated_credentials": [trust()]}, **_traced(minted=[minted]))
    refused = world(
        {"federated_credentials": [trust()]}, **_traced(minted=[{**minted, "ok": False}])
    )

    assert only(found, "trust")["verdict"] == "never"
    assert only(refused, "trust")["verdict"] == "restore"


def test_a_trust_that_was_used_from_several_addresses_is_a_persons_decision() -> None:
    use = {"credential": {"id": "ID-weu"}, "addresses": ["10.0.0.1", "203.0.113.9"]}
    found = world({"federated_credentials": [trust()]}, **_traced(credentials=[use]))

    assert only(found, "trust")["verdict"] == "choice"
    assert "203.0.113.9" in only(found, "trust")["reason"]


def test_an_owner_who_changed_the_identity_in_the_window_is_a_persons_decision() -> None:
    assert (
        only(world({"owners": [owner()]}, **_traced(suspects=[{"id": PERSON}])), "owner")["verdict"]
        == "choice"
    )


@pytest.mark.parametrize(
    ("before", "more", "kind", "why"),
    [
        (
            {"grants": [grant()]},
            {"now": {"grants": [grant(condition="@x")]}},
            "role_assignment",
            "again",
        ),
        (
            {"grants": [grant()]},
            {"standing": {"scopes_gone": ["/subscriptions/s"]}},
            "role_assignment",
            "exist",
        ),
        ({"memberships": [member()]}, {"standing": {"missing": [GROUP]}}, "membership", "exist"),
        ({"memberships": [member(stays_because="a rule")]}, {}, "membership", "a rule"),
        (
            {"oauth_grants": [consent()]},
            {"now": {"oauth_grants": [consent("Mail.Read")]}},
            "consent",
            "Mail.Read",
        ),
        ({"app_roles": [role()]}, {"standing": {"missing": [API]}}, "app_role", "exist"),
        (
            {"key_vault_policies": [policy("get")]},
            {"now": {"key_vault_policies": [policy("get", "set")]}},
            "vault_policy",
            "get set",
        ),
    ],
)
def test_drift_in_one_object_refuses_that_object_and_no_other(
    before: Any, more: Any, kind: str, why: str
) -> None:
    found = world({"owners": [owner()], **before}, **more)

    assert only(found, kind)["verdict"] == "drifted"
    assert why in only(found, kind)["reason"]
    assert only(found, "owner")["verdict"] == "restore"


def test_what_can_not_be_read_is_neither_there_nor_given() -> None:
    unread = {"memberships": "503", "grants": "503", "app_roles": "503", "owners": "503"}
    found = verdicts(world(EVERYTHING, now={"unread": unread}))

    assert {found[kind] for kind in ("membership", "role_assignment", "app_role", "owner")} == {
        "unread"
    }


@pytest.mark.parametrize("presence", ["gone", "recreated"])
def test_a_lost_service_principal_takes_what_hangs_on_it_along(presence: str) -> None:
    found = verdicts(world(EVERYTHING, standing={"service_principal": presence}))

    lost = ("service_principal", "role_assignment", "membership", "app_role", "consent", "enabled")
    assert {found[kind] for kind in lost} == {"drifted"}
    assert found["trust"] == "restore"


def test_what_lies_in_the_bin_comes_out_first() -> None:
    found = plan(
        world(EVERYTHING, standing={"application": "deleted", "service_principal": "deleted"})
    )

    assert [one["verdict"] for one in found["pieces"][:2]] == ["restore", "restore"]


def test_what_was_off_before_stays_off() -> None:
    off = {"application": {"isDisabled": True}}
    found = verdicts(world(off, principal={"enabled": False}))

    assert (found["active"], found["enabled"]) == ("never", "never")


def test_the_snapshot_does_not_say_whether_it_was_enabled_where_the_signal_knows() -> None:
    raced = {"service_principal": {"id": OBJECT, "accountEnabled": False}}

    assert verdicts(world(raced))["enabled"] == "restore"
    assert verdicts(world(raced, principal={"enabled": None}))["enabled"] == "never"


def test_the_same_world_makes_the_same_plan_and_another_one_is_shown_as_a_difference() -> None:
    first, second = plan(world(EVERYTHING)), plan(world(EVERYTHING))
    changed = plan(world(EVERYTHING, now={"owners": [owner()]}))

    assert plans.plan_hash(first) == plans.plan_hash(second)
    assert plans.plan_hash(first) != plans.plan_hash(changed)
    (found,) = plans.differences(first, changed)
    assert found["object"] == f"owner:application/{PERSON}"
    assert (found["before"], found["after"]) == ("restore, no owner", "there, owner")


def test_only_what_a_plan_offers_can_be_chosen() -> None:
    found = plan(
        world({"federated_credentials": [trust(issuer="https://x/")], "owners": [owner()]})
    )

    assert plans.choices(found) == {"trust:weu"}
    assert "trust:weu" in {one["key"] for one in plans.wanted(found, ["trust:weu"])}
    assert "trust:weu" not in {one["key"] for one in plans.wanted(found, [])}


def test_the_subject_is_judged_to_the_letter() -> None:
    found = world({"federated_credentials": [trust(subject=SUBJECT.upper())]})

    assert only(found, "trust")["verdict"] == "drifted"
