"""Every kind of principal: contained by its own levers, or refused with the reason, on the sandbox."""

from typing import Any

import pytest

from responders import grants
from responders.cloud import Cloud
from responders.errors import RefusedError
from tests.in_process import InProcess

pytestmark = pytest.mark.timeout(60)


async def contain(
    world: InProcess, object_id: str, attempts: int = 30
) -> tuple[Any, dict[str, Any]]:
    order = await world.alert(object_id)
    order["policy"]["verification"]["attempts"] = attempts
    driven = world.start(order)
    await driven.until("watching")
    return driven, driven.status


def ids(world: InProcess, name: str) -> dict[str, Any]:
    found: dict[str, Any] = world.sandbox.described["seed"][name]
    return found


def put_lock(world: InProcess, scope: str) -> None:
    """As the platform's owner does."""
    body = {"locks": [{"scope": scope, "name": "keep", "level": "CanNotDelete"}]}
    world.sandbox.control("POST", "seed", body)


async def test_a_user_assigned_identity_loses_its_trusts_and_roles_and_what_it_is_attached_to_is_named(
    in_process: InProcess,
) -> None:
    identity = ids(in_process, "payments_identity")
    driven, status = await contain(in_process, identity["object_id"])

    assert status["outcome"] == "partly_contained"
    remaining = "; ".join(status["remaining"])
    assert "vm-batch" in remaining
    assert dict(driven.answers)["remove_identity_trusts"]["status"] == "done"
    assert dict(driven.answers)["remove_key_vault_policies"]["status"] == "done"


async def test_a_system_assigned_identity_loses_its_roles_and_its_resource_is_named(
    in_process: InProcess,
) -> None:
    driven, status = await contain(in_process, ids(in_process, "batch_vm")["object_id"])

    assert status["outcome"] == "partly_contained"
    assert "vm-batch" in "; ".join(status["remaining"])
    assert "disable_service_principal" not in driven.run.timeline


async def test_an_application_of_another_tenant_is_contained_here(in_process: InProcess) -> None:
    driven, status = await contain(in_process, ids(in_process, "partner_sync")["object_id"])

    assert status["outcome"] == "contained", status["remaining"]
    assert "deactivate_application" not in driven.run.timeline
    credentials = dict(driven.answers)["remove_service_principal_credentials"]
    assert credentials["status"] == "done"


@pytest.mark.parametrize("name", ["first_party", "agent", "kubelets", "control_planes"])
async def test_what_must_not_be_touched_is_refused_with_the_reason(
    in_process: InProcess, name: str
) -> None:
    found = ids(in_process, name)
    one = found if "object_id" in found else next(iter(found.values()))
    driven = in_process.start(await in_process.alert(one["object_id"]))
    run = await driven.until()

    assert run.outcome["outcome"] == "refused"
    assert run.outcome["detail"]
    assert set(run.timeline) == {"check_guards", "tell_later", "tell_people", "release_principal"}


async def test_an_application_that_nobody_can_sign_in_as_yet_gets_a_disabled_service_principal(
    in_process: InProcess,
) -> None:
    """Else whoever creates one, by a sign-in or a consent, creates it enabled."""
    legacy = ids(in_process, "legacy_job")
    order = await in_process.call({"app_id": legacy["app_id"]})
    driven = in_process.start(order)
    await driven.until("watching")

    made = [
        one
        for one in in_process.sandbox.control("GET", "state")["servicePrincipals"]
        if one["appId"] == legacy["app_id"]
    ]
    assert [one["accountEnabled"] for one in made] == [False]
    assert driven.status["outcome"] == "contained"


async def test_what_somebody_gives_to_a_service_principal_that_was_made_meanwhile_is_taken_away(
    in_process: InProcess,
) -> None:
    """The incident began about an application that had none; an intruder may give its new one whatever he likes."""
    legacy, orders = ids(in_process, "legacy_job"), ids(in_process, "orders_api")
    order = await in_process.call({"app_id": legacy["app_id"]})
    control = in_process.sandbox.control
    cloud = await (await Cloud.connect()).acting_as("containment")
    body = {"appId": legacy["app_id"], "accountEnabled": False}
    made = (await cloud.graph.post("/servicePrincipals", body))["id"]
    scope = str(in_process.sandbox.described["subscription_id"])
    wish = {"scope": f"/subscriptions/{scope}", "role": "Contributor", "principalId": made}
    group = {"displayName": "planted", "members": [made]}
    control(
        "POST",
        "seed",
        {
            "roleAssignments": [wish],
            "groups": [group],
            "appRoleAssignments": [{"principalId": made, "role": "Application.ReadWrite.All"}],
            "oauth2PermissionGrants": [{"clientId": made, "scope": "Directory.Read.All"}],
            "passwordCredentials": [{"holderId": made, "displayName": "planted"}],
            "owners": [{"objectId": made, "ownerId": orders["object_id"]}],
        },
    )
    driven = in_process.start(order)
    await driven.until("watching")

    assert driven.status["outcome"] == "contained", driven.status["remaining"]
    state = control("GET", "state")
    assert dict(driven.answers)["clear_made_principal"]["status"] == "done"
    for part in ("roleAssignments", "appRoleAssignments", "oauth2PermissionGrants", "groupMembers"):
        assert made not in str(state[part]), part
    assert not state["owners"].get(made)
    (holder,) = (one for one in state["servicePrincipals"] if one["id"] == made)
    assert not holder["passwordCredentials"]


