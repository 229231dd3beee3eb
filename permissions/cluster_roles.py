"""ClusterRoles with their bindings, one pair for each identity and option, each rule with its reason.

Source   https://kubernetes.io/docs/reference/access-authn-authz/rbac/
         https://learn.microsoft.com/azure/aks/azure-ad-rbac (an identity is a user, by its object id)
"""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

from responders.needs import SUSPENDING

Json = dict[str, Any]
_OPTIONS: Final = {"": "", SUSPENDING: "-gitops"}


def variable(hand: str) -> str:
    """What stands for the identity's object id: `envsubst` fills it in."""
    return f"FIREBREAK_{hand.upper()}_OBJECT_ID"


def of(hand: str, rules: list[Json]) -> str:
    """The whole file of one identity."""
    head = (
        f"# What Firebreak's identity `{hand}` may do in a cluster: docs/reference/permissions.md. `make permissions`\n"
        f"# writes it. {variable(hand)}=<object id> envsubst < clusterrole-{hand}.yaml | kubectl apply -f -\n"
    )
    documents = []
    for option, suffix in _OPTIONS.items():
        mine = [one for one in rules if one["optional"] == option]
        if mine:
            only = f"# Only with {option}.\n" if option else ""
            documents.append(only + _role(f"firebreak-{hand}{suffix}", mine))
            documents.append(_binding(f"firebreak-{hand}{suffix}", hand))
    return head + "---\n".join(documents)


def _role(name: str, rules: Iterable[Json]) -> str:
    lines = [
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: ClusterRole",
        "metadata:",
        f"  name: {name}",
        "rules:",
    ]
    for (groups, verbs, why), same in groupby(sorted(rules, key=_alike), key=_alike):
        every = list(same)
        lines.append(f"  # {why}")
        resources = [name for one in every for name in one["resources"]]
        urls = [url for one in every for url in one["nonResourceURLs"]]
        if urls:
            lines.append(f"  - nonResourceURLs: {json.dumps(urls)}")
        else:
            lines.append(f"  - apiGroups: {json.dumps(list(groups))}")
            lines.append(f"    resources: {json.dumps(resources)}")
        lines.append(f"    verbs: {json.dumps(list(verbs))}")
    return "\n".join(lines) + "\n"


def _alike(rule: Json) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """Rules of one reason and the same verbs stand together."""
    wanted = " (wanted: without it less is seen or done, which is said)" if rule["wanted"] else ""
    return tuple(rule["apiGroups"]), tuple(rule["verbs"]), rule["why"] + wanted


def _binding(name: str, hand: str) -> str:
    return f"""\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {name}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {name}
subjects:
  - apiGroup: rbac.authorization.k8s.io
    kind: User
    name: ${{{variable(hand)}}}
"""
