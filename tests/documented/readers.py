"""Who reads which page: what is there before, what stands for each blank, and what the answers have to have.

A page whose commands need nothing of all that has no reader here, and is typed from top to bottom.
"""

import json
import re
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from drill.alert import log_alert
from drill.options import Json
from drill.petra import Operator
from drill.quiet import troubleshoot_workload
from drill.responder import Responder
from drill.training_ground import AUDIENCE
from tests.documented.blocks import Block
from tests.documented.terminal import Desk

Reader = Callable[..., Awaitable[None]]
READERS: dict[str, Reader] = {}
_APP = "https://<app>.azurewebsites.net"
_CLUSTER = "aks-weu"


def reads(page: str) -> Callable[[Reader], Reader]:
    """The reader of this page: takes the desk, and every block of it."""

    def kept(reader: Reader) -> Reader:
        READERS[page] = reader
        return reader

    return kept


async def _identity(desk: Desk, name: str) -> Json:
    """A user-assigned identity that nobody has acted on yet."""
    wish = {"userAssignedIdentities": [{"name": name, "resourceGroup": "rg-orders"}]}
    (made,) = (await desk.ground.control.seed(wish))["userAssignedIdentities"]
    return dict(made)


async def _application(desk: Desk, name: str) -> Json:
    """An application with a secret, of which the same holds."""
    (made,) = (await desk.ground.control.seed({"applications": [{"displayName": name}]}))[
        "applications"
    ]
    secret = {"holderId": made["application_object_id"], "displayName": "ci"}
    await desk.ground.control.seed({"passwordCredentials": [secret]})
    return dict(made)


async def _called(desk: Desk) -> dict[str, str]:
    """What a reader has in the environment for calls by curl."""
    return {"APP": desk.origin, "TOKEN": await desk.token("rosa")}


async def _contained(desk: Desk, object_id: str, who: str = "nora") -> str:
    """An incident that somebody opened, and that is contained."""
    wish = {"object_id": object_id, "mode": "contain", "reason": "looks odd"}
    opened = await desk.call("POST", "/api/incidents", who, wish)
    await desk.until(opened["incident_id"], "watching", "closed")
    return str(opened["incident_id"])


# --- how to -----------------------------------------------------------------------------------------------------------


@reads("docs/how-to/answer-a-plan.md")
async def answer_a_plan(desk: Desk, read: Block, answer: Block, resume: Block) -> None:
    """Asked for consent to rebuild orders-api; and asked anew about billing-api, to which somebody said no."""
    seed, described = desk.ground.described["seed"], desk.ground.described
    responder = await Responder.sign_in(desk.ground)
    incident_id = await responder.deliver(log_alert(described, seed["orders_api"]["object_id"]))
    denied = await responder.deliver(log_alert(described, seed["billing_api"]["object_id"]))
    shown = await desk.until(incident_id, "awaiting_consent")
    here = {**await _called(desk), "ID": incident_id}
    said = await desk.types(read, given=here)
    consent, _ = _jsons(said.out)[0], None
    assert set(consent) == {
        "plan_hash",
        "expires_at",
        "confirmations",
        "choices",
        "more_choices",
    }
    assert consent["plan_hash"] == shown["consent"]["plan_hash"]
    keys = json.dumps([one["key"] for one in consent["confirmations"]])
    chosen = json.dumps([one["key"] for one in consent["choices"]][:1])
    filled = {
        "<plan_hash>": str(consent["plan_hash"]),
        '["names-of-unknown-age"]': keys,
        '["group-membership-0123456789"]': chosen,
    }
    answered = json.loads((await desk.types(answer, filled, given=here)).out)
    assert answered["decision"] == "grant", answered
    asked = (await desk.until(denied, "awaiting_consent"))["consent"]
    no = {"plan_hash": asked["plan_hash"], "decision": "deny", "reason": "not at night"}
    await desk.call("POST", f"/api/incidents/{denied}/consent", "ines", no)
    await desk.until(denied, "watching")
    said = await desk.types(resume, given={"ID": denied})
    assert denied in said.out


@reads("docs/how-to/azure-monitor-alert.md")
async def azure_monitor_alert(desk: Desk, assign: Block) -> None:
    """Action groups get a role of the app: the real registration of the sandbox, with the page's role ids."""
    made = await _registration(desk, "Firebreak of the alerts")
    await desk.types(assign, given={"SP": made["object_id"]})


