"""What a run would do: the declared identities compared with what there is. Pure: no I/O, no clock.

The same input gives the same plan, and so the same hash.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from playbooks.orders import Json
from playbooks.provisioning import asking, granting, trusting, wiring
from playbooks.provisioning.declarations import Identity
from playbooks.provisioning.model import (
    ORDER,
    Actual,
    ClusterState,
    IdentityPlan,
    IdentityState,
    Operation,
    Plan,
    State,
)
from playbooks.provisioning.reporting import drift
from responders import declared_identities
from responders.model import ClusterRef
from responders.model import Json as Body

_KIND = {"application": "application", "user_assigned_identity": "user-assigned identity"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the run and the policy say."""

    remove_undeclared: bool
    enable_clusters: bool
    never_regrant: Sequence[str]  # roles by name that a person has to want, whatever they allow
    audience: str


def draw(declared: Sequence[Identity], actual: Actual, settings: Settings) -> Plan:
    """The plan for these declarations."""
    plans = [_identity(one, actual, settings) for one in declared]
    refs = {one["ref"]["resource_id"]: one["ref"] for one in actual["clusters"].values()}
    wanted = {
        account["cluster"] for one in plans if not one["blocked"] for account in one["accounts"]
    }
    off = [
        one["ref"]
        for one in actual["clusters"].values()
        if one["command"] and not one["problem"] and one["ref"]["resource_id"] in wanted
    ]
    by_id: dict[str, ClusterRef] = {one["resource_id"]: one for one in off}
    return {
        "enable": [by_id[key] for key in sorted(by_id)] if settings.enable_clusters else [],
        "clusters": {key: refs[key] for key in sorted(refs)},
        "identities": plans,
    }


def _identity(declared: Identity, actual: Actual, settings: Settings) -> IdentityPlan:
    state = actual["identities"][declared.name]
    clusters = {
        name: actual["clusters"][name] for name in declared.clusters if name in actual["clusters"]
    }
    wired = wiring.wanted(declared, clusters)
    trusts = trusting.compare(state, wired, clusters, settings)
    grants = granting.compare(declared, state, actual["roles"], settings)
    wires = wiring.compare(declared, state, wired, clusters)
    operations = sorted(
        [*_itself(declared, state), *trusts.operations, *grants.operations, *wires.operations],
        key=lambda one: (ORDER.index(one["kind"]), one["cluster"], one["target"]),
    )
    blocked = [
        *state["stop"],
        *_clusters_blocked(declared, actual, clusters, settings),
        *_roles_blocked(declared, actual),
        *trusts.blocked,
        *wires.blocked,
    ]
    plan: IdentityPlan = {
        "name": declared.name,
        "kind": declared.kind,
        "state": _state(state, operations, blocked),
        "found": state["found"],
        "address": address(declared),
        "location": declared.location or "",
        "tags": dict(declared.tags),
        "blocked": blocked,
        "operations": operations,
        "accounts": wired,
        "confirmations": [
            *asking.about_itself(declared, state, operations),
            *grants.confirmations,
            *wires.confirmations,
            *asking.about_removals(declared.name, operations),
        ],
        "findings": [],
    }
    plan["findings"] = [*drift(plan), *trusts.findings, *grants.findings, *wires.findings]
    return plan


def address(declared: Identity) -> str:
    """Where a user-assigned identity is; "" for an application, which has no address before it has an id."""
    if declared.kind == "application":
        return ""
    return declared_identities.address_of(declared.resource_group or "", declared.name)


def _itself(declared: Identity, state: IdentityState) -> list[Operation]:
    found, kind = state["found"], _KIND[declared.kind]
    if found is None:
        where = address(declared) or declared.name
        change = ("does not exist", f"a new {kind}")
        return [_operation("create_identity", where, None, {"name": declared.name}, change)]
    made: list[Operation] = []
    if not state["known"]:
        now = f"{found['display_name']} ({found['app_id']}), {state['made']}"
        change = (f"{now}: not made by Firebreak", f"the identity that {declared.name} declares")
        made.append(_operation("adopt", found["app_id"], None, {"app_id": found["app_id"]}, change))
    if missing := {key: one for key, one in declared.tags.items() if state["tags"].get(key) != one}:
        before: Body = {key: state["tags"].get(key) for key in missing}
        said = (_tags(before), _tags(missing))
        made.append(_operation("tag", found["resource_id"] or "", before, missing, said))
    return made


def _tags(said: Json) -> str:
    return (
        ", ".join(f"{key}={one}" for key, one in sorted(said.items()) if one is not None) or "none"
    )


def _operation(
    kind: str, target: str, before: Json | None, after: Json, change: tuple[str, str]
) -> Operation:
    return {
        "kind": kind,  # type: ignore[typeddict-item]
        "cluster": "",
        "target": target,
        "before": before,
        "after": after,
        "change": {
            "object": f"{kind.replace('_', ' ')} {target}",
            "before": change[0],
            "after": change[1],
        },
    }


def _state(state: IdentityState, operations: list[Operation], blocked: list[str]) -> State:
    if blocked:
        return "blocked"
    if not operations:
        return "in_sync"
    return "drifted" if state["found"] and state["known"] else "missing"


def _clusters_blocked(
    declared: Identity, actual: Actual, clusters: dict[str, ClusterState], settings: Settings
) -> list[str]:
    unknown = [
        actual["unknown_clusters"][one]
        for one in declared.clusters
        if one in actual["unknown_clusters"]
    ]
    broken = [one["problem"] for one in clusters.values() if one["problem"]]
    off = [
        f"{one['ref']['name']} has no OIDC issuer, or workload identity is off: {one['command']}. Or let Firebreak do "
        "it: policy.toml [provision] enable_clusters = true"
        for one in clusters.values()
        if one["command"] and not one["problem"] and not settings.enable_clusters
    ]
    return [*unknown, *broken, *off]


def _roles_blocked(declared: Identity, actual: Actual) -> list[str]:
    keys = [f"{one.role} {one.scope}" for one in declared.roles]
    return [actual["unknown_roles"][one] for one in keys if one in actual["unknown_roles"]]
