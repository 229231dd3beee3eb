"""Who a signal is about: an immutable id, sent as what it is, or nothing is started.

What it defends: nothing is resolved by name, a mistaken id is explained rather than guessed, and a
principal that we must not touch is recognised as such.
"""

import uuid

import pytest

from responders import principals
from responders.cloud import Cloud
from responders.errors import ContractChangedError, RefusedError, TransientError, UnresolvedError
from responders.model import Hint
from tests.azure_fake import TENANT, FakeAzure, Say, problem
from tests.sandbox_fixture import RunningSandbox

OBJECT = str(uuid.UUID(int=0xA1))
APP = str(uuid.UUID(int=0xA2))
APPLICATION = str(uuid.UUID(int=0xA3))
_GROUP = f"/subscriptions/{uuid.UUID(int=0xA4)}/resourcegroups/rg"
UAMI = f"{_GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-payments"
VM = f"{_GROUP}/providers/Microsoft.Compute/virtualMachines/vm-batch"
PATH = f"/v1.0/servicePrincipals/{OBJECT}"


def _sp(**changed: object) -> Say:
    plain = {
        "id": OBJECT,
        "appId": APP,
        "displayName": "orders-api",
        "servicePrincipalType": "Application",
        "appOwnerOrganizationId": TENANT,
        "accountEnabled": True,
    }
    return Say(200, {**plain, **changed})


async def test_an_application_of_ours_comes_with_its_object(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _sp())
    azure.on("GET", f"/v1.0/applications(appId='{APP}')", Say(200, {"id": APPLICATION}))
    assert await principals.resolve(cloud, {"object_id": OBJECT.upper()}) == {
        "kind": "application",
        "object_id": OBJECT,
        "app_id": APP,
        "application_object_id": APPLICATION,
        "display_name": "orders-api",
        "tenant_id": TENANT,
        "owner_tenant_id": TENANT,
        "service_principal_type": "Application",
        "resource_id": None,
        "unsupported_because": None,
        "enabled": True,
    }


@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({"appOwnerOrganizationId": principals.MICROSOFT_TENANT.upper()}, "unsupported"),
        ({"appOwnerOrganizationId": APP}, "foreign_application"),
        ({"appOwnerOrganizationId": None}, "unsupported"),
        ({"servicePrincipalType": "ManagedIdentity"}, "unsupported"),
        (
            {
                "servicePrincipalType": "ManagedIdentity",
                "alternativeNames": ["isExplicit=True", UAMI],
            },
            "user_assigned_identity",
        ),
        (
            {
                "servicePrincipalType": "ManagedIdentity",
                "alternativeNames": ["isExplicit=False", VM],
            },
            "system_assigned_identity",
        ),
        (
            {
                "servicePrincipalType": "ManagedIdentity",
                "alternativeNames": ["isExplicit=True", VM],
            },
            "unsupported",
        ),
        ({"servicePrincipalType": "Legacy"}, "unsupported"),
        ({"servicePrincipalType": "SomethingNew"}, "unsupported"),
        ({"@odata.type": "#microsoft.graph.agentIdentity"}, "unsupported"),
    ],
)
async def test_a_principal_that_is_no_application_of_ours_is_said_to_be(
    azure: FakeAzure, cloud: Cloud, changed: dict[str, object], kind: str
) -> None:
    azure.on("GET", PATH, _sp(**changed))
    found = await principals.resolve(cloud, {"object_id": OBJECT})
    assert (found["kind"], found["application_object_id"]) == (kind, None)
    assert (found["unsupported_because"] is not None) == (kind == "unsupported")
    assert found["resource_id"] == (changed.get("alternativeNames") or [None, None])[1]  # type: ignore[index]


async def test_an_application_that_was_deleted_has_no_object(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", PATH, _sp())
    found = await principals.resolve(cloud, {"object_id": OBJECT})
    assert (found["kind"], found["application_object_id"]) == ("application", None)


@pytest.mark.parametrize(
    "hint",
    [
        {},
        {"object_id": OBJECT, "app_id": APP},
        {"object_id": "orders-api"},
        {"object_id": f"{OBJECT}/../x"},
        {"app_id": "' or 1 eq 1"},
        {"app_id": "{" + APP + "}"},
        {"object_id": None},
        {"display_name": "orders-api"},
    ],
)
async def test_anything_but_one_guid_is_refused_before_any_call(
    azure: FakeAzure, cloud: Cloud, hint: Hint
) -> None:
    with pytest.raises(UnresolvedError):
        await principals.resolve(cloud, hint)
    assert azure.seen == []


@pytest.mark.parametrize("sent", ["object_id", "app_id"])
async def test_an_id_that_exists_nowhere_is_unresolved(cloud: Cloud, sent: str) -> None:
    hint: Hint = {"object_id": OBJECT} if sent == "object_id" else {"app_id": OBJECT}
    with pytest.raises(UnresolvedError, match=f"nothing in tenant {TENANT} has the {sent}"):
        await principals.resolve(cloud, hint)


async def test_an_application_that_nothing_signs_in_as_yet_is_a_kind_of_its_own(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on(
        "GET",
        f"/v1.0/applications(appId='{APP}')",
        Say(200, {"id": APPLICATION, "displayName": "legacy-job"}),
    )
    found = await principals.resolve(cloud, {"app_id": APP})
    assert found["kind"] == "application_without_principal"
    assert found["object_id"] == found["application_object_id"] == APPLICATION


async def test_a_directory_that_does_not_answer_is_not_an_unknown_principal(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", PATH, problem(503, "ServiceUnavailable"))
    with pytest.raises(TransientError):
        await principals.resolve(cloud, {"object_id": OBJECT})
    azure.on("GET", PATH, problem(403, "Authorization_RequestDenied"))
    with pytest.raises(RefusedError) as refused:
        await principals.resolve(cloud, {"object_id": OBJECT})
    assert not isinstance(refused.value, UnresolvedError)


async def test_an_answer_without_ids_is_not_acted_on(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", PATH, _sp(appId="orders-api"))
    with pytest.raises(ContractChangedError):
        await principals.resolve(cloud, {"object_id": OBJECT})


# --- sandbox ------------------------------------------------------------------------------------


async def test_both_ids_lead_to_the_same_principal(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    by_object = await principals.resolve(sandbox_cloud, {"object_id": ids["object_id"]})
    by_app = await principals.resolve(sandbox_cloud, {"app_id": ids["app_id"]})
    assert by_object == by_app
    assert by_object["application_object_id"] == ids["application_object_id"]
    assert by_object["kind"] == "application"


async def test_an_id_sent_as_the_wrong_kind_is_explained(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    for hint, words in (
        (Hint(object_id=ids["app_id"]), "is the app_id of a service principal"),
        (Hint(app_id=ids["object_id"]), "is the object_id of a service principal"),
        (Hint(app_id=ids["application_object_id"]), f"it is {ids['app_id']}"),
        (Hint(object_id=sandbox.seed["users"]["dana"]["object_id"]), "nothing in tenant"),
    ):
        with pytest.raises(UnresolvedError, match=words):
            await principals.resolve(sandbox_cloud, hint)


async def test_our_own_identity_is_a_managed_identity(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    own = await sandbox_cloud.own_object_id()
    found = await principals.resolve(sandbox_cloud, {"object_id": own})
    assert (found["kind"], found["object_id"]) == (
        "system_assigned_identity",
        sandbox.seed["firebreak"]["object_id"],
    )
