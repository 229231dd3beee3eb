"""The command line against a real app: signed in by the Azure CLI, over HTTP, to the end of an incident."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drill.options import ROOT
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# What `az account get-access-token` prints, for whoever AZ_USER says, from the sandbox's own sign-in.
_AZ = """#!{python}
import json, os, ssl, sys, urllib.request
words = sys.argv[1:]
assert words[:2] == ["account", "get-access-token"], words
wish = {{"user": os.environ["AZ_USER"], "audience": words[words.index("--resource") + 1]}}
request = urllib.request.Request(
    "{control}/sandbox/sign-in", json.dumps(wish).encode(), {{"Content-Type": "application/json"}}
)
trust = ssl.create_default_context(cafile="{ca}")
try:
    answer = json.load(urllib.request.urlopen(request, context=trust))
except urllib.error.HTTPError as wrong:
    sys.exit("ERROR: AADSTS " + wrong.read().decode()[:200])
print(json.dumps({{"accessToken": answer["access_token"], "expires_on": 4102444800}}))
"""


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[TrainingGround]:
    async with opened(Layout(folder=tmp_path, host_environment={})) as running:
        yield running


class Person:
    """Somebody at a terminal, signed in to the Azure CLI."""

    def __init__(self, ground: TrainingGround, folder: Path, name: str) -> None:
        self.folder = folder / f"bin-{name}"
        self.folder.mkdir()
        az = self.folder / "az"
        az.write_text(
            _AZ.format(
                python=sys.executable,
                control=ground.described["endpoints"]["control"],
                ca=ground.described["ca_bundle"],
            )
        )
        az.chmod(0o755)
        kept = {name: value for name, value in os.environ.items() if "FIREBREAK" not in name}
        self.environment = {
            **kept,
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "AZ_USER": name,
            "NO_PROXY": "*",
            "COLUMNS": "200",
            "FIREBREAK_APP": str(ground.host.ready["url"]),
            "FIREBREAK_API_AUDIENCE": AUDIENCE,
        }

    async def types(self, *words: str, **more: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error of a command."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", *words),
            cwd=ROOT,
            env={**self.environment, **more},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, wrong = await process.communicate()
        return int(process.returncode or 0), said.decode(), wrong.decode()

    async def gets(self, *words: str) -> str:
        status, said, wrong = await self.types(*words)
        assert status == 0, f"{words}: {status}\n{said}\n{wrong}"
        return said


async def test_a_responder_does_it_all_from_a_terminal(
    ground: TrainingGround, tmp_path: Path
) -> None:
    object_id = ground.described["seed"]["orders_api"]["object_id"]
    rosa = Person(ground, tmp_path, "rosa")
    about = ["troubleshoot", "--cluster", "aks-weu", "-n", "shop", "--service-account"]
    well = await rosa.gets(*about, "orders-api")
    assert "the token endpoint gave the ServiceAccount a token" in well
    status, said, _ = await rosa.types(*about, "default", "--format", "json")
    assert (status, json.loads(said)["document"]["data"]["workloads"][0]["cause"]) == (
        6,
        "service-account",
    )
    started = await rosa.gets(
        "start", "--object-id", object_id, "--mode", "respond", "--reason", "somebody is in"
    )
    incident_id = started.split()[1]
    assert "phase awaiting_consent" in started
    assert f"firebreak consent {incident_id}" in started

    shown = json.loads(
        (
            await ground.http.get(
                f"{rosa.environment['FIREBREAK_APP']}/api/incidents/{incident_id}",
                headers={
                    "Authorization": f"Bearer {await ground.control.sign_in('ravi', AUDIENCE)}"
                },
            )
        ).text
    )
    asked = shown["consent"]
    confirmed = [word for one in asked["confirmations"] for word in ("--confirm", one["key"])]
    answer = ["consent", incident_id, "--reason", "read it whole", *confirmed]
    ines = Person(ground, tmp_path, "ines")

    status, _, wrong = await ines.types(*answer, "--plan-hash", "0" * 64)
    assert (status, "another one" in wrong) == (1, True)
    assert "grant" in await ines.gets(*answer, "--plan-hash", asked["plan_hash"])
    followed = await rosa.gets("watch", incident_id)
    assert "recovered" in followed

    assert incident_id in await rosa.gets("list", "--principal", object_id)
    assert "disable" in await rosa.gets("steps", incident_id)
    page = tmp_path / "report.html"
    await rosa.gets("report", incident_id, "--format", "html", "--output", str(page))
    assert incident_id in page.read_text()
    bundle = tmp_path / "evidence" / "incidents" / incident_id
    assert "intact" in await rosa.gets("verify-evidence", str(bundle), "--incident", incident_id)
    assert json.loads(await rosa.gets("health"))["status"]
    assert "true" in await rosa.gets("policy-check", str(ROOT / "policy.toml"))

    zoe = Person(ground, tmp_path, "zoe")
    status, _, wrong = await zoe.types("cancel", incident_id, "--reason", "not mine to end")
    assert (status, "NotAllowed" in wrong) == (1, True)


async def test_with_the_app_down_a_responder_plans_from_the_own_machine(
    ground: TrainingGround, tmp_path: Path
) -> None:
    """Nothing of the deployed app is asked: its process is gone."""
    ground.host.process.kill()
    await ground.host.process.wait()
    settings = dict(ground.described["environment"])
    settings["FIREBREAK_EVIDENCE"] = str(tmp_path / "evidence")
    kept = tmp_path / "settings.json"
    kept.write_text(json.dumps([{"name": name, "value": settings[name]} for name in settings]))
    app_id = ground.described["seed"]["orders_api"]["app_id"]
    rosa = Person(ground, tmp_path, "rosa")

    status, said, wrong = await rosa.types("list", FIREBREAK_APP="http://127.0.0.1:9")
    assert (status, "--local" in wrong) == (4, True), said
    local = ["--local", "--settings", str(kept), "--state", str(tmp_path / "local")]
    started = await rosa.gets(
        *local, "start", "--app-id", app_id, "--mode", "plan", "--reason", "exercise"
    )

    incident_id = next(word for word in started.split() if word.startswith("inc-"))
    assert "planned" in await rosa.gets(*local, "show", incident_id)