@reads("docs/how-to/rehearse-an-incident.md")
async def rehearse_an_incident(desk: Desk, export: Block, check: Block, again: Block) -> None:
    """The settings were kept for break-glass; billing-api is read as whoever signed in, and lies in a file."""
    (desk.folder / "firebreak-settings.json").unlink(missing_ok=True)
    keep = (
        "az functionapp config appsettings list --name func-firebreak --resource-group rg-security"
    )
    await desk.types(Block("", 0, f"{keep} --output json > firebreak-settings.json"))
    object_id = desk.ground.described["seed"]["billing_api"]["object_id"]
    said = await desk.types(export, {"<object id>": object_id})
    assert "look through it before it goes anywhere" in said.out
    written = json.loads((desk.folder / "twin.json").read_text())
    assert written["principal"]["object_id"] == object_id
    assert written["review"]["pseudonyms"] is True
    said = await desk.types(check)
    assert written["principal"]["display_name"] in said.out
    await desk.types(again)


@reads("docs/how-to/break-glass.md")
async def break_glass(desk: Desk, keep: Block, at_night: Block) -> None:
    """The deployed app's settings are kept, and the local app contains with them."""
    await desk.types(keep, {"<app>": "func-firebreak", "<group>": "rg-security"})
    settings = json.loads((desk.folder / "firebreak-settings.json").read_text())
    assert {one["name"] for one in settings} >= {"FIREBREAK_TENANT_ID", "FIREBREAK_API_AUDIENCE"}
    victim = await _application(desk, "break-glass-api")
    said = await desk.types(
        at_night,
        {"ID": victim["object_id"], "'...'": "'the app is down'"},
        given={"FIREBREAK_API_AUDIENCE": ""},
    )
    assert "contained" in said.out


@reads("docs/how-to/check-a-deployment.md")
async def check_a_deployment(desk: Desk, check: Block, card: Block, local: Block) -> None:
    """The app is asked, a test card is posted, and the same is asked on this machine, of the app's settings."""
    assert "evidence store" in (await desk.types(check)).out
    assert "test card" in (await desk.types(card)).out
    # What it finds to mend here is a laptop's: tests/test_doctor_*.py say what it has to find.
    kept = {"firebreak-settings.json": str(_kept_settings(desk))}
    said = await desk.types(local, kept, given={"FIREBREAK_API_AUDIENCE": ""}, status=None)
    assert "evidence store" in said.out


def _kept_settings(desk: Desk) -> Path:
    """The deployed app's settings, as `az functionapp config appsettings list` wrote them."""
    path = desk.folder / "settings-that-were-kept.json"
    kept = desk.ground.described["environment"]
    path.write_text(json.dumps([{"name": one, "value": kept[one]} for one in kept]))
    return path


@reads("docs/how-to/deploy.md")
async def deploy(
    desk: Desk, where: Block, webhook: Block, grants: Block, at_subscription: Block, *seen: Block
) -> None:
    """Settings that infra/ reads, values that it answers with, and an app that is well."""
    doctor, works, lock = seen
    seed = desk.ground.described["seed"]
    workspace = "/subscriptions/…/workspaces/…"
    app_id = seed["firebreak_api"]["app_id"]
    await desk.types(where, {workspace: "/subscriptions/s/workspaces/w"}, given={"APP_ID": app_id})
    (desk.folder / "webhook.txt").write_text("https://teams.test/hook")
    await desk.types(webhook)
    assert not (desk.folder / "webhook.txt").exists()
    both = [(await _identity(desk, name))["object_id"] for name in ("id-one", "id-two")]
    names = ("AZD_FIREBREAK_IDENTITY_PRINCIPAL_ID", "AZD_FIREBREAK_REBUILD_PRINCIPAL_ID")
    given = dict(zip(names, map(str, both), strict=True))
    said = await desk.types(grants, {"<guarded>": "contoso", "<cluster>": _CLUSTER}, given=given)
    assert "containment: would be given Application.ReadWrite.All" in said.out
    assert "rebuild: was given AppRoleAssignment.ReadWrite.All" in said.out
    assert "clusterrolebinding.rbac.authorization.k8s.io/firebreak-rebuild configured" in said.out
    await _bound_again(desk, grants)
    ids = dict(zip(("CONTAINMENT", "REBUILD"), map(str, both), strict=True))
    await desk.types(at_subscription, {"<guarded>": "s"}, given=ids)
    # What it finds to mend in the sandbox's tenant is for tests/test_doctor_*.py to say.
    said = await desk.types(doctor, given={"AZD_FIREBREAK_APP": desk.origin}, status=None)
    assert "test card" in said.out
    victim = await _identity(desk, "test-identity")
    said = await desk.types(
        works,
        {"<of a test identity>": victim["object_id"]},
        given={"AZD_FIREBREAK_APP": desk.origin},
    )
    assert "planned" in said.out
    await desk.types(lock, {"<evidence account>": "stfirebreakevd"})


