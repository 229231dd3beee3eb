"""The command line against a real app: signed in by the Azure CLI, over HTTP, to the end of an incident."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from drill.options import ROOT
from drill.training_ground import AUDIENCE, Layout, TrainingGround, opened

# One app for all but the test that kills it.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="module"),
]

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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TrainingGround]:
    layout = Layout(folder=tmp_path_factory.mktemp("ground"), host_environment={})
    async with opened(layout) as running:
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
        process = await self.begins(*words, **more)
        said, wrong = await process.communicate()
        return int(process.returncode or 0), said.decode(), wrong.decode()

    async def begins(self, *words: str, **more: str) -> asyncio.subprocess.Process:
        """A command that runs."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-u", "-m", "cli", *words),
            cwd=ROOT,
            env={**self.environment, **more},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

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
    bundle = ground.evidence / "incidents" / incident_id
    assert "intact" in await rosa.gets("verify-evidence", str(bundle), "--incident", incident_id)
    assert json.loads(await rosa.gets("health"))["status"]
    assert "true" in await rosa.gets("policy-check", str(ROOT / "policy.toml"))

    status, said, _ = await rosa.types("doctor", "--json", "--send-test-card")
    rows = json.loads(said)["rows"]
    assert {one["name"]: one["status"] for one in rows}.keys() >= {
        "app",
        "tables",
        "pages",
        "clock",
    }
    (card,) = [one for one in rows if one["name"] == "test card"]
    assert (card["status"], "accepted" in card["detail"]) == ("ok", True)
    wrong_ones = [one for one in rows if one["status"] not in {"ok", "note"}]
    assert status == (1 if wrong_ones else 0), wrong_ones
    assert "kill switch" in await rosa.gets("doctor", "--only", "kill-switch")

    zoe = Person(ground, tmp_path, "zoe")
    status, _, wrong = await zoe.types("cancel", incident_id, "--reason", "not mine to end")
    assert (status, "NotAllowed" in wrong) == (1, True)


async def refused(person: Person, *words: str) -> str:
    """What a command says that ends with 1: it asked the app, and the app said no."""
    status, said, wrong = await person.types(*words)
    assert status == 1, f"{words}: {status}\n{said}\n{wrong}"
    return wrong


async def test_a_false_alarm_is_taken_back_from_two_terminals(
    ground: TrainingGround, tmp_path: Path
) -> None:
    object_id = ground.described["seed"]["payments_identity"]["object_id"]
    nora, rosa, ines = (Person(ground, tmp_path, one) for one in ("nora", "rosa", "ines"))
    contain = ("--object-id", object_id, "--mode", "contain", "--reason", "looks odd")
    incident_id = (await nora.gets("start", *contain)).split()[1]
    assert incident_id in await nora.gets("signals", "--source", "responder")
    why = ("--reason", "it was a load test")
    assert "NotResumable" in await refused(nora, "resume", incident_id, *why)
    assert "NotAllowed" in await refused(ines, "resume", incident_id, *why)
    assert "NotAllowed" in await refused(nora, "restore", incident_id, *why)

    shown = await rosa.gets("restore", incident_id, *why)
    plan_hash = shown.split("--apply ")[1][:64]
    order = ("restore", incident_id, *why, "--apply", plan_hash)
    assert "WorldChanged" in await refused(rosa, *order[:-1], "0" * 64)
    assert "1 more must order the same" in await rosa.gets(*order)
    assert "waits for more people" in await ines.gets("show", incident_id)
    await ines.gets("restore", incident_id, "--reason", "not yet", "--refuse", plan_hash)
    assert "NotAsked" in await refused(ines, "restore", incident_id, *why, "--refuse", plan_hash)
    assert "1 more must order the same" in await ines.gets(*order)
    assert "begun True" in await rosa.gets(*order)
    assert "restored" in await rosa.gets("watch", incident_id, "--to-the-end")
    assert "it was a load test" in await rosa.gets("report", incident_id)
    assert "Over" in await refused(nora, "cancel", incident_id, *why)


async def test_the_kill_switch_is_pulled_by_who_responds_and_released_by_one_role(
    ground: TrainingGround, tmp_path: Path
) -> None:
    nora, ravi, zoe = (Person(ground, tmp_path, one) for one in ("nora", "ravi", "zoe"))
    assert json.loads(await ravi.gets("kill-switch"))["acting"] is True
    assert "no reason" in await refused(nora, "kill-switch", "--pull")
    assert "NotAllowed" in await refused(ravi, "kill-switch", "--pull", "--reason", "not mine")
    why = ("--reason", "it harms a customer")
    pulled = json.loads(await nora.gets("kill-switch", "--pull", *why))
    assert (pulled["acting"], pulled["switch"]["by"]["name"].split("@")[0]) == (False, "nora")
    try:
        assert "NotAllowed" in await refused(nora, "kill-switch", "--release", *why)
        assert json.loads(await ravi.gets("kill-switch"))["switch"]["reason"] == why[1]
    finally:
        released = json.loads(await zoe.gets("kill-switch", "--release", "--reason", "mended"))
    assert released["acting"] is True
    status, _, wrong = await ravi.types("kill-switch", AZ_USER="nobody")
    assert (status, "no token" in wrong) == (5, True)


async def test_the_local_app_is_served_until_it_is_interrupted(
    ground: TrainingGround, tmp_path: Path
) -> None:
    rosa = Person(ground, tmp_path, "rosa")
    assert "only the local app" in await refused(rosa, "serve")
    settings = tmp_path / "settings.json"
    assert "can't be read" in await refused(rosa, "--local", "--settings", str(settings), "serve")
    kept = {**ground.described["environment"], "FIREBREAK_EVIDENCE": str(tmp_path / "evidence")}
    settings.write_text(json.dumps({"Values": kept}))
    local = ("--local", "--settings", str(settings), "--state", str(tmp_path / "local"))
    served = await rosa.begins(*local, "serve")
    try:
        assert served.stdout is not None
        said = ""
        while "Ctrl-C ends it" not in said:
            line = await asyncio.wait_for(served.stdout.readline(), 90)
            assert line, said
            said += line.decode()
        address = next(word for word in said.split() if word.endswith("/incidents"))
        assert (await ground.http.get(address)).status_code in {302, 401}
        listed = await rosa.gets(*local, "list")
        assert "incident" in listed, "a second command uses the app that runs"
    finally:
        served.send_signal(signal.SIGINT)
        ended = await asyncio.wait_for(served.wait(), 60)
    assert ended == 0
    with pytest.raises(httpx.ConnectError):
        await ground.http.get(address)


async def test_with_the_app_down_a_responder_plans_from_the_own_machine(tmp_path: Path) -> None:
    """Nothing of the deployed app is asked: its process is gone."""
    async with opened(Layout(folder=tmp_path, host_environment={})) as ground:
        ground.host.process.kill()
        await ground.host.process.wait()
        await _plan_alone(ground, tmp_path)


async def _plan_alone(ground: TrainingGround, tmp_path: Path) -> None:
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
