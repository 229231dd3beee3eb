"""Guards fail closed: whoever is protected, ourselves, or not understood is not acted on."""

from types import SimpleNamespace
from typing import Any

import pytest

from responders import guards
from responders.errors import RefusedError, TransientError
from responders.model import Principal

OBJECT_ID = "11111111-1111-1111-1111-11111111111a"
APP_ID = "22222222-2222-2222-2222-22222222222b"
APPLICATION = "33333333-3333-3333-3333-33333333333c"


def principal(kind: str = "application") -> Principal:
    return {
        "kind": kind,  # type: ignore[typeddict-item]
        "object_id": OBJECT_ID,
        "app_id": APP_ID,
        "application_object_id": APPLICATION,
        "display_name": "orders-api",
        "tenant_id": "t",
        "owner_tenant_id": "t",
        "service_principal_type": "Application",
        "resource_id": None,
        "unsupported_because": None,
    }


def cloud(own: str = "99999999-9999-9999-9999-999999999999", error: Exception | None = None) -> Any:
    async def own_object_id() -> str:
        if error:
            raise error
        return own

    return SimpleNamespace(own_object_id=own_object_id)


async def test_an_ordinary_application_passes() -> None:
    result = await guards.check(cloud(), principal(), protected=[], acting=True)

    assert result["status"] == "done"


async def test_the_kill_switch_refuses_everybody() -> None:
    with pytest.raises(RefusedError, match="kill switch"):
        await guards.check(cloud(), principal(), protected=[], acting=False)


@pytest.mark.parametrize("listed", [OBJECT_ID, APP_ID, APPLICATION, OBJECT_ID.upper()])
async def test_a_protected_principal_is_refused_by_any_of_its_ids(listed: str) -> None:
    with pytest.raises(RefusedError, match="protected"):
        await guards.check(cloud(), principal(), protected=[listed], acting=True)


@pytest.mark.parametrize("kind", ["foreign_application", "user_assigned_identity", "unsupported"])
async def test_what_the_playbook_does_not_cover_is_refused_with_the_reason(kind: str) -> None:
    with pytest.raises(RefusedError, match="orders-api is"):
        await guards.check(cloud(), principal(kind), protected=[], acting=True)


async def test_we_do_not_act_on_ourselves() -> None:
    with pytest.raises(RefusedError, match="own identity"):
        await guards.check(cloud(OBJECT_ID.upper()), principal(), protected=[], acting=True)


async def test_not_knowing_who_we_are_is_a_refusal() -> None:
    with pytest.raises(RefusedError, match="can't tell"):
        await guards.check(
            cloud(error=TransientError("no token")), principal(), protected=[], acting=True
        )
