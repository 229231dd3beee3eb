"""Responder: let what else names the client id name the new one: secrets from a vault, scalers, ConfigMaps.

Stops    nothing
Leaves   what can't be changed in place (StorageClasses, volumes), Secrets and identity bindings: reported with what a
         person does; pods that have read a ConfigMap or mounted a secret, until they are restarted
Undo     items: each field before and after; on the object firebreak.dev/previous-value
Needs    NEEDS, below
Source   https://learn.microsoft.com/azure/aks/csi-secrets-store-identity-access
         https://learn.microsoft.com/azure/aks/keda-workload-identity
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from responders.consumer_users import OF_KEDA
from responders.errors import NotFoundError, RefusedError
from responders.gitops import sentence
from responders.kube import Change, Kube
from responders.kube_requests import path_of
from responders.model import Consumer, ConsumerKind, Json, StepResult, WorkloadRef
from responders.needs import Needs, on_each
from responders.surveys import Survey
from responders.workload_objects import INCIDENT

PREVIOUS_VALUE = "firebreak.dev/previous-value"  # of the field that was changed
_PLURALS: dict[ConsumerKind, str] = {
    "SecretProviderClass": "secretproviderclasses",
    "TriggerAuthentication": "triggerauthentications",
    "ClusterTriggerAuthentication": "clustertriggerauthentications",
    "ConfigMap": "configmaps",
}
_WRITTEN = (
    "secretproviderclasses.secrets-store.csi.x-k8s.io",
    "triggerauthentications.keda.sh",
    "clustertriggerauthentications.keda.sh",
    "configmaps",
)
NEEDS: Final = Needs(
    cluster=(
        *on_each(
            _WRITTEN, ("get",), "whether it still names the new client id", ("stands",), wanted=True
        ),
        *on_each(_WRITTEN, ("get", "patch"), "name the new client id", ("move",), wanted=True),
    ),
)


@dataclass(frozen=True, slots=True)
class Ids:
    """From which client id to which."""

    old: str
    new: str
    incident_id: str


async def move(kube: Kube, ref: Consumer, ids: Ids) -> StepResult:
    """Put the new client id where the old one stands. Safe to repeat; a third one there is somebody else's."""
    where, names = _describe(ref), _names(ref)

    def change(now: Json) -> Json | None:
        if _value(now, names).strip().lower() != ids.old.lower():
            return None
        notes = {PREVIOUS_VALUE: _value(now, names), INCIDENT: ids.incident_id}
        patch: Json = {"metadata": {"annotations": notes}}
        return {**patch, **_at(names, ids.new)}

    try:
        place = path_of(_PLURALS[ref["kind"]], ref["namespace"], ref["name"])
        before, written = await kube.update(place, change)
    except NotFoundError:
        return {"status": "nothing_to_do", "detail": f"{where} is gone"}
    except RefusedError as error:  # it holds up no workload
        return {"status": "refused", "detail": str(error), "by_hand": [_command(ref, ids)]}
    found = _value(before, names)
    if written:
        item = {"object": where, "field": ref["field"], "before": found, "after": ids.new}
        owned = sentence(ref["owner"]) if ref["owner"] else ""
        detail = f"{where} {ref['field']} names {ids.new} now. {owned}".strip()
        return {"status": "done", "detail": detail, "items": [item]}
    if found.strip().lower() == ids.new.lower():
        return {"status": "nothing_to_do", "detail": f"{where} names {ids.new} already"}
    return {
        "status": "refused",
        "detail": f"{where} {ref['field']} now says {found[:80]!r}: somebody changed it since. Look at it",
    }


async def stands(kube: Kube, ref: Consumer, ids: Ids) -> str | None:
    """Why it does not name the new client id any more; None where it does, or somebody else's, or is gone."""
    try:
        now = await kube.get(path_of(_PLURALS[ref["kind"]], ref["namespace"], ref["name"]))
    except (NotFoundError, RefusedError):  # what may not be read, the move has left to a person
        return None
    found = _value(now, _names(ref)).strip().lower()
    return f"{_describe(ref)} names {ids.old} again" if found == ids.old.lower() else None


def unproven(ref: Consumer) -> str:
    """Of a workload that has the client id past its ServiceAccount: nothing of it is moved, so nothing is proven."""
    return (
        f"{_describe(ref)}: its ServiceAccount does not name the client id, so it was not moved, and nothing trusts "
        f"it: {ref['by_hand']}"
    )


