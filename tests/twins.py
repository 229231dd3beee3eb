"""A principal of the sandbox as a file, and the file as a sandbox of its own."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from playbooks import policy as policies
from responders import principals
from responders.cloud import Cloud
from responders.read_only import read_only
from tests.azure_fake import hurry
from tests.sandbox_fixture import RunningSandbox, running_sandbox
from twin import document, export, planning
from twin.document import Export
from twin.planning import Planned

POLICY = policies.load(Path(__file__).parent.parent / "policy.toml")
Json = dict[str, Any]


@asynccontextmanager
async def pointed_at(sandbox: RunningSandbox, folder: Path) -> AsyncIterator[Cloud]:
    """The product in this process, with the settings of this sandbox."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment.items():
            patch.setenv(name, value)
        patch.setenv("FIREBREAK_EVIDENCE", str(folder / "evidence"))
        hurry(patch)
        cloud = await Cloud.connect()
        try:
            yield cloud
        finally:
            await cloud.close()


async def exported(
    sandbox: RunningSandbox, object_id: str, folder: Path, *, pseudonymous: bool = False
) -> Export:
    """The export, and `twin.json` with it."""
    async with pointed_at(sandbox, folder) as cloud:
        hint: Any = {"object_id": object_id}
        found = await export.take(cloud, hint, POLICY, pseudonymous=pseudonymous)
    (folder / "twin.json").write_text(document.written(found))
    return found


@contextmanager
def played(folder: Path) -> Iterator[RunningSandbox]:
    """A sandbox out of `twin.json`."""
    state = folder / "twin"
    state.mkdir()
    with running_sandbox(state, more=["--twin", str(folder / "twin.json")]) as sandbox:
        yield sandbox


async def planned_again(sandbox: RunningSandbox, export: Export, folder: Path) -> Planned:
    """The plan of the same incident in another world."""
    async with pointed_at(sandbox, folder) as cloud:
        with read_only():
            hint: Any = {"object_id": export.principal.object_id}
            principal = await principals.resolve(cloud, hint)
            at = datetime.fromisoformat(export.exported_at)
            incident = planning.incident_about(principal, POLICY, at)
            return await planning.draw(cloud, incident, POLICY)


def mapped(value: object, sandbox: RunningSandbox) -> Any:
    """With the issuers that the twin's sandbox plays in the place of the tenant's."""
    text = json.dumps(value)
    for there, here in sandbox.seed["issuers"].items():
        text = text.replace(there, here)
    return json.loads(text)
