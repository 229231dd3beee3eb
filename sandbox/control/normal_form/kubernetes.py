"""A cluster in its normal form: what people and pipelines wrote, and the pods that run because of it.

Dropped     uid, resourceVersion, generation, timestamps, managedFields and status; what is empty; the marks of rollouts
            (the revision, and when a restart was asked for); events, leases; objects that a controller owns, but for
            pods, which are listed under the workload at the top of their owners, as what a caller can see of them; pods
            of CronJobs, which come and go by the hour
Kept        the values of Secrets only as their SHA-256; the ids of the keys that sign ServiceAccount tokens
"""

import hashlib
from typing import TYPE_CHECKING, Any

from sandbox.control.normal_form.shaping import as_set, by, filled, without
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.kubernetes.cluster import Cluster

_METADATA = {
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
}
_MARKS = {"deployment.kubernetes.io/revision", "kubectl.kubernetes.io/restartedAt"}
# Labels of a pod that count or name the template it was made by: another one after each restart.
# https://kubernetes.io/docs/reference/labels-annotations-taints/
_OF_THE_ROLLOUT = {"pod-template-hash", "pod-template-generation", "controller-revision-hash"}
_PASSING = {"events", "leases", "endpoints", "endpointslices", "controllerrevisions"}
_STATE = {"kind", "apiVersion", "status"}


def of_cluster(cluster: "Cluster") -> Json:
    """Objects by plural, namespace and name; running pods; signing keys."""
    state = cluster.state()
    plain = {
        plural: by(map(_shaped, filter(_is_nobodys, items)), _name)
        for plural, items in sorted(state.items())
        if plural not in {*_PASSING, "pods"}
    }
    keys = [str(key["kid"]) for key in cluster.issuer.jwks()["keys"]]
    return {**plain, "pods": _pods(state), "signingKeys": keys}


def _pods(state: dict[str, list[Json]]) -> Json:
    owners = {
        each["metadata"]["uid"]: each
        for plural, items in state.items()
        if plural != "pods"
        for each in items
    }
    running = [pod for pod in state["pods"] if not pod["metadata"].get("deletionTimestamp")]
    seen = (_seen(pod) | {"of": _top(pod, owners)} for pod in running)
    lasting = (each for each in seen if "/CronJob/" not in each["of"])
    return by(lasting, lambda each: str(each["of"]))


def _seen(pod: Json) -> Json:
    """What makes one pod as good as another of the same workload."""
    spec = pod["spec"]
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    conditions = pod.get("status", {}).get("conditions", [])
    ready = [each["status"] for each in conditions if each["type"] == "Ready"]
    return {
        "serviceAccountName": spec.get("serviceAccountName"),
        "labels": without(pod["metadata"].get("labels", {}), _OF_THE_ROLLOUT),
        "containers": {each["name"]: _container(each) for each in containers},
        "phase": pod.get("status", {}).get("phase"),
        "ready": ready == ["True"],
    }


def _container(container: Json) -> Json:
    return {
        "image": container.get("image"),
        "env": {each["name"]: without(each, {"name"}) for each in container.get("env", [])},
    }


def _top(item: Json, owners: dict[str, Json]) -> str:
    """The workload that it runs for, as "shop/Deployment/orders-api", or a bare pod itself."""
    owner = _controller(item)
    while owner is not None and owner["uid"] in owners:
        item = owners[owner["uid"]]
        owner = _controller(item)
    return f"{item['metadata'].get('namespace', '')}/{item['kind']}/{item['metadata']['name']}"


def _controller(item: Json) -> Json | None:
    references = item["metadata"].get("ownerReferences", [])
    return next((each for each in references if each.get("controller")), None)


def _is_nobodys(item: Json) -> bool:
    return _controller(item) is None


def _name(item: Json) -> str:
    about = item["metadata"]
    return f"{about['namespace']}/{about['name']}" if about.get("namespace") else about["name"]


def _shaped(item: Json) -> Json:
    shaped = without(item, _STATE)
    shaped["metadata"] = _unmarked(without(item["metadata"], _METADATA))
    template = shaped.get("spec", {}).get("template")
    if isinstance(template, dict) and "metadata" in template:
        inner = {**template, "metadata": _unmarked(template["metadata"])}
        shaped["spec"] = {**shaped["spec"], "template": inner}
    if item.get("kind") == "Secret":
        shaped["data"] = {key: _hashed(value) for key, value in item.get("data", {}).items()}
    if item.get("kind") in ("ClusterRoleBinding", "RoleBinding"):
        shaped["subjects"] = as_set(item.get("subjects") or [])
    found: Json = filled(shaped)
    return found


def _unmarked(metadata: Json) -> Json:
    annotations = without(metadata.get("annotations") or {}, _MARKS)
    return {**metadata, "annotations": annotations}


def _hashed(value: Any) -> str:
    return f"sha256:{hashlib.sha256(str(value).encode()).hexdigest()}"