async def _bound_again(desk: Desk, grants: Block) -> None:
    """The cluster's roles belong to the sandbox's own identities, as before the page."""
    own = desk.ground.described["seed"]["firebreak"]
    lines = [one for one in grants.text.splitlines() if "envsubst" in one]
    ids = {"CONTAINMENT": own["containment"]["object_id"], "REBUILD": own["rebuild"]["object_id"]}
    bound = Block(grants.page, grants.line, "\n".join(lines))
    await desk.types(bound, {"<cluster>": _CLUSTER}, given=ids)


@reads("docs/how-to/event-grid.md")
async def event_grid(desk: Desk, subscribe: Block) -> None:
    """As strict as the CLI; the sandbox subscribes in its own way."""
    here = {"SUBSCRIPTION": "s", "APP_RESOURCE_ID": "/app", "STORAGE_ID": "/storage"}
    await desk.types(subscribe, given=here)


@reads("docs/how-to/events.md")
async def events(desk: Desk, topic: Block, subscribe: Block) -> None:
    """A topic, on which Firebreak gets the sender's role, which the sandbox really gives."""
    described = desk.ground.described
    scope = f"/subscriptions/{described['subscription_id']}"
    here = {"GROUP": "rg-security", "FIREBREAK": described["seed"]["firebreak"]["object_id"]}
    filled = {"--scope $TOPIC": f"--scope {scope}", "az resource update": "az resource update"}
    await desk.types(topic, filled, given={"APP": "func", **here})
    there = {"TOPIC": "/topic", "QUEUE_ID": "/queue", "STORAGE_ID": "/storage"}
    await desk.types(subscribe, given=there)


async def _registration(desk: Desk, name: str) -> Json:
    roles = json.loads(_code("docs/how-to/give-people-access.md", "json"))
    wish = {"displayName": name, "appRoles": roles}
    (made,) = (await desk.ground.control.seed({"applications": [wish]}))["applications"]
    return dict(made)


@reads("docs/how-to/give-people-access.md")
async def give_people_access(
    desk: Desk, register: Block, assign: Block, configure: Block, call: Block
) -> None:
    """The registration is made with the roles of the page's own file, and somebody gets one."""
    (desk.folder / "app-roles.json").write_text(_code("docs/how-to/give-people-access.md", "json"))
    await desk.types(
        register, {"Firebreak ": "Firebreak-of-the-page "}, given={"APP": "func-firebreak"}
    )
    # By its name: a recovery of another page may make applications meanwhile.
    known = await desk.ground.control.part("applications")
    (made,) = [one for one in known if one["displayName"].startswith("Firebreak-of-the-page")]
    assert len(made["appRoles"]) == 5
    assert made["identifierUris"] == [f"api://{made['appId']}"]
    rosa = desk.ground.described["seed"]["users"]["rosa"]["object_id"]
    await desk.types(
        assign, {"<object id of the person or group>": rosa}, given={"APP_ID": str(made["appId"])}
    )
    here = {"RG": "rg", "APP": "func", "APP_ID": str(made["appId"]), "TENANT": "t"}
    await desk.types(configure, given=here)
    victim = await _identity(desk, "curl-identity")
    incident_id = await _planned(desk, victim["object_id"])
    filled = {"api://$APP_ID": AUDIENCE, "https://$APP.azurewebsites.net": desk.origin}
    said = json.loads((await desk.types(call, filled, given={"ID": incident_id})).out)
    assert said["incident_id"] == incident_id


async def _planned(desk: Desk, object_id: str) -> str:
    wish = {"object_id": object_id, "mode": "plan", "reason": "what would happen"}
    return str((await desk.call("POST", "/api/incidents", "rosa", wish))["incident_id"])


