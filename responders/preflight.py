"""Responder: can Firebreak do in this cluster what an incident will ask of it, and will pods start.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    deployments.apps: list; every user may ask what it is allowed
Source   https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
         https://azure.github.io/azure-workload-identity/docs/installation/mutating-admission-webhook.html
"""

import asyncio
from collections.abc import Sequence

from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json, StepResult

# The AKS add-on lives in the first, the Helm chart in the second.
_WEBHOOK_NAMESPACES = ("kube-system", "azure-workload-identity-system")
_WEBHOOK_LABEL = "azure-workload-identity.io/system=true"
# Everything under "Needs" in the responders that work in a cluster; a test compares.
NEEDED: dict[str, tuple[str, ...]] = {
    "serviceaccounts": ("get", "list", "create", "patch"),
    "serviceaccounts/token": ("create",),
    "pods": ("list", "delete"),
    "pods/log": ("get",),
    "deployments.apps": ("get", "list", "patch"),
    "statefulsets.apps": ("get", "list", "patch"),
    "daemonsets.apps": ("get", "list", "patch"),
    "replicasets.apps": ("get", "list", "patch"),
    "jobs.batch": ("get", "list", "patch"),
    "cronjobs.batch": ("get", "list", "patch"),
    "networkpolicies.networking.k8s.io": ("get", "list", "create", "delete"),
    "roles.rbac.authorization.k8s.io": ("list",),
    "clusterroles.rbac.authorization.k8s.io": ("list",),
    "rolebindings.rbac.authorization.k8s.io": ("list",),
    "clusterrolebindings.rbac.authorization.k8s.io": ("list",),
}

# Everything under "Wants": a survey that may not list these is still one, and says what it could not read.
WANTED: dict[str, tuple[str, ...]] = {
    "poddisruptionbudgets.policy": ("list",),
    "configmaps": ("list", "get", "patch"),
    "persistentvolumes": ("list",),
    "storageclasses.storage.k8s.io": ("list",),
    "secretproviderclasses.secrets-store.csi.x-k8s.io": ("list", "get", "patch"),
    "triggerauthentications.keda.sh": ("list", "get", "patch"),
    "clustertriggerauthentications.keda.sh": ("list", "get", "patch"),
}


async def check(kube: Kube, namespaces: Sequence[str] = ()) -> StepResult:
    """Done when every verb is allowed and the webhook is ready; refused with what is missing.

    A verb that is not allowed everywhere is asked for in each of these namespaces.

    The webhook fails closed: while it is down, a restarted workload gets no pods at all.
    """
    questions = [(resource, verb) for resource, verbs in NEEDED.items() for verb in verbs]
    webhook, *answers = await asyncio.gather(
        _webhook_is_ready(kube),
        *(_is_allowed_enough(kube, *question, namespaces) for question in questions),
    )
    missing = [
        f"{verb} {resource}"
        for (resource, verb), allowed in zip(questions, answers, strict=True)
        if not allowed
    ]
    problems = []
    if missing:
        problems.append(
            f"{kube.cluster}: not allowed: {', '.join(missing)}: {_how_to_allow(missing)}"
        )
    if not webhook:
        problems.append(
            f"{kube.cluster}: the workload identity webhook is not ready, so pods would not start: "
            f"kubectl --context {kube.cluster} get deployments -A -l {_WEBHOOK_LABEL}"
        )
    if problems:
        items: list[Json] = [{"missing": one} for one in missing]
        return {"status": "refused", "detail": ". ".join(problems), "items": items}
    return {"status": "done", "detail": f"{kube.cluster}: every verb is allowed, webhook ready"}


async def _is_allowed_enough(
    kube: Kube, resource: str, verb: str, namespaces: Sequence[str]
) -> bool:
    """For all namespaces, as what runs as the identity may be in any; or at least in all that are named."""
    if await _is_allowed(kube, resource, verb):
        return True
    if not namespaces or resource.startswith("cluster"):
        return False
    answers = await asyncio.gather(*(_is_allowed(kube, resource, verb, one) for one in namespaces))
    return all(answers)


async def _is_allowed(kube: Kube, resource: str, verb: str, namespace: str = "") -> bool:
    """One review."""
    noun, _, subresource = resource.partition("/")
    plural, _, group = noun.partition(".")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource}
    attributes["namespace"] = namespace
    review: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {
            "resourceAttributes": {name: value for name, value in attributes.items() if value}
        },
    }
    answer = await kube.ask(path_of("selfsubjectaccessreviews"), review)
    return bool(answer["status"].get("allowed"))


async def _webhook_is_ready(kube: Kube) -> bool:
    lists = await asyncio.gather(
        *(
            kube.list_all(path_of("deployments", namespace), {"labelSelector": _WEBHOOK_LABEL})
            for namespace in _WEBHOOK_NAMESPACES
        )
    )
    found = [deployment for its in lists for deployment in its]
    return any((one.get("status") or {}).get("readyReplicas", 0) > 0 for one in found)


def _how_to_allow(missing: list[str]) -> str:
    """One command per verb, for a cluster administrator."""
    by_verb: dict[str, list[str]] = {}
    for one in missing:
        verb, _, resource = one.partition(" ")
        by_verb.setdefault(verb, []).append(resource)
    roles = [
        f"kubectl create clusterrole firebreak-{verb} --verb={verb} --resource={','.join(nouns)}"
        for verb, nouns in by_verb.items()
    ]
    bind = "and bind each to Firebreak's object id: kubectl create clusterrolebinding --user=..."
    return f"{'; '.join(roles)}; {bind}"
