"""A drill that went well, as the plain data that a verdict is computed from. Nothing here runs."""

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from drill.scene import EvidenceFile, PodRead, Reply, Scene, Victim

Json = dict[str, Any]
START = datetime(2026, 8, 1, 10, 0, tzinfo=UTC)
OLD, NEW, FIREBREAK = "sp-orders-api", "sp-orders-api-r2", "sp-firebreak"
CLUSTERS = ("aks-weu", "aks-neu")
SENTINEL = "/workspaces/log/providers/Microsoft.SecurityInsights/Incidents/1"
INCIDENT, CONTAINED_AT = "inc-20260801-0123456789ab", "2026-08-01T10:00:04.000+00:00"
SEED: Json = {
    "orders_api": {
        "app_id": "client-old",
        "application_object_id": "app-orders-api",
        "object_id": OLD,
    },
    "billing_api": {
        "app_id": "client-billing",
        "application_object_id": "app-billing-api",
        "object_id": "sp-billing-api",
    },
    "firebreak": {
        "object_id": "sp-of-the-app-itself",
        "containment": {"object_id": FIREBREAK},
        "rebuild": {"object_id": "sp-firebreak-rebuild"},
    },
    "users": {"dana": {"object_id": "user-dana"}},
    "clusters": {
        name: {"issuer": f"https://oidc/{name}/", "server": f"https://{name}"} for name in CLUSTERS
    },
}


def scene(**changes: object) -> Scene:
    """The good scene, with some of its fields changed."""
    before, staged, after = _before(), _staged(), _after()
    good: Json = {
        "seed": SEED,
        "victim": Victim("client-old", "app-orders-api", OLD, "dana", "/rg/roles/planted-grant"),
        "before": before,
        "staged": staged,
        "after": after,
        "traffic": _traffic(),
        "alerted_at": START,
        "consented_at": START + timedelta(seconds=10),
        "credential_replays": {
            "planted secret": Reply(401, "AADSTS7000112"),
            "rogue trust": Reply(401, "AADSTS7000112"),
        },
        "token_replays": {"planted secret": Reply(403, "AuthorizationPermissionMismatch")},
        "old_identity_replays": {"aks-weu": Reply(401, "AADSTS7000112")},
        "new_identity_replays": {"aks-weu": Reply(400, "AADSTS700213")},
        "owner_on_successor": Reply(403, "Authorization_RequestDenied"),
        "workload_reads": [
            PodRead(name, f"orders-api-new-{number}", Reply(200))
            for name in CLUSTERS
            for number in range(2)
        ],
        "bystander_reads": [PodRead("aks-weu", "billing-api-1", Reply(200))],
        "evidence": _evidence(),
        "outputs": {
            "host log": "started",
            "evidence": "snapshot",
            "report": "# Incident",
            "Teams messages": "a card",
            "events": "an event",
            "orchestration history": "TaskCompleted",
            "status answer": "{}",
        },
        "secrets": {"planted client secret": "s3cr3t-value"},
        "status": {
            "incident_id": INCIDENT,
            "outcome": "recovered",
            "contained_at": CONTAINED_AT,
            "signal": {"source": "sentinel", "sentinel_incident": SENTINEL},
            "channels": {
                "sentinel": {"told": 2, "not_told": []},
                "events": {"told": 2, "not_told": []},
            },
        },
    }
    return Scene(**(good | changes))


def changed(part: str, change: Any) -> Scene:
    """The good scene with one of its parts changed by a function that gets a copy of it."""
    value = copy.deepcopy(getattr(scene(), part))
    replaced = change(value)
    return scene(**{part: value if replaced is None else replaced})


def _application(object_id: str, app_id: str, name: str, *key_ids: str) -> Json:
    secrets = [{"keyId": key_id} for key_id in key_ids]
    return {"id": object_id, "appId": app_id, "displayName": name, "passwordCredentials": secrets}


def _principal(object_id: str, app_id: str, *, enabled: bool, keys: tuple[str, ...] = ()) -> Json:
    certificates = [{"keyId": key_id} for key_id in keys]
    return {
        "id": object_id,
        "appId": app_id,
        "accountEnabled": enabled,
        "passwordCredentials": [],
        "keyCredentials": certificates,
    }


def _trust(trust_id: str, application: str, issuer: str, subject: str) -> Json:
    return {
        "id": trust_id,
        "name": trust_id,
        "applicationId": application,
        "issuer": issuer,
        "subject": subject,
    }


def _grant(name: str, principal: str, role: str, scope: str = "/rg") -> Json:
    properties = {"scope": scope, "principalId": principal, "roleDefinitionId": f"/roles/{role}"}
    return {"id": f"{scope}/roles/{name}", "properties": properties}


def _cluster(client_id: str, account: str, pods: str, *, billing: bool) -> Json:
    accounts = [_account(account, client_id)]
    deployments = [_deployment("orders-api", account, 2)]
    names = [f"orders-api-{pods}-{number}" for number in range(2)]
    running = [_pod(name, "orders-api", account, client_id) for name in names]
    if billing:
        accounts.append(_account("billing-api", "client-billing"))
        deployments.append(_deployment("billing-api", "billing-api", 1))
        running.append(_pod("billing-api-1", "billing-api", "billing-api", "client-billing"))
    return {"serviceaccounts": accounts, "deployments": deployments, "pods": running}


def _account(name: str, client_id: str) -> Json:
    annotations = {"azure.workload.identity/client-id": client_id}
    return {"metadata": {"namespace": "shop", "name": name, "annotations": annotations}}


def _deployment(name: str, account: str, replicas: int) -> Json:
    return {
        "metadata": {"namespace": "shop", "name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"spec": {"serviceAccountName": account}},
        },
    }