@reads("docs/how-to/restore-an-identity.md")
async def restore_an_identity(desk: Desk, plan: Block, order: Block) -> None:
    """A false alarm: the plan is read, and ordered by its hash, with every choice."""
    victim = await _application(desk, "false-alarm-api")
    incident_id = await _contained(desk, victim["object_id"])
    here = {**await _called(desk), "ID": incident_id}
    shown = json.loads((await desk.types(plan, given=here)).out)
    verdicts = {"restore", "there", "choice", "never", "drifted", "unread"}
    found = {one["verdict"] for one in shown["plan"]["pieces"]}
    assert {"restore", "never"} <= found <= verdicts, found
    keys = json.dumps([one["key"] for one in shown["choices"]])
    filled = {"<plan_hash>": str(shown["plan_hash"]), '["<key>", "<key>"]': keys}
    ordered = json.loads((await desk.types(order, filled, given=here)).out)
    assert ordered["begun"] is False


@reads("docs/how-to/resume-a-recovery.md")
async def resume_a_recovery(desk: Desk, look: Block, resume: Block) -> None:
    """An incident to whose plan somebody said no is asked about anew by the same call."""
    described = desk.ground.described
    victim = described["seed"]["payments_identity"]["object_id"]
    responder = await Responder.sign_in(desk.ground)
    incident_id = await responder.deliver(log_alert(described, victim))
    asked = (await desk.until(incident_id, "awaiting_consent"))["consent"]
    no = {"plan_hash": asked["plan_hash"], "decision": "deny", "reason": "not at night"}
    await desk.call("POST", f"/api/incidents/{incident_id}/consent", "ines", no)
    await desk.until(incident_id, "watching")
    here = {**await _called(desk), "ID": incident_id}
    shown = json.loads((await desk.types(look, given=here)).out)
    assert set(shown) == {"outcome", "resumable", "clusters", "by_hand"}
    said = json.loads((await desk.types(resume, given=here)).out)
    assert said["incident_id"] == incident_id


@reads("docs/how-to/see-what-would-happen.md")
async def see_what_would_happen(desk: Desk, start: Block, read: Block) -> None:
    """A plan is opened and read until it is closed."""
    victim = await _identity(desk, "seen-identity")
    token = await desk.token("rosa")
    filled = {"https://<app>": desk.origin, "<object id>": victim["object_id"]}
    opened = json.loads((await desk.types(start, filled, given={"TOKEN": token})).out)
    incident_id = opened["incident_id"]
    await desk.until(incident_id, "closed")
    filled = {"https://<app>": desk.origin, "<incident id>": incident_id}
    shown = json.loads((await desk.types(read, filled, given={"TOKEN": token})).out)
    assert {"changes", "remaining", "steps", "report"} <= set(shown)
    assert shown["outcome"] == "planned"


@reads("docs/how-to/signals-that-wait.md")
async def signals_that_wait(desk: Desk, start: Block, queue: Block) -> None:
    """An incident by hand about whom a poisoned signal named."""
    victim = await _application(desk, "poisoned-api")
    said = await desk.types(start, {_APP: desk.origin, "<id>": victim["object_id"]})
    assert "contained" in said.out
    await desk.types(queue, {"<storage>": "stfirebreak", "<the same content>": "content"})


@reads("docs/how-to/stop-everything.md")
async def stop_everything(desk: Desk, pull: Block) -> None:
    """The switch is pulled, and released again by who may."""
    try:
        said = await desk.types(pull, {_APP: desk.origin, "<app>": "func", "<group>": "rg"})
        assert '"acting": false' in said.out
    finally:
        back = {"acting": True, "reason": "the page was read"}
        await desk.call("PUT", "/api/kill-switch", "zoe", back)


@reads("docs/how-to/stage-a-trouble.md")
async def stage_a_trouble(desk: Desk, cut: Block) -> None:
    """A cluster is cut off in the sandbox that `make serve` would have started, and well again."""
    served = desk.folder / ".serve"
    served.mkdir(exist_ok=True)
    (served / "sandbox").symlink_to(desk.ground.folder / "sandbox")
    try:
        said = json.loads((await desk.types(cut)).out)
        assert said["api_server"] == "reset"
    finally:
        await desk.ground.control.turn(_CLUSTER, {"api_server": "up"})


@reads("docs/how-to/teams.md")
async def teams(desk: Desk, configure: Block) -> None:
    """As strict as the CLI; a Key Vault reference is tried in tests/test_host_settings.py."""
    await desk.types(configure, {"<app>": "func", "<group>": "rg", "<vault>": "kv"})


