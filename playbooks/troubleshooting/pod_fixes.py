"""The exact commands that give pods their label, and start them anew. Pure.

Source   https://kubernetes.io/docs/reference/kubectl/generated/kubectl_rollout/kubectl_rollout_restart/
"""

import json
from shlex import quote

from playbooks.troubleshooting.model import Facts, kubectl
from responders.wired_pods import PodSeen, TemplateSeen
from responders.workload_objects import USE_LABEL

_ROLLS_OUT = frozenset({"deployment", "statefulset", "daemonset"})


def label(facts: Facts, templates: list[TemplateSeen]) -> str:
    """On the pod template: on a Deployment itself, or on the ServiceAccount, it does nothing."""
    return " && ".join(_labelled(facts, one) for one in templates)


def restarts(facts: Facts, pods: list[PodSeen]) -> str:
    """Each workload once."""
    return " && ".join(dict.fromkeys(restart(facts, one) for one in pods))


def restart(facts: Facts, pod: PodSeen) -> str:
    """Let whatever made the pod make a new one."""
    kind, _, name = pod["made_by"].partition("/")
    if kind.lower() in _ROLLS_OUT:
        return f"{kubectl(facts)} rollout restart {kind.lower()}/{name}"
    if kind == "ReplicaSet":
        return f"{kubectl(facts)} delete pod {pod['name']}"
    if kind:
        return f"{kubectl(facts)} delete pod {pod['name']}  # its {kind} makes another, or its next run does"
    return f"{kubectl(facts)} delete pod {pod['name']}  # and make it again from its manifest: nothing else does"


def _labelled(facts: Facts, template: TemplateSeen) -> str:
    patch: object = {"template": {"metadata": {"labels": {USE_LABEL: "true"}}}}
    if template["kind"] == "CronJob":
        patch = {"jobTemplate": {"spec": patch}}
    if template["kind"] == "Job":
        return f"its template can't be changed: make Job {template['name']} again, with the label in its manifest"
    body = quote(json.dumps({"spec": patch}))
    return f"{kubectl(facts)} patch {template['kind'].lower()} {template['name']} --type merge -p {body}"
