"""The columns that `kubectl get` shows of each kind.

Source   https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from sandbox.kubernetes import custom_columns, volume_rows
from sandbox.kubernetes.kind import Definition, Kind
from sandbox.kubernetes.names import moment_of
from sandbox.world import Json

Cell = str | int | None
Columns = list[tuple[str, str, int]]  # name, type, priority: above 0 only with -o wide


def of(kind: Kind) -> tuple[Columns, Callable[[Any, datetime], list[Cell]]]:
    """The columns of a kind, and what fills one row of them."""
    if kind.definition is not None:
        return _custom(kind.definition)
    return _PRINTERS.get(kind.plural, (_NAMED, _named))


def age(moment: datetime, now: datetime) -> str:
    """A duration in the two largest units that fit, as kubectl shows ages."""
    return _duration(now - moment)


def _duration(length: timedelta) -> str:
    seconds = max(int(length.total_seconds()), 0)
    # Each unit is shown alone from twice its size on, and with the next smaller one below ten
    # minutes, eight hours and eight days.
    # https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/util/duration/duration.go
    for unit, size, smaller, rest_below, upto in _UNITS:
        if seconds < upto:
            rest = seconds % size // _SIZES[smaller] if smaller and seconds < rest_below else 0
            return f"{seconds // size}{unit}" + (f"{rest}{smaller}" if rest else "")
    return f"{seconds // (365 * 86400)}y"


_SIZES = {"s": 1, "m": 60, "h": 3600}
_UNITS = (
    ("s", 1, "", 0, 120),
    ("m", 60, "s", 600, 3 * 3600),
    ("h", 3600, "m", 8 * 3600, 48 * 3600),
    ("d", 86400, "h", 8 * 86400, 730 * 86400),
)


def _age(item: Json, now: datetime) -> str:
    created = item["metadata"].get("creationTimestamp")
    return age(moment_of(created), now) if created else "<unknown>"


def _name(item: Json) -> str:
    return str(item["metadata"].get("name", ""))  # a review has none


def _named(item: Json, now: datetime) -> list[Cell]:
    return [_name(item), _age(item, now)]


def _pod(item: Json, now: datetime) -> list[Cell]:
    spec, status = item["spec"], item.get("status", {})
    states = status.get("containerStatuses", [])
    ready = sum(1 for each in states if each.get("ready"))
    shown = status.get("phase", "Unknown")
    for each in states:
        shown = each.get("state", {}).get("waiting", {}).get("reason", shown)
    if item["metadata"].get("deletionTimestamp"):
        shown = "Terminating"
    restarts = sum(each.get("restartCount", 0) for each in states)
    return [
        _name(item),
        f"{ready}/{len(spec['containers'])}",
        shown,
        str(restarts),
        _age(item, now),
        status.get("podIP", "<none>"),
        spec.get("nodeName", "<none>"),
        status.get("nominatedNodeName", "<none>"),
        "<none>",
    ]


def _template(item: Json) -> list[Cell]:
    containers = item["spec"]["template"]["spec"].get("containers", [])
    return [
        ",".join(each["name"] for each in containers),
        ",".join(each.get("image", "") for each in containers),
    ]


def _selector(item: Json) -> str:
    return _labels(item["spec"].get("selector", {}).get("matchLabels", {}))


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _counts(item: Json, *names: str) -> list[int]:
    return [item.get("status", {}).get(name, 0) for name in names]


def _deployment(item: Json, now: datetime) -> list[Cell]:
    ready, updated, available = _counts(
        item, "readyReplicas", "updatedReplicas", "availableReplicas"
    )
    wanted = item["spec"].get("replicas", 0)
    cells: list[Cell] = [_name(item), f"{ready}/{wanted}", updated, available, _age(item, now)]
    return [*cells, *_template(item), _selector(item)]


def _replica_set(item: Json, now: datetime) -> list[Cell]:
    wanted = item["spec"].get("replicas", 0)
    numbers = _counts(item, "replicas", "readyReplicas")
    cells: list[Cell] = [_name(item), wanted, *numbers, _age(item, now)]
    return [*cells, *_template(item), _selector(item)]


def _stateful_set(item: Json, now: datetime) -> list[Cell]:
    ready = _counts(item, "readyReplicas")[0]
    wanted = item["spec"].get("replicas", 0)
    return [_name(item), f"{ready}/{wanted}", _age(item, now), *_template(item)]


def _daemon_set(item: Json, now: datetime) -> list[Cell]:
    numbers = _counts(
        item,
        "desiredNumberScheduled",
        "currentNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
        "numberAvailable",
    )
    cells: list[Cell] = [_name(item), *numbers, "<none>", _age(item, now)]
    return [*cells, *_template(item), _selector(item)]


def _account(item: Json, now: datetime) -> list[Cell]:
    return [_name(item), len(item.get("secrets", [])), _age(item, now)]


def _namespace(item: Json, now: datetime) -> list[Cell]:
    return [_name(item), item["status"]["phase"], _age(item, now)]


def _node(item: Json, now: datetime) -> list[Cell]:
    kubelet = item.get("status", {}).get("nodeInfo", {}).get("kubeletVersion", "")
    return [_name(item), "Ready", "<none>", _age(item, now), kubelet]


def _config_map(item: Json, now: datetime) -> list[Cell]:
    size = len(item.get("data", {})) + len(item.get("binaryData", {}))
    return [_name(item), size, _age(item, now)]


def _secret(item: Json, now: datetime) -> list[Cell]:
    return [_name(item), item.get("type", ""), len(item.get("data", {})), _age(item, now)]


def _event(item: Json, now: datetime) -> list[Cell]:
    seen = item.get("lastTimestamp") or item["metadata"]["creationTimestamp"]
    about = item["involvedObject"]
    target = f"{about.get('kind', '').lower()}/{about.get('name', '')}"
    return [
        age(moment_of(seen), now),
        item.get("type", ""),
        item.get("reason", ""),
        target,
        item.get("message", ""),
    ]


def _network_policy(item: Json, now: datetime) -> list[Cell]:
    chosen = item["spec"].get("podSelector", {}).get("matchLabels", {})
    return [_name(item), _labels(chosen), _age(item, now)]


def _role(item: Json, now: datetime) -> list[Cell]:
    return [_name(item), item["metadata"].get("creationTimestamp", "")]


def _binding(item: Json, now: datetime) -> list[Cell]:
    reference = item["roleRef"]
    by_kind: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in item.get("subjects", []):
        prefix = f"{subject['namespace']}/" if subject.get("namespace") else ""
        by_kind[subject["kind"]].append(prefix + subject["name"])
    people = [", ".join(by_kind[name]) for name in by_kind]
    return [_name(item), f"{reference['kind']}/{reference['name']}", _age(item, now), *people]


def _job(item: Json, now: datetime) -> list[Cell]:
    status = item.get("status", {})
    done = _counts(item, "succeeded")[0]
    wanted = item["spec"].get("completions", 1)
    true = {each["type"] for each in status.get("conditions", []) if each["status"] == "True"}
    ends = ("Complete", "Failed", "Suspended")
    shown = next((each for each in ends if each in true), "Running")
    took = ""
    if started := status.get("startTime"):
        end = status.get("completionTime")
        took = age(moment_of(started), moment_of(end) if end else now)
    return [_name(item), shown, f"{done}/{wanted}", took, _age(item, now), *_template(item)]


def _cron_job(item: Json, now: datetime) -> list[Cell]:
    spec = item["spec"]
    suspended = str(bool(spec.get("suspend"))).title()
    status = item.get("status", {})
    last = status.get("lastScheduleTime")
    since = age(moment_of(last), now) if last else "<none>"
    zone, active = spec.get("timeZone", "<none>"), len(status.get("active", []))
    return [_name(item), spec["schedule"], zone, suspended, active, since, _age(item, now)]


def _budget(item: Json, now: datetime) -> list[Cell]:
    spec = item["spec"]
    shares = [str(spec.get(name, "N/A")) for name in ("minAvailable", "maxUnavailable")]
    return [_name(item), *shares, item["status"]["disruptionsAllowed"], _age(item, now)]


def _autoscaler(item: Json, now: datetime) -> list[Cell]:
    spec = item["spec"]
    target = f"{spec['scaleTargetRef']['kind']}/{spec['scaleTargetRef']['name']}"
    least, most, current = (
        spec.get("minReplicas", "<unset>"),
        spec["maxReplicas"],
        item.get("status", {}).get("currentReplicas", 0),
    )
    return [_name(item), target, "<unknown>", str(least), most, current, _age(item, now)]


def _custom(definition: Definition) -> tuple[Columns, Callable[[Any, datetime], list[Cell]]]:
    columns = definition.columns or (
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    )

    def cells(item: Json, now: datetime) -> list[Cell]:
        row: list[Cell] = [_name(item)]
        for column in columns:
            found = custom_columns.value_at(item, column["jsonPath"])
            is_moment = column["type"] == "date" and isinstance(found, str)
            row.append(age(moment_of(found), now) if is_moment else found)
        return row

    named = [(each["name"], each["type"], each.get("priority", 0)) for each in columns]
    return [("Name", "string", 0), *named], cells


def _columns(text: str) -> Columns:
    """`Name Ready Age | IP Node`: what stands behind the bar is shown with -o wide only."""
    plain, _, wide = text.partition("|")
    return [
        (name.replace("_", " "), "integer" if name in _NUMBERS else "string", priority)
        for part, priority in ((plain, 0), (wide, 1))
        for name in part.split()
    ]


_NUMBERS = {
    "Allowed_Disruptions",
    "Available",
    "Current",
    "Data",
    "Desired",
    "Secrets",
    "Up-to-date",
    "Active",
}
_WIDE = "| Containers Images Selector"
_NAMED: Columns = _columns("Name Age")
_PRINTERS: dict[str, tuple[Columns, Callable[[Any, datetime], list[Cell]]]] = {
    "clusterrolebindings": (
        _columns("Name Role Age | Users Groups ServiceAccounts"),
        _binding,
    ),
    "clusterroles": (_columns("Name Created_At"), _role),
    "configmaps": (_columns("Name Data Age"), _config_map),
    "cronjobs": (_columns("Name Schedule Timezone Suspend Active Last_Schedule Age"), _cron_job),
    "daemonsets": (
        _columns(f"Name Desired Current Ready Up-to-date Available Node_Selector Age {_WIDE}"),
        _daemon_set,
    ),
    "deployments": (_columns(f"Name Ready Up-to-date Available Age {_WIDE}"), _deployment),
    "events": (_columns("Last_Seen Type Reason Object Message"), _event),
    "customresourcedefinitions": (_columns("Name Created_At"), _role),
    "horizontalpodautoscalers": (
        _columns("Name Reference Targets MinPods MaxPods Replicas Age"),
        _autoscaler,
    ),
    "jobs": (_columns("Name Status Completions Duration Age | Containers Images"), _job),
    "namespaces": (_columns("Name Status Age"), _namespace),
    "networkpolicies": (_columns("Name Pod-Selector Age"), _network_policy),
    "nodes": (_columns("Name Status Roles Age Version"), _node),
    "persistentvolumeclaims": (
        _columns(
            "Name Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age "
            "| VolumeMode"
        ),
        lambda item, now: volume_rows.claim(item, _age(item, now)),
    ),
    "persistentvolumes": (
        _columns(
            "Name Capacity Access_Modes Reclaim_Policy Status Claim StorageClass "
            "VolumeAttributesClass Reason Age | VolumeMode"
        ),
        lambda item, now: volume_rows.volume(item, _age(item, now)),
    ),
    "poddisruptionbudgets": (
        _columns("Name Min_Available Max_Unavailable Allowed_Disruptions Age"),
        _budget,
    ),
    "pods": (
        _columns("Name Ready Status Restarts Age | IP Node Nominated_Node Readiness_Gates"),
        _pod,
    ),
    "replicasets": (_columns(f"Name Desired Current Ready Age {_WIDE}"), _replica_set),
    "rolebindings": (_columns("Name Role Age | Users Groups ServiceAccounts"), _binding),
    "roles": (_columns("Name Created_At"), _role),
    "secrets": (_columns("Name Type Data Age"), _secret),
    "serviceaccounts": (_columns("Name Secrets Age"), _account),
    "statefulsets": (_columns("Name Ready Age | Containers Images"), _stateful_set),
    "storageclasses": (
        _columns("Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age"),
        lambda item, now: volume_rows.storage_class(item, _age(item, now)),
    ),
}
