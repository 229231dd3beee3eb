"""A managed identity has one successor, under a name that nobody else has prepared; its trusts come one by one."""

import uuid
from typing import Any

import pytest

from responders import (
    identity_successors,
    identity_trust_additions,
    identity_trusts,
    managed_identities,
)
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, RefusedError, TransientError
from responders.model import FederatedCredential
from tests.azure_fake import TENANT, FakeAzure, Say, Seen, page, problem
from tests.sandbox_fixture import RunningSandbox
from tests.suspects import CLIENT, IDENTITY, suspect

OLD = suspect("user_assigned_identity")
NAME = "id-payments-r1"
AT = f"{IDENTITY.rpartition('/')[0]}/{NAME}"
TRUSTS = f"{AT}/federatedIdentityCredentials"
IDS = {"principalId": str(uuid.UUID(int=0xB1)), "clientId": str(uuid.UUID(int=0xB2))}
TAGS = {
    "firebreak-incident": "inc-1",
    "firebreak-replaces": CLIENT,
    "firebreak-made-by": "firebreak",
}
MADE = {"id": AT, "location": "westeurope", "tags": TAGS, "properties": IDS}
GONE = problem(404, "ResourceNotFound")
RESOURCE: dict[str, Any] = {"location": "westeurope", "properties": {"isolationScope": "Regional"}}


async def _ensure(cloud: Cloud, *, again: bool = False) -> dict[str, Any]:
    made = await identity_successors.ensure(
        cloud, OLD, "inc-1", NAME, RESOURCE, intent_on_record=again
    )
    return dict(made)


