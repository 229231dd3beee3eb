"""The review: a sound namespace has no finding, a careless one has each, on its objects; what is mended is gone."""

from drill.options import Json
from drill.quiet.day import Day, RunSeen

SUMMARY = "a sound namespace beside a careless one, policies, a vault, and the careless one mended in one place"
OPTIONS: tuple[str, ...] = ()
_CLUSTER = "aks-weu"
_BASELINE = (
    "/providers/Microsoft.Authorization/policySetDefinitions/a8640138-9b0a-4a28-b8cb-1666c838647d"
)
_NOBODY = "0badc0de-0000-4000-8000-000000000001"
_IN_CLUSTER = (
    *("pss-enforce", "resource-quota", "cis-4.1.4", "cis-4.1.5", "cis-4.6.1"),
    *("cis-4.4.2", "network-egress", "disruption-budget", "cis-4.5.2"),
)


async def play(day: Day) -> None:
    """A review, one mended thing, and a review again."""
    cluster: Json = day.described["seed"]["clusters"][_CLUSTER]
    await _plant(day, cluster)
    before = await day.control.normal_state()

    reviewed = await day.run("security_review", "apply")

    day.equal(
        "tenant", "the review has changed nothing in it", await day.control.normal_state(), before
    )
    careless, sound = (
        f"{cluster['resource_id']}/namespaces/{one}".lower() for one in ("careless", "sound")
    )
    found = reviewed.rules()
    for control in _IN_CLUSTER:
        mine = [one for one in found.get(control, []) if one.startswith(careless)]
        day.fact("careless", control, holds=bool(mine), expected="a finding", actual=mine)
    against = [one for subjects in found.values() for one in subjects if one.startswith(sound)]
    day.equal("sound", "nothing is found in it", against, [])
    rows = {one["control"]: one for one in reviewed.document["data"]["checklist"]}
    day.equal(
        "checklist",
        "every row has its evidence",
        [one for one in rows.values() if not one["evidence"]],
        [],
    )
    for control, status in _expected_rows().items():
        day.equal("checklist", control, rows[control]["status"], status)

    await _mend(day)
    again = await day.run("security_review", "apply")
    gone = {one["rule"] for one in again.difference["gone"] if one["subject"].startswith(careless)}
    day.equal(
        "mended",
        "the network of the careless one is isolated",
        gone,
        {"cis-4.4.2", "network-egress"},
    )
    _no_new(day, again)
    await day.people_heard("told of each review", 2)


def _expected_rows() -> dict[str, str]:
    return {
        "policy-pod-security": "holds",
        "policy-local-accounts": "holds",
        "policy-add-on": "does not hold",
        "policy-compliance": "does not hold",
        "mcsb-im-3": "does not hold",
        "federation-use": "holds",
        "policy-vault-rbac": "holds",
    }


def _no_new(day: Day, again: RunSeen) -> None:
    day.equal("mended", "nothing is new", again.difference["new"], [])


async def _plant(day: Day, cluster: Json) -> None:
    seeded = day.described["seed"]
    client_id = seeded["orders_api"]["app_id"]
    subscription = seeded["storage"]["account_id"].split("/resourceGroups/")[0]
    planted = await day.control.seed(
        {
            "policyAssignments": [
                {"scope": subscription, "name": "baseline", "definitionId": _BASELINE}
            ],
            "clusters": {_CLUSTER: {**_namespaces(), **_workloads(client_id)}},
            "vaults": [{"name": "kv-careless"}],
            "federatedCredentials": [
                {
                    "applicationId": seeded["orders_api"]["application_object_id"],
                    "name": "sound",
                    "issuer": cluster["issuer"],
                    "subject": "system:serviceaccount:sound:app",
                }
            ],
        }
    )
    state = {
        "resourceId": cluster["resource_id"],
        "resourceType": "Microsoft.ContainerService/managedClusters",
        "assignmentId": planted["policyAssignments"][0]["id"],
        "definitionId": "/providers/Microsoft.Authorization/policyDefinitions/95edb821-ddaf-4404-9732-666045e056b4",
        "reference": "privilegedContainers",
    }
    await day.control.seed({"policyStates": [state], "logRows": await _history(day)})


