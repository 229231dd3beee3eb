"""A rehearsal is worth what its world is worth: the twin's plan is the tenant's plan, to the letter.

What it defends: the export reads and writes nothing, holds no secret, and is refused where somebody edited it wrongly.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from responders.errors import RefusedError
from responders.evidence import canonical, digest
from responders.read_only import is_read
from sandbox.seed.twins import reading
from tests.sandbox_fixture import RunningSandbox
from tests.twins import exported, mapped, planned_again, played
from twin import document
from twin.document import Export
from twin.pseudonyms import Names


@pytest.fixture
def source(sandbox: RunningSandbox, request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """The world that the test names; the next one begins plain again."""
    sandbox.control("POST", "reset", {"world": request.param})
    yield sandbox
    sandbox.control("POST", "reset", {"world": "plain"})


@pytest.mark.slow
@pytest.mark.parametrize("source", ["multi-cluster"], indirect=True)
async def test_the_twin_of_an_application_has_its_plan_and_its_export_holds_no_secret(
    source: RunningSandbox, tmp_path: Path
) -> None:
    """Every shape of workload, every consumer, GitOps, a broken webhook, a cluster without an answer; pseudonyms."""
    source.no_delays()
    object_id = source.seed["orders_api"]["object_id"]
    export = await exported(source, object_id, tmp_path, pseudonymous=True)

    _was_only_read(source)
    _holds_no_secret(source, (tmp_path / "twin.json").read_text())
    held = export.directory.application
    assert held is not None
    assert held.keyCredentials[0].model_dump().keys() == {
        *("keyId", "displayName", "startDateTime", "endDateTime", "type", "usage")
    }
    assert [one.count for one in export.review.contains if one.what == "clusters"] == [5]
    assert [one for one in export.gaps if one.startswith("aks-uks")], "what gave no answer is named"
    await _has_the_same_plan(export, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("source", ["multi-cluster"], indirect=True)
async def test_the_twin_of_a_managed_identity_has_its_plan(
    source: RunningSandbox, tmp_path: Path
) -> None:
    """With its attachments, and a cluster that binds it."""
    source.no_delays()
    object_id = source.seed["payments_identity"]["object_id"]
    await _has_the_same_plan(await exported(source, object_id, tmp_path), tmp_path)


@pytest.mark.exhaustive
@pytest.mark.parametrize("who", ["orders_api", "billing_api"])
async def test_the_twin_of_a_plain_world_has_the_same_plan(
    sandbox: RunningSandbox, who: str, tmp_path: Path
) -> None:
    sandbox.no_delays()
    export = await exported(sandbox, sandbox.seed[who]["object_id"], tmp_path)
    await _has_the_same_plan(export, tmp_path)


async def _has_the_same_plan(export: Export, folder: Path) -> None:
    """By its ids, names, dates, reasons and hashes; issuers alone have another host."""
    with played(folder) as twin:
        twin.no_delays()
        again = await planned_again(twin, export, folder)
        plan, graph = mapped(export.plan, twin), mapped(export.graph, twin)
    assert dict(again.graph) == graph
    assert again.plan is not None
    assert plan.pop("graph") == digest(canonical(export.graph))
    assert {name: each for name, each in again.plan.items() if name != "graph"} == plan
    assert again.plan["graph"] == digest(canonical(graph))
    assert plan["incident_id"] == export.drawn.incident_id
    assert [one for one in plan["clusters"] if one["acts"]], "a plan of nothing proves nothing"


def _was_only_read(source: RunningSandbox) -> None:
    sent = [one for one in source.record() if not _is_sign_in(one)]
    assert len(sent) > 100
    for one in sent:
        body = json.dumps(one["request_body"]).encode()
        assert is_read(one["method"], one["url"], body), (one["method"], one["url"])


def _holds_no_secret(source: RunningSandbox, text: str) -> None:
    secrets = [one["value"] for one in source.control("GET", "secrets")["secrets"]]
    assert len(secrets) > 5
    assert [one for one in secrets if one in text] == []
    for never in ("customKeyIdentifier", '"hint"', "secretText", "contoso.azurecr.io"):
        assert never not in text, never
    assert "dana" not in text.lower()
    assert re.search(r"person-[0-9a-f]{8}@example\.invalid", text)


def _is_sign_in(exchange: dict[str, str]) -> bool:
    """A token for reading is asked for by a GET of the platform's endpoint."""
    return "/msi/token" in exchange["url"]


def _an_export() -> dict[str, object]:
    return {
        "kind": "firebreak-twin",
        "schema_version": 1,
        "exported_at": "2026-11-27T07:00:00.000+00:00",
        "tenant_id": "193a288c-e5e2-55f0-a5cb-edb78de43328",
        "principal": {
            "kind": "application",
            "object_id": "c06d48da-5134-5f82-b258-3f6aa8ee989b",
            "app_id": "94941ed0-04fe-5f1c-a467-5406a4fd6c70",
            "application_object_id": None,
            "resource_id": None,
            "display_name": "orders-api",
        },
        "drawn": {"incident_id": "inc-1", "window_start": "", "opened_at": ""},
        "directory": {},
        "azure": {},
        "clusters": [],
        "plan": None,
        "graph": {},
        "gaps": [],
        "review": {"contains": [], "never": [], "pseudonyms": False},
    }


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({"schema_version": 2}, "schema_version"),
        ({"surprise": 1}, "surprise"),
        (
            {"directory": {"application": {"id": "x", "appId": "y", "secretText": "z"}}},
            "secretText",
        ),
        ({"clusters": [{"name": "a", "reachable": True}]}, "resource"),
        ({"gaps": "none"}, "gaps"),
    ],
)
def test_a_file_that_was_edited_wrongly_is_refused(
    edit: dict[str, object], says: str, tmp_path: Path
) -> None:
    """By the product and by the sandbox, each by itself: what is wrong, where, and what to do next."""
    path = tmp_path / "twin.json"
    path.write_text(json.dumps(_an_export()))
    document.read(path)
    reading.read(path)

    path.write_text(json.dumps({**_an_export(), **edit}))

    with pytest.raises(RefusedError, match=rf"{says}(?s:.*)(firebreak twin export|export it anew)"):
        document.read(path)
    with pytest.raises(ValueError, match=rf"{says}(?s:.*)firebreak twin export"):
        reading.read(path)


def test_the_published_schema_is_what_the_product_reads() -> None:
    published = json.loads(reading.SCHEMA.read_text())
    assert published == document.schema(), "python -m twin schema > docs/reference/twin.schema.json"


def test_the_same_person_has_the_same_pseudonym_everywhere_and_nobody_else_is_renamed() -> None:
    dana: dict[str, object] = {
        "id": "1",
        "display_name": "orders",
        "user_principal_name": "dana_partner.com#EXT#@contoso.com",
    }
    snapshot: Any = {"owners": [dana]}
    names = Names.of(snapshot, hides=True)

    said = names.within(
        {
            "owner": dana,
            "who": "User dana_partner.com#EXT#@contoso.com",
            "namespace": "orders",
            "mail": "vera@contoso.com",
            "ipAddress": "203.0.113.7",
        }
    )

    person = said["owner"]["user_principal_name"]  # type: ignore[index]
    assert person.startswith("person-")
    assert said["who"] == f"User {person}"
    assert said["namespace"] == "orders"
    assert "contoso" not in json.dumps(said)
    assert "203.0.113.7" not in json.dumps(said)
    assert names.within(said) == said
    assert Names.of(snapshot, hides=False).within(dana) == dana
