"""The shell of a reader: a clone of this repository, the tools on the path, sandbox and host for a cloud."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from drill import kubeconfig
from drill.options import Json
from drill.petra import KUBE, NAME, Operator
from drill.training_ground import AUDIENCE, TrainingGround, without_real_cloud
from tests.documented.blocks import ROOT, Block

_HERE = Path(__file__).parent
_LEFT_BEHIND = (".git", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
_STATE = (".drill", ".serve", ".fuzz", ".evidence", "site", "node_modules", "__pycache__")
_BLANK = re.compile(r"<[^<>()\n]*[a-z]>|…|\.\.\.")
# Targets that a block may name and no block runs, with where they are run.
ELSEWHERE = {
    "setup": "whoever runs these tests has run it",
    "test": "it is what runs these tests",
    "docs": "built from requirements-docs.txt, where a warning is an error; tests/test_docs_links.py",
    "drill": "tests/test_drill.py, tests/test_twin_drill.py; exhaustively below",
    "run": "exhaustively below; the same plays in tests/test_quiet_days_on_sandbox.py",
    "serve": "tests/test_drill_processes.py",
    "bench": "six minutes; tests/test_bench.py",
    "bench-audit": "five minutes; tests/test_bench.py",
    "storm": "minutes; tests/test_storm.py",
    "fuzz-worlds": "minutes to hours; tests/test_worlds.py",
    "fuzz": "tests/test_fuzz_http.py, tests/test_formats_fuzz.py",
    "test-kubernetes": "tests/test_sandbox_kubernetes_semantics*.py",
}
_SHIMS = {
    "az": 'exec "{python}" "{here}/az_cli.py" "$@"',
    "azd": 'exec "{python}" "{here}/azd_cli.py" "$@"',
    "firebreak": 'PYTHONPATH="{clone}" exec "{python}" -m cli "$@"',
    "make": 'exec "{python}" "{here}/make_cli.py" "$@"',
    # Told to fail where the answer is an error, which a reader sees.
    "curl": 'exec "{curl}" --cacert "{ca}" --fail-with-body "$@"',
    # A clone of a test has no place to pull from.
    "git": '[ "$*" = pull ]',
}


@dataclass
class Said:
    """What a block did."""

    status: int
    out: str
    wrong: str


@dataclass
class Desk:
    """Somebody who reads a page, and types what it says."""

    ground: TrainingGround
    folder: Path
    environment: dict[str, str]
    log: Path
    tokens: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def furnished(cls, ground: TrainingGround, folder: Path) -> "Desk":
        """A clone, the tools, and a person with the administrator's rights in the tenant."""
        clone, tools = folder / "clone", folder / "tools"
        shutil.copytree(
            ROOT, clone, symlinks=True, ignore=shutil.ignore_patterns(*_LEFT_BEHIND, *_STATE)
        )
        tools.mkdir()
        operator = await Operator.hired(ground)
        await _promoted(ground)
        desk = cls(operator.ground, clone, {}, folder / "typed.log")
        desk.log.touch()
        token = await ground.control.sign_in(NAME, KUBE)
        desk.environment = desk._environment(tools, folder, token)
        for name, line in _SHIMS.items():
            text = line.format(
                python=sys.executable,
                here=clone / "tests" / "documented",
                clone=clone,
                curl=shutil.which("curl"),
                ca=ground.described["ca_bundle"],
            )
            (tools / name).write_text(f"#!/bin/sh\n{text}\n")
            (tools / name).chmod(0o755)
        return desk

    def _environment(self, tools: Path, folder: Path, token: str) -> dict[str, str]:
        described = self.ground.described
        world = {
            "endpoints": described["endpoints"],
            "ca": described["ca_bundle"],
            "subscription": described["subscription_id"],
            "user": NAME,
            "responder": "rosa",
            "audience": AUDIENCE,
            "settings": described["environment"],
            "log": str(self.log),
        }
        (folder / "world.json").write_text(json.dumps(world))
        clusters = kubeconfig.write(folder / "kubeconfig", described, token)
        return {
            **without_real_cloud(dict(os.environ)),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.folder),
            "AZ_WORLD": str(folder / "world.json"),
            "MAKE_ELSEWHERE": " ".join(ELSEWHERE),
            "TYPED_LOG": str(self.log),
            "KUBECONFIG": str(clusters),
            "COLUMNS": "200",
            "HOME": str(folder),
            "FIREBREAK_APP": self.origin,
            "FIREBREAK_API_AUDIENCE": AUDIENCE,
            "SSL_CERT_FILE": str(described["ca_bundle"]),
        }

    @property
    def origin(self) -> str:
        """Where the function app answers."""
        return str(self.ground.host.ready["url"]).rstrip("/")

    async def token(self, name: str) -> str:
        """A person's token for the app."""
        return await self.ground.control.sign_in(name, AUDIENCE)

    async def types(
        self,
        block: Block,
        filled: Mapping[str, str | Sequence[str]] | None = None,
        *,
        given: Mapping[str, str] | None = None,
        status: int | None = 0,
    ) -> Said:
        """A block, with what the reader fills in; a list is used up from top to bottom.

        Insists on this status, if on any. `given` are variables that the reader has in the environment already.
        """
        script = _filled(block, filled or {})
        said = await self._bash(script, given or {})
        assert status in {None, said.status}, (
            f"{block}\n{script}\n{said.status}\n{said.out}\n{said.wrong}"
        )
        return said

    async def _bash(self, script: str, variables: Mapping[str, str]) -> Said:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-euo", "pipefail", "-c", script),
            cwd=self.folder,
            env={**self.environment, **variables},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, wrong = await process.communicate()
        return Said(int(process.returncode or 0), out.decode(), wrong.decode())

    async def call(self, method: str, path: str, who: str, body: Json | None = None) -> Json:
        """Beside the page: a call to the app."""
        headers = {"Authorization": f"Bearer {await self.token(who)}"}
        answer = await self.ground.http.request(
            method, self.origin + path, json=body, headers=headers
        )
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        found: Json = answer.json()
        return found

    async def until(self, incident_id: str, *phases: str) -> Json:
        """The incident, as soon as it has come there."""
        while True:
            shown = await self.call("GET", f"/api/incidents/{incident_id}", "ravi")
            if shown["phase"] in phases:
                return shown
            assert shown["phase"] not in {"closed", "failed", "refused"}, shown
            await asyncio.sleep(0.2)


def _filled(block: Block, filled: Mapping[str, str | Sequence[str]]) -> str:
    text = block.text
    for blank, value in filled.items():
        assert blank in text, f"{block}: {blank} is not there any more"
        values = [value] * text.count(blank) if isinstance(value, str) else list(value)
        assert len(values) == text.count(blank), f"{block}: {blank} is there another time"
        parts = text.split(blank)
        text = "".join(part for pair in zip(parts, [*values, ""], strict=True) for part in pair)
    left = _BLANK.findall(re.sub(r"(?m)\s#.*$", "", text))
    assert not left, f"{block}: say in tests/documented/readers.py what stands for {left}"
    return text


async def _promoted(ground: TrainingGround) -> None:
    users = await ground.control.part("users")
    petra = next(one for one in users if one["userPrincipalName"].startswith(f"{NAME}@"))
    wish = {"principalId": petra["id"], "role": "Global Administrator"}
    await ground.control.seed({"directoryRoleAssignments": [wish]})
