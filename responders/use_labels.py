"""Responder: the label by which the webhook knows the pods that it gives an identity. On pod templates alone.

Stops    nothing
Leaves   ServiceAccounts as they are: there the label does nothing; bare pods and Jobs, whose template can't be changed
Undo     `ensure` with the value that it had, None where it had none
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/workload-identity-overview#pod-labels
         https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html#pod

A changed template is a rollout: its pods are replaced one after the other, as its strategy says.
"""

from typing import Final, cast

from responders.errors import NotFoundError
from responders.kube import STRATEGIC_MERGE_PATCH, Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.needs import Needs, on_each
from responders.workload_objects import PLURALS, USE_LABEL, Kind, template_of

_TEMPLATES = ("deployments.apps", "statefulsets.apps", "daemonsets.apps", "cronjobs.batch")
NEEDS: Final = Needs(
    cluster=(
        *on_each(_TEMPLATES, ("get",), "whether pods are labelled for the webhook", ("find",)),
        *on_each(_TEMPLATES, ("get", "patch"), "label them", ("ensure",)),
    ),
)


def parsed(workload: str) -> tuple[Kind, str]:
    """Kind and name of "Deployment/orders-api"."""
    kind, _, name = workload.partition("/")
    return cast(Kind, kind), name


async def find(kube: Kube, namespace: str, workload: str) -> Json | None:
    """The workload; None where there is none."""
    kind, name = parsed(workload)
    try:
        return await kube.get(path_of(PLURALS[kind], namespace, name))
    except NotFoundError:
        return None


def value_of(workload: str, found: Json) -> str | None:
    """What the label says on its pods; only "true" makes them the webhook's business."""
    labels: Json = (template_of(parsed(workload)[0], found).get("metadata") or {}).get(
        "labels"
    ) or {}
    return labels.get(USE_LABEL)


async def ensure(kube: Kube, namespace: str, workload: str, value: str | None) -> bool | None:
    """Put the label on, or take it off: True where something was written, None where there is no such workload.

    Safe to repeat.
    """
    kind, name = parsed(workload)

    def change(now: Json) -> Json | None:
        if value_of(workload, now) == value:
            return None
        template: Json = {"metadata": {"labels": {USE_LABEL: value}}}
        if kind == "CronJob":
            return {"spec": {"jobTemplate": {"spec": {"template": template}}}}
        return {"spec": {"template": template}}

    try:
        _, written = await kube.update(
            path_of(PLURALS[kind], namespace, name), change, content_type=STRATEGIC_MERGE_PATCH
        )
    except NotFoundError:
        return None
    return written
