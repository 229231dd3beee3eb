"""Secrets and keys: both objects, every one, read back; single sign-on keeps its signing key.

What it defends: one that won't go does not keep the others, one planted meanwhile goes too, and no
value of a secret ever reaches a result.
"""

import base64
import uuid

import pytest

from responders import credentials, principals
from responders.cloud import Cloud, read_only
from responders.errors import ContractChangedError, TransientError
from responders.model import Principal
from tests.azure_fake import TENANT, FakeAzure, Say, Seen, problem
from tests.sandbox_fixture import RunningSandbox

OBJECT = str(uuid.UUID(int=0xA1))
APPLICATION = str(uuid.UUID(int=0xA3))
APP_PATH = f"/v1.0/applications/{APPLICATION}"
SP_PATH = f"/v1.0/servicePrincipals/{OBJECT}"
PRINCIPAL: Principal = {
    "kind": "application",
    "object_id": OBJECT,
    "app_id": str(uuid.UUID(int=0xA2)),
    "application_object_id": APPLICATION,
    "display_name": "orders-api",
    "tenant_id": TENANT,
    "owner_tenant_id": TENANT,
    "service_principal_type": "Application",
    "resource_id": None,
    "unsupported_because": None,
}


def _secret(number: int) -> dict[str, object]:
    return {
        "keyId": str(uuid.UUID(int=number)),
        "displayName": f"secret-{number}",
        "startDateTime": "2026-01-01T00:00:00Z",
        "endDateTime": "2027-01-01T00:00:00Z",
        "hint": "Ab3",
        "secretText": "never shown",
    }


def _key(number: int, usage: str = "Verify") -> dict[str, object]:
    return {
        "keyId": str(uuid.UUID(int=number)),
        "displayName": f"key-{number}",
        "usage": usage,
        "type": "AsymmetricX509Cert",
        "key": None,
    }


class _Holder:
    """One directory object that behaves."""

    def __init__(self, azure: FakeAzure, path: str, secrets: list[int], keys: list[object]) -> None:
        self.secrets = [_secret(number) for number in secrets]
        self.keys = keys
        self.properties: dict[str, object] = {}
        azure.on("GET", path, lambda _: self.read())
        azure.on("POST", f"{path}/removePassword", self.remove)
        azure.on("PATCH", path, self.patch)

    def read(self) -> Say:
        lists = {"passwordCredentials": self.secrets, "keyCredentials": self.keys}
        return Say(200, {**lists, **self.properties})

    def remove(self, seen: Seen) -> Say:
        self.secrets = [one for one in self.secrets if one["keyId"] != seen.body["keyId"]]
        return Say(204)

    def patch(self, seen: Seen) -> Say:
        self.keys = seen.body["keyCredentials"]
        return Say(204)


async def test_both_objects_are_read(azure: FakeAzure, cloud: Cloud) -> None:
    _Holder(azure, APP_PATH, [1], [_key(2)])
    _Holder(azure, SP_PATH, [3], [_key(4, "Sign")])
    found = await credentials.read_all(cloud, PRINCIPAL)
    assert [(one["holder"], one["kind"], one["usage"]) for one in found] == [
        ("application", "password", None),
        ("application", "key", "Verify"),
        ("service_principal", "password", None),
        ("service_principal", "key", "Sign"),
    ]


async def test_no_part_of_a_secret_is_shown(azure: FakeAzure, cloud: Cloud) -> None:
    _Holder(azure, APP_PATH, [1], [])
    _Holder(azure, SP_PATH, [], [])
    shown = repr(await credentials.read_all(cloud, PRINCIPAL))
    shown += repr(await credentials.remove_from_application(cloud, PRINCIPAL))
    assert "never shown" not in shown
    assert "Ab3" not in shown


async def test_every_secret_and_key_of_an_application_goes(azure: FakeAzure, cloud: Cloud) -> None:
    holder = _Holder(azure, APP_PATH, [1, 2], [_key(3), _key(4, "Sign")])
    result = await credentials.remove_from_application(cloud, PRINCIPAL)
    assert (result["status"], len(result["items"])) == ("done", 4)
    assert (holder.secrets, holder.keys) == ([], [])


async def test_a_signing_key_of_a_service_principal_stays_and_is_named(
    azure: FakeAzure, cloud: Cloud
) -> None:
    holder = _Holder(azure, SP_PATH, [1], [_key(3), _key(4, "Sign")])
    result = await credentials.remove_from_service_principal(cloud, PRINCIPAL)
    assert result["status"] == "done"
    assert holder.keys == [_key(4, "Sign")]
    assert "kept for single sign-on: key key-4" in result["detail"]


THUMBPRINT = bytes(range(20))
SHARED = base64.b64encode(THUMBPRINT).decode()