def back(ref: Consumer, ids: Ids) -> tuple[str, Change]:
    """Where it is, and what puts the old client id back where this incident had put the new one."""
    names = _names(ref)

    def change(now: Json) -> Json | None:
        notes = now["metadata"].get("annotations") or {}
        found = _value(now, names).strip().lower()
        if notes.get(INCIDENT) != ids.incident_id or found == ids.old.lower():
            return None
        if found != ids.new.lower():
            raise RefusedError(f"{_describe(ref)} {ref['field']} says {found[:80]!r} by now")
        gone: Json = {"metadata": {"annotations": {PREVIOUS_VALUE: None, INCIDENT: None}}}
        return {**gone, **_at(names, str(notes.get(PREVIOUS_VALUE) or ids.old))}

    return path_of(_PLURALS[ref["kind"]], ref["namespace"], ref["name"]), change


def stale(ref: Consumer, moved: Sequence[WorkloadRef]) -> list[StepResult]:
    """What takes the client id from it and is not restarted by the move: a person's, as others' work may hang on it."""
    if ref["kind"] in OF_KEDA:
        return [_of_keda(ref)]
    places = {(one["namespace"], f"{one['kind']}/{one['name']}") for one in moved}
    found: list[StepResult] = []
    for who in ref.get("used_by", []):
        if (ref["namespace"], who) not in places:
            kind, _, name = who.partition("/")
            kubectl = f"kubectl --context {ref['cluster']} -n {ref['namespace']}"
            restart = f"{kubectl} rollout restart {kind.lower()}/{name}"
            detail = f"{_describe(ref)}: {who} reads it when it starts"
            found.append({"status": "nothing_to_do", "detail": detail, "by_hand": [restart]})
    return found


def _of_keda(ref: Consumer) -> StepResult:
    """KEDA's operator asks for the tokens, under its own ServiceAccount, which names no client id or another one.

    https://learn.microsoft.com/azure/aks/keda-workload-identity
    """
    scales = f" It scales {', '.join(ref.get('used_by', []))}." if ref.get("used_by") else ""
    trust = (
        f"# {_describe(ref)}: KEDA's operator asks for its tokens.{scales} Where the old identity trusted it "
        "(system:serviceaccount:kube-system:keda-operator on AKS), give the new one a federated credential for it, too"
    )
    detail = f"{_describe(ref)}: KEDA's operator needs a trust of its own"
    return {"status": "nothing_to_do", "detail": detail, "by_hand": [trust]}


def left(ref: Consumer, now: Survey) -> StepResult:
    """What no patch moves: a person's, until a new look at the cluster finds it no more.

    Of a Secret nobody can tell: it is named, and whether its workload got the new client id is seen in the pods.
    """
    where = _describe(ref)
    if ref["kind"] == "Secret":
        return {
            "status": "nothing_to_do",
            "detail": f"{where}: {ref['by_hand']}",
            "by_hand": [ref["by_hand"]],
        }
    if not now["reachable"]:
        return {"status": "failed", "detail": f"{where} can't be looked at: {now['reason']}"}
    there = {(one["kind"], one["namespace"], one["name"]) for one in now.get("consumers", [])}
    if (ref["kind"], ref["namespace"], ref["name"]) not in there and not now.get("unread"):
        return {"status": "done", "detail": f"{where} names the old client id no more"}
    detail = f"{where} names the old client id: {ref['by_hand']}"
    return {"status": "refused", "detail": detail, "by_hand": [ref["by_hand"]]}


def _command(ref: Consumer, ids: Ids) -> str:
    """The same change, by a person."""
    patch = json.dumps(_at(_names(ref), ids.new))
    place = f" -n {ref['namespace']}" if ref["namespace"] else ""
    what = f"{_PLURALS[ref['kind']]} {ref['name']}"
    return f"kubectl --context {ref['cluster']}{place} patch {what} --type merge -p {shlex.quote(patch)}"


def _describe(ref: Consumer) -> str:
    place = f"{ref['namespace']}/" if ref["namespace"] else ""
    return f"{ref['cluster']} {ref['kind']} {place}{ref['name']}"


def _names(ref: Consumer) -> list[str]:
    """The way to the field. The keys of a ConfigMap may have dots in them."""
    return ref["field"].split(".", 1) if ref["kind"] == "ConfigMap" else ref["field"].split(".")


def _value(found: Json, names: list[str]) -> str:
    at: object = found
    for name in names:
        at = at.get(name) if isinstance(at, dict) else None
    return at if isinstance(at, str) else ""


def _at(names: list[str], value: str) -> Json:
    inner: Json | str = value
    for name in reversed(names):
        inner = {name: inner}
    return dict(inner) if isinstance(inner, dict) else {}
