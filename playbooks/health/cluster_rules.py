"""What is wrong with a cluster: its webhook, its issuer, what Firebreak may do there. Pure."""

from playbooks.health.model import About, ClusterSeen, Part, finding
from playbooks.orders import Json
from playbooks.runs.model import Finding, Severity
from responders import preflight
from responders.webhook_pods import PodSeen

_PERCENT = 100
_READS = frozenset({"get", "list", "watch"})


def judged(clusters: list[ClusterSeen], limits: Json) -> Part:
    """The part of all clusters. `limits` is policy.toml [health]."""
    findings = [one for seen in clusters for one in _of(seen, limits)]
    unread = [line for seen in clusters for line in seen["unread"]]
    columns = ["cluster", "webhook", "pods", "memory", "errors", "issuer", "keys", "permissions"]
    table = {"title": "Clusters", "columns": columns, "rows": [_row(one) for one in clusters]}
    said = f"{len(clusters)} clusters" if clusters else "no cluster is in sight"
    return Part("Clusters", said, findings, unread, [table])  # type: ignore[list-item]


def _of(seen: ClusterSeen, limits: Json) -> list[Finding]:
    cluster = seen["cluster"]
    about = About(cluster["resource_id"], cluster["name"])
    found: list[Finding] = []
    if seen["webhook"]:
        said, _, fix = seen["webhook"].rpartition(": ")
        why = [
            f"{one['name']}: {one['ended'] or 'not ready'}"
            for one in seen["pods"]
            if not one["ready"]
        ]
        found.append(
            finding("webhook-not-serving", "high", about, said or seen["webhook"], fix, why)
        )
    found += _of_pods(seen, about, limits)
    if seen["issuer"]:
        found.append(
            finding(
                "issuer-not-served",
                "high",
                about,
                f"{about.name}: Entra can't verify its tokens: {seen['issuer']}",
                f"curl -i {cluster['issuer_url'] or '<issuer>'}.well-known/openid-configuration, from here and from "
                "the internet; without an issuer: az aks update --enable-oidc-issuer",
            )
        )
    if seen["keys"]:
        found.append(
            finding(
                "issuer-keys-differ",
                "high",
                about,
                f"{about.name}: the issuer's keys are not the cluster's: {seen['keys']}",
                f"az aks show --ids {cluster['resource_id']} --query oidcIssuerProfile; "
                "a rotation takes a while to be published, else ask Azure support",
            )
        )
    return found + _of_rights(seen, about)


def _of_rights(seen: ClusterSeen, about: About) -> list[Finding]:
    found = []
    if denied := seen["denied"]:
        said = f"{about.name}: an incident would be refused here: not allowed: {', '.join(denied)}"
        fix = preflight.how_to_allow(denied)
        found.append(finding("cluster-permission-missing", "high", about, said, fix))
    if wanted := seen["wanted"]:
        blind = any(one.split(" ")[0] in _READS for one in wanted)
        what = "surveys and runs are blind here" if blind else "some runs would be refused here"
        said = f"{about.name}: {what}: not allowed: {', '.join(wanted)}"
        fix = preflight.how_to_allow(wanted)
        grave: Severity = (
            "medium" if blind else "low"
        )  # who does not use that playbook misses nothing
        found.append(finding("cluster-permission-wanted", grave, about, said, fix))
    return found


def _of_pods(seen: ClusterSeen, about: About, limits: Json) -> list[Finding]:
    pods = seen["pods"]
    show = f"kubectl --context {about.name} get pods -A -l azure-workload-identity.io/system=true"
    found: list[Finding] = []
    hanging = [one for one in pods if not one["ready"]]
    if hanging and not seen["webhook"]:
        names = ", ".join(one["name"] for one in hanging)
        said = f"{about.name}: {len(hanging)} of {len(pods)} pods of the webhook are not ready: {names}"
        why = [f"{one['name']}: {one['ended']}" for one in hanging if one["ended"]]
        found.append(finding("webhook-pod-not-ready", "medium", about, said, show, why))
    if ended := [one for one in pods if one["ready"] and one["ended"]]:
        why = [f"{one['name']}: {one['ended']}, {one['restarts']} restarts" for one in ended]
        said = f"{about.name}: containers of the webhook have ended and were started again"
        found.append(finding("webhook-restarted", "medium", about, said, show, why))
    complaints = sum(one["complaints"] for one in pods)
    if complaints >= limits["webhook_errors"]:
        last = [f"{one['name']}: {one['last_complaint']}" for one in pods if one["last_complaint"]]
        said = f"{about.name}: the webhook's log has {complaints} errors in {limits['look_back_hours']} hours"
        logs = show.replace("get pods -A", "logs -n kube-system --tail 200")
        found.append(finding("webhook-errors", "medium", about, said, logs, last))
    tight = [one for one in pods if (_share(one) or 0) >= limits["webhook_memory_percent"]]
    if tight:
        why = [f"{one['name']}: {_memory(one)}" for one in tight]
        said = f"{about.name}: the webhook is about to run out of memory, and is killed then"
        top = show.replace("get pods", "top pods")
        found.append(finding("webhook-memory-short", "medium", about, said, top, why))
    return found


def _row(seen: ClusterSeen) -> list[str]:
    pods, blind = seen["pods"], bool(seen["unread"])
    ready = sum(1 for one in pods if one["ready"])
    most = max(pods, key=lambda one: one["memory"] or 0, default=None)
    unknown = "unknown" if blind else ""
    lacking = len(seen["denied"]) + len(seen["wanted"])
    return [
        seen["cluster"]["name"],
        seen["webhook"] or unknown or "serves",
        f"{ready} of {len(pods)} ready" if pods else unknown or "none",
        seen["metrics"] or (_memory(most) if most else unknown or "none"),
        str(sum(one["complaints"] for one in pods)) if pods else unknown or "0",
        seen["issuer"] or unknown or "answers",
        seen["keys"] or unknown or "match",
        f"{lacking} missing" if lacking else unknown or "all",
    ]


def _share(pod: PodSeen) -> int | None:
    """Of its limit, in percent."""
    if pod["memory"] is None or not pod["memory_limit"]:
        return None
    return pod["memory"] * _PERCENT // pod["memory_limit"]


def _memory(pod: PodSeen) -> str:
    if pod["memory"] is None:
        return "not measured"
    used = f"{pod['memory'] // 1024**2} MiB"
    share = _share(pod)
    cpu = f", {pod['cpu_m']} m CPU" if pod["cpu_m"] is not None else ""
    return f"{used}, {share} % of its limit{cpu}" if share is not None else f"{used}, no limit{cpu}"
