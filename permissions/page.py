"""docs/reference/permissions.md: each line with its identity, its reason, its steps, and what happens without it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from permissions.document import MANAGED_ONLY
from responders.needs import CLUSTERS, TRUSTS, VAULTS
from responders.resource_graph import CARRIERS, CARRYING

Json = dict[str, Any]
_TEMPLATE: Final = Path(__file__).parent / "permissions.template.md"
_READS: Final = "what it tells is named as not known"
_REFUSED: Final = "these steps end `refused`, with the commands"
_LEVER: Final = "its lever ends `refused`: `not_contained`"
# By identity and permission, where more is to be said.
_WITHOUT: Final = {
    (
        "containment",
        "Application.ReadWrite.All",
    ): "the levers of applications end `refused`: `not_contained`",
    (
        "containment",
        "AppRoleAssignment.ReadWrite.All",
    ): "application permissions stay, and are named",
    (
        "containment",
        "DelegatedPermissionGrant.ReadWrite.All",
    ): "delegated permissions stay, and are named",
    (
        "containment",
        "GroupMember.ReadWrite.All",
    ): "groups stay; one that carries an Azure role keeps the incident `not_contained`",
    (
        "containment",
        "IdentityRiskyServicePrincipal.ReadWrite.All",
    ): "Entra ID Protection is not told",
    (
        "containment",
        "Directory.Read.All",
    ): "groups, owners, directory roles and delegated permissions may be hidden or "
    "nameless; what was not written down is not taken away",
    ("containment", "Microsoft.Authorization/roleAssignments/delete"): _LEVER,
    ("containment", f"{TRUSTS}/delete"): _LEVER,
    ("containment", f"{VAULTS}/accessPolicies/write"): _LEVER,
    (
        "containment",
        f"{CLUSTERS}/listClusterUserCredential/action",
    ): "clusters are unknown: no proof as a workload",
    ("rebuild", f"{CLUSTERS}/listClusterUserCredential/action"): "no step in a cluster",
    (
        "containment",
        "serviceaccounts/token",
    ): "nothing is proven as a workload would meet it, which is said",
    (
        "containment",
        "Microsoft.EventGrid/events/send/action",
    ): "no event is published, and `channels` says so",
    (
        "containment",
        "Microsoft.SecurityInsights/incidents/comments/write",
    ): "no comment is written, and `channels` says so",
}
_EVIDENCE: Final = "no step begins: nothing is done unwritten"
_SCOPES: Final = {
    "guarded": "the management group that is guarded",
    "workspace": "the log workspace",
    "evidence": "the container of the evidence",
    "claims": "the container beside the evidence",
    "topic": "the topic of Firebreak's events",
    "sentinel": "the workspace of Sentinel",
}


def page(hands: Json) -> str:
    """The template with its tables."""
    filled = {
        "graph": _table(("app role", "identity"), _graph(hands)),
        "azure": "\n\n".join(_azure(hands)),
        "cluster": _table(("resource", "verbs", "identity"), _cluster(hands)),
        "carriers": ", ".join(f"`{one}`" for one in CARRIERS),
        "managed": " and ".join(f"`{one}`" for one in _managed(hands)),
    }
    text = _TEMPLATE.read_text(encoding="utf-8")
    for name, content in filled.items():
        text = text.replace(f"<!-- {name} -->", content)
    return text


def _graph(hands: Json) -> Iterator[tuple[str, ...]]:
    for hand, held in hands.items():
        for line in held["graph"]:
            reads = ".ReadWrite." not in line["role"]
            yield f"`{line['role']}`", hand, *_told(hand, line["role"], line, reads=reads)


def _azure(hands: Json) -> Iterator[str]:
    """One table for each role."""
    for hand, held in hands.items():
        for role in held["azure"]:
            only = f", only with `{role['optional']}`" if role["optional"] else ""
            condition = ", under a condition (`condition-rebuild.txt`)" if role["condition"] else ""
            where = f"### `{role['role']}`\n\nOf `{hand}`, at {_SCOPES[role['scope']]}{only}{condition}."
            every = [*role["actions"], *role["dataActions"]]
            # One sentence says which types carry an identity.
            lines = [one for one in every if one["why"] != CARRYING]
            yield f"{where}\n\n{_table(('action',), _actions(hand, role['scope'], lines))}"


def _actions(hand: str, scope: str, lines: Iterable[Json]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        action = line["action"]
        why, steps, without = _told(hand, action, line, reads=action.endswith("/read"))
        yield f"`{action}`", why, steps, _EVIDENCE if scope in {"evidence", "claims"} else without


def _cluster(hands: Json) -> Iterator[tuple[str, ...]]:
    for hand, held in hands.items():
        for line in held["cluster"]:
            name = _resource(line)
            reads = set(line["verbs"]) <= {"get", "list"}
            why, steps, without = _told(hand, name, line, reads=reads)
            if line["wanted"]:
                without = f"*wanted*: {without}"
            if line["optional"]:
                why = f"only with `{line['optional']}`: {why}"
            yield f"`{name}`", ", ".join(line["verbs"]), hand, why, steps, without


def _resource(line: Json) -> str:
    """As `kubectl create clusterrole` names it."""
    if line["nonResourceURLs"]:
        return str(line["nonResourceURLs"][0])
    plural, slash, subresource = str(line["resources"][0]).partition("/")
    group = f".{line['apiGroups'][0]}" if line["apiGroups"][0] else ""
    return f"{plural}{group}{slash}{subresource}"


def _told(hand: str, name: str, line: Json, *, reads: bool) -> tuple[str, str, str]:
    steps = ", ".join(one if " " in one else f"`{one}`" for one in line["steps"])
    return line["why"], steps, _WITHOUT.get((hand, name), _READS if reads else _REFUSED)


def _managed(hands: Json) -> list[str]:
    return sorted(
        {
            line["role"]
            for held in hands.values()
            for line in held["graph"]
            if MANAGED_ONLY in line["profiles"]
        }
    )


def _table(first: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = (*first, "for", "steps", "without it")
    lines = [_row(head), "|" + "---|" * len(head), *(_row(one) for one in rows)]
    return "\n".join(lines)


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