def _pod(name: str, app: str, account: str, client_id: str) -> Json:
    variables = [{"name": "AZURE_CLIENT_ID", "value": client_id}]
    return {
        "metadata": {
            "namespace": "shop",
            "name": name,
            "labels": {"app": app},
            "ownerReferences": [{"kind": "ReplicaSet", "name": f"{app}-1", "controller": True}],
        },
        "spec": {"serviceAccountName": account, "containers": [{"name": "main", "env": variables}]},
        "status": {"phase": "Running"},
    }


def _clusters(client_id: str, account: str, pods: str) -> Json:
    return {
        name: _cluster(client_id, account, pods, billing=name == "aks-weu") for name in CLUSTERS
    }


def _before() -> Json:
    subject = "system:serviceaccount:shop:orders-api"
    return {
        "resources": [],
        "applications": [
            _application("app-orders-api", "client-old", "orders-api", "legit-secret"),
            _application("app-billing-api", "client-billing", "billing-api"),
        ],
        "servicePrincipals": [
            _principal(OLD, "client-old", enabled=True, keys=("sp-key",)),
            _principal("sp-billing-api", "client-billing", enabled=True),
        ],
        "federatedCredentials": [
            _trust(f"trust-{name}", "app-orders-api", f"https://oidc/{name}/", subject)
            for name in CLUSTERS
        ],
        "roleAssignments": [
            _grant("old-grant", OLD, "reader"),
            _grant("billing-grant", "sp-billing-api", "reader"),
        ],
        "owners": {"app-orders-api": ["user-dana"]},
        "clusters": _clusters("client-old", "orders-api", "old"),
        "teams": [],
        "topics": {},
        "sentinelComments": [],
    }


def _staged() -> Json:
    state = _before()
    state["applications"][0]["passwordCredentials"].append({"keyId": "planted-secret"})
    state["federatedCredentials"].append(
        _trust("trust-rogue", "app-orders-api", "https://oidc/rogue/", "system:anything")
    )
    state["roleAssignments"].append(_grant("planted-grant", OLD, "contributor"))
    return state


def _after() -> Json:
    state = _before()
    state["applications"][0] |= {"passwordCredentials": [], "isDisabled": True}
    state["servicePrincipals"][0] = _principal(OLD, "client-old", enabled=False)
    state["applications"].append(_application("app-new", "client-new", "orders-api-r2"))
    state["servicePrincipals"].append(_principal(NEW, "client-new", enabled=True))
    subject = "system:serviceaccount:shop:orders-api-r2"
    state["federatedCredentials"] = [
        _trust(f"new-{name}", "app-new", f"https://oidc/{name}/", subject) for name in CLUSTERS
    ]
    state["roleAssignments"][0] = _grant("new-grant", NEW, "reader")
    state["clusters"] = _clusters("client-new", "orders-api-r2", "new")
    state["teams"] = [{"type": "message"}]
    state["topics"] = {"incidents": [_on_topic(one) for one in ("asking", "recovered")]}
    state["sentinelComments"] = [{"id": f"{SENTINEL}/comments/{number}"} for number in range(2)]
    return state


def _traffic() -> list[Json]:
    graph = "https://graph/v1.0"
    return [
        _call(1, "graph", "PATCH", f"{graph}/servicePrincipals/{OLD}", {"accountEnabled": False}),
        _call(3, "graph", "DELETE", f"{graph}/applications/x/federatedIdentityCredentials/y"),
        _call(4, "graph", "POST", f"{graph}/applications/x/removePassword", {"keyId": "k"}),
        *(
            _call(11, "kubernetes", "PATCH", f"https://{name}/apis/apps/v1/deployments/x/scale", {})
            for name in CLUSTERS
        ),
    ]


def _call(second: int, service: str, method: str, url: str, body: Json | None = None) -> Json:
    return {
        "service": service,
        "at": (START + timedelta(seconds=second)).isoformat(),
        "caller": FIREBREAK,
        "method": method,
        "url": url,
        "request_body": body,
        "status": 204,
    }


def _event(notice: str) -> Json:
    """As the app keeps it."""
    return {
        "id": f"{INCIDENT}/{notice}",
        "source": f"/firebreak/{INCIDENT}",
        "type": f"Firebreak.Incident.{notice.title()}",
        "subject": INCIDENT,
        "data": {
            "incident_id": INCIDENT,
            "notice": notice,
            "principal": {"object_id": OLD},
            "facts": {"contained": CONTAINED_AT},
        },
    }


def _on_topic(notice: str) -> Json:
    """As the sandbox's topic keeps it."""
    sent = _event(notice)
    about = {name: sent[name] for name in ("id", "subject", "data")}
    return {**about, "topic": sent["source"], "eventType": sent["type"]}


def _evidence() -> list[EvidenceFile]:
    names = [f"trust-{name}" for name in CLUSTERS]
    names += ["trust-rogue", "legit-secret", "planted-secret", "sp-key"]
    names += ["old-grant", "planted-grant"]
    captured = [f"orders-api-old-{number}" for number in range(2)]
    return [
        EvidenceFile("snapshot.json", START + timedelta(seconds=2), " ".join(names)),
        EvidenceFile("pods.json", START + timedelta(seconds=10.5), " ".join(captured)),
        EvidenceFile("sign-ins.jsonl", START + timedelta(seconds=6), "key planted-secret"),
        *(
            EvidenceFile(
                f"incidents/{INCIDENT}/notices/{one}/events.json",
                START + timedelta(seconds=20),
                json.dumps(_event(one)),
            )
            for one in ("asking", "recovered")
        ),
    ]
