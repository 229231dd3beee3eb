"""What a review notes of one cluster: its namespaces that have identities, and what runs there. Pure, no I/O.

Source   https://kubernetes.io/docs/concepts/security/rbac-good-practices/
         https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access
"""

from collections.abc import Iterator, Sequence, Set

from playbooks.reviewing import networks
from playbooks.reviewing.model import Note, note
from responders import mint_rights
from responders.hardening_lists import Hardening
from responders.label_selectors import selects
from responders.model import Json, ServiceAccountRef

_ENFORCE = "pod-security.kubernetes.io/enforce"
_STRICT = ("baseline", "restricted")
_EVERYBODY = ("system:authenticated", "system:unauthenticated", "system:serviceaccounts")
_SYSTEM = "kube-system"  # AKS's own, which nobody else may change
_SEVERAL = ("Deployment", "StatefulSet")


def judge(found: Hardening, *, ours: Set[str], trusted: Sequence[str]) -> list[Note]:
    """All notes of a cluster. `trusted` are namespaces whose ServiceAccounts may act in others: GitOps and the like."""
    spaces = sorted({one["namespace"] for one in found.accounts} - {_SYSTEM})
    return [
        one
        for space in spaces
        for one in (
            *_of_space(found, space),
            *_of_rights(found, space, ours=ours, trusted={*trusted, _SYSTEM}),
            *_of_runners(found, space),
        )
    ]


def of_azure(found: Hardening, holders: Sequence[Json] | str) -> list[Note]:
    """Who comes by pods and tokens of the cluster through Azure; a text says why nobody could tell.

    Named, and not judged: who may deploy has such a role, and nobody's namespace is crossed by it.
    """
    if not {one["namespace"] for one in found.accounts} - {_SYSTEM}:
        return []
    if isinstance(holders, str):
        said, holds = f"roles of Azure at it could not be read: {holders}", None
    else:
        who = "; ".join(f"{one['who']} {one['how']}, {one['binding']}" for one in holders)
        said, holds = f"through Azure: {who or 'nobody but Firebreak'}", True
    cluster = found.cluster
    return [note("cis-4.1.4", cluster["resource_id"], cluster["name"], holds=holds, said=said)]


def accounts(found: Hardening) -> list[ServiceAccountRef]:
    """The ServiceAccounts with an identity, AKS's own left out."""
    spaces = sorted({one["namespace"] for one in found.accounts} - {_SYSTEM})
    return [one for space in spaces for one in _accounts(found, space)]


def identity_runners(found: Hardening, space: str) -> list[Json]:
    """What runs in a namespace with an identity: by its ServiceAccount, and by its label."""
    accounts = {one["name"] for one in found.accounts if one["namespace"] == space}
    mine = [one for one in found.runners if one["namespace"] == space]
    return [one for one in mine if one["account"] in accounts and one["labelled"]]


def _of_space(found: Hardening, space: str) -> Iterator[Note]:
    command = f"kubectl --context {found.cluster['name']}"
    if _is_read(found, "namespaces"):
        labels = next(
            (
                one["metadata"].get("labels") or {}
                for one in found.of("namespaces")
                if one["metadata"]["name"] == space
            ),
            {},
        )
        level = labels.get(_ENFORCE)
        yield _space(
            "pss-enforce",
            found,
            space,
            holds=level in _STRICT,
            said=f"enforces {level}" if level else "enforces no standard",
            fix=f"{command} label --overwrite ns {space} {_ENFORCE}=baseline",
        )
    else:
        yield _blind("pss-enforce", found, space, "namespaces")
    if _is_read(found, "resourcequotas"):
        quotas = [one for one in found.of("resourcequotas") if _is_in(one, space)]
        yield _space(
            "resource-quota",
            found,
            space,
            holds=bool(quotas),
            said=", ".join(one["metadata"]["name"] for one in quotas) or "has none",
            fix=f"{command} -n {space} create quota {space} --hard=pods=<most>,requests.cpu=<most>",
        )
    else:
        yield _blind("resource-quota", found, space, "resourcequotas")
    defaults = [
        one for one in found.accounts if (one["namespace"], one["name"]) == (space, "default")
    ]
    runners = [
        one
        for one in found.runners
        if one["namespace"] == space and one["account"] == "default" and one["labelled"]
    ]
    used = [
        *("the annotation" for _ in defaults),
        *(f"{one['kind']}/{one['name']}" for one in runners),
    ]
    yield _space(
        "cis-4.1.5",
        found,
        space,
        holds=not used,
        said=f"the default ServiceAccount is used by {', '.join(used)}"
        if used
        else "it is not used",
        fix=f"{command} -n {space} annotate sa default azure.workload.identity/client-id-; "
        "give the workloads a ServiceAccount of their own",
    )


def _of_rights(
    found: Hardening, space: str, *, ours: Set[str], trusted: set[str]
) -> Iterator[Note]:
    rbac = ("roles", "clusterroles", "rolebindings", "clusterrolebindings")
    if lost := [plural for plural in rbac if not _is_read(found, plural)]:
        yield _blind("cis-4.1.4", found, space, lost[0])
        yield _blind("cis-4.6.1", found, space, lost[0])
        return
    read = mint_rights.Rbac(*(found.of(plural) for plural in rbac))
    holders = mint_rights.holders(read, _accounts(found, space), ours=ours)
    strangers = [one for one in holders if _is_stranger(one["who"], space, trusted)]
    who = "; ".join(f"{one['who']} {one['how']} ({one['binding']})" for one in strangers or holders)
    yield _space(
        "cis-4.1.4",
        found,
        space,
        holds=not strangers,
        said=who or "nobody but Kubernetes itself",
        fix="; ".join(
            f"kubectl --context {found.cluster['name']} {one['by_hand'].removeprefix('kubectl ')}"
            for one in strangers
        ),
    )
    crossing = [
        (binding, subject)
        for binding in found.of("rolebindings")
        if _is_in(binding, space)
        for subject in binding.get("subjects") or []
        if _is_stranger(_who(subject), space, trusted)
    ]
    names = sorted({f"{one['metadata']['name']} for {_who(subject)}" for one, subject in crossing})
    bindings = sorted({str(one["metadata"]["name"]) for one, _ in crossing})
    yield _space(
        "cis-4.6.1",
        found,
        space,
        holds=not crossing,
        said=f"RoleBindings {', '.join(names)}" if names else "its RoleBindings are its own",
        fix="; ".join(
            f"kubectl --context {found.cluster['name']} -n {space} delete rolebinding {one}"
            for one in bindings
        ),
    )


