"""Workloads of every shape that a recovery meets, and everything else that can name a client id.

All run as orders-api and read its customers; what differs is how they know its client id, and what restarts them.
"""

from sandbox.kubernetes.cluster import Cluster
from sandbox.kubernetes.seeds import CLIENT_ID, USE
from sandbox.world import Json

SHOP = "shop"
_EXPIRATION = "azure.workload.identity/service-account-token-expiration"
_LONGEST_S = 86400  # that a pod may ask for
_IDLE = ["sleep", "infinity"]


def accounts(cluster: Cluster, client_id: str, *names: str) -> None:
    """ServiceAccounts that name the client id."""
    for name in names:
        cluster.seed_service_account(SHOP, name, client_id=client_id)


def of_the_canary(cluster: Cluster, client_id: str) -> None:
    """Two workloads under one account, init containers, a long-lived token, jobs, a bare pod, and all consumers."""
    accounts(cluster, client_id, "orders-batch", "orders-import")
    cluster.seed_service_account(SHOP, "orders-tools")  # its pods know the client id by themselves
    _deploy(cluster, "orders-reports", "orders-api")
    import_template = _template(cluster, "orders-import", "orders-import")
    import_template["metadata"]["annotations"] = {_EXPIRATION: str(_LONGEST_S)}
    image = "contoso.azurecr.io/orders-schema:1.4.2"
    import_template["spec"]["initContainers"] = [{"name": "schema", "image": image}]
    _deploy(cluster, "orders-import", "orders-import", template=import_template)
    _batch(cluster)
    _literals(cluster, client_id)
    _consumers(cluster, client_id)


def of_slow_restarts(cluster: Cluster, client_id: str) -> None:
    """A StatefulSet, a DaemonSet that waits for its pods to be deleted, a paused Deployment."""
    accounts(cluster, client_id, "orders-ledger", "orders-agent")
    ledger = _spec(cluster, "orders-ledger", "orders-ledger")
    _seed(cluster, "statefulsets", "orders-ledger", {**ledger, "replicas": 2})
    agent = _spec(cluster, "orders-agent", "orders-agent")
    agent["updateStrategy"] = {"type": "OnDelete"}
    _seed(cluster, "daemonsets", "orders-agent", agent)
    _deploy(cluster, "orders-preview", "orders-api")
    _pause(cluster, "orders-preview")


def budget(cluster: Cluster, name: str, least: int) -> None:
    """A disruption budget that lets no pod go, where there are no more than these."""
    spec = {"minAvailable": least, "selector": {"matchLabels": {"app": name}}}
    _seed(cluster, "poddisruptionbudgets", name, spec)


def bound_workload(cluster: Cluster, namespace: str, name: str, client_id: str) -> None:
    """A workload that gets its tokens by an identity binding, and the right to.

    https://learn.microsoft.com/azure/aks/identity-bindings
    """
    cluster.seed_service_account(namespace, name, client_id=client_id)
    rule = {
        "apiGroups": ["cid.wi.aks.azure.com"],
        "resources": [client_id],
        "verbs": ["use-managed-identity"],
    }
    role = f"use-mi-{name}"
    cluster.seed_cluster_role(role, [rule])
    subjects = [{"kind": "ServiceAccount", "namespace": namespace, "name": name}]
    cluster.seed_cluster_role_binding(role, role=role, subjects=subjects)
    template = _template(cluster, name, name)
    note = "azure.workload.identity/use-identity-binding"
    template["metadata"]["annotations"] = {note: "true"}
    spec = {"selector": {"matchLabels": {"app": name}}, "template": template}
    about = {"name": name, "namespace": namespace}
    cluster.seed("deployments", {"metadata": about, "spec": spec})


def _batch(cluster: Cluster) -> None:
    template = _template(cluster, "orders-batch", "orders-batch")
    template["spec"]["restartPolicy"] = "Never"
    template["spec"]["containers"][0]["command"] = _IDLE
    _seed(cluster, "jobs", "orders-migration", {"template": template})
    schedule = {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}}
    _seed(cluster, "cronjobs", "orders-nightly", schedule)
    bare = _template(cluster, "orders-shell", "orders-batch")
    about = {**bare["metadata"], "name": "orders-shell", "namespace": SHOP}
    cluster.seed("pods", {"metadata": about, "spec": bare["spec"]})


