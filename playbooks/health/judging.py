"""From what was seen to findings, and to a light: pure, so that each rule has a test."""

from typing import Literal, TypedDict

from playbooks.runs.model import Document, Finding, document
from responders.model import ClusterRef

Light = Literal["green", "yellow", "red"]
_TITLE = "Health of workload identity and of Firebreak"


class ClusterSeen(TypedDict):
    """What was seen of one cluster; "" is "nothing wrong", and what could not be asked stands in `unread`."""

    cluster: ClusterRef
    webhook: str
    keys: str
    unread: list[str]


def light(findings: list[Finding], unread: list[str]) -> Light:
    """Red: workloads or incidents fail by it. Yellow: somebody should look, or nobody could."""
    graves = {one["severity"] for one in findings}
    if graves & {"critical", "high"}:
        return "red"
    return "yellow" if unread or "medium" in graves else "green"


def judged(clusters: list[ClusterSeen], unread: list[str]) -> Document:
    """The document of a health check."""
    findings = [one for seen in clusters for one in _of_cluster(seen)]
    blind = [*unread, *(line for seen in clusters for line in seen["unread"])]
    shown = light(findings, blind)
    summary = f"Health is {shown}: {len(clusters)} clusters, {len(findings)} findings"
    summary += f", {len(blind)} things could not be read" if blind else ""
    rows = [
        [
            one["cluster"]["name"],
            one["webhook"] or ("unknown" if one["unread"] else "serves"),
            one["keys"] or ("unknown" if one["unread"] else "match"),
        ]
        for one in clusters
    ]
    return document(
        _TITLE,
        summary,
        "partly" if blind else "done",
        findings=findings,
        unread=blind,
        tables=[
            {"title": "Clusters", "columns": ["cluster", "webhook", "issuer's keys"], "rows": rows}
        ],
        data={"light": shown},
    )


def _of_cluster(seen: ClusterSeen) -> list[Finding]:
    cluster = seen["cluster"]
    about = {
        "subject": cluster["resource_id"],
        "subject_name": cluster["name"],
        "evidence": [],
    }
    found: list[Finding] = []
    if seen["webhook"]:
        said, _, fix = seen["webhook"].rpartition(": ")
        found.append(
            {
                "rule": "webhook-not-serving",
                "severity": "high",
                "detail": said or seen["webhook"],
                "fix": fix,
                **about,  # type: ignore[typeddict-item]
            }
        )
    if seen["keys"]:
        found.append(
            {
                "rule": "issuer-keys-differ",
                "severity": "high",
                "detail": f"{cluster['name']}: the issuer's keys are not the cluster's: {seen['keys']}",
                "fix": f"az aks show --ids {cluster['resource_id']} --query oidcIssuerProfile; "
                "a rotation takes a while to be published, else ask Azure support",
                **about,  # type: ignore[typeddict-item]
            }
        )
    return found