@reads("docs/how-to/uninstall.md")
async def uninstall(desk: Desk, *blocks: Block) -> None:
    """An identity as Firebreak's is, beside the one that is needed for the other pages: nothing of it is left."""
    stop, who, graph, azure, clusters, resources, left = blocks
    control, group = desk.ground.control, "rg-of-the-page"
    await control.seed({"resourceGroups": [{"name": group}]})
    wish = {"name": "id-of-the-page", "resourceGroup": group}
    (made,) = (await control.seed({"userAssignedIdentities": [wish]}))["userAssignedIdentities"]
    bound = "of-the-page"
    await control.seed(
        {
            "appRoleAssignments": [
                {"principalId": made["object_id"], "role": role}
                for role in ("Directory.Read.All", "AuditLog.Read.All")
            ],
            "roleAssignments": [_reader(desk, made["object_id"])],
            "clusters": {_CLUSTER: {"clusterroles": [{"metadata": {"name": bound}, "rules": []}]}},
        }
    )
    registered = await _application(desk, "firebreak-of-the-page")
    try:
        await desk.types(stop)
    finally:
        back = {"acting": True, "reason": "the page was read"}
        await desk.call("PUT", "/api/kill-switch", "zoe", back)
    here = {"GROUP": group, "APP_ID": registered["app_id"]}
    assert (await desk.types(who, given=here)).out.split() == [made["object_id"]]
    await desk.types(graph)
    await desk.types(azure, {"'Firebreak '": "'of the page '"})
    if shutil.which("kubectl") is not None:
        # Those of the sandbox's own identities are needed by the other pages.
        named = {"firebreak-containment": bound, "firebreak-rebuild": "of-nobody"}
        said = await desk.types(clusters, named)
        assert f'"{bound}" deleted' in said.out
        names = {"'Firebreak '": "'of the page '", "grep firebreak": f"grep {bound}"}
        said = await desk.types(left, names, given=here)
        assert said.out.split() == [made["resource_id"]], "azd down takes the group, not this test"
    await desk.types(resources, given=here)
    held = await control.part("appRoleAssignments")
    assert made["object_id"] not in {one["principalId"] for one in held}
    assert registered["app_id"] not in {one["appId"] for one in await control.part("applications")}


@reads("docs/how-to/upgrade.md")
async def upgrade(desk: Desk, whole: Block) -> None:
    """The code comes, and the app says that it is well."""
    said = await desk.types(whole, status=None)
    assert "orchestrations are answered for" in said.out


@reads("docs/how-to/use-the-command-line.md")
async def use_the_command_line(desk: Desk, setup: Block) -> None:
    """Set up; the commands of the table are checked with all others in running text."""
    await desk.types(setup, {_APP: desk.origin, "<client id of the app registration>": AUDIENCE})


@reads("docs/how-to/verify-evidence.md")
async def verify_evidence(desk: Desk, fetch: Block, check: Block, sealed: Block) -> None:
    """An incident's folder out of the container, and checked; a manifest that is another one is refused."""
    victim = await _identity(desk, "evidence-identity")
    incident_id = await _planned(desk, victim["object_id"])
    await desk.until(incident_id, "closed")
    await _uploaded(desk, incident_id)
    await desk.types(fetch, {"<account>": "stfirebreakevd", "<incident id>": incident_id})
    said = await desk.types(check, {"<incident id>": incident_id})
    assert "intact" in said.out
    shown = await desk.call("GET", f"/api/incidents/{incident_id}", "ravi")
    filled = {"<incident id>": incident_id, "<64 hex digits>": "0" * 64}
    await desk.types(sealed, filled, status=2)
    known = shown["manifest"]["sha256"]
    assert "intact" in (await desk.types(sealed, {**filled, "<64 hex digits>": known})).out


