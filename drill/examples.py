"""Commands to copy: the incident API by curl, and real az and kubectl pointed at the sandbox."""

from dataclasses import dataclass
from pathlib import Path

from drill.options import Json


@dataclass(frozen=True, slots=True)
class Files:
    """What `python -m drill.serve` wrote for these commands to read. All but the alert are private."""

    function_key: Path
    responder_token: Path
    webhook_token: Path
    workload_token: Path
    kubeconfig: Path
    alert: Path


def incident_api(described: Json, origin: str, files: Files) -> list[tuple[str, str]]:
    """(what it does, command) for each call of the incident API."""
    object_id = described["seed"]["orders_api"]["object_id"]
    person = f'-H "Authorization: Bearer $(cat {files.responder_token})"'
    body = "-H 'Content-Type: application/json'"
    wish = f'{{"object_id": "{object_id}", "mode": "plan", "reason": "looking around"}}'
    yes = '{"plan_hash": "PLAN_HASH", "decision": "grant", "reason": "the plan was read", '
    yes += '"confirmed": [], "chosen": []}'
    back = '{"mode": "plan", "reason": "it was a load test"}'
    return [
        (
            "An alert, as Azure Monitor's secure webhook sends it: contain, then ask",
            f'curl -s {origin}/api/secure/alerts/azure-monitor -H "Authorization: Bearer $(cat {files.webhook_token})" '
            f"{body} -d @{files.alert}",
        ),
        (
            "A responder opens an incident; plan only reads, contain and respond act",
            f"curl -s {origin}/api/incidents {person} {body} -d '{wish}'",
        ),
        ("How it stands", f"curl -s {origin}/api/incidents/INCIDENT_ID {person}"),
        (
            "Consent to exactly the plan that the status shows",
            f"curl -s {origin}/api/incidents/INCIDENT_ID/consent {person} {body} -d '{yes}'",
        ),
        (
            "It was a false alarm: what a restore would give back; mode apply with its plan_hash does it",
            f"curl -s {origin}/api/incidents/INCIDENT_ID/restore {person} {body} -d '{back}'",
        ),
        (
            "What a person would do by hand, in both directions",
            f"curl -s {origin}/api/incidents/INCIDENT_ID/undo {person}",
        ),
        (
            "The alert with a key in place of a token, which contains at most",
            f'curl -s "{origin}/api/alerts/azure-monitor?code=$(cat {files.function_key})" '
            f"{body} -d @{files.alert}",
        ),
    ]


def sandbox_control(described: Json) -> list[tuple[str, str]]:
    """(what it does, command) for the sandbox behind it all."""
    control = described["endpoints"]["control"]
    trust = f"curl -s --cacert {described['ca_bundle']}"
    return [
        ("What the sandbox knows", f"{trust} {control}/sandbox/state/federatedCredentials"),
        ("What was said on the wire", f"{trust} {control}/sandbox/record"),
        (
            "A fresh world on the same ports; for fresh incidents start `make serve` again",
            f"{trust} -X POST {control}/sandbox/reset",
        ),
    ]


def real_tools(described: Json, files: Files) -> list[tuple[str, str]]:
    """(what it does, command) for az and kubectl. az keeps its settings in a folder of its own."""
    folder = files.kubeconfig.parent
    app_id = described["seed"]["orders_api"]["app_id"]
    cloud = f"--name firebreak-sandbox --endpoint-resource-manager {described['endpoints']['arm']}"
    login = f"--service-principal --username {app_id} --tenant {described['tenant_id']}"
    return [
        (
            "az: settings of its own, and the sandbox's CA",
            f"export AZURE_CONFIG_DIR={folder}/az REQUESTS_CA_BUNDLE={described['ca_bundle']}",
        ),
        (
            "az: no lookup of the authority at Microsoft",
            "az config set core.instance_discovery=false",
        ),
        (
            "az: register the sandbox as a cloud",
            f"az cloud register {cloud} && az cloud set --name firebreak-sandbox",
        ),
        (
            "az: sign in as orders-api, with a token of its own pod",
            f'az login {login} --federated-token "$(cat {files.workload_token})"',
        ),
        (
            "az: who may do what on the orders (refused once orders-api is contained)",
            "az role assignment list --resource-group rg-orders --fill-principal-name false "
            '--query "[].{role:roleDefinitionName, principal:principalId}" -o table',
        ),
        (
            "kubectl: as Firebreak sees the clusters",
            f"kubectl --kubeconfig {files.kubeconfig} --context aks-weu get pods",
        ),
    ]
