"""Whose identity it is, and whether anybody may touch it, is read from what can't be written by a stranger."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from playbooks import policy
from playbooks.journaled import open_store
from playbooks.provisioning import naming, reading
from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.model import IdentityState
from responders.cloud import Cloud
from tests.in_process import InProcess

RULES = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()["guards"]


def declared(**more: Any) -> Identity:
    said: Any = {
        "version": 1,
        "name": "orders-api",
        "kind": "application",
        "clusters": ["aks-weu"],
        "service_accounts": [{"namespace": "shop", "name": "orders-api"}],
        **more,
    }
    return Identity.model_validate(said)


async def read(one: Identity, incident: str = "", **rules: Any) -> IdentityState:
    async def open_about(_object_id: str) -> str:
        return incident

    cloud, guards = await Cloud.connect(), {**RULES, **rules}
    found = await reading.of_identities(cloud, open_store(), [one], guards, open_about)  # type: ignore[arg-type]
    return found[one.name]


async def test_an_application_is_none_that_only_has_the_name(in_process: InProcess) -> None:
    """orders-api is there, under this very display name."""
    assert (await read(declared()))["found"] is None


async def test_one_with_our_tag_is_found_and_not_taken_for_ours(in_process: InProcess) -> None:
    tag = "firebreak:identity:orders-api"
    planted = {"displayName": "helper", "tags": [tag]}
    seeded = in_process.sandbox.control("POST", "seed", {"applications": [planted]})

    found = await read(declared())

    assert found["found"] is not None
    assert found["found"]["app_id"] == seeded["applications"][0]["app_id"]
    assert not found["known"]


async def test_one_that_an_earlier_run_wrote_down_is_ours(in_process: InProcess) -> None:
    orders = in_process.sandbox.seed["orders_api"]
    path = naming.record_path("orders-api", orders["app_id"])
    await asyncio.to_thread(open_store().put_json, path, {})

    found = await read(declared())

    assert found["known"]
    assert found["stop"] == []
    assert len(found["trusts"]) == 4
    assert found["credentials"] == 2


async def test_what_guards_it_stops_all(in_process: InProcess) -> None:
    orders = in_process.sandbox.seed["orders_api"]
    named = declared(client_id=orders["app_id"])

    held = await read(named, "inc-1")
    protected = await read(named, protected=[orders["object_id"]])
    own = await read(declared(client_id=in_process.sandbox.seed["firebreak"]["app_id"]))

    assert "inc-1 is open about it" in held["stop"][0]
    assert "protected" in protected["stop"][0]
    assert own["stop"] != []


async def test_one_that_was_switched_off_or_replaced_is_not_armed_again(
    in_process: InProcess,
) -> None:
    orders, cloud = in_process.sandbox.seed["orders_api"], await Cloud.connect()
    await cloud.graph.patch(f"/servicePrincipals/{orders['object_id']}", {"accountEnabled": False})
    successor = {"displayName": "orders-r1", "tags": [f"firebreak:replaces:{orders['app_id']}"]}
    in_process.sandbox.control("POST", "seed", {"applications": [successor]})

    found = await read(declared(client_id=orders["app_id"]))

    said = "; ".join(found["stop"])
    assert "in its place" in said
    assert "switched off" in said


async def test_a_client_id_that_nobody_has_is_not_made_up(in_process: InProcess) -> None:
    nobody = "00000000-0000-4000-8000-00000000dead"

    assert nobody in (await read(declared(client_id=nobody)))["stop"][0]


@pytest.mark.parametrize(
    ("change", "said"),
    [({"location": "northeurope"}, "does not move"), ({"client_id": "0" * 8}, "has the client id")],
)
async def test_an_address_that_holds_another_identity_stops(
    in_process: InProcess, change: Any, said: str
) -> None:
    at = in_process.sandbox.seed["payments_identity"]["resource_id"]
    if "client_id" in change:
        change = {"client_id": "00000000-0000-4000-8000-00000000dead"}
    wanted = {
        "name": at.rpartition("/")[2],
        "kind": "user_assigned_identity",
        "resource_group": at.partition("/providers/")[0],
        "location": "westeurope",
        **change,
    }

    assert any(said in one for one in (await read(declared(**wanted)))["stop"])