async def _uploaded(desk: Desk, incident_id: str) -> None:
    """Where a deployed app would have kept it, by Firebreak's own identity; and the reader may read there."""
    control, described = desk.ground.control, desk.ground.described
    account = described["seed"]["evidence"]["account_id"]
    people = await control.part("users")
    reader = next(one for one in people if one["userPrincipalName"].startswith("petra@"))
    role = {
        "scope": account,
        "role": "Storage Blob Data Reader",
        "principalId": reader["id"],
    }
    await control.seed({"roleAssignments": [role]})
    asked = await desk.ground.http.get(
        f"{described['endpoints']['identity']}/msi/token",
        params={
            "resource": "https://storage.azure.com",
            "api-version": "2019-08-01",
            "client_id": described["seed"]["firebreak"]["containment"]["app_id"],
        },
        headers={"X-IDENTITY-HEADER": described["identity_header"]},
    )
    headers = {
        "Authorization": f"Bearer {asked.json()['access_token']}",
        "x-ms-version": "2023-11-03",
        "x-ms-blob-type": "BlockBlob",
    }
    folder = desk.ground.evidence / "incidents" / incident_id
    for file in (one for one in folder.rglob("*") if one.is_file()):
        name = file.relative_to(desk.ground.evidence).as_posix()
        url = f"{described['seed']['evidence']['container_url']}/{name}"
        answer = await desk.ground.http.put(url, content=file.read_bytes(), headers=headers)
        assert answer.is_success, answer.text


# --- runbooks ---------------------------------------------------------------------------------------------------------


@reads("docs/runbooks/provision-identity.md")
async def provision_identity(desk: Desk, run: Block) -> None:
    """The page's own document is planned and applied, in the sandbox's clusters."""
    described = desk.ground.described
    text = _code("docs/runbooks/provision-identity.md", "yaml")
    names = list(described["seed"]["clusters"])[:2]
    storage = described["seed"]["storage"]["account_id"]
    text = re.sub(r"(?m)^.*condition: .*\n", "", text)
    text = re.sub(r"scope: \S+", f"scope: {storage}", text)
    text = text.replace("/subscriptions/<id>", f"/subscriptions/{described['subscription_id']}")
    text = text.replace("aks-weu, aks-neu", ", ".join(names)).replace("[aks-weu]", f"[{names[0]}]")
    await desk.ground.control.seed({"resourceGroups": [{"name": "rg-store"}]})
    (desk.folder / "identities").mkdir()
    (desk.folder / "identities" / "catalog.yaml").write_text(text)
    said = await _planned_and_applied(desk, run)
    assert "1 to be made" in said


@reads("docs/runbooks/rotate-federation.md")
async def rotate_federation(desk: Desk, run: Block) -> None:
    """The rotation of a trust is planned, and applied by the hash of the plan."""
    victim = await _workload(desk, "turning")
    said = await _planned_and_applied(desk, run, {"<client id>": victim["app_id"]})
    assert "1 trusts in 1 clusters to replace" in said


async def _planned_and_applied(desk: Desk, run: Block, filled: dict[str, str] | None = None) -> str:
    """Two lines: the plan, and its application by the hash and the keys that it says. Returns what the plan said."""
    plan, apply = run.text.splitlines()
    said = await desk.types(Block(run.page, run.line, plan + "\n"), filled)
    found = re.search(r"--plan-hash (\w{64})", said.out)
    assert found, said.out
    keys = " ".join(f"--accept {one}" for one in re.findall(r"--accept (\S+)", said.out))
    words = Block(run.page, run.line + 1, apply.replace("--accept <key>", keys) + "\n")
    await desk.types(words, {**(filled or {}), "<hash>": found[1]})
    return said.out


@reads("docs/runbooks/troubleshoot-workload.md")
async def troubleshoot(desk: Desk, ways: Block, slash: Block) -> None:
    """Each way to ask, about a workload that works; and the page's broken one, with every check that the page shows."""
    victim = await _workload(desk, "looked-at")
    pods = await desk.ground.control.part(f"clusters/{_CLUSTER}/pods")
    (pod,) = [
        one["metadata"]["name"] for one in pods if one["metadata"]["name"].startswith("looked-at-")
    ]
    (desk.folder / "pod.log").write_text("nothing that Entra says\n")
    about = f"--cluster {_CLUSTER} -n shop --service-account looked-at"
    storage = desk.ground.described["seed"]["storage"]["account_id"]
    filled = {
        "orders-api-7d9f…": pod,
        "--service-account orders-api": "--service-account looked-at",
        "1f6e…": victim["app_id"],
        "/subscriptions/…/storageAccounts/orders": storage,
        "troubleshoot …": f"troubleshoot {about}",
    }
    said = await desk.types(ways, filled)
    shown = said.out[said.out.rindex("\n{\n") :]
    assert json.loads(shown)["document"]["data"]["workloads"][0]["verdict"] == "works"
    await troubleshoot_workload.staged(
        desk.ground.control, desk.ground.described, Operator(desk.ground)
    )
    broken = await desk.types(slash, status=6)
    checks = re.compile(r"^│ (.) │ (\S+)", re.M)
    assert checks.findall(broken.out) == checks.findall(slash.output)
    assert "broken: issuer" in broken.out
    assert _without_ids(slash.output.splitlines()[-1]) == _without_ids(_fix(broken.out))