def _literals(cluster: Cluster, client_id: str) -> None:
    """The client id in a ConfigMap that becomes the environment, and in a container's own variables."""
    data = {"AZURE_CLIENT_ID": client_id, "LOG_LEVEL": "info"}
    about = {"name": "orders-settings", "namespace": SHOP}
    cluster.seed("configmaps", {"metadata": about, "data": data})
    by_map = _template(cluster, "orders-export", "orders-tools")
    reference = {"configMapRef": {"name": "orders-settings"}}
    by_map["spec"]["containers"][0]["envFrom"] = [reference]
    _deploy(cluster, "orders-export", "orders-tools", template=by_map)
    by_hand = _template(cluster, "orders-legacy", "orders-tools")
    variable = {"name": "AZURE_CLIENT_ID", "value": client_id}
    by_hand["spec"]["containers"][0]["env"].append(variable)
    _deploy(cluster, "orders-legacy", "orders-tools", template=by_hand)


def _consumers(cluster: Cluster, client_id: str) -> None:
    """What is no ServiceAccount and still signs in as the client.

    https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access
    https://learn.microsoft.com/azure/aks/keda-workload-identity
    https://learn.microsoft.com/azure/aks/create-volume-azure-files
    """
    parameters = {
        "clientID": client_id,
        "keyvaultName": "kv-orders",
        "objects": "array:\n  - |\n    objectName: orders-connection\n    objectType: secret\n",
        "tenantId": cluster.world.tenant_id,
        "usePodIdentity": "false",
    }
    spec: Json = {"provider": "azure", "parameters": parameters}
    _seed(cluster, "secretproviderclasses", "orders-secrets", spec)
    vault = _template(cluster, "orders-vault", "orders-api")
    attributes = {"secretProviderClass": "orders-secrets"}
    driver = {
        "driver": "secrets-store.csi.k8s.io",
        "readOnly": True,
        "volumeAttributes": attributes,
    }
    vault["spec"]["volumes"] = [{"name": "secrets", "csi": driver}]
    mount = {"name": "secrets", "mountPath": "/mnt/secrets", "readOnly": True}
    vault["spec"]["containers"][0]["volumeMounts"] = [mount]
    _deploy(cluster, "orders-vault", "orders-api", template=vault)
    identity = {"provider": "azure-workload", "identityId": client_id}
    _seed(cluster, "triggerauthentications", "orders-queue", {"podIdentity": identity})
    trigger = {
        "type": "azure-servicebus",
        "metadata": {"queueName": "orders", "namespace": "sb-orders"},
        "authenticationRef": {"name": "orders-queue"},
    }
    target = {"scaleTargetRef": {"name": "orders-worker"}, "triggers": [trigger]}
    _seed(cluster, "scaledobjects", "orders-worker", target)
    cluster.seed(
        "storageclasses",
        {
            "metadata": {"name": "orders-files"},
            "provisioner": "file.csi.azure.com",
            "parameters": {"clientID": client_id, "skuName": "Premium_LRS"},
        },
    )
    source = {
        "driver": "blob.csi.azure.com",
        "volumeHandle": "stordersprod_orders",
        "volumeAttributes": {"clientID": client_id, "containerName": "orders"},
    }
    volume = {"capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteMany"], "csi": source}
    cluster.seed("persistentvolumes", {"metadata": {"name": "orders-blobs"}, "spec": volume})


def _template(cluster: Cluster, name: str, account: str) -> Json:
    customers = f"{cluster.world.endpoints['storage']}/stordersprod/orders/customers.csv"
    container: Json = {
        "name": name,
        "image": f"contoso.azurecr.io/{name}:1.4.2",
        "env": [{"name": "CUSTOMERS_URL", "value": customers}],
    }
    return {
        "metadata": {"labels": {"app": name, USE: "true"}},
        "spec": {"serviceAccountName": account, "containers": [container]},
    }


def _spec(cluster: Cluster, name: str, account: str, template: Json | None = None) -> Json:
    shape = template if template is not None else _template(cluster, name, account)
    return {"selector": {"matchLabels": {"app": name}}, "template": shape}


def _deploy(cluster: Cluster, name: str, account: str, *, template: Json | None = None) -> None:
    _seed(cluster, "deployments", name, _spec(cluster, name, account, template))


def _pause(cluster: Cluster, name: str) -> None:
    """As somebody does who looks at what runs before the next change goes out."""
    cluster.change("deployments", SHOP, name, {"spec": {"paused": True}})


def _seed(cluster: Cluster, plural: str, name: str, spec: Json) -> None:
    cluster.seed(plural, {"metadata": {"name": name, "namespace": SHOP}, "spec": spec})


def client_id_manifest(namespace: str, name: str, client_id: str) -> Json:
    """A ServiceAccount as it stands in Git."""
    about = {"name": name, "namespace": namespace, "annotations": {CLIENT_ID: client_id}}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}
