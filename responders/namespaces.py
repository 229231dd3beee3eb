"""Responder: namespaces that a declared identity needs.

Stops    nothing
Leaves   what a namespace of that name holds already
Undo     `remove`, where the run made it and nothing was put into it since
Needs    NEEDS, below
Source   https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
         https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from typing import Final

from responders.errors import ConflictError, NotFoundError, TransientError
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.needs import ClusterNeed, Needs
from responders.patience import rounds

IDENTITY, RUN = "firebreak.dev/identity", "firebreak.dev/run"
_OWN_ACCOUNT = "default"  # a namespace's own, which comes with it
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed(
            "namespaces",
            ("get",),
            "whether a declared namespace is there",
            ("find", "ensure", "remove"),
        ),
        ClusterNeed("namespaces", ("create",), "make a declared namespace", ("ensure",)),
        ClusterNeed(
            "namespaces",
            ("delete",),
            "delete an empty one that a run made, where it undoes",
            ("remove",),
        ),
        ClusterNeed("pods", ("list",), "whether a namespace is empty", ("remove",)),
        ClusterNeed("serviceaccounts", ("list",), "whether a namespace is empty", ("remove",)),
    ),
)


async def find(kube: Kube, name: str) -> Json | None:
    """The namespace; None where there is none."""
    try:
        return await kube.get(path_of("namespaces", name=name))
    except NotFoundError:
        return None


async def ensure(kube: Kube, name: str, marks: tuple[str, str]) -> bool:
    """Make it where it is missing; True where it was. `marks` are declaration and run. Safe to repeat."""
    found = await find(kube, name)
    if found is None:
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": name,
                "annotations": dict(zip((IDENTITY, RUN), marks, strict=True)),
            },
        }
        try:
            await kube.create(path_of("namespaces"), body)
        except ConflictError:
            found = await find(kube, name)
        else:
            return True
    if found is None or (found.get("status") or {}).get("phase") == "Terminating":
        raise TransientError(f"{kube.cluster}: namespace {name} is being deleted")
    return False


async def remove(kube: Kube, name: str, run_id: str) -> str:
    """Delete it where this run made it and it is empty. A sentence where it stays although the run made it."""
    found = await find(kube, name)
    if found is None or (found["metadata"].get("annotations") or {}).get(RUN) != run_id:
        return ""
    accounts = await kube.list_all(path_of("serviceaccounts", name))
    pods = await kube.list_all(path_of("pods", name))
    if pods or any(one["metadata"]["name"] != _OWN_ACCOUNT for one in accounts):
        return (
            f"{kube.cluster}: namespace {name} stays: something was put into it since it was made. "
            f"kubectl --context {kube.cluster} delete namespace {name}"
        )
    await kube.delete(path_of("namespaces", name=name), found["metadata"]["uid"])
    async for _ in rounds():
        if await find(kube, name) is None:
            break  # one that takes longer is marked for deletion all the same
    return ""
