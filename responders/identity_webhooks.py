"""Responder: will the workload identity webhook give the pods of this cluster their identity.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
         https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook
         https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions

Three things have to hold: the API server was told of it, and by which authority to know it; its Service has a pod that
is ready to answer. Without the first pods start without an identity, without the others they don't start at all.
"""

from typing import Final

from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.needs import ClusterNeed, Needs

WEBHOOK = "mutation.azure-workload-identity.io"  # of the AKS add-on and of the Helm chart
_SERVICE = "kubernetes.io/service-name"
_NO_PODS = "so pods that need an identity would not start"
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
            ("list",),
            "whether pods get an identity",
        ),
        ClusterNeed(
            "endpointslices.discovery.k8s.io",
            ("list",),
            "whether the webhook serves",
            ("problem", "_problem_of"),
        ),
    ),
)


async def problem(kube: Kube) -> str:
    """What is wrong, and where to look; empty where it serves."""
    found = await kube.list_all(path_of("mutatingwebhookconfigurations"), keep=_ours)
    if not found:
        return (
            f"{kube.cluster}: no workload identity webhook is registered, so pods would start without an identity: "
            f"kubectl --context {kube.cluster} get mutatingwebhookconfigurations"
        )
    problems = [await _problem_of(kube, one) for one in found]
    return next((one for one in problems if one), "")


async def namespaces(kube: Kube) -> list[str]:
    """Where its pods run; empty where none is registered, or one that is outside of the cluster."""
    found = await kube.list_all(path_of("mutatingwebhookconfigurations"), keep=_ours)
    services = (one["way"].get("service") or {} for one in found)
    return sorted({str(one["namespace"]) for one in services if "namespace" in one})


def _ours(found: Json) -> Json | None:
    webhooks = [one for one in found.get("webhooks") or [] if one.get("name") == WEBHOOK]
    return (
        {"name": found["metadata"]["name"], "way": webhooks[0]["clientConfig"]}
        if webhooks
        else None
    )


async def _problem_of(kube: Kube, found: Json) -> str:
    name, way = found["name"], found["way"]
    show = f"kubectl --context {kube.cluster} get mutatingwebhookconfiguration {name} -o yaml"
    if not way.get("caBundle"):
        said = f"the workload identity webhook is registered by {name} without a CA bundle"
        return f"{kube.cluster}: {said}, {_NO_PODS}: {show}"
    service = way.get("service")
    if not service:  # one outside the cluster: nothing here says whether it answers
        return ""
    where, which = service["namespace"], service["name"]
    query = {"labelSelector": f"{_SERVICE}={which}"}
    ready = await kube.list_all(path_of("endpointslices", where), query, keep=_if_ready)
    if ready:
        return ""
    return (
        f"{kube.cluster}: the workload identity webhook is not ready: no endpoint of its Service {where}/{which} "
        f"serves, {_NO_PODS}: kubectl --context {kube.cluster} -n {where} get endpointslices -l {_SERVICE}={which}"
    )


def _if_ready(found: Json) -> Json | None:
    """One that says nothing counts as ready, as its documentation has it."""
    conditions = [one.get("conditions") or {} for one in found.get("endpoints") or []]
    return {"ready": True} if any(one.get("ready") is not False for one in conditions) else None