async def test_a_plan_says_before_and_after_and_the_cloud_hears_of_no_write(
    in_process: InProcess,
) -> None:
    orders = ids(in_process, "orders_api")
    before = in_process.sandbox.control("GET", "state")
    order = await in_process.call({"object_id": orders["object_id"]}, mode="plan")
    driven = in_process.start(order)
    run = await driven.until()

    assert run.outcome["outcome"] == "planned"
    text = next(in_process.evidence.rglob("report.md")).read_text()
    assert "| isDisabled not set | isDisabled true |" in text
    assert "accountEnabled true | accountEnabled false" in text
    assert "## Blast radius" in text
    after = in_process.sandbox.control("GET", "state")
    for part in ("applications", "servicePrincipals", "roleAssignments", "groupMembers"):
        assert before[part] == after[part], part


async def test_a_plan_names_the_locks_that_would_hold_a_deletion(in_process: InProcess) -> None:
    """An identity behind a lock: what would be refused is known before anything is tried."""
    identity = ids(in_process, "payments_identity")
    put_lock(in_process, identity["resource_id"])
    order = await in_process.call({"object_id": identity["object_id"]}, mode="plan")
    await in_process.start(order).until()

    text = next(in_process.evidence.rglob("report.md")).read_text()
    assert "CanNotDelete lock" in text
    assert "az lock delete" in text


async def test_a_lock_is_a_refusal_with_its_name_and_the_identity_is_not_called_contained(
    in_process: InProcess,
) -> None:
    identity = ids(in_process, "payments_identity")
    put_lock(in_process, identity["resource_id"])
    driven, status = await contain(in_process, identity["object_id"], attempts=2)

    answers = dict(driven.answers)
    assert answers["remove_identity_trusts"]["status"] == "refused"
    assert "lock" in answers["remove_identity_trusts"]["detail"].lower()
    assert answers["remove_role_assignments"]["status"] == "done"
    assert status["outcome"] == "not_contained"


async def test_a_service_principal_that_somebody_deletes_first_does_not_hold_containment_up(
    in_process: InProcess,
) -> None:
    """`az ad sp delete`, as the naive runbook has it, between the alert and the first lever."""
    orders = ids(in_process, "orders_api")
    order = await in_process.alert(orders["object_id"])
    cloud = await Cloud.connect()
    await cloud.graph.delete(f"/servicePrincipals/{orders['object_id']}")
    driven = in_process.start(order)
    await driven.until("watching")

    state = in_process.sandbox.control("GET", "state")
    made = [one for one in state["servicePrincipals"] if one["appId"] == orders["app_id"]]
    assert [one["accountEnabled"] for one in made] == [False]
    assert driven.status["outcome"] == "partly_contained", driven.status["remaining"]
    assert ["can be restored" in one for one in driven.status["remaining"]] == [True]


async def test_a_scope_that_can_not_be_read_does_not_keep_the_levers_from_being_pulled(
    in_process: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not contained, because that scope is not known; but no trust is left, and what is known is gone."""
    everywhere = grants._everywhere

    async def half(cloud: Cloud, condition: str) -> grants.Seen:
        seen = await everywhere(cloud, condition)
        return seen._replace(unread=[*seen.unread, RefusedError("a subscription answered 403")])

    monkeypatch.setattr(grants, "_everywhere", half)
    payments = ids(in_process, "payments_identity")["object_id"]
    order = await in_process.alert(payments)
    order["policy"]["verification"]["attempts"] = 2
    driven = in_process.start(order)
    await driven.until("watching")

    answers = dict(driven.answers)
    assert answers["remove_identity_trusts"]["status"] == "done"
    assert answers["remove_role_assignments"]["status"] == "refused"
    assert driven.status["outcome"] == "not_contained"
    assert "a subscription answered 403" in "; ".join(driven.status["remaining"])