async def _history(day: Day) -> list[Json]:
    """Logs that go back far enough, in which every trust was used lately."""
    rows: list[Json] = [
        {"table": table, "daysAgo": 89, "row": row}
        for table, row in (
            ("AADServicePrincipalSignInLogs", {"ServicePrincipalId": _NOBODY, "ResultType": "0"}),
            ("AADManagedIdentitySignInLogs", {"ServicePrincipalId": _NOBODY, "ResultType": "0"}),
            ("AzureActivity", {"Caller": _NOBODY}),
        )
    ]
    used = day.described["seed"]["orders_api"]["object_id"]
    for trust in (await day.control.state())["federatedCredentials"]:
        row = {"ServicePrincipalId": used, "FederatedCredentialId": trust["id"], "ResultType": "0"}
        rows.append({"table": "AADServicePrincipalSignInLogs", "daysAgo": 2, "row": row})
    return rows


def _namespaces() -> Json:
    enforce = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "namespaces": [
            {"metadata": {"name": "sound", "labels": enforce}},
            {"metadata": {"name": "careless"}},
        ],
        "resourcequotas": [
            {"metadata": {"name": "team", "namespace": "sound"}, "spec": {"hard": {"pods": "20"}}}
        ],
        "networkpolicies": [_isolating("sound")],
    }


def _isolating(space: str) -> Json:
    ports = [
        {"protocol": "UDP", "port": 53},
        {"protocol": "TCP", "port": 53},
        {"protocol": "TCP", "port": 443},
    ]
    return {
        "metadata": {"name": "isolate", "namespace": space},
        "spec": {
            "podSelector": {},
            "policyTypes": ["Ingress", "Egress"],
            "egress": [{"ports": ports}],
        },
    }


def _workloads(client_id: str) -> Json:
    """The same workload in both; in the careless one others may run pods, and the node's identity reads the vault."""
    note = {"azure.workload.identity/client-id": client_id}
    stranger = {"kind": "ServiceAccount", "name": "builder", "namespace": "shop"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}
    names = [("sound", "app"), ("careless", "app")]
    return {
        "serviceaccounts": [
            {"metadata": {"name": name, "namespace": space, "annotations": note}}
            for space, name in names
        ],
        "deployments": [
            _deployment("sound", "app", account="app"),
            _deployment("careless", "app", account="app"),
            _deployment("careless", "extra", account="default"),
        ],
        "poddisruptionbudgets": [
            {
                "metadata": {"name": "app", "namespace": "sound"},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "app"}}},
            }
        ],
        "rolebindings": [
            {
                "metadata": {"name": "builders", "namespace": "careless"},
                "roleRef": role,
                "subjects": [stranger],
            }
        ],
        "secretproviderclasses": [
            {
                "apiVersion": "secrets-store.csi.x-k8s.io/v1",
                "kind": "SecretProviderClass",
                "metadata": {"name": "vault", "namespace": "careless"},
                "spec": {
                    "provider": "azure",
                    "parameters": {"keyvaultName": "kv-careless", "useVMManagedIdentity": "true"},
                },
            }
        ],
    }


def _deployment(space: str, name: str, *, account: str) -> Json:
    labels = {"app": name}
    return {
        "metadata": {"name": name, "namespace": space},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": {**labels, "azure.workload.identity/use": "true"}},
                "spec": {
                    "serviceAccountName": account,
                    "containers": [{"name": "app", "image": "app:1"}],
                },
            },
        },
    }


async def _mend(day: Day) -> None:
    await day.control.seed({"clusters": {_CLUSTER: {"networkpolicies": [_isolating("careless")]}}})
