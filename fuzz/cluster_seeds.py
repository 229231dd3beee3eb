"""What a world has in its clusters, as `/sandbox/seed` takes it: workloads, rights, and what else names an identity."""

import base64
from collections.abc import Iterator

from fuzz.grounds import Ground
from fuzz.worlds import ClusterGrant, Consumer, Json, Workload, World, client_id, object_id

CLIENT_ID = "azure.workload.identity/client-id"
USE = "azure.workload.identity/use"
VARIABLE = "AZURE_CLIENT_ID"
MAKER = "token-maker"  # the ClusterRole that whoever may bind would bind
_BOUND = "azure.workload.identity/use-identity-binding"
_RBAC = "rbac.authorization.k8s.io"
_KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
_RULES: dict[str, list[Json]] = {
    "mint": [{"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]}],
    "read": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
    "pods": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create", "get"]}],
    "bind": [
        {"apiGroups": [_RBAC], "resources": ["rolebindings"], "verbs": ["create"]},
        {"apiGroups": [_RBAC], "resources": ["clusterroles"], "verbs": ["bind"]},
    ],
}


def clusters(world: World, ground: Ground) -> Json:
    """Objects by cluster and plural, what others name first."""
    found: dict[str, Json] = {}
    for one in world["workloads"]:
        objects = found.setdefault(one["cluster"], {"namespaces": []})
        _once(objects["namespaces"], {"metadata": {"name": one["namespace"]}})
        _once(objects.setdefault("serviceaccounts", []), _account(one))
        for plural, needed in _needed(one):
            objects.setdefault(plural, []).append(needed)
        objects.setdefault(one["kind"], []).append(workload(one, ground))
    for at, grant in enumerate(world["cluster_grants"]):
        objects = found.setdefault(grant["cluster"], {})
        role, binding = _grant(f"grant-{at}", grant, _holder_of(world, grant["to"]))
        objects.setdefault("clusterroles", []).append(role)
        plural = "rolebindings" if grant["namespace"] else "clusterrolebindings"
        objects.setdefault(plural, []).append(binding)
        if grant["may"] == "bind":
            maker = {"metadata": {"name": MAKER}, "rules": _RULES["mint"]}
            _once(objects["clusterroles"], maker)
    for budget in world["budgets"]:
        spec = {"maxUnavailable": 0, "selector": {"matchLabels": {"app": budget["name"]}}}
        about = {"name": budget["name"], "namespace": budget["namespace"]}
        kept = found.setdefault(budget["cluster"], {}).setdefault("poddisruptionbudgets", [])
        kept.append({"metadata": about, "spec": spec})
    for consumer in world["consumers"]:
        kept = found.setdefault(consumer["cluster"], {}).setdefault(consumer["kind"], [])
        kept.append(_consumer(consumer, ground))
    return found


def repositories(world: World, ground: Ground) -> list[tuple[str, Json]]:
    """What Git holds, by cluster, as the sandbox's control takes it."""
    named = {(w["cluster"], f"{w['namespace']}/{w['name']}"): w for w in world["workloads"]}
    found = []
    for at, one in enumerate(world["gitops"]):
        owned = [named[one["cluster"], each] for each in one["owns"]]
        objects: list[Json] = []
        for each in owned:
            _once(objects, {"apiVersion": "v1", "kind": "ServiceAccount", **_account(each)})
            kind = {"apiVersion": "apps/v1", "kind": _KINDS[each["kind"]]}
            objects.append({**kind, **workload(each, ground)})
        found.append(
            (one["cluster"], {"name": f"git{at}", "tool": one["tool"], "objects": objects})
        )
    return found


def _once(objects: list[Json], one: Json) -> None:
    if one not in objects:
        objects.append(one)


def _account(one: Workload) -> Json:
    """What its pods know by themselves, its ServiceAccount need not say."""
    about: Json = {"name": one["account"], "namespace": one["namespace"]}
    if one["knows"] != "configmap":
        about["annotations"] = {CLIENT_ID: client_id(one["identity"])}
    return {"metadata": about}


def _needed(one: Workload) -> Iterator[tuple[str, Json]]:
    """What has to be there for its pods to know the client id."""
    about = {"name": settings_of(one), "namespace": one["namespace"]}
    value = client_id(one["identity"])
    match one["knows"]:
        case "configmap":
            yield "configmaps", {"metadata": about, "data": {VARIABLE: value, "LEVEL": "info"}}
        case "secret":
            encoded = base64.b64encode(value.encode()).decode()
            yield "secrets", {"metadata": about, "data": {VARIABLE: encoded}}
        case "binding":
            role = f"use-{one['namespace']}-{one['name']}"
            rule = {"apiGroups": ["cid.wi.aks.azure.com"], "resources": [value]}
            rules = [{**rule, "verbs": ["use-managed-identity"]}]
            yield "clusterroles", {"metadata": {"name": role}, "rules": rules}
            account = {"kind": "ServiceAccount", "namespace": one["namespace"]}
            subjects = [{**account, "name": one["account"]}]
            reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role}
            binding = {"metadata": {"name": role}, "roleRef": reference, "subjects": subjects}
            yield "clusterrolebindings", binding


def settings_of(one: Workload) -> str:
    """The ConfigMap or Secret that tells it the client id."""
    return f"{one['name']}-settings"


def _holder_of(world: World, name: str) -> str:
    """As an API server calls them: https://learn.microsoft.com/azure/aks/enable-authentication-microsoft-entra-id."""
    people = {one["name"] for one in world["people"]}
    return f"{name}@contoso.com" if name in people else object_id(name)


def _grant(name: str, grant: ClusterGrant, holder: str) -> tuple[Json, Json]:
    binding: Json = {
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": holder}],
    }
    if grant["namespace"]:
        binding["metadata"]["namespace"] = grant["namespace"]
    return {"metadata": {"name": name}, "rules": _RULES[grant["may"]]}, binding


def workload(wanted: Workload, ground: Ground) -> Json:
    """The object that runs it, as an administrator would write it."""
    labels = {"app": wanted["name"]}
    env: list[Json] = [{"name": "BLOB_URL", "value": ground.blob_url(wanted["reads"])}]
    container: Json = {
        "name": "main",
        "image": f"contoso.azurecr.io/{wanted['name']}:1.0",
        "env": env,
    }
    pod: Json = {
        "metadata": {"labels": {**labels, USE: "true"}},
        "spec": {"serviceAccountName": wanted["account"], "containers": [container]},
    }
    match wanted["knows"]:
        case "variable":
            env.append({"name": VARIABLE, "value": client_id(wanted["identity"])})
        case "configmap":
            container["envFrom"] = [{"configMapRef": {"name": settings_of(wanted)}}]
        case "secret":
            container["envFrom"] = [{"secretRef": {"name": settings_of(wanted)}}]
        case "binding":
            pod["metadata"]["annotations"] = {_BOUND: "true"}
    metadata = {"name": wanted["name"], "namespace": wanted["namespace"], "labels": labels}
    if wanted["kind"] == "pods":
        return {"metadata": {**metadata, **pod["metadata"]}, "spec": pod["spec"]}
    spec: Json = {"selector": {"matchLabels": labels}, "template": pod}
    if wanted["kind"] != "daemonsets":
        spec["replicas"] = wanted["replicas"]
    if wanted["kind"] == "statefulsets":
        spec["serviceName"] = wanted["name"]
    return {"metadata": metadata, "spec": spec}


def _consumer(one: Consumer, ground: Ground) -> Json:
    """https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access and its neighbours."""
    value, about = client_id(one["identity"]), {"name": one["name"]}
    inside = {**about, "namespace": one["namespace"]}
    match one["kind"]:
        case "secretproviderclasses":
            parameters = {"clientID": value, "keyvaultName": "kv", "usePodIdentity": "false"}
            parameters |= {"tenantId": ground.described["tenant_id"], "objects": "array: []"}
            return {"metadata": inside, "spec": {"provider": "azure", "parameters": parameters}}
        case "triggerauthentications":
            identity = {"provider": "azure-workload", "identityId": value}
            return {"metadata": inside, "spec": {"podIdentity": identity}}
        case "storageclasses":
            parameters = {"clientID": value, "skuName": "Premium_LRS"}
            made: Json = {"provisioner": "file.csi.azure.com", "parameters": parameters}
            return {"metadata": about, **made}
        case "persistentvolumes":
            attributes = {"clientID": value, "containerName": "data"}
            driver = {"driver": "blob.csi.azure.com", "volumeHandle": one["name"]}
            source = {**driver, "volumeAttributes": attributes}
            size = {"storage": "10Gi"}
            volume = {"capacity": size, "accessModes": ["ReadWriteMany"], "csi": source}
            return {"metadata": about, "spec": volume}