def _saml(azure: FakeAzure, **properties: object) -> _Holder:
    """What addTokenSigningCertificate leaves behind: two keys and the password of one of them."""
    pair = [{**_key(number, usage), "customKeyIdentifier": SHARED} for number, usage in PAIR]
    holder = _Holder(azure, SP_PATH, [1, 2], [*pair, _key(5)])
    holder.secrets[1] |= {"keyId": str(uuid.UUID(int=3)), "customKeyIdentifier": SHARED}
    holder.properties = properties
    return holder


PAIR = ((3, "Sign"), (4, "Verify"))
IN_USE = {"preferredTokenSigningKeyThumbprint": THUMBPRINT.hex().upper()}


async def test_a_signing_certificate_in_use_stays_whole_and_a_lone_key_goes(
    azure: FakeAzure, cloud: Cloud
) -> None:
    holder = _saml(azure, **IN_USE)
    result = await credentials.remove_from_service_principal(cloud, PRINCIPAL)
    assert result["status"] == "done"
    assert [one["usage"] for one in holder.keys if isinstance(one, dict)] == ["Sign", "Verify"]
    assert [one["keyId"] for one in holder.secrets] == [str(uuid.UUID(int=3))]
    assert [one["object"].split()[0] for one in result["changes"]] == ["password", "key"]
    kept = [one for one in result["items"] if "kept" in one]
    assert len(kept) == 3
    assert "private half" in kept[0]["kept"]
    assert "kept for single sign-on" in result["detail"]


@pytest.mark.parametrize(
    ("properties", "kept"),
    [
        ({}, 0),  # nobody signs on with it: an intruder's key may look like a pair
        ({"preferredTokenSigningKeyThumbprint": "00" * 20}, 0),  # another certificate signs
        ({"preferredSingleSignOnMode": "saml"}, 3),  # one signs, and which is not said
    ],
)
async def test_a_pair_that_does_not_sign_goes(
    azure: FakeAzure, cloud: Cloud, properties: dict[str, object], kept: int
) -> None:
    holder = _saml(azure, **properties)
    await credentials.remove_from_service_principal(cloud, PRINCIPAL)
    assert len(holder.keys) + len(holder.secrets) == kept


async def test_an_identifier_that_contradicts_the_certificate_is_not_believed(
    azure: FakeAzure, cloud: Cloud
) -> None:
    holder = _saml(azure, **IN_USE)
    holder.keys[1] = {
        **_key(4),
        "customKeyIdentifier": SHARED,
        "key": base64.b64encode(b"x").decode(),
    }
    await credentials.remove_from_service_principal(cloud, PRINCIPAL)
    assert holder.keys == []


async def test_what_is_dangerous_is_what_the_levers_take(azure: FakeAzure, cloud: Cloud) -> None:
    _Holder(azure, APP_PATH, [9], [])
    _saml(azure, **IN_USE)
    found = await credentials.read_dangerous(cloud, PRINCIPAL)
    assert [one["key_id"][-1] for one in found] == ["9", "1", "5"]


async def test_many_go_with_one_patch_and_side_by_side(azure: FakeAzure, cloud: Cloud) -> None:
    _Holder(azure, APP_PATH, [1, 2, 3, 4], [_key(5), _key(6)])
    await credentials.remove_from_application(cloud, PRINCIPAL)
    assert len(azure.asked("PATCH", APP_PATH)) == 1
    assert len(azure.asked("GET", APP_PATH)) == 2


async def test_keys_that_lost_a_race_are_sent_again(azure: FakeAzure, cloud: Cloud) -> None:
    holder = _Holder(azure, APP_PATH, [1], [_key(5), _key(6)])
    lost = problem(409, "Directory_ConcurrencyViolation")
    azure.on("PATCH", APP_PATH, lost, lost, holder.patch)
    assert (await credentials.remove_from_application(cloud, PRINCIPAL))["status"] == "done"
    assert len(azure.asked("PATCH", APP_PATH)) == 3
    assert len(azure.asked("GET", APP_PATH)) == 2, "a race is run again without reading anew"


async def test_an_application_without_service_principal_has_only_its_own(
    azure: FakeAzure, cloud: Cloud
) -> None:
    alone: Principal = {**PRINCIPAL, "kind": "application_without_principal"}
    _Holder(azure, APP_PATH, [1], [])
    assert len(await credentials.read_all(cloud, alone)) == 1
    result = await credentials.remove_from_service_principal(cloud, alone)
    assert result["status"] == "nothing_to_do"
    assert azure.asked("GET", SP_PATH) == []


