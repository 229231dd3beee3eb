"""Responder: RBAC bindings inside a cluster that name a ServiceAccount.

Stops    nothing: it reports
Leaves   the old ServiceAccount with every right that it has in the cluster, and the successor with
         none of them: a person decides which of them move
Undo     none needed
Needs    what inventories.py needs
Source   https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-subjects
"""

from responders.inventories import Inventory
from responders.model import Json, ServiceAccountRef


def find(inventory: Inventory, ref: ServiceAccountRef) -> list[Json]:
    """Role and cluster role bindings, of any namespace, that name the account or a group of it."""
    found = [
        *(_report("RoleBinding", one, ref) for one in inventory.of("rolebindings")),
        *(_report("ClusterRoleBinding", one, ref) for one in inventory.of("clusterrolebindings")),
    ]
    return sorted(
        filter(None, found), key=lambda one: (one["kind"], one["namespace"] or "", one["name"])
    )


def _report(kind: str, binding: Json, ref: ServiceAccountRef) -> Json | None:
    for subject in binding.get("subjects") or []:
        if via := _names(subject, ref):
            metadata, role = binding["metadata"], binding["roleRef"]
            return {
                "kind": kind,
                "namespace": metadata.get("namespace"),
                "name": metadata["name"],
                "role": f"{role['kind']}/{role['name']}",
                "via": via,
                "created": metadata.get("creationTimestamp"),
            }
    return None


def _names(subject: Json, ref: ServiceAccountRef) -> str:
    """How this subject covers the account, or "". Every account is in the two groups."""
    match subject:
        case {"kind": "ServiceAccount", "name": name, "namespace": namespace}:
            return "itself" if (name, namespace) == (ref["name"], ref["namespace"]) else ""
        case {"kind": "User", "name": name}:
            return "its user name" if name == ref["subject"] else ""
        case {"kind": "Group", "name": name}:
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{ref['namespace']}")
            return f"group {name}" if name in groups else ""
        case _:
            return ""
