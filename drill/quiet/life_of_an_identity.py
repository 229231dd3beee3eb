"""One identity's life: provisioned, found clean, attacked, found out by an audit, rotated, and found clean again."""

from drill.options import Json
from drill.quiet.day import Day, RunSeen
from drill.quiet.provision_identity import _identities
from drill.quiet.rotate_federation import _approved
from sandbox.attacks import (
    application_fic_backdoor,
    application_secret_backdoor,
    role_assignment_backdoor,
    service_principal_secret_backdoor,
)
from sandbox.attacks.attacker import Attacker, AttackFailedError

SUMMARY = "provision, audit, attack, audit, rotate and mend, audit"
OPTIONS: tuple[str, ...] = ()
_CLUSTER, _SPACE, _NAME = "aks-weu", "back-office", "receipts"
_GRAPH, _ARM = "https://graph.microsoft.com", "https://management.azure.com/"
_CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
_NOBODY = "0badc0de-0000-4000-8000-000000000001"
# What the attacker leaves, as the audit calls it.
_ARTEFACTS = ["credential-beside-trusts", "role-owner-level", "trust-unknown-issuer"]


async def play(day: Day) -> None:
    """The five playbooks of it, and what an attacker does in between."""
    seeded = day.described["seed"]
    await _deploy(day)
    made = await day.run(
        "provision_identity", "apply", {"declarations": {f"{_NAME}.yaml": _declaration(seeded)}}
    )
    day.equal("provision", "is done", made.outcome, "done")
    ids = _identities(made)[_NAME]
    await _settle(day, ids)
    only = {"client_ids": [ids["app_id"]]}

    sound = await day.run("audit_identities", "apply", only)
    day.equal("sound", "the audit finds nothing", sorted(sound.rules()), [])

    attacker = Attacker(day.ground.http, day.described["endpoints"], day.described["tenant_id"])
    graph = await attacker.phish("dana", _GRAPH)
    arm = await attacker.phish("dana", _ARM)
    trust = await application_fic_backdoor.plant(attacker, graph, ids["application_object_id"])
    secret = await application_secret_backdoor.plant(attacker, graph, ids["application_object_id"])
    locked = await _is_locked(attacker, graph, ids["object_id"])
    day.equal("sound", "its property lock refuses a secret on the principal", locked, True)
    scope = seeded["storage"]["account_id"].partition("/providers/")[0]
    grant = await role_assignment_backdoor.plant(
        attacker, arm, scope, ids["object_id"], role=_CONTRIBUTOR
    )

    await day.control.no_delays()  # an audit is of last night's attack, not of the last second's
    attacked = await day.run("audit_identities", "apply", only)
    new = sorted({one["rule"] for one in attacked.difference["new"]})
    day.equal("attacked", "the audit has what was planted, as new", new, _ARTEFACTS)
    _on_what(day, attacked, [trust.credential_id, secret.key_id, grant.assignment_id])

    asked = {
        "app_id": ids["app_id"],
        "label": "2026q4",
        "remove_unused": True,
        "migrate_secrets": False,
        "remove_credentials": [secret.key_id],
    }
    planned = await day.run("rotate_federation", "plan", asked, by="nora")
    rotated = await _approved(day, planned, asked)
    day.equal("rotation", "is done", rotated.outcome, "done")
    await _take_back(day, attacker, arm, grant.assignment_id)

    clean = await day.run("audit_identities", "apply", only)
    gone = sorted({one["rule"] for one in clean.difference["gone"]})
    day.equal("mended", "what was planted is gone", gone, _ARTEFACTS)
    day.equal("mended", "the audit finds nothing", sorted(clean.rules()), [])


async def _is_locked(attacker: Attacker, token: str, principal: str) -> bool:
    """Where nobody would look for one.

    https://learn.microsoft.com/entra/identity-platform/howto-configure-app-instance-property-locks
    """
    try:
        await service_principal_secret_backdoor.plant(attacker, token, principal)
    except AttackFailedError as refused:
        return "CannotUpdateLockedServicePrincipalProperty" in str(refused)
    return False


def _on_what(day: Day, seen: RunSeen, planted: list[str]) -> None:
    subjects = " ".join(one["subject"] for one in seen.document["findings"])
    missing = [one for one in planted if one.lower() not in subjects]
    day.equal("attacked", "each on the very object", missing, [])


async def _deploy(day: Day) -> None:
    """The team's workload, before it has an identity."""
    labels = {"app": _NAME}
    container = {"name": _NAME, "image": "contoso.azurecr.io/receipts:1.0"}
    template = {
        "metadata": {"labels": labels},
        "spec": {"serviceAccountName": _NAME, "containers": [container]},
    }
    about = {"name": _NAME, "namespace": _SPACE}
    objects = {
        "namespaces": [{"metadata": {"name": _SPACE}}],
        "serviceaccounts": [{"metadata": about}],
        "deployments": [
            {
                "metadata": about,
                "spec": {
                    "replicas": 2,
                    "selector": {"matchLabels": labels},
                    "template": template,
                },
            }
        ],
    }
    await day.control.seed({"clusters": {_CLUSTER: objects}})


def _declaration(seeded: Json) -> str:
    return f"""version: 1
name: {_NAME}
kind: application
clusters: [{_CLUSTER}]
service_accounts:
  - {{namespace: {_SPACE}, name: {_NAME}, workloads: [Deployment/{_NAME}]}}
roles:
  - {{role: Storage Blob Data Reader, scope: {seeded["storage"]["account_id"]}}}
"""


async def _settle(day: Day, ids: Json) -> None:
    """Time that a drill does not wait for: somebody owns it, and the logs go back to before it."""
    dana = day.described["seed"]["users"]["dana"]["object_id"]
    tables = ("AADServicePrincipalSignInLogs", "AADManagedIdentitySignInLogs")
    rows = [
        {"table": one, "daysAgo": 89, "row": {"ServicePrincipalId": _NOBODY, "ResultType": "0"}}
        for one in tables
    ]
    rows.append({"table": "AzureActivity", "daysAgo": 89, "row": {"Caller": _NOBODY}})
    owned = (ids["application_object_id"], ids["object_id"])
    owners = [{"objectId": one, "ownerId": dana} for one in owned]
    await day.control.seed({"owners": owners, "logRows": rows})


async def _take_back(day: Day, attacker: Attacker, token: str, assignment: str) -> None:
    """The role, as its finding's fix says: az role assignment delete."""
    url = f"{day.described['endpoints']['arm']}{assignment}?api-version=2022-04-01"
    answer = await attacker.call("DELETE", url, token)
    answer.raise_for_status()
