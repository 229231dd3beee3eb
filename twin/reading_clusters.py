"""A cluster's part of an export: what of its inventory has to do with the principal, and nothing of anybody else.

An inventory is cut already: of variables there are those that say which identity is used, of ConfigMaps such entries.
"""

import asyncio

from responders import clusters, identity_bindings, identity_webhooks, inventories
from responders.cloud import Cloud
from responders.errors import NotFoundError, ResponderError
from responders.gitops import owner_of
from responders.gitops_owners import distinct
from responders.inventories import Inventory
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.managed_identities import CLUSTERS_VERSION
from responders.model import GitOpsOwner, Principal
from responders.surveys import Survey
from twin import choosing, reducing
from twin.azure_model import IdentityBinding
from twin.cluster_model import PLURALS, Cluster, GitOps, ManagedCluster, Object
from twin.wire import Json, cut

_PLURALS = {
    "Flux Kustomization": "kustomizations",
    "Flux HelmRelease": "helmreleases",
    "Argo CD application": "applications",
}
_ARGO_NAMESPACE = "argocd"


async def read(cloud: Cloud, principal: Principal, survey: Survey, gaps: list[str]) -> Cluster:
    """One cluster, as its survey found it."""
    ref = survey["cluster"]
    raw = await cloud.arm.get(ref["resource_id"], CLUSTERS_VERSION)
    found = Cluster(
        name=ref["name"],
        resource=cut(ManagedCluster, raw),
        reachable=survey["reachable"],
        reason=survey["reason"],
    )
    if not survey["reachable"]:
        gaps.append(f"{ref['name']}: {survey['reason']}")
        return found
    gaps += [f"{ref['name']}: {one}" for one in survey.get("unread", [])]
    try:
        kube = await clusters.connect(cloud, ref)
        found.webhook = await identity_webhooks.problem(kube)
        if _is_used(survey):
            inventory = await inventories.read(kube, principal["app_id"])
            await _add(kube, found, inventory, survey, gaps)
        found.bindings = await _bindings(cloud, found.resource.id, principal)
    except ResponderError as error:
        gaps.append(f"{ref['name']}: {error}")
    return found


def _is_used(survey: Survey) -> bool:
    return bool(survey["service_accounts"] or survey.get("consumers") or survey["workloads"])


async def _add(
    kube: Kube, found: Cluster, inventory: Inventory, survey: Survey, gaps: list[str]
) -> None:
    chosen = choosing.chosen(inventory, survey)
    found.objects = {
        plural: [_object(plural, one, inventory.client_id) for one in chosen[plural]]
        for plural in PLURALS
        if plural in chosen
    }
    owners = distinct(owner_of(one["metadata"]) for items in chosen.values() for one in items)
    found.gitops = list(await asyncio.gather(*(_gitops(kube, one, gaps) for one in owners)))


def _object(plural: str, raw: Json, client_id: str) -> Object:
    """As a file has it: only annotations that name an identity, a token's life or an owner."""
    metadata = raw["metadata"]
    named = [one["time"] for one in metadata.get("managedFields") or [] if one["names_client_id"]]
    about: Json = {
        **metadata,
        "annotations": choosing.telling(metadata.get("annotations") or {}),
        "named_since": max(named) if named and all(named) else None,
    }
    if plural != "serviceaccounts":
        del about["named_since"]
    if plural == "configmaps":
        raw = {**raw, "data": reducing.entries(raw["data"], set(raw["other"]), client_id)}
    found = cut(Object, {**raw, "metadata": about})
    reducing.reduce(found, client_id)
    for template in choosing.templates(found):
        notes = template.metadata.annotations
        template.metadata.annotations = choosing.telling(notes or {})
    return found


async def _gitops(kube: Kube, owner: GitOpsOwner, gaps: list[str]) -> GitOps:
    """Whether it puts anything back now. What may not be read is taken for one that does."""
    found = GitOps(controller=owner["controller"], namespace=owner["namespace"], name=owner["name"])
    plural = _PLURALS.get(owner["controller"])
    if plural is None or not owner["name"]:
        return found
    try:
        raw = await kube.get(path_of(plural, owner["namespace"] or _ARGO_NAMESPACE, owner["name"]))
    except NotFoundError:
        found.suspended = True  # nobody is there who would
        return found
    except ResponderError as error:
        gaps.append(f"{kube.cluster}: {owner['controller']} {owner['name']}: {error}")
        return found
    spec: Json = raw.get("spec") or {}
    automated = (spec.get("syncPolicy") or {}).get("automated") or {}
    heals = bool(automated.get("selfHeal")) and automated.get("enabled") is not False
    is_flux = owner["controller"].startswith("Flux")
    found.suspended = bool(spec.get("suspend")) if is_flux else not heals
    if isinstance(spec.get("interval"), str):
        found.interval = spec["interval"]
    return found


async def _bindings(cloud: Cloud, cluster: str, principal: Principal) -> list[IdentityBinding]:
    if principal["kind"] != "user_assigned_identity":
        return []
    try:
        found = await cloud.arm.list(f"{cluster}/identityBindings", identity_bindings.API_VERSION)
    except NotFoundError:
        return []
    return [_binding(one) for one in found if _names(one, principal["app_id"])]


def _names(binding: Json, client_id: str) -> bool:
    identity = (binding.get("properties") or {}).get("managedIdentity") or {}
    return str(identity.get("clientId", "")).lower() == client_id.lower()


def _binding(raw: Json) -> IdentityBinding:
    identity = raw["properties"]["managedIdentity"]
    return IdentityBinding(
        id=raw["id"],
        name=raw["name"],
        managed_identity_id=identity.get("resourceId"),
        created=(raw.get("systemData") or {}).get("createdAt"),
    )
