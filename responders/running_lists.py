"""Responder: ServiceAccounts and everything that runs as one in a cluster, each kind listed once and cut as it arrives.

Stops    nothing
Leaves   everything as it is
Undo     none needed
Needs    NEEDS, below
Source   https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks
"""

from collections.abc import Callable
from typing import Final

from responders.fan_out import failures, fan_out, worst
from responders.kube import Kube
from responders.kube_requests import path_of
from responders.model import Json
from responders.needs import RUNNERS, Needs, on_each
from responders.workload_objects import (
    BUILT_IN,
    FINISHED_PHASES,
    is_injected,
    service_account_of,
    template_of,
)

ACCOUNT = "ServiceAccount"
_AT_ONCE = 4  # lists of one cluster
# What is kept of a ServiceAccount, and of a runner beside what each has: its object and its pod template are given.
CutAccount = Callable[[Json], Json | None]
CutRunner = Callable[[Json, Json], Json]
NEEDS: Final = Needs(
    cluster=(
        *on_each(
            ("serviceaccounts", "pods", *RUNNERS),
            ("list",),
            "what runs in a cluster, and as whom",
            ("read",),
        ),
    ),
)


async def read(kube: Kube, account: CutAccount, runner: CutRunner) -> tuple[list[Json], list[Json]]:
    """ServiceAccounts, and what runs: `namespace`, `name`, `kind`, `account`, `labelled`, `controlled` of each.

    Raises where any kind can't be read: nobody could say who runs as what. What has run to its end is left out.
    """

    def cut(kind: str, found: Json) -> Json | None:
        return account(found) if kind == ACCOUNT else _runner(kind, found, runner)

    answers = await fan_out(
        [(ACCOUNT, "serviceaccounts"), *BUILT_IN.items()],
        lambda one: kube.list_all(path_of(one[1]), keep=lambda found: cut(one[0], found)),
        at_once=_AT_ONCE,
    )
    if lost := failures(answers):
        raise lost[0] if len(lost) == 1 else worst(lost, f"{kube.cluster}: lists")
    listed = {kind: found for (kind, _), found in answers if isinstance(found, list)}
    return listed[ACCOUNT], [one for kind in BUILT_IN for one in listed[kind]]


def _runner(kind: str, found: Json, more: CutRunner) -> Json | None:
    metadata: Json = found["metadata"]
    if kind == "Pod" and (found.get("status") or {}).get("phase") in FINISHED_PHASES:
        return None
    template = template_of(next(one for one in BUILT_IN if one == kind), found)
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "kind": kind,
        "account": service_account_of(template["spec"]),
        "labelled": is_injected(template),
        "controlled": any(one.get("controller") for one in metadata.get("ownerReferences") or []),
        **more(found, template),
    }
