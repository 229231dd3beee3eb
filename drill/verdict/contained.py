"""What is said of an incident that ended with containment, held against what is so."""

from collections.abc import Sequence

from drill.scene import EvidenceFile, Scene
from drill.states import credentials_of, identity_trusts_of, only, trusts_of
from drill.verdict.evidence import first_destruction, written_by
from drill.verdict.facts import Check, Finding, every
from drill.writings import is_report

_CONTAINED = ("contained", "partly_contained")


def _said(scene: Scene) -> Finding:
    outcome = scene.status.get("outcome")
    return Finding(outcome in _CONTAINED, f"outcome is {outcome}")


def _residual(scene: Scene) -> Finding:
    until = scene.status.get("residual_until")
    return Finding(bool(until), f"until {until}")


def _snapshot(scene: Scene) -> Finding:
    """Every trust, credential and role by its id, in a file older than the first removal."""
    text = written_by(scene.evidence, first_destruction(scene)).lower()
    return every([(f"{name[-36:]} written", name.lower() in text) for name in _had(scene)])


def _had(scene: Scene) -> list[str]:
    victim, staged = scene.victim, scene.staged
    named = [one["id"] for one in identity_trusts_of(staged, victim.resource_id)]
    named += credentials_of(only(staged["servicePrincipals"], "id", victim.object_id))
    if victim.application_object_id:
        named += [one["id"] for one in trusts_of(staged, victim.application_object_id)]
        application = only(staged["applications"], "id", victim.application_object_id)
        named += credentials_of(application)
    return named + [
        assignment["id"].rsplit("/", 1)[-1]
        for assignment in staged["roleAssignments"]
        if assignment["properties"]["principalId"] == victim.object_id
    ]


def _traces(scene: Scene) -> Finding:
    rows = _text(scene.evidence, suffix=".jsonl")
    return every([(f"{what} {one[-36:]}", one in rows) for what, one in scene.traces.items()])


def _suspects(scene: Scene) -> Finding:
    """Each by its id in the findings and in the report for people: what comes next must not be looked for."""
    findings = _text(scene.evidence, suffix="footprint.json")
    reports = "\n".join(one.text for one in scene.evidence if is_report(one.path))
    return every(
        [
            (f"{what} {one[-36:]}", one in findings and one in reports)
            for what, one in scene.suspects.items()
        ]
    )


def _text(files: Sequence[EvidenceFile], *, suffix: str) -> str:
    return "\n".join(file.text for file in files if file.path.endswith(suffix))


SAID = Check("the incident says that it is contained", "contained", _said)
RESIDUAL = Check("it says until when an issued token may live", "a moment", _residual)
WRITTEN_FIRST = Check(
    "every credential, trust and role was written down before the first was removed",
    "each id in a file that is older than the first removal",
    _snapshot,
)
TRACES = Check("the attacker's sign-ins are in the evidence", "each planted id", _traces)
SUSPECTS = Check(
    "what the attacker made with the identity is named as the next suspect",
    "each id in findings and report",
    _suspects,
)