def _fix(said: str) -> str:
    """The command that is printed last, on one line."""
    command = said[said.index("az identity federated-credential") :].partition("Next")[0]
    return " ".join(command.split())


def _without_ids(command: str) -> list[str]:
    """Its words, less the values that are another tenant's."""
    return [one for one in command.split() if not re.search(r"[0-9a-f]{8}-|localhost", one)]


async def _workload(desk: Desk, name: str) -> Json:
    """An identity, trusted, with a role, and a workload that runs with it."""
    control, seed = desk.ground.control, desk.ground.described["seed"]
    victim = await _identity(desk, f"{name}-identity")
    role = {
        "scope": seed["storage"]["account_id"],
        "role": "Storage Blob Data Reader",
        "principalId": victim["object_id"],
    }
    issuer = seed["clusters"][_CLUSTER]["issuer"]
    objects = {
        "serviceaccounts": [troubleshoot_workload._account(name, victim["app_id"])],
        "deployments": [troubleshoot_workload._deployment(name, victim["app_id"])],
    }
    await control.seed(
        {
            "roleAssignments": [role],
            "identityCredentials": [troubleshoot_workload._trust(victim, name, issuer, name)],
            "clusters": {_CLUSTER: objects},
        }
    )
    return victim


@reads("docs/runbooks/compromised-identity.md")
async def compromised_identity(desk: Desk, by_hand: Block) -> None:
    """Everything that a person does with the app down, on an application and on a managed identity."""
    described, control = desk.ground.described, desk.ground.control
    app, identity = await _application(desk, "night-api"), await _identity(desk, "night-identity")
    planted = await control.seed(
        {
            "roleAssignments": [_reader(desk, app["object_id"])],
            "federatedCredentials": [_trust(app["application_object_id"])],
            "passwordCredentials": [
                {"holderId": app[holder], "displayName": holder}
                for holder in ("application_object_id", "object_id")
            ],
            "identityCredentials": [
                {**_EVIL, "identityId": identity["resource_id"], "name": "planted"}
            ],
        }
    )
    keys = [one["key_id"] for one in planted["passwordCredentials"]]
    filled: dict[str, str | list[str]] = {
        "<object id>": app["object_id"],
        "<application object id>": app["application_object_id"],
        "<client id>": app["app_id"],
        "--subscription <each>": f"--subscription {described['subscription_id']}",
        "--ids <each id>": f"--ids {planted['roleAssignments'][0]['id']}",
        "--federated-credential-id <each>": f"--federated-credential-id {planted['federatedCredentials'][0]['id']}",
        "--key-id <each>": [f"--key-id {one}" for one in keys],
        "--identity-name <name>": "--identity-name night-identity",
        "<group>": "rg-orders",
        "--name <each>": "--name planted",
    }
    await desk.types(by_hand, filled)
    state = await control.state()
    left = [
        one
        for one in state["federatedCredentials"]
        if one["applicationId"] == app["application_object_id"]
    ]
    assert left == []
    assert json.loads((desk.folder / "grants.json").read_text()), "the way back was kept"


_EVIL = {"issuer": "https://evil.example", "subject": "system:serviceaccount:a:b"}


def _trust(application_object_id: str) -> Json:
    return {**_EVIL, "applicationId": application_object_id, "name": "planted"}


def _reader(desk: Desk, object_id: str) -> Json:
    scope = desk.ground.described["seed"]["storage"]["account_id"]
    return {"scope": scope, "role": "Storage Blob Data Reader", "principalId": object_id}


def _jsons(text: str) -> list[Any]:
    """One JSON document after the other, as jq prints them."""
    found, decoder, rest = [], json.JSONDecoder(), text.strip()
    while rest:
        one, end = decoder.raw_decode(rest)
        found.append(one)
        rest = rest[end:].strip()
    return found


def _code(page: str, language: str) -> str:
    """The first block of a page in this language."""
    text = (Path(__file__).parent.parent.parent / page).read_text()
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.M | re.S)
    assert found, f"{page} has no {language}"
    return found[1]
