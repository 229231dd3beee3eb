"""A cluster is asked whether it gives tokens out; one that the sandbox has cut off gives none, which is no defect."""

from types import SimpleNamespace
from typing import Any

import pytest

from drill import minting
from drill.options import DrillError
from tests.sandbox_fixture import RunningSandbox


@pytest.fixture
async def ground(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    async def bearer(_ground: Any, _hand: str) -> str:
        return "nobody's"

    monkeypatch.setattr(minting, "cluster_token", bearer)
    async with sandbox.client() as http:
        yield SimpleNamespace(http=http, described={"endpoints": dict(sandbox.endpoints)})


async def test_a_cluster_that_is_cut_off_gives_no_token(
    sandbox: RunningSandbox, ground: Any
) -> None:
    sandbox.control("POST", "clusters/aks-weu", {"api_server": "reset"})

    assert await minting.mint(ground, "aks-weu", "shop", "orders-api") is None


async def test_a_cluster_that_should_answer_and_does_not_is_not_taken_for_one_without_tokens(
    ground: Any,
) -> None:
    ground.described["endpoints"]["kube-aks-weu"] = "https://localhost:1"

    with pytest.raises(DrillError, match="no answer"):
        await minting.mint(ground, "aks-weu", "shop", "orders-api")


async def test_a_refusal_is_said(ground: Any) -> None:
    with pytest.raises(DrillError, match="401"):
        await minting.mint(ground, "aks-weu", "shop", "orders-api")