async def test_it_stands_beside_the_old_one_and_says_whose_place_it_takes(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", AT, GONE, Say(200, MADE))
    azure.on("PUT", AT, Say(201, MADE))

    assert await _ensure(cloud) == {
        "kind": "user_assigned_identity",
        "app_id": IDS["clientId"],
        "object_id": IDS["principalId"],
        "application_object_id": None,
        "resource_id": AT,
        "display_name": NAME,
    }
    assert azure.writes()[0].body == {
        "location": "westeurope",
        "tags": TAGS,
        "properties": {"isolationScope": "Regional"},
    }


async def test_after_a_crash_the_one_that_was_made_is_found(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", AT, Say(200, MADE))

    assert (await _ensure(cloud, again=True))["app_id"] == IDS["clientId"]
    assert azure.writes() == []


async def test_one_that_was_prepared_under_the_name_is_refused_whatever_its_tags_say(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", AT, Say(200, MADE))

    with pytest.raises(RefusedError, match="whose it is"):
        await _ensure(cloud)
    assert azure.writes() == []


async def test_a_namesake_of_another_incident_is_refused_after_a_crash_too(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", AT, Say(200, {**MADE, "tags": {**TAGS, "firebreak-incident": "inc-2"}}))

    with pytest.raises(RefusedError, match="whose it is"):
        await _ensure(cloud, again=True)


async def test_it_counts_when_it_reads_back_with_its_ids(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", AT, GONE, GONE, Say(200, {**MADE, "properties": {}}), Say(200, MADE))
    azure.on("PUT", AT, Say(201, MADE))

    assert (await _ensure(cloud))["object_id"] == IDS["principalId"]


async def test_one_that_never_reads_back_is_a_matter_of_time(
    azure: FakeAzure, cloud: Cloud
) -> None:
    azure.on("GET", AT, GONE)
    azure.on("PUT", AT, Say(201, MADE))

    with pytest.raises(TransientError, match="does not read back"):
        await _ensure(cloud)


async def test_an_answer_without_properties_is_no_identity(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", AT, GONE, Say(200, {"id": AT}))
    azure.on("PUT", AT, Say(201, MADE))

    with pytest.raises(ContractChangedError):
        await _ensure(cloud)


# --- its trusts ----------------------------------------------------------------------------------


def _wanted(number: int) -> FederatedCredential:
    return {
        "id": "",
        "name": f"aks-{number}",
        "issuer": f"https://issuer/{number}/",
        "subject": "system:serviceaccount:payments:payments-r1",
        "audiences": ["api://AzureADTokenExchange"],
    }


class Trusting:
    """An identity that takes one trust after the other; the first tries meet another writer."""

    def __init__(self, azure: FakeAzure, *, conflicts: int = 0, there: int = 0) -> None:
        self.conflicts = conflicts
        self.listed = {f"aks-{n}": self._shown(f"aks-{n}", _wanted(n)) for n in range(there)}
        azure.on("GET", TRUSTS, lambda _: page(*self.listed.values()))
        for number in range(20):
            azure.on("PUT", f"{TRUSTS}/aks-{number}", self._put)

    def _put(self, seen: Seen) -> Say:
        if self.conflicts:
            self.conflicts -= 1
            code = "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity"
            return problem(409, code)
        name = seen.path.rpartition("/")[2]
        self.listed[name] = self._shown(name, seen.body["properties"])
        return Say(201, self.listed[name])

    @staticmethod
    def _shown(name: str, said: Any) -> dict[str, Any]:
        kept = {key: said[key] for key in ("issuer", "subject", "audiences")}
        return {"id": f"{TRUSTS}/{name}", "name": name, "properties": kept}


async def test_a_write_that_meets_another_is_made_again(azure: FakeAzure, cloud: Cloud) -> None:
    Trusting(azure, conflicts=3)
    result = await identity_trust_additions.ensure(cloud, AT, [_wanted(1), _wanted(2)])

    assert result["status"] == "done"
    assert [one["created"] for one in result["items"]] == [True, True]
    assert [one["after"] for one in result["changes"]] == ["trusted", "trusted"]
    assert len(azure.writes()) == 5


async def test_what_is_there_is_not_written_again(azure: FakeAzure, cloud: Cloud) -> None:
    Trusting(azure, there=2)
    result = await identity_trust_additions.ensure(
        cloud, AT, [_wanted(0)], only=[_wanted(0), _wanted(1)]
    )

    assert (result["status"], azure.writes()) == ("nothing_to_do", [])


async def test_a_trust_that_nobody_planned_is_refused_before_anything_is_created(
    azure: FakeAzure, cloud: Cloud
) -> None:
    Trusting(azure, there=1)

    with pytest.raises(RefusedError, match="nobody planned"):
        await identity_trust_additions.ensure(cloud, AT, [_wanted(1)], only=[_wanted(1)])
    assert azure.writes() == []


async def test_what_aks_made_for_a_binding_of_this_identity_is_nobodys_plant(
    azure: FakeAzure, cloud: Cloud
) -> None:
    """Else a person who made the binding that the plan asks for would never see the recovery go on."""
    own = Trusting(azure)
    issuer = f"https://ib.oic.prod-aks.azure.com/{TENANT}/{IDS['clientId']}"
    bound = {"issuer": issuer, "subject": "x", "audiences": ["api://AKSIdentityBinding"]}
    own.listed["aks-identity-binding"] = {"name": "aks-identity-binding", "properties": bound}
    own.listed["aks-identity-binding"]["id"] = f"{TRUSTS}/aks-identity-binding"
    told = {"only": [_wanted(1)], "client_id": IDS["clientId"]}
    result = await identity_trust_additions.ensure(cloud, AT, [_wanted(1)], **told)  # type: ignore[arg-type]
    assert result["status"] == "done"

    with pytest.raises(RefusedError, match="nobody planned"):
        await identity_trust_additions.ensure(
            cloud, AT, [_wanted(1)], only=[_wanted(1)], client_id=IDS["principalId"]
        )


async def test_more_than_entra_allows_are_refused_before_the_first(
    azure: FakeAzure, cloud: Cloud
) -> None:
    Trusting(azure)

    with pytest.raises(RefusedError, match="Entra allows 20"):
        await identity_trust_additions.ensure(cloud, AT, [_wanted(n) for n in range(21)])
    assert azure.writes() == []


# --- sandbox -------------------------------------------------------------------------------------


async def test_in_the_sandbox_a_successor_is_made_once_and_trusts_what_it_is_told_to(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    seeded = sandbox.seed["payments_identity"]
    old = suspect("user_assigned_identity", **{key: seeded[key] for key in ("object_id", "app_id")})
    old["resource_id"] = seeded["resource_id"]
    before = await managed_identities.read(sandbox_cloud, seeded["resource_id"])
    runs = [
        await identity_successors.ensure(
            sandbox_cloud, old, "inc-1", NAME, before, intent_on_record=again
        )
        for again in (False, True)
    ]
    assert runs[0] == runs[1]
    assert runs[0]["app_id"] != seeded["app_id"]
    at = runs[0]["resource_id"] or ""

    wanted = [_wanted(1), _wanted(2)]
    with read_only():
        planned = await identity_trust_additions.ensure(sandbox_cloud, at, wanted)
    given = [await identity_trust_additions.ensure(sandbox_cloud, at, wanted) for _ in range(2)]
    assert [planned["status"], *(one["status"] for one in given)] == [
        "planned",
        "done",
        "nothing_to_do",
    ]
    named = [one["name"] for one in await identity_trusts.read_all(sandbox_cloud, at)]
    assert named == ["aks-1", "aks-2"]
