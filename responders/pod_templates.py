"""The pod templates of a cluster: what names what in them. Pure, no I/O."""

from collections.abc import Callable, Sequence

from responders import workloads
from responders.inventories import Inventory
from responders.model import Json
from responders.workload_objects import Kind, is_finished, template_of

Template = tuple[Kind, Json, Json]  # kind and object that have it, and the template


def outermost(inventory: Inventory) -> list[Template]:
    """Of whatever is not made by something else that we know, and is not over."""
    known = workloads.everything(inventory)
    return [
        (kind, found, template_of(kind, found))
        for uid, (kind, found) in known.items()
        if workloads.top_of(uid, known) == uid and not is_finished(kind, found)
    ]


def naming(
    templates: Sequence[Template], namespace: str, name: str, names_of: Callable[[Json], set[str]]
) -> list[str]:
    """Kind and name, as in "Deployment/web", of those in this namespace that name this."""
    return sorted(
        f"{kind}/{found['metadata']['name']}"
        for kind, found, template in templates
        if found["metadata"]["namespace"] == namespace and name in names_of(template)
    )
