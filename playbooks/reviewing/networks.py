"""What NetworkPolicies let one workload do. Pure, no I/O.

Source   https://kubernetes.io/docs/concepts/services-networking/network-policies/#the-two-sorts-of-pod-isolation
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from responders.label_selectors import selects
from responders.model import Json

_DNS, _HTTPS = 53, 443
_DIRECTIONS = ("Ingress", "Egress")


class Reach(NamedTuple):
    """How a workload is isolated, and the ports that it may reach beyond DNS and 443."""

    isolated: dict[str, bool]  # by direction
    wide: list[str]  # sentences: rules that allow more


def reach(policies: Sequence[Json], namespace: str, labels: Json) -> Reach:
    """By the policies that select pods with these labels: what they allow adds up."""
    mine = [
        one
        for one in policies
        if one["metadata"]["namespace"] == namespace
        and selects(one["spec"].get("podSelector") or {}, labels)
    ]
    isolated = {one: any(one in _types(policy) for policy in mine) for one in _DIRECTIONS}
    wide = [said for policy in mine if "Egress" in _types(policy) for said in _wide(policy)]
    return Reach(isolated, wide)


def _types(policy: Json) -> list[str]:
    """Without a word it is about ingress, and about egress where it has such rules."""
    spec: Json = policy["spec"]
    given = spec.get("policyTypes")
    if given:
        return [str(one) for one in given]
    return ["Ingress", *(["Egress"] if spec.get("egress") else [])]


def _wide(policy: Json) -> Iterable[str]:
    name = policy["metadata"]["name"]
    for rule in policy["spec"].get("egress") or []:
        ports = rule.get("ports") or []
        if not ports:
            yield f"{name} allows every port"
        yield from (f"{name} allows {_shown(port)}" for port in ports if not _is_needed(port))


def _is_needed(port: Json) -> bool:
    number, last = port.get("port"), port.get("endPort")
    if last is not None and last != number:
        return False
    protocol = port.get("protocol") or "TCP"
    return number == _DNS or (number == _HTTPS and protocol == "TCP")


def _shown(port: Json) -> str:
    last = f"-{port['endPort']}" if port.get("endPort") else ""
    return f"{port.get('protocol') or 'TCP'} {port.get('port', 'every port')}{last}"
