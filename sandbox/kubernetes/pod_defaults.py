"""What the API server fills into a pod's spec, in a pod and in a template alike.

Source   https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from typing import Any

from sandbox.world import Json


def pod_spec(spec: Json) -> None:
    """Set the defaults of a pod's spec, in place."""
    unless_set(
        spec,
        restartPolicy="Always",
        terminationGracePeriodSeconds=30,
        dnsPolicy="ClusterFirst",
        securityContext={},
        schedulerName="default-scheduler",
    )
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:  # the old name of the field mirrors the new one
        spec["serviceAccountName"] = spec["serviceAccount"] = name
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        _container(container)
    for volume in spec.get("volumes", []):
        _volume(volume)


def _container(container: Json) -> None:
    image = str(container.get("image", ""))
    floats = ":" not in image.rpartition("/")[2] or image.endswith(":latest")
    unless_set(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="Always" if floats else "IfNotPresent",
    )
    for port in container.get("ports", []):
        unless_set(port, protocol="TCP")
    for variable in container.get("env", []):
        reference = variable.get("valueFrom", {}).get("fieldRef")
        if reference is not None:
            unless_set(reference, apiVersion="v1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            unless_set(
                container[probe],
                timeoutSeconds=1,
                periodSeconds=10,
                successThreshold=1,
                failureThreshold=3,
            )
            if "httpGet" in container[probe]:
                unless_set(container[probe]["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Json) -> None:
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if source in volume:
            unless_set(volume[source], defaultMode=420)
    if "hostPath" in volume:
        unless_set(volume["hostPath"], type="")
    for projection in volume.get("projected", {}).get("sources", []):
        if "serviceAccountToken" in projection:
            unless_set(projection["serviceAccountToken"], expirationSeconds=3600)
        for item in projection.get("downwardAPI", {}).get("items", []):
            if "fieldRef" in item:
                unless_set(item["fieldRef"], apiVersion="v1")


def unless_set(into: Json, **defaults: Any) -> None:
    """Set what is not there yet."""
    for name, value in defaults.items():
        into.setdefault(name, value)
