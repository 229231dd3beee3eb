"""Responder: which errors of Entra a container's log names. Nothing else of the log is kept.

Stops    nothing
Leaves   what a program swallows, or says only elsewhere
Undo     none needed
Needs    NEEDS, below
Source   https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#get-read-log-of-the-specified-pod
         https://learn.microsoft.com/entra/identity-platform/reference-error-codes
"""

import re
from typing import Final, TypedDict

from responders.kube import Kube
from responders.kube_requests import path_of
from responders.needs import ClusterNeed, Needs

LINES = 500  # of each container: the last ones
_BYTES = 1_048_576
# Six to eight digits with the rest of a word behind them are something else.
_CODE = re.compile(r"AADSTS(\d{5,8})(?!\d)")
NEEDS: Final = Needs(
    cluster=(
        ClusterNeed("pods/log", ("get",), "what a container says of Entra's errors", wanted=True),
    ),
)


class Words(TypedDict):
    """One code that a container's log has."""

    pod: str
    container: str
    code: int
    count: int
    last: str  # when it was said last, RFC 3339 as the node stamps it


async def read(kube: Kube, namespace: str, pod: str, container: str) -> list[Words]:
    """Each code once."""
    path = path_of("pods", namespace, pod, "log")
    query = {
        "container": container,
        "tailLines": str(LINES),
        "limitBytes": str(_BYTES),
        "timestamps": "true",
    }
    text = await kube.get_text(path, query)
    found: dict[int, Words] = {}
    for line in text.splitlines():
        stamp = line.partition(" ")[0][:40]
        for code in {int(one) for one in codes(line)}:
            count = found[code]["count"] if code in found else 0
            found[code] = {
                "pod": pod,
                "container": container,
                "code": code,
                "count": count + 1,
                "last": stamp,
            }
    return sorted(found.values(), key=lambda one: one["last"], reverse=True)


def codes(text: str) -> list[int]:
    """The numbers of all AADSTS codes in a text, in its order."""
    return [int(one) for one in _CODE.findall(text)]