async def test_one_planted_meanwhile_goes_too(azure: FakeAzure, cloud: Cloud) -> None:
    holder = _Holder(azure, APP_PATH, [1], [])

    def remove_while_the_attacker_adds(seen: Seen) -> Say:
        first = len(azure.writes()) == 1
        said = holder.remove(seen)
        if first:
            holder.secrets.append(_secret(66))
            holder.keys.append(_key(67))
        return said

    azure.on("POST", f"{APP_PATH}/removePassword", remove_while_the_attacker_adds)
    result = await credentials.remove_from_application(cloud, PRINCIPAL)
    assert [one["display_name"] for one in result["items"]] == ["secret-1", "secret-66", "key-67"]
    assert (holder.secrets, holder.keys) == ([], [])


async def test_a_secret_that_is_refused_does_not_keep_the_keys(
    azure: FakeAzure, cloud: Cloud
) -> None:
    holder = _Holder(azure, APP_PATH, [1], [_key(3)])
    denied = problem(403, "Authorization_RequestDenied")
    azure.on("POST", f"{APP_PATH}/removePassword", denied)
    result = await credentials.remove_from_application(cloud, PRINCIPAL)
    assert result["status"] == "refused"
    assert [one["display_name"] for one in result["items"]] == ["key-3"]
    assert holder.keys == []


async def test_a_secret_that_was_removed_by_somebody_else_is_gone(
    azure: FakeAzure, cloud: Cloud
) -> None:
    holder = _Holder(azure, APP_PATH, [1], [])

    def too_late(seen: Seen) -> Say:
        holder.remove(seen)
        return problem(400, "Request_BadRequest", "No password credential found with keyId")

    azure.on("POST", f"{APP_PATH}/removePassword", too_late)
    assert (await credentials.remove_from_application(cloud, PRINCIPAL))["status"] == "done"


async def test_secrets_that_read_back_are_not_called_removed(
    azure: FakeAzure, cloud: Cloud
) -> None:
    _Holder(azure, APP_PATH, [1], [])
    azure.on("POST", f"{APP_PATH}/removePassword", Say(204))
    with pytest.raises(TransientError, match="still read back"):
        await credentials.remove_from_application(cloud, PRINCIPAL)


async def test_an_object_without_its_lists_is_not_clean(azure: FakeAzure, cloud: Cloud) -> None:
    azure.on("GET", APP_PATH, Say(200, {"id": APPLICATION}))
    with pytest.raises(ContractChangedError):
        await credentials.remove_from_application(cloud, PRINCIPAL)


async def test_an_application_elsewhere_is_left_to_its_owner(
    azure: FakeAzure, cloud: Cloud
) -> None:
    foreign: Principal = {**PRINCIPAL, "application_object_id": None}
    result = await credentials.remove_from_application(cloud, foreign)
    assert result["status"] == "nothing_to_do"
    assert azure.seen == []


def test_by_hand_covers_both_objects_and_both_kinds() -> None:
    commands = credentials.by_hand(PRINCIPAL)
    assert sum(f"az ad app credential delete --id {APPLICATION}" in one for one in commands) == 2
    assert sum(f"az ad sp credential delete --id {OBJECT}" in one for one in commands) == 2


# --- sandbox ------------------------------------------------------------------------------------


async def test_a_second_run_finds_nothing_to_do(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    ids = sandbox.seed["orders_api"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": ids["object_id"]})
    planted = await sandbox_cloud.graph.post(
        f"/servicePrincipals/{ids['object_id']}/addPassword",
        {"passwordCredential": {"displayName": "planted"}},
    )
    before = await credentials.read_all(sandbox_cloud, principal)
    assert {one["kind"] for one in before} == {"password", "key"}
    assert planted["keyId"] in {one["key_id"] for one in before}

    with read_only():
        planned = await credentials.remove_from_application(sandbox_cloud, principal)
    assert planned["status"] == "planned"
    assert await credentials.read_all(sandbox_cloud, principal) == before

    for remove in (credentials.remove_from_application, credentials.remove_from_service_principal):
        runs = [await remove(sandbox_cloud, principal) for _ in range(2)]
        assert [one["status"] for one in runs] == ["done", "nothing_to_do"]
    assert await credentials.read_all(sandbox_cloud, principal) == []


async def test_a_replica_that_shows_a_removed_secret_does_not_fail_the_lever(
    sandbox: RunningSandbox, sandbox_cloud: Cloud
) -> None:
    """Graph answers a second removal with 400: neither a defect nor a secret that is still good."""
    object_id = sandbox.seed["partner_sync"]["object_id"]
    principal = await principals.resolve(sandbox_cloud, {"object_id": object_id})
    sandbox.control("POST", "delays", {"directory_reads": 0.3})

    removed = await credentials.remove_from_service_principal(sandbox_cloud, principal)

    assert removed["status"] == "done"
    assert await credentials.read_all(sandbox_cloud, principal) == []
