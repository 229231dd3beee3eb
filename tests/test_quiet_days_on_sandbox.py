"""Real steps against the sandbox: what fails half-way leaves the world as it was, and a step may run twice."""

from pathlib import Path
from typing import Any

import pytest

from playbooks import policy
from tests.in_process import Driven, InProcess, Step
from tests.rehearsal import Json

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]
POLICY = policy.load(Path(__file__).parent.parent / "policy.toml").frozen()
WHY = {"status": "refused", "detail": "pretended"}
_MADE = ("applications", "servicePrincipals", "federatedCredentials", "roleAssignments")


def order(playbook: str, parameters: Json, **more: Any) -> Any:
    run = {
        "run_id": f"run-{playbook}-20260101T000000-aaaaaa",
        "playbook": playbook,
        "mode": "apply",
        "parameters": parameters,
        "by": {"object_id": "o", "name": "rosa"},
        "started_by": "person",
        "reason": "a test",
        "opened_at": "2026-01-01T00:00:00.000+00:00",
        "accepted": [],
        **more,
    }
    return {"run": run, "policy": POLICY, "facts": {}}


def document(seed: Json, kind: str) -> str:
    account = seed["storage"]["account_id"]
    group = account.partition("/providers/")[0]
    managed = f"resource_group: {group}\nlocation: westeurope\n"
    return f"""version: 1
name: catalog
kind: {kind}
{managed if kind == "user_assigned_identity" else ""}clusters: [aks-sdc, aks-weu]
service_accounts:
  - {{namespace: store, name: catalog}}
  - {{namespace: shop, name: default, clusters: [aks-sdc], workloads: [Deployment/storefront]}}
roles:
  - {{role: Storage Blob Data Reader, scope: {account}}}
"""


def world(running: InProcess) -> list[str]:
    """What a run could have made or changed, by its ids and words."""
    state = running.sandbox.control("GET", "state")
    found = [f"{part} {one['id']}" for part in _MADE for one in state[part]]
    found += [one["id"] for one in state["resources"]]
    for name, cluster in state["clusters"].items():
        found += [f"{name} namespace {one['metadata']['name']}" for one in cluster["namespaces"]]
        for one in cluster["serviceaccounts"]:
            about = one["metadata"]
            notes = {
                key: value
                for key, value in (about.get("annotations") or {}).items()
                if key.startswith("azure.workload.identity/")
            }
            found.append(f"{name} {about['namespace']}/{about['name']} {sorted(notes.items())}")
        for one in cluster["deployments"]:
            template = one["spec"]["template"]
            account = template["spec"].get("serviceAccountName")
            found.append(
                f"{name} {one['metadata']['name']} {template['metadata']['labels']} {account}"
            )
    return sorted(found)


def provision(running: InProcess, kind: str, pretended: Json | None = None) -> Driven:
    text = document(running.sandbox.seed, kind)
    asked = order(
        "provision_identity",
        {"declarations": {"a.yaml": text}, "only": [], "remove_undeclared": False},
    )
    return running.start(asked, pretended, playbook="provision_identity")


def outcome(driven: Driven) -> str:
    return str(driven.run.outcome["outcome"])


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        ("application", "check_labelled"),
        ("user_assigned_identity", "grant_declared_roles"),
    ],
)
async def test_an_identity_that_can_not_be_made_whole_leaves_nothing_behind(
    in_process: InProcess, kind: str, broken: str
) -> None:
    before = world(in_process)

    driven = provision(in_process, kind, {broken: WHY})
    await driven.until()

    assert outcome(driven) == "failed"
    detail = next(one for name, one in driven.answers if name == "provision_one")["detail"]
    assert detail.endswith("; undone"), detail
    assert world(in_process) == before


def twice(step: Step) -> Step:
    async def run(asked: Json) -> Json:
        await step(asked)
        return await step(asked)

    return run


async def test_every_step_may_run_twice(in_process: InProcess) -> None:
    """A worker that dies between its act and its answer is followed by another one."""
    driven = provision(in_process, "application")
    driven.steps = {name: twice(step) for name, step in driven.steps.items()}

    await driven.until()

    assert outcome(driven) == "done", driven.answers[-3:]
    state = in_process.sandbox.control("GET", "state")
    made = [one for one in state["applications"] if one["displayName"] == "catalog"]
    assert len(made) == 1
    trusts = [one for one in state["federatedCredentials"] if one["applicationId"] == made[0]["id"]]
    assert len(trusts) == 3


def rotation(**more: Any) -> Json:
    said: Json = {
        "app_id": None,
        "object_id": None,
        "resource_id": None,
        "label": "q4",
        "method": "new_subject",
        "clusters": [],
        "remove_unused": False,
        "migrate_secrets": False,
        "remove_credentials": [],
    }
    return {**said, **more}


async def test_the_trusts_of_a_managed_identity_are_replaced(in_process: InProcess) -> None:
    identity = in_process.sandbox.seed["payments_identity"]["resource_id"]

    def subjects() -> list[str]:
        state = in_process.sandbox.control("GET", "state")
        prefix = f"{identity}/federatedIdentityCredentials/"
        found = [one for one in state["resources"] if one["id"].startswith(prefix)]
        return [one["properties"]["subject"] for one in found]

    before = subjects()
    driven = in_process.start(
        order("rotate_federation", rotation(resource_id=identity)), playbook="rotate_federation"
    )
    await driven.until()

    assert outcome(driven) == "done", driven.answers[-4:]
    assert sorted(subjects()) == sorted(f"{one}-q4" for one in before)


async def test_a_rotation_that_fails_once_pods_were_moved_puts_everything_back(
    in_process: InProcess,
) -> None:
    before = world(in_process)
    app_id = in_process.sandbox.seed["orders_api"]["app_id"]
    parameters = rotation(app_id=app_id, clusters=["aks-weu"])

    driven = in_process.start(
        order("rotate_federation", parameters), {"check_moved": WHY}, playbook="rotate_federation"
    )
    await driven.until()

    assert outcome(driven) == "failed"
    left = [one for one in world(in_process) if one not in before]
    # Successors stay, as in a recovery: they name nobody and nobody trusts them.
    assert left == ["aks-weu shop/orders-api-q4 []", "aks-weu shop/orders-worker-q4 []"]
    assert [one for one in before if one not in world(in_process)] == []