def _of_runners(found: Hardening, space: str) -> Iterator[Note]:
    for runner in identity_runners(found, space):
        yield from _of_network(found, runner)
        yield from _of_budget(found, runner)


def _of_network(found: Hardening, runner: Json) -> Iterator[Note]:
    if not _is_read(found, "networkpolicies"):
        yield _blind("cis-4.4.2", found, runner["namespace"], "networkpolicies")
        yield _blind("network-egress", found, runner["namespace"], "networkpolicies")
        return
    seen = networks.reach(found.of("networkpolicies"), runner["namespace"], runner["labels"])
    open_to = [one.lower() for one, isolated in seen.isolated.items() if not isolated]
    unenforced = found.cluster.get("network_policy", "none") == "none"
    said = f"not isolated for {' and '.join(open_to)}" if open_to else "isolated in both directions"
    if unenforced:
        said += "; nothing in the cluster enforces NetworkPolicies"
    fix = (
        f"az aks update --ids {found.cluster['resource_id']} --network-policy cilium"
        if unenforced and not open_to
        else f"a NetworkPolicy in {runner['namespace']} with podSelector {{}} and policyTypes [Ingress, Egress]"
    )
    yield _workload(
        "cis-4.4.2", found, runner, holds=not open_to and not unenforced, said=said, fix=fix
    )
    isolated = seen.isolated["Egress"]
    wide = "; ".join(seen.wide) or "DNS and 443 at most"
    yield _workload(
        "network-egress",
        found,
        runner,
        holds=isolated and not seen.wide,
        said=wide if isolated else "it reaches everything: no policy is about its egress",
        fix="allow egress to port 53 (UDP and TCP) and TCP 443 alone, and name what else it needs",
    )


def _of_budget(found: Hardening, runner: Json) -> Iterator[Note]:
    if runner["kind"] not in _SEVERAL or int(runner["replicas"] or 0) < 2:
        return
    if not _is_read(found, "poddisruptionbudgets"):
        yield _blind("disruption-budget", found, runner["namespace"], "poddisruptionbudgets")
        return
    budgets = [
        one["metadata"]["name"]
        for one in found.of("poddisruptionbudgets")
        if _is_in(one, runner["namespace"])
        and selects(one["spec"].get("selector"), runner["labels"])
    ]
    yield _workload(
        "disruption-budget",
        found,
        runner,
        holds=bool(budgets),
        said=", ".join(budgets) or "no budget selects its pods",
        fix=f"kubectl --context {found.cluster['name']} -n {runner['namespace']} create pdb {runner['name']} "
        "--selector=<its labels> --min-available=1",
    )


def _accounts(found: Hardening, space: str) -> list[ServiceAccountRef]:
    return [
        {
            "cluster": found.cluster["name"],
            "namespace": space,
            "name": one["name"],
            "client_id": one["client_id"],
            "subject": f"system:serviceaccount:{space}:{one['name']}",
        }
        for one in found.accounts
        if one["namespace"] == space
    ]


def _is_stranger(who: str, space: str, trusted: set[str]) -> bool:
    """A ServiceAccount of a namespace that is neither this nor a trusted one, or a group of everybody."""
    kind, _, name = who.partition(" ")
    if kind == "ServiceAccount":
        return name.partition("/")[0] not in {space, *trusted}
    return (
        kind == "Group"
        and name.startswith(_EVERYBODY)
        and name != f"system:serviceaccounts:{space}"
    )


def _who(subject: Json) -> str:
    name = subject["name"]
    if subject["kind"] == "ServiceAccount":
        name = f"{subject.get('namespace', '')}/{name}"
    return f"{subject['kind']} {name}"


def _is_read(found: Hardening, plural: str) -> bool:
    return plural in found.objects


def _is_in(one: Json, space: str) -> bool:
    return bool(one["metadata"]["namespace"] == space)


def _space(
    control: str, found: Hardening, space: str, *, holds: bool | None, said: str, fix: str
) -> Note:
    subject = f"{found.cluster['resource_id']}/namespaces/{space}"
    name = f"{found.cluster['name']} {space}"
    return note(control, subject, name, holds=holds, said=said, fix=fix)


def _workload(
    control: str, found: Hardening, runner: Json, *, holds: bool, said: str, fix: str
) -> Note:
    place = f"namespaces/{runner['namespace']}/{runner['kind'].lower()}s/{runner['name']}"
    name = f"{found.cluster['name']} {runner['namespace']} {runner['kind']}/{runner['name']}"
    return note(
        control, f"{found.cluster['resource_id']}/{place}", name, holds=holds, said=said, fix=fix
    )


def _blind(control: str, found: Hardening, space: str, plural: str) -> Note:
    said = f"{plural} could not be read: {found.unread[plural]}"
    return _space(control, found, space, holds=None, said=said, fix="")
