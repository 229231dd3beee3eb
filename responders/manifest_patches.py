"""What has to change in Git, where a controller owns what was moved: patches that a person puts into its source. Pure.

Source   https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/
         https://fluxcd.io/flux/faq/ ("fields specified in Git will always be overridden")

Names, marks and values are the cluster's, so an attacker's: a YAML library writes them, and comments have them as JSON.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from responders.gitops import sentence
from responders.inventory_cuts import CLIENT_ID
from responders.kube_requests import group_version_of
from responders.model import Consumer, GitOpsOwner, Json, ServiceAccountRef, WorkloadRef
from responders.workload_objects import PLURALS

_CONSUMERS = {
    "SecretProviderClass": "secretproviderclasses",
    "TriggerAuthentication": "triggerauthentications",
    "ClusterTriggerAuthentication": "clustertriggerauthentications",
    "ConfigMap": "configmaps",
}


@dataclass(frozen=True, slots=True)
class ManifestPatch:
    """One object's change in Git."""

    owner: GitOpsOwner
    instruction: str
    patch: Json  # a strategic merge patch; a whole manifest where the object is new


def of_accounts(
    refs: Iterable[ServiceAccountRef], new_names: dict[str, str], client_id: str
) -> list[ManifestPatch]:
    """The ServiceAccounts: the new client id, or no client id and a successor beside it."""
    found = []
    for ref in refs:
        owner = ref.get("owner")
        if owner is None:
            continue
        name = new_names.get(f"{ref['namespace']}/{ref['name']}")
        if name == ref["name"]:
            found.append(_patch(owner, "change", _account(ref["namespace"], name, client_id)))
            continue
        found.append(_patch(owner, "change", _account(ref["namespace"], ref["name"], None)))
        if name is not None:
            successor = _account(ref["namespace"], name, client_id)
            found.append(_patch(owner, "add the new", successor))
    return found


def of_workloads(
    refs: Iterable[WorkloadRef], new_names: dict[str, str], client_id: str
) -> list[ManifestPatch]:
    """The workloads whose template names the ServiceAccount anew, or says a client id itself."""
    found = []
    for ref in refs:
        owner = ref.get("owner")
        name = new_names.get(f"{ref['namespace']}/{ref['service_account']}")
        if owner is None or name is None:
            continue
        by_itself = ref["hard_coded_client_id"]
        if name == ref["service_account"] and not by_itself:
            continue  # its manifest stays as it is: a restart is all that it got
        if "template_of" in ref:
            continue  # the Deployment whose template it has is among these itself
        template: Json = {"spec": {"serviceAccountName": name}}
        spec: Json = {"template": template}
        if ref["kind"] == "CronJob":
            spec = {"jobTemplate": {"spec": spec}}
        if ref["kind"] == "Pod":
            spec = template["spec"]
        head = _head(PLURALS[ref["kind"]], ref["kind"], ref["namespace"], ref["name"])
        also = f", and wherever it says a client id, say {client_id}" if by_itself else ""
        found.append(_patch(owner, "change", {**head, "spec": spec}, also))
    return found


def of_consumers(refs: Iterable[Consumer], client_id: str) -> list[ManifestPatch]:
    """Whatever else names the client id in a field of its own."""
    found = []
    for ref in refs:
        if ref["owner"] is None or not ref["patchable"]:
            continue
        names = ref["field"].split(".", 1 if ref["kind"] == "ConfigMap" else -1)
        inner: Json | str = client_id
        for name in reversed(names):
            inner = {name: inner}
        head = _head(_CONSUMERS[ref["kind"]], ref["kind"], ref["namespace"], ref["name"])
        found.append(_patch(ref["owner"], "change", {**head, **_dict(inner)}))
    return found


def as_yaml(patches: Sequence[ManifestPatch]) -> str:
    """One document for each object, each under a comment that says where it belongs."""
    import yaml  # type: ignore[import-untyped]  # noqa: PLC0415 - only where a controller owns something

    documents = []
    for one in patches:
        said = json.dumps(f"{one.instruction} ({sentence(one.owner)})")
        documents.append(f"# {said[1:-1]}\n{yaml.safe_dump(one.patch, sort_keys=False)}")
    return "---\n".join(documents)


def owners(patches: Sequence[ManifestPatch]) -> list[str]:
    """The controllers' objects, each once, as a person looks for them."""
    names = (
        f"{one.owner['controller']} {one.owner['namespace'] or ''}/{one.owner['name']}"
        for one in patches
    )
    return sorted(dict.fromkeys(names))


def _patch(owner: GitOpsOwner, verb: str, patch: Json, also: str = "") -> ManifestPatch:
    metadata = patch["metadata"]
    place = f"{metadata['namespace']}/" if "namespace" in metadata else ""
    instruction = f"{verb} {patch['kind']} {place}{metadata['name']} like this{also}"
    return ManifestPatch(owner, instruction, patch)


def _account(namespace: str, name: str, client_id: str | None) -> Json:
    """With null a merge takes the annotation away."""
    head = _head("serviceaccounts", "ServiceAccount", namespace, name)
    metadata = {**head["metadata"], "annotations": {CLIENT_ID: client_id}}
    return {**head, "metadata": metadata}


def _head(plural: str, kind: str, namespace: str | None, name: str) -> Json:
    place = {"namespace": namespace} if namespace else {}
    return {
        "apiVersion": group_version_of(plural),
        "kind": kind,
        "metadata": {**place, "name": name},
    }


def _dict(inner: Json | str) -> Json:
    return inner if isinstance(inner, dict) else {}
